"""Putting exchanges together from the pieces that a text shows: start lines, fields, body bytes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tracer.model.http import Body, Exchange, Headers, Request, Response, Timing
from tracer.transport.conversation import Context, Sink

from .message import codings_of, dechunked, target_of, value_of, version_of

REQUEST_LINE = re.compile(rb"([A-Za-z][A-Za-z0-9_-]{0,24}) (\S.*?) (HTTP/\d(?:\.\d)?)\s*$")
STATUS_LINE = re.compile(rb"(HTTP/\d(?:\.\d)?) (\d{3})(?: (.*?))?\s*$")
_MOST = 64 << 20
_LONGEST = 64 << 10
_BROKEN = 56
"""characters of a field from which on its line may have been too long for a mail or a ticket"""


def _number(digits: str, without: int | None) -> int | None:
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 16 else without


@dataclass(slots=True)
class Place:
    """What is known of the connection that the next exchange runs on."""

    server: str | None = None
    client: str | None = None
    scheme: str | None = None
    connection: str | None = None
    tls: str | None = None
    tunnel: str | None = None
    stream: int | None = None


@dataclass(slots=True)
class _Half:
    line: bytes
    fields: list[tuple[bytes, bytes]] = field(default_factory=list)
    head: bytearray = field(default_factory=bytearray)
    body: bytearray = field(default_factory=bytearray)
    done: bool = False
    length: int | None = None
    """bytes of body, once the head is done and says it"""
    seen_ns: int | None = None

    @property
    def headers(self) -> Headers:
        return tuple(self.fields)


class Assembler:
    """Builds one exchange at a time and reports it when the next begins, or at `flush`."""

    def __init__(self, context: Context, sink: Sink) -> None:
        self.count = 0
        """exchanges begun so far"""
        self.place = Place()
        self.note = ""
        """what the tool said when it failed: becomes the comment of the current exchange"""
        self.extra: dict[str, str] = {}
        self.lossy = False
        """body bytes come as shown, not as sent"""
        self.id: str | None = None
        """id of the current exchange"""
        self._context = context
        self._sink = sink
        self._request: _Half | None = None
        self._response: _Half | None = None
        self._interim: list[_Half] = []
        self._place = Place()
        self._end_ns: int | None = None

    @property
    def active(self) -> bool:
        """An exchange is being put together."""
        return self._request is not None or self._response is not None

    @property
    def waiting(self) -> bool:
        """The current exchange has a request and no final response yet."""
        return self._request is not None and self._response is None

    @property
    def status(self) -> int | None:
        """Status of the current exchange's response."""
        found = STATUS_LINE.match(self._response.line) if self._response else None
        return int(found[2]) if found else None

    @property
    def location(self) -> str | None:
        """Where the current exchange's response leads, when it redirects."""
        if self._response is None or self.status not in (301, 302, 303, 307, 308):
            return None
        return value_of(self._response.headers, b"location") or None

    @property
    def connecting(self) -> bool:
        """The current exchange is a CONNECT."""
        return self._method == b"CONNECT"

    @property
    def empty(self) -> bool:
        """The current response has no body bytes yet."""
        return self._response is not None and not self._response.body

    def request(self, line: bytes, time_ns: int | None = None) -> None:
        """A request line: a new exchange."""
        self.flush()
        self._begin()
        self._request = _Half(line, seen_ns=time_ns)
        self._request.head += line + b"\r\n"

    def response(self, line: bytes, time_ns: int | None = None) -> None:
        """A status line: the answer to the current request, or one whose request is not shown."""
        if self._response is not None:
            status = self.status or 0
            if 100 <= status < 200 and status != 101:
                self._interim.append(self._response)
                self._response = None
            else:
                self.flush()
        if not self.active:
            self._begin()
        self._response = _Half(line, seen_ns=time_ns)
        self._response.head += line + b"\r\n"

    def _begin(self) -> None:
        self.count += 1
        self.id = self._context.new_id("e", self.count)
        self._place = self.place

    def field(self, line: bytes, out: bool) -> None:
        """One field line; a line that begins with white space continues the one before (obs-fold)."""
        half = self._half(out)
        if half is None or half.done:
            return
        half.head += line + b"\r\n"
        name, colon, value = line.partition(b":")
        if line[:1] in (b" ", b"\t") and half.fields:
            name, value = half.fields[-1]
            if len(value) < _LONGEST:
                half.fields[-1] = (name, value + b" " + line.strip())
        elif colon and name.strip():
            half.fields.append((name.strip(), value.strip()))
        elif line.startswith(b":") and (cut := line.find(b":", 1)) > 0:  # a pseudo-header field
            half.fields.append((line[:cut], line[cut + 1 :].strip()))

    def wrapped(self, line: bytes, out: bool) -> None:
        """The rest of a field that a mail or a ticket broke: at a space, or inside of a word that is too long."""
        half = self._half(out)
        if half is None or half.done or not half.fields:
            return
        name, value = half.fields[-1]
        if _BROKEN <= len(name) + len(value) < _LONGEST:
            inside = len(value.rpartition(b" ")[2]) >= _BROKEN // 2
            half.fields[-1] = (name, value + (b"" if inside else b" ") + line.strip())

    def end_of_head(self, out: bool) -> None:
        """The empty line after the fields."""
        half = self._half(out)
        if half is not None and not half.done:
            half.head += b"\r\n"
            half.done = True
            half.length = self._announced(half, out)

    def data(self, data: bytes, out: bool, time_ns: int | None = None) -> None:
        """Body bytes, as they come."""
        half = self._half(out)
        if half is not None and len(half.body) < _MOST:
            half.body += data
        if time_ns is not None and not out:
            self._end_ns = time_ns

    def text_line(self, line: bytes, out: bool) -> None:
        """One line of a body that is shown as text; the empty lines around it are the tool's."""
        half = self._half(out)
        if half is not None and (half.body or line) and len(half.body) < _MOST:
            half.body += (b"\n" if half.body else b"") + line

    def remaining(self, out: bool) -> int | None:
        """Body bytes still to come; None when nothing says how many."""
        half = self._half(out)
        if half is None:
            return 0
        return None if half.length is None else max(half.length - len(half.body), 0)

    def _announced(self, half: _Half, out: bool) -> int | None:
        """RFC 9112 section 6.3, as far as a text can follow it."""
        status = self.status or 0
        if not out and (status in (204, 304) or status < 200 or self._method == b"HEAD"):
            return 0
        if value_of(half.headers, b"transfer-encoding"):
            return None
        return _number(value_of(half.headers, b"content-length"), 0 if out else None)

    @property
    def _method(self) -> bytes:
        found = REQUEST_LINE.match(self._request.line) if self._request else None
        return found[1] if found else b""

    def _half(self, out: bool) -> _Half | None:
        return self._request if out else self._response

    def flush(self) -> None:
        """Report the current exchange, if any, with whatever it has."""
        if self.active:
            self._sink.exchange(self._exchange())
        self._request = self._response = None
        self._interim, self.note, self.extra = [], "", {}
        self._end_ns = None

    def _exchange(self) -> Exchange:
        request = self._make_request() if self._request else None
        response = self._make_response(self._response) if self._response else None
        asked, answered = self._request, self._response
        place = self._place
        return Exchange(
            id=self.id or "",
            source=self._context.source,
            protocol=(request.version if request else response.version if response else ""),
            client=place.client,
            server=place.server,
            connection=place.connection,
            tls=place.tls if self._method != b"CONNECT" else None,
            stream=place.stream,
            tunnel=place.tunnel,
            request=request,
            interim=tuple(self._make_response(half) for half in self._interim),
            response=response,
            timing=Timing(
                start_ns=asked.seen_ns if asked else None,
                response_start_ns=answered.seen_ns if answered else None,
                end_ns=self._end_ns,
            ),
            aborted=self.note if self.note and response is None else None,
            comment=self.note,
            extra=self.extra,
        )

    def _make_request(self) -> Request:
        assert self._request is not None
        half, place = self._request, self._place
        found = REQUEST_LINE.match(half.line)
        method, target, version = (g.decode("utf-8", "replace") for g in found.groups()) if found else ("", "", "")
        version = version_of(version)
        scheme, authority, path = target_of(method, target)
        host = value_of(half.headers, b"host") or value_of(half.headers, b":authority")
        url = target
        if authority is None and method != "CONNECT" and host and place.scheme and target.startswith(("/", "*")):
            url = f"{place.scheme}://{host}{'' if target == '*' else target}"
            scheme, path = place.scheme, target
        return Request(
            method=method,
            target=target if authority is None or method == "CONNECT" else path,
            scheme=scheme,
            authority=authority or (host if version in ("HTTP/2", "HTTP/3") else None),
            url=url,
            version=version,
            headers=tuple(h for h in half.headers if not h[0].startswith(b":")),
            body=self._body(half),
            head=bytes(half.head) if version.startswith("HTTP/1") else b"",
            packet=self.count,
        )

    def _make_response(self, half: _Half) -> Response:
        found = STATUS_LINE.match(half.line)
        version = version_of(found[1].decode()) if found else ""
        return Response(
            status=int(found[2]) if found else 0,
            reason=(found[3] or b"").decode("utf-8", "replace") if found else "",
            version=version,
            headers=half.headers,
            body=self._body(half),
            head=bytes(half.head) if version.startswith("HTTP/1") else b"",
            packet=self.count,
        )

    def _body(self, half: _Half) -> Body:
        data = bytes(half.body)
        complete = half.done and half.length in (None, len(data))
        if b"chunked" in value_of(half.headers, b"transfer-encoding").lower().encode():
            data = dechunked(data)
        if data and self.lossy:
            complete = False
            data = data.rstrip(b"\n")
        return Body(size=len(data), data=data, complete=complete, codings=codings_of(half.headers, data))
