"""A recorded exchange -> what to send: the request byte for byte, and where it went.

Raises CannotAskError with a sentence when the trace does not hold enough of it.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from tracer.formats.message import target_of
from tracer.formats.writing import has_bytes
from tracer.http.h1_head import read_request_line, split_head
from tracer.model.http import Exchange, Headers, Request
from tracer.model.tls import Handshake

LARGEST_BODY = 64 << 20
_PORTS = {"http": 80, "https": 443}
_ADDRESS = re.compile(r"(\[[0-9a-fA-F:.]+\]|[0-9.]+):(\d{1,5})")
_HOST = re.compile(r"[A-Za-z0-9._:\[\]-]+")


TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""a method or the name of a field (RFC 9110 section 5.6.2)"""
BREAKS = re.compile(rb"[\r\n\0]")


class CannotAskError(ValueError):
    """The request cannot be sent again: the text says why."""


class Field(NamedTuple):
    """One header field; HTTP/1 sends the recorded line where there is one."""

    name: bytes
    value: bytes
    line: bytes | None = None
    """as it stood on the wire, without its end; None for a field that was changed or came from elsewhere"""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a request goes: scheme, host and port are who is asked, the address is where that is."""

    scheme: str
    host: str
    """name or address, IPv6 without brackets"""
    port: int
    address: str | None = None
    """`10.0.0.2:443` to connect to; None: whatever the name resolves to"""
    sni: str | None = None
    """name in the TLS handshake, where it was another than the host"""
    proxy: str | None = None
    """address of the HTTP proxy to tunnel through"""
    tunnel: str | None = None
    """`shop.test:443` as the recorded CONNECT named it; None: host and port"""
    proxy_fields: Headers = ()
    """fields of the recorded CONNECT that let the client in"""

    @property
    def name(self) -> str:
        """`shop.test`, `shop.test:8443`, `[::1]`: as in a Host field."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """`https://shop.test:8443`"""
        return f"{self.scheme}://{self.name}"


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """One request to send."""

    method: bytes
    target: bytes
    """as on the request line, or `:path`"""
    version: str
    """`HTTP/1.0`, `HTTP/1.1`, `HTTP/2`"""
    fields: tuple[Field, ...]
    body: bytes = b""
    place: Place
    alpn: tuple[str, ...] = ()
    """protocols to offer in the handshake; none: those that go with the version"""
    tls: str = "usual"
    """name of a TLS fingerprint class"""
    certificate: bool = False
    """show the client certificate that was given"""

    def get(self, name: bytes) -> bytes | None:
        """First value of a field (name in lower case)."""
        return next((f.value for f in self.fields if f.name.lower() == name), None)


def ask_of(trace: Any, exchange: Exchange) -> Ask:
    """What to send to ask this exchange's question again."""
    request = exchange.request
    if request is None:
        raise CannotAskError(f"{exchange.id} has no request: the capture begins after it")
    if request.method == "CONNECT":
        raise CannotAskError(f"{exchange.id} is a CONNECT; give the exchange inside the tunnel")
    target = _target(request)
    if not TOKEN.fullmatch(request.method.encode("utf-8", "surrogatepass")) or BREAKS.search(target):
        raise CannotAskError(f"{exchange.id} has no request line that is one line: it would be more than one request")
    place = _place(trace, exchange, request)
    version = request.version if request.version in ("HTTP/1.0", "HTTP/1.1", "HTTP/2") else "HTTP/2"
    if version == "HTTP/2" and place.scheme == "http" and request.version == "HTTP/3":
        version = "HTTP/1.1"
    return Ask(
        method=request.method.encode(),
        target=target,
        version=version,
        fields=_fields(request, place),
        body=_body(trace, exchange, request),
        place=place,
    )


def ask_handshake(handshake: Handshake) -> Ask:
    """For a handshake that was refused before anything was asked: the root of the site it named."""
    found = _ADDRESS.fullmatch(handshake.server)
    host = handshake.name or (found[1].strip("[]") if found else "")
    if not host:
        raise CannotAskError(f"{handshake.id} names no server")
    place = Place(
        scheme="https", host=host, port=int(found[2]) if found else 443, address=handshake.server if found else None
    )
    fields = (Field(b"Host", place.name.encode()), Field(b"Accept", b"*/*"))
    return Ask(method=b"GET", target=b"/", version="HTTP/1.1", fields=fields, place=place)


