"""Exchanges -> curl commands that ask the same again, one per exchange, as a shell script.

Nothing from the wire reaches the shell unquoted, no header becomes a file name (`-H @file`, `-d @file`), no URL an
option or a glob. What curl cannot send (a field name that is no token) or a terminal would obey (control characters,
which no field may hold) is left out with a comment.
"""

from __future__ import annotations

import base64
import re
import shlex
from typing import BinaryIO
from urllib.parse import urlsplit

import msgspec

from tracer.model.http import Exchange, Request, text
from tracer.model.tls import Handshake

from .message import target_of
from .writing import Options, Readable, chosen, decoded, one_line

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VERSIONS = {"HTTP/1.0": "--http1.0", "HTTP/1.1": "--http1.1", "HTTP/2": "--http2", "HTTP/3": "--http3"}
_MADE_BY_CURL = frozenset(("content-length", "transfer-encoding", "host", "connection", "proxy-connection"))
_LINE = " \\\n  "


def write(trace: Readable, out: BinaryIO, options: Options) -> None:
    """Write a shell script: each exchange as a comment and a command."""
    out.write(b"#!/bin/sh\n# Written by tracer. Secrets may be replaced by marks: put your own values in.\n")
    for exchange in chosen(trace, options):
        handshake = trace.handshake(exchange.tls) if exchange.tls else None
        out.write(b"\n" + command(trace, exchange, handshake, options).encode("utf-8", "replace"))


def command(trace: Readable, exchange: Exchange, handshake: Handshake | None, options: Options) -> str:
    """The comment lines and the command for one exchange, each ending in a newline."""
    request = exchange.request
    said = str(exchange.response.status) if exchange.response else exchange.aborted or "no answer"
    title = f"# {exchange.id}: {request.method if request else '?'} {request.url if request else ''}"
    lines = [one_line(f"{title} -> {said}")[:300]]
    url = _url(exchange, request) if request else None
    if request is None or url is None:
        return lines[0] + "\n# not repeatable: no absolute URL or no request was captured\n"
    if not _TOKEN.fullmatch(request.method):
        return lines[0] + "\n# not repeatable: the method is not a token\n"
    body = decoded_request(trace, exchange, request, options)
    words = ["curl --verbose --globoff --path-as-is", *_how(exchange, request, handshake, url, body is not None)]
    fields, left_out = _fields(request, url)
    words += fields
    lines += [f"# left out: {one_line(name)[:80]}" for name in left_out]
    before, data = _data(body)
    words += data
    if request.body.size and body is None:
        lines.append("# the request had a body that is not (wholly) known; it is not sent")
    return "\n".join([*lines, before + _LINE.join([*words, f"--url {shlex.quote(url)}"])]) + "\n"


def decoded_request(trace: Readable, exchange: Exchange, request: Request, options: Options) -> bytes | None:
    """The body to send; as it was on the wire, so that Content-Encoding stays true. None when there is none."""
    if not request.body.size:
        return None
    plain = msgspec.structs.replace(request.body, codings=())
    return decoded(trace, exchange, plain, options.body_limit)


def _url(exchange: Exchange, request: Request) -> str | None:
    if request.method == "CONNECT":
        place = request.authority or request.target
        return f"https://{place}/" if re.fullmatch(r"[\[\]\w.:-]+", place) else None
    told, authority, target = target_of(request.method, request.url)
    if not authority and (host := request.get("host")):
        told, authority, target = "https" if exchange.tls else "http", host, request.target
    scheme = {"ws": "http", "wss": "https"}.get(told or "", told or "")
    if scheme not in ("http", "https") or not authority:
        return None
    if not request.url.isprintable() or " " in authority:
        return None
    return f"{scheme}://{authority}{target if target.startswith('/') else '/'}"


def _how(exchange: Exchange, request: Request, handshake: Handshake | None, url: str, has_body: bool) -> list[str]:
    words = []
    if request.method == "CONNECT":
        return ["--proxytunnel", f"--proxy {shlex.quote('http://' + exchange.server)}"] if exchange.server else []
    if request.method == "HEAD":
        words.append("--head")
    elif request.method != ("POST" if has_body else "GET"):
        words.append(f"--request {shlex.quote(request.method)}")
    version = _VERSIONS.get(request.version)
    if version == "--http2" and url.startswith("http:"):
        version = "--http2-prior-knowledge"
    words += [version] if version else []
    words += _where(exchange, url)
    if handshake and handshake.client_cert_requested:
        words += ["--cert client.pem --key client.key"] if handshake.client_cert_sent else []
    return words


def _where(exchange: Exchange, url: str) -> list[str]:
    """Where to connect: the address that was seen, or the proxy of a tunnel."""
    server = exchange.server
    if not server or not re.fullmatch(r"(?:\[[0-9a-fA-F:.]+\]|[0-9.]+):\d{1,5}", server):
        return []
    if exchange.tunnel:
        return [f"--proxy {shlex.quote('http://' + server)}"]
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return []
    ip, _, seen = server.rpartition(":")
    if not host or re.fullmatch(r"[0-9.]+|.*:.*", host):
        return []
    if seen != str(port):
        return [f"--connect-to {shlex.quote(f'{host}:{port}:{server}')}"]
    return [f"--resolve {shlex.quote(f'{host}:{port}:{ip}')}"]


def _fields(request: Request, url: str) -> tuple[list[str], list[str]]:
    """`--header` words, and the names of fields that cannot be sent."""
    words, left_out = [], []
    _, authority, _ = target_of("GET", url)
    names = {n.lower() for n, _ in request.headers}
    for raw_name, raw_value in request.headers:
        name, value = text(raw_name), " ".join(text(raw_value).split("\n"))
        low = name.lower()
        if low == "content-encoding" and not request.body.codings:
            continue  # the recorder undid it
        if low in _MADE_BY_CURL and (low != "host" or value == authority):
            continue
        if not _TOKEN.fullmatch(name) or not value.replace("\t", "").isprintable():
            left_out.append(name)
            continue
        words.append(f"--header {shlex.quote(f'{name}: {value}' if value else f'{name};')}")
    # curl adds its own unless told not to
    words += [f"--header '{name}:'" for name in ("User-Agent", "Accept") if name.lower().encode() not in names]
    if request.body.size and b"content-type" not in names:
        words.append("--header 'Content-Type:'")
    if b"accept-encoding" in names:
        words.append("--compressed")
    return words, left_out


def _data(body: bytes | None) -> tuple[str, list[str]]:
    """What goes before the command, and the words for the body. Bytes that no argument can hold come by a pipe."""
    if body is None:
        return "", []
    try:
        words = body.decode("utf-8")
    except UnicodeDecodeError:
        words = "\0"
    plain = all(c.isprintable() or c in "\n\t" for c in words)
    if plain and not words.startswith("@") and len(body) < 100_000:
        return "", [f"--data-binary {shlex.quote(words)}"]
    encoded = "\n".join(re.findall(".{1,76}", base64.b64encode(body).decode()))
    return f"base64 -d <<'END' |\n{encoded}\nEND\n", ["--data-binary @-"]
