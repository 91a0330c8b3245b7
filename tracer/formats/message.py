"""Requests and responses from parts that other programs wrote down: names, versions, URLs, bodies made ours."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import urlsplit

from tracer.model.http import Body, Headers, Request, Response

_VERSION = re.compile(r"^\s*(?:https?|h|spdy|quic)?[/ ]?(\d)(?:\.(\d))?", re.IGNORECASE)
_MAGIC = {
    "gzip": (b"\x1f\x8b",),
    "x-gzip": (b"\x1f\x8b",),
    "zstd": (b"\x28\xb5\x2f\xfd",),
    "deflate": (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda"),
}
_CHUNK = re.compile(rb"([0-9a-fA-F]{1,8})[ \t]*(?:;[^\r\n]*)?\r\n")
_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


def to_bytes(value: str) -> bytes:
    """UTF-8 bytes; a lone surrogate, which only JSON can hold, as the three bytes it would take."""
    return value.encode("utf-8", "surrogatepass")


@lru_cache(64)
def version_of(spelling: str) -> str:
    """`HTTP/1.1`, `HTTP/2`, …, from any of the spellings in use (`h2`, `http/2.0`, `H3`); "" when it says none."""
    low = spelling.strip().lower()
    if low.startswith(("quic", "http/2+quic")):
        return "HTTP/3"
    if low.startswith("spdy"):
        return ""
    found = _VERSION.match(low)
    if not found or (low[:1].isdigit() is False and not low.startswith("h")):
        return ""
    major, minor = found[1], found[2] or "0"
    if major in "23":
        return f"HTTP/{major}"
    return f"HTTP/{major}.{minor}" if major in "01" else ""


def address(host: str | None, port: int | None) -> str | None:
    """`10.0.0.1:443` or `[::1]:443`; None without both parts."""
    if not host or not port:
        return None
    bare = host.strip("[]")
    return f"[{bare}]:{port}" if ":" in bare else f"{bare}:{port}"


def port_of(url: str) -> int | None:
    """The port a URL leads to, by name or by scheme."""
    try:
        parts = urlsplit(url)
        return parts.port or _DEFAULT_PORTS.get(parts.scheme.lower())
    except ValueError:
        return None


def split_pseudo(headers: Headers) -> tuple[dict[str, str], Headers]:
    """Pseudo-header fields (RFC 9113 section 8.3) by name, and the other fields."""
    pseudo = {n.decode("latin-1").lower(): v.decode("utf-8", "replace") for n, v in headers if n.startswith(b":")}
    return pseudo, (tuple(h for h in headers if not h[0].startswith(b":")) if pseudo else headers)


def target_of(method: str, url: str) -> tuple[str | None, str | None, str]:
    """Scheme, authority and request target that a URL stands for; a target alone gives no scheme and authority."""
    scheme, mark, rest = url.partition("://")
    if not mark or not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*", scheme):
        return None, None, url
    cut = min((i for i in (rest.find(c) for c in "/?#") if i >= 0), default=len(rest))
    authority, path = rest[:cut].rpartition("@")[2], rest[cut:].partition("#")[0]
    if method == "CONNECT":
        return None, authority, authority
    return scheme.lower(), authority, path if path.startswith("/") else "/" + path


def request_of(method: str, url: str, version: str, headers: Headers, body: Body, packet: int | None = None) -> Request:
    """A Request from what a client-side recorder keeps: an absolute URL and a list of fields."""
    pseudo, fields = split_pseudo(headers)
    method = pseudo.get(":method") or method
    scheme, authority, target = target_of(method, url)
    return Request(
        method=method,
        url=url,
        target=pseudo.get(":path") or target,
        scheme=pseudo.get(":scheme") or scheme,
        authority=pseudo.get(":authority") or (authority if version in ("HTTP/2", "HTTP/3") else None),
        version=version,
        headers=fields,
        body=body,
        packet=packet,
    )


def response_of(
    status: int, reason: str, version: str, headers: Headers, body: Body, packet: int | None = None
) -> Response:
    """A Response from its parts."""
    _, fields = split_pseudo(headers)
    return Response(status=status, reason=reason, version=version, headers=fields, body=body, packet=packet)


def value_of(headers: Headers, name: bytes) -> str:
    """First value of a field (name in lower case), "" without."""
    return next((v.decode("utf-8", "replace") for n, v in headers if n.lower() == name), "")


def codings_of(headers: Headers, data: bytes) -> tuple[str, ...]:
    """Content codings still on `data`: recorders often decode but keep the Content-Encoding field."""
    named = tuple(c.strip().lower() for c in value_of(headers, b"content-encoding").split(",") if c.strip())
    codings = tuple(c for c in named if c != "identity")
    if not codings or not data:
        return ()
    marks = _MAGIC.get(codings[-1])
    if marks:
        return codings if data.startswith(marks) else ()
    return () if _is_text(data) else codings


def _is_text(data: bytes) -> bool:
    head = data[:4096]
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 4:
            return False
    return not any(c < 9 or 14 <= c < 27 for c in head)


def dechunked(data: bytes) -> bytes:
    """The content of a chunked body (RFC 9112 section 7.1); `data` itself where it is none, for many tools unpack."""
    at, parts = 0, list[bytes]()
    while found := _CHUNK.match(data, at):
        size = int(found[1], 16)
        if size == 0:
            return b"".join(parts)
        end = found.end() + size
        if data[end : end + 2] != b"\r\n":
            return data
        parts.append(data[found.end() : end])
        at = end + 2
    return data