def _place(trace: Any, exchange: Exchange, request: Request) -> Place:
    scheme, authority, _ = target_of("GET", request.url)
    scheme = {"ws": "http", "wss": "https"}.get(scheme or "", scheme)
    authority = authority or request.authority or request.get("host")
    scheme = scheme or ("https" if exchange.tls else "http")
    if scheme not in _PORTS or not authority or not _HOST.fullmatch(authority):
        raise CannotAskError(f"{exchange.id} does not say which host it asked")
    try:
        parts = urlsplit(f"{scheme}://{authority}")
        host, port = parts.hostname or "", parts.port or _PORTS[scheme]
    except ValueError:
        raise CannotAskError(f"{exchange.id} does not say which host it asked") from None
    server = exchange.server if exchange.server and _ADDRESS.fullmatch(exchange.server) else None
    handshake = trace.handshake(exchange.tls) if exchange.tls else None
    sni = handshake.name if handshake is not None and handshake.name != host else None
    recorder = "mitm.proxy" in exchange.extra  # the CONNECT was for the recording proxy itself: we do without it
    if recorder and exchange.extra.get("mitm.upstream-proxy"):
        return Place(scheme=scheme, host=host, port=port, sni=sni, proxy=server)
    if recorder or not exchange.tunnel:
        return Place(scheme=scheme, host=host, port=port, address=server, sni=sni)
    outer = trace.exchange(exchange.tunnel)
    fields = outer.request.headers if outer is not None and outer.request is not None else ()
    kept = tuple((n, v) for n, v in fields if n.lower() == b"proxy-authorization")
    far = outer.request.target if outer is not None and outer.request is not None else ""
    end = far if re.fullmatch(r"[A-Za-z0-9._:\[\]-]+:\d{1,5}", far) else None
    return Place(scheme=scheme, host=host, port=port, sni=sni, proxy=server, tunnel=end, proxy_fields=kept)


def _target(request: Request) -> bytes:
    line = read_request_line(request.head.split(b"\n", 1)[0].rstrip(b"\r")) if request.head else None
    if line is not None:
        return line.target
    target = request.target
    if not target.startswith(("/", "*", "http://", "https://")):
        target = target_of(request.method, request.url)[2]
    return target.encode("utf-8", "surrogatepass")


def _fields(request: Request, place: Place) -> tuple[Field, ...]:
    lines = _lines(request)
    decoded = not request.body.codings  # a recorder undid it, so the field is not true any more
    fields = tuple(
        Field(name, value, line)
        for (name, value), line in zip(request.headers, lines, strict=True)
        if not (decoded and request.body.size and name.lower() == b"content-encoding")
    )
    if any(f.name.lower() == b"host" for f in fields) or request.version in ("HTTP/1.0", "HTTP/2", "HTTP/3"):
        return fields
    return (Field(b"Host", place.name.encode()), *fields)


def _lines(request: Request) -> list[bytes | None]:
    """The line of each field; None for those that stood on several, and where the head was not kept."""
    raw = [line.rstrip(b"\r") for line in request.head.split(b"\n")[1:]]
    raw = [line for line in raw if line and line[:1] not in b" \t"]
    if len(raw) != len(request.headers):
        return [None] * len(request.headers)
    own = [split_head(b"\n" + line)[1] for line in raw]
    return [line if (field,) == alone else None for line, field, alone in zip(raw, request.headers, own, strict=True)]


def _body(trace: Any, exchange: Exchange, request: Request) -> bytes:
    body = request.body
    if not body.size:
        return b""
    if not body.complete or not has_bytes(body):
        raise CannotAskError(f"the body of {exchange.id} was not captured whole; give one with --body")
    if body.size > LARGEST_BODY:
        raise CannotAskError(f"the body of {exchange.id} has {body.size} bytes, more than is sent again")
    data: bytes = trace.content(exchange.source, body)
    return data
