"""HTTP/1 as two streams of messages, paired into exchanges: a lenient reader, not a server's state machine.

A gap costs the message it hits: the reader goes on at the next segment that starts with a head. Responses are
paired with requests in order (RFC 9112 section 9.3.2); after a gap, order is doubtful, and the times decide:
a response cannot answer a request that came later.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from tracer.model.http import Body, Exchange, Response, Timing, text
from tracer.model.problem import Problem, Severity
from tracer.model.row import Row
from tracer.transport.conversation import Context, Conversation
from tracer.transport.stream import Mark, Stream

from . import detect
from .h1_body import Chunked, Unframed
from .h1_head import (
    RequestLine,
    StatusLine,
    read_request_line,
    read_status_line,
    split_head,
    values_of,
)
from .h1_message import (
    Incoming,
    addressed,
    body_of,
    request_body,
    request_of,
    response_body,
    response_of,
    scanned,
    wants_upgrade,
)
from .h1_scan import Scan, scan_request, scan_response
from .h1_seek import read_head

MOST_INTERIM = 32
MANY_INTERIM = (
    "http.many-interim",
    f"more than {MOST_INTERIM} interim responses: the later ones are not kept",
    "RFC 9110 section 15.2",
)


class Pending:
    """A request on its way to becoming an exchange."""

    __slots__ = ("id", "interim", "message", "request_done", "response")

    def __init__(self, id: str, message: Incoming | None) -> None:  # noqa: A002
        self.id = id
        self.message = message
        self.request_done = message is None
        self.interim: list[Response] = []
        self.response: Incoming | None = None


def row_of(pending: Pending, context: Context) -> Row:
    """The exchange as a listing tells it."""
    request, response = pending.message, pending.response
    first = request or response
    host, authority, target, url = "", None, None, None
    if request is not None:
        target, host, authority, url = addressed(request, context.scheme)
    asked, said = request and request.line, response and response.line
    assert asked is None or isinstance(asked, RequestLine)
    assert said is None or isinstance(said, StatusLine)
    versions = [line.version or b"HTTP/0.9" for line in (asked, said) if line]
    return Row(
        start_ns=first.start.time_ns if first else 0,
        order=first.start.packet if first else pending.interim[0].packet or 0 if pending.interim else 0,
        id=pending.id,
        protocol=text(min(versions, default=b"HTTP/1.1")),
        client=context.client,
        server=context.server,
        method=text(asked.method) if asked else None,
        authority=host or authority or "",
        target=target,
        url=url,
        status=said.status if said else None,
        reason=text(said.reason) if said else "",
        content_type=next(map(text, values_of(response.fields, b"content-type")), "") if response else "",
        request_size=request.size if request else None,
        response_size=response.size if response else None,
        request_end_ns=request.end.time_ns if request else None,
        response_start_ns=response.start.time_ns if response else None,
        end_ns=response.end.time_ns if response else None,
        tls=context.tls,
    )


class H1Conversation:
    """Both directions of an HTTP/1 connection."""

    def __init__(self, context: Context, client: Stream, server: Stream) -> None:
        self.context = context
        self.client = client
        self.server = server
        self.waiting: deque[Pending] = deque()
        """requests without a whole response, oldest first"""
        self.sending: Pending | None = None
        """the request whose body is being read"""
        self.answering: Pending | None = None
        """the exchange whose response body is being read"""
        self.hold: Pending | None = None
        """CONNECT or Upgrade: the client's bytes mean nothing until it is answered"""
        self.inner: Conversation | None = None
        self.lost = False
        """bytes of the server were lost: order alone does not pair any more"""

    # -- the loop

    def advance(self) -> None:
        while self.inner is None:
            while self._read_client():
                pass  # all requests first: which of them a response can answer is told by their times
            if not self._read_server():
                break
        if self.inner is not None:
            self.inner.advance()
        elif self.client.closed and self.server.closed:
            self._finish()
        else:
            self.client.release()
            self.server.release()

    def _finish(self) -> None:
        if self.sending is not None:
            self._end_request(self.sending)
        if self.answering is not None:
            self._end_response(self.answering)
        while self.waiting:
            pending = self.waiting.popleft()
            if pending.message:
                self._report(pending)

    def _head(
        self, stream: Stream, scan: Scan, read_line: Callable[[bytes, bool], RequestLine | StatusLine | None]
    ) -> Incoming | None:
        """A message as far as its head tells; None when more bytes are needed. A listing needs less of a plain one."""
        if self.context.brief and (plain := scanned(stream, scan)):
            return plain
        found: tuple[RequestLine | StatusLine, bytes, Mark, bool] | None = read_head(stream, read_line)
        if found is None:
            return None
        line, head, start, whole = found
        _, fields, odd = split_head(head, cut=not whole)
        message = Incoming(line, fields, head, start)
        message.odd = _oddities(odd, whole)
        if not whole:
            message.body = Unframed()
        return message

    # -- requests

    def _read_client(self) -> bool:
        before = self.client.pos
        if self.sending is not None:
            self._advance_request(self.sending)
        elif self.hold is None:
            self._start_request()
        return self.client.pos != before

    def _advance_request(self, pending: Pending) -> None:
        assert pending.message is not None
        assert pending.message.body is not None
        if pending.message.body.advance(self.client):
            self._end_request(pending)

    def _start_request(self) -> None:
        message = self._head(self.client, scan_request, read_request_line)
        if message is None:
            return
        pending = Pending(self.context.new_id("e", message.start.packet), message)
        self.waiting.append(pending)
        if message.body is None:
            message.body = request_body(message, self.context.brief)
        if message.line[0] == b"CONNECT" or wants_upgrade(message.fields):
            self.hold = pending
        self.sending = pending
        self._advance_request(pending)

    def _end_request(self, pending: Pending) -> None:
        assert pending.message is not None
        pending.message.end = self.client.completed(max(0, self.client.pos - 1))
        pending.request_done = True
        self.sending = None
        if pending.response is not None and self.answering is not pending and pending not in self.waiting:
            self._report(pending)

    # -- responses

    def _read_server(self) -> bool:
        before = self.server.pos
        if self.answering is not None:
            self._advance_response(self.answering)
        else:
            self._start_response()
        return self.server.pos != before

    def _start_response(self) -> None:
        if self.client.waiting and not self.waiting and not self.client.closed:
            return  # the request may be behind a hole that is still filled
        if self.server.at_gap:
            self.lost = True
        message = self._head(self.server, scan_response, read_status_line)
        if message is None:
            return
        status = message.status
        message.end = self.server.completed(self.server.pos - 1)
        pending = self._match(message.start)
        if status < 200 and status != 101:
            if len(pending.interim) < MOST_INTERIM:
                pending.interim.append(response_of(message, Body()))
            elif pending.message is not None and MANY_INTERIM not in pending.message.odd:
                pending.message.odd.append(MANY_INTERIM)
            self.waiting.appendleft(pending)
            return
        pending.response = message
        method = pending.message.line.method if pending.message else b""  # type: ignore[union-attr]
        if self._switches(pending, status, method):
            return
        if message.body is None or method == b"HEAD":
            message.body = response_body(message, method, self.context.brief)
        self.answering = pending
        self._advance_response(pending)

    def _match(self, start: Mark) -> Pending:
        """The request that this response answers; a new one without request when none can be it."""
        while self.waiting:
            first = self.waiting[0]
            if first.message is not None and first.message.start.packet > start.packet:
                break
            self.waiting.popleft()
            if self.lost and self.waiting and self._before(self.waiting[0], start):
                self._report(first)
                continue
            self.lost = False
            return first
        self.lost = False
        return Pending(self.context.new_id("e", start.packet), None)

    @staticmethod
    def _before(pending: Pending, start: Mark) -> bool:
        return pending.message is None or pending.message.start.packet < start.packet

    def _switches(self, pending: Pending, status: int, method: bytes) -> bool:
        """Start the inner conversation when this response turns the connection into something else."""
        if pending is self.hold:
            self.hold = None
        assert pending.response is not None
        if method == b"CONNECT" and 200 <= status < 300:
            self._report(pending)
            inner = self.context.inner(tunnel=pending.id, scheme="http")
            self.inner = detect.conversation(inner, self.client, self.server)
            return True
        if status != 101:
            return False
        protocol = next((v for n, v in pending.response.fields if n.lower() == b"upgrade"), b"").lower()
        exchange = self._build(pending)
        if exchange.request is None:
            self.context.sink.exchange(exchange)  # no request to be continued by the next protocol's first answer
        self.inner = detect.upgraded(protocol.decode("latin-1"), self.context, self.client, self.server, exchange)
        if self.inner is None:
            self.context.sink.exchange(exchange)
            self.inner = detect.Opaque(self.context, self.client, self.server)
        return True

    def _advance_response(self, pending: Pending) -> None:
        assert pending.response is not None
        assert pending.response.body is not None
        if pending.response.body.advance(self.server):
            self._end_response(pending)

    def _end_response(self, pending: Pending) -> None:
        assert pending.response is not None
        pending.response.end = self.server.completed(max(0, self.server.pos - 1))
        self.answering = None
        if isinstance(pending.response.body, Chunked) and pending.response.body.broken:
            self.lost = True
        if pending.request_done:
            self._report(pending)

    # -- exchanges

    def _report(self, pending: Pending) -> None:
        if self.context.rows is not None:
            self.context.rows(row_of(pending, self.context))
        else:
            self.context.sink.exchange(self._build(pending))

    def _build(self, pending: Pending) -> Exchange:
        context, request, response = self.context, pending.message, pending.response
        problems = [self._problem(m, odd) for m in (request, response) if m for odd in m.odd]
        problems += [
            self._problem(m, ("http.chunk", m.body.broken, "RFC 9112 section 7.1"))
            for m in (request, response)
            if m and isinstance(m.body, Chunked) and m.body.broken
        ]
        marks = [m for i in (request, response) if i for m in (i.start, i.end)]
        versions = [m.line.version or b"HTTP/0.9" for m in (request, response) if m]
        version = min(versions, default=b"HTTP/1.1")
        return Exchange(
            id=pending.id,
            source=context.source,
            protocol=text(version),
            client=context.client,
            server=context.server,
            connection=context.connection,
            tls=context.tls,
            tunnel=context.tunnel,
            request=request_of(request, context.scheme) if request else None,
            interim=tuple(pending.interim),
            response=response_of(response, body_of(response)) if response else None,
            timing=Timing(
                start_ns=request.start.time_ns if request else None,
                request_end_ns=request.end.time_ns if request else None,
                response_start_ns=response.start.time_ns if response else None,
                end_ns=response.end.time_ns if response else None,
            ),
            packets=tuple(dict.fromkeys(m.packet for m in marks)),
            problems=tuple(problems),
        )

    def _problem(self, message: Incoming, odd: tuple[str, str, str]) -> Problem:
        return Problem(
            code=odd[0],
            severity=Severity.NOTE,
            text=odd[1],
            source=self.context.source,
            packet=message.start.packet,
            reference=odd[2],
        )


# -- messages


def _oddities(fields: list[str], whole: bool) -> list[tuple[str, str, str]]:
    """(code, text, reference) of what is odd about a head."""
    odd = [("http.odd-field", text, "RFC 9112 section 5") for text in fields[:4]]
    if not whole:
        odd.append(("http.head-cut", "the head is there only in part: what came last may be cut", "RFC 9112 section 8"))
    return odd
