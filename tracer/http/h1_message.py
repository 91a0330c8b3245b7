"""One HTTP/1 message: how its body is framed, and the value it becomes."""

from __future__ import annotations

import re
from typing import NamedTuple

from tracer.model.http import Body, Headers, Request, Response, text
from tracer.transport.stream import Mark, Stream

from .h1_body import ByLength, Chunked, codings_of
from .h1_head import RequestLine, StatusLine, split_head, values_of
from .h1_scan import CHUNKED, UNTIL_CLOSE, Scan

BodyReader = ByLength | Chunked


class Incoming:
    """A message whose body is being passed over."""

    __slots__ = ("body", "end", "fields", "head", "line", "odd", "start")

    def __init__(self, line: RequestLine | StatusLine, fields: Headers, head: bytes, start: Mark) -> None:
        self.line = line
        self.fields = fields
        self.head = head
        self.start = start
        self.end = start
        self.body: BodyReader | None = None
        self.odd: list[tuple[str, str, str]] = []
        """(code, text, reference)"""

    @property
    def status(self) -> int:
        """0 for a request."""
        return self.line.status if isinstance(self.line, StatusLine) else 0

    @property
    def size(self) -> int:
        """Bytes of body so far, framing removed."""
        return self.body.collector.size if self.body is not None else 0


def scanned(stream: Stream, scan: Scan) -> Incoming | None:
    """The message whose plain head stands at the front in one segment, with no more fields than a listing shows and a
    body that is counted; the head is read off the stream."""
    here = stream.segment()
    head = scan(*here[:3]) if here is not None else None
    if here is None or head is None:
        return None
    stream.jump(stream.pos + head.length)
    if head.status:
        line: RequestLine | StatusLine = StatusLine(head.version, head.status, head.word)
    else:
        line = RequestLine(head.word, head.target, head.version)
    name = b"content-type" if head.status else b"host"
    message = Incoming(line, ((name, head.field),) if head.field else (), b"", here[3])
    length = None if head.body == UNTIL_CLOSE else head.body
    message.body = Chunked(counts=True) if head.body == CHUNKED else ByLength(length, counts=True)
    return message


def request_body(message: Incoming, counts: bool) -> BodyReader:
    """How long a request's body is (RFC 9112 section 6.3, rules 4 to 6); `counts`: its bytes are not kept."""
    return _framed(message, counts) or ByLength(0)


def response_body(message: Incoming, method: bytes, counts: bool) -> BodyReader:
    """How long a response's body is (RFC 9112 section 6.3); `counts`: its bytes are not kept."""
    assert isinstance(message.line, StatusLine)
    if method == b"HEAD" or message.line.status in (204, 304):
        return ByLength(0)
    return _framed(message, counts) or ByLength(None, counts)


def _framed(message: Incoming, counts: bool) -> BodyReader | None:
    """Chunked before length; what contradicts itself is noted."""
    told = values_of(message.fields, b"content-length")
    lengths = set(told)
    coding = b",".join(values_of(message.fields, b"transfer-encoding")).lower()
    if b"chunked" in coding:
        if lengths:
            _note(message, "http.conflicting-framing", "both Transfer-Encoding and Content-Length", "6.3")
        return Chunked(counts)
    lengths = {part.strip() for value in lengths for part in value.split(b",")}
    if len(lengths) > 1:
        _note(message, "http.conflicting-length", "Content-Length fields that disagree; the first one was taken", "6.3")
    for value in told:
        first = value.split(b",")[0].strip()
        if first.isdigit() and len(first) < 19:
            return ByLength(int(first), counts)
        _note(message, "http.bad-length", "a Content-Length that is no number", "6.3")
    return None


def _note(message: Incoming, code: str, what: str, section: str) -> None:
    message.odd.append((code, what, f"RFC 9112 section {section}"))


def wants_upgrade(fields: Headers) -> bool:
    """The client asks to speak something else from here on (RFC 9110 section 7.8)."""
    named = any(b"upgrade" in value.lower() for value in values_of(fields, b"connection"))
    return named and bool(values_of(fields, b"upgrade"))


def body_of(message: Incoming) -> Body:
    """What was collected of the body."""
    if message.body is None:
        return Body()
    return message.body.collector.body(message.body.whole, codings_of(message.fields))


class Addressed(NamedTuple):
    """Whom a request is for."""

    target: str
    host: str
    """Host field"""
    authority: str | None
    url: str


_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)")


def addressed(message: Incoming, scheme: str) -> Addressed:
    """The URL made absolute from target, Host and scheme (RFC 9112 section 3.3)."""
    assert isinstance(message.line, RequestLine)
    target = text(message.line.target)
    host = next(map(text, values_of(message.fields, b"host")), "")
    if message.line.method == b"CONNECT":
        target = target.split(" ")[0]
        return Addressed(target, host, target, target)
    if target[:1] != "/" and (absolute := _ABSOLUTE.match(target)):
        return Addressed(target, host, absolute[1], target)
    return Addressed(target, host, None, f"{scheme}://{host}{'' if target == '*' else target}" if host else target)


def request_of(message: Incoming, scheme: str) -> Request:
    """The request as a value."""
    assert isinstance(message.line, RequestLine)
    target, _, authority, url = addressed(message, scheme)
    return Request(
        method=text(message.line.method),
        target=target,
        version=text(message.line.version) or "HTTP/0.9",
        scheme=scheme,
        authority=authority,
        url=url,
        headers=message.fields,
        trailers=_trailers(message),
        body=body_of(message),
        head=message.head,
        packet=message.start.packet,
    )


def response_of(message: Incoming, body: Body) -> Response:
    assert isinstance(message.line, StatusLine)
    return Response(
        status=message.line.status,
        reason=text(message.line.reason),
        version=text(message.line.version),
        headers=message.fields,
        trailers=_trailers(message),
        body=body,
        head=message.head,
        packet=message.start.packet,
    )


def _trailers(message: Incoming) -> Headers:
    if not isinstance(message.body, Chunked) or not message.body.trailers:
        return ()
    return split_head(b"x\r\n" + b"\r\n".join(message.body.trailers))[1]
