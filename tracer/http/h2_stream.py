"""One HTTP/2 or HTTP/3 stream on its way to becoming an exchange."""

from __future__ import annotations

from tracer.model.http import Body, Event, Exchange, Headers, Request, Response, Timing, text
from tracer.model.problem import Problem, Severity
from tracer.transport.conversation import Context
from tracer.transport.stream import Mark, Taken

from .h1_body import Collector, codings_of

KEPT = 8 << 20
"""bytes of a body kept in memory; more is counted"""
MOST_INTERIM = 32


class Half:
    """A message of one direction."""

    def __init__(self) -> None:
        self.headers: Headers | None = None
        self.trailers: Headers = ()
        self.start: Mark | None = None
        self.end: Mark | None = None
        self.ended = False
        self.collector = Collector()
        self.dropped = 0
        """bytes counted and not kept"""

    def touch(self, mark: Mark) -> None:
        self.start = self.start or mark
        self.end = mark

    def add(self, taken: Taken) -> None:
        if taken.data is not None and self.collector.size > KEPT:
            self.dropped += taken.size
            return
        self.collector.add(taken)

    def body(self) -> Body:
        """Whole when it ended, or when nothing says that more was to come before the capture's end."""
        told = any(n == b"content-length" for n, _ in self.headers or ())
        complete = (self.ended or not told) and not self.dropped
        return self.collector.body(complete, codings_of(self.headers or ()))


class H2Stream:
    """A numbered stream."""

    def __init__(self, number: int, context: Context, first: Mark, protocol: str = "HTTP/2") -> None:
        self.number = number
        self.context = context
        self.protocol = protocol
        self.id = context.new_id("e", first.packet)
        self.request = Half()
        self.response = Half()
        self.interim: list[Response] = []
        self.aborted: str | None = None
        self.pushed = False
        self.upgrade: Request | None = None
        """the HTTP/1.1 request that became stream 1 (RFC 7540 section 3.2)"""
        self.problems: list[Problem] = []
        self.events: tuple[Event, ...] = ()

    @property
    def is_over(self) -> bool:
        return self.aborted is not None or (self.request.ended and self.response.ended)

    def half(self, client: bool) -> Half:
        return self.request if client else self.response

    def take_fields(self, client: bool, fields: Headers, ended: bool, mark: Mark) -> None:
        """A header section: headers, an interim response's headers, or trailers (RFC 9113 section 8.1)."""
        half = self.half(client)
        if half.headers is not None:
            half.trailers = tuple(f for f in fields if not f[0].startswith(b":"))
        elif not client and not ended and (status := _status(fields)) is not None and 100 <= status < 200:
            if len(self.interim) < MOST_INTERIM:
                self.interim.append(_response(self.protocol, fields, Body(), (), mark))
            return
        else:
            half.headers = fields
        half.touch(mark)
        half.ended = half.ended or ended

    def note(self, code: str, what: str, mark: Mark, reference: str, severity: Severity = Severity.NOTE) -> None:
        if len(self.problems) < 8:
            problem = Problem(
                code=code,
                severity=severity,
                text=what,
                source=self.context.source,
                packet=mark.packet,
                reference=reference,
            )
            self.problems.append(problem)

    def build(self) -> Exchange:
        """The exchange, with whatever half of it there is."""
        context, q, a = self.context, self.request, self.response
        marks = [m for half in (q, a) for m in (half.start, half.end) if m]
        return Exchange(
            id=self.id,
            source=context.source,
            protocol=self.protocol,
            client=context.client,
            server=context.server,
            connection=context.connection,
            tls=context.tls,
            tunnel=context.tunnel,
            stream=self.number,
            request=self._request(),
            interim=tuple(self.interim),
            response=_response(self.protocol, a.headers, a.body(), a.trailers, a.start)
            if a.headers is not None
            else None,
            timing=Timing(
                start_ns=q.start.time_ns if q.start else None,
                request_end_ns=q.end.time_ns if q.end else None,
                response_start_ns=a.start.time_ns if a.start else None,
                end_ns=a.end.time_ns if a.end else None,
            ),
            packets=tuple(dict.fromkeys(m.packet for m in marks)),
            pushed=self.pushed,
            events=self.events,
            aborted=self.aborted,
            problems=tuple(self.problems),
        )

    def _request(self) -> Request | None:
        if self.upgrade is not None:
            return self.upgrade
        half = self.request
        if half.headers is None:
            return None
        pseudo = {n: text(v) for n, v in reversed(half.headers) if n.startswith(b":")}
        fields = tuple(f for f in half.headers if not f[0].startswith(b":"))
        method = pseudo.get(b":method", "")
        scheme = pseudo.get(b":scheme", self.context.scheme)
        host = next((text(v) for n, v in fields if n == b"host"), None)
        authority = pseudo.get(b":authority") or host
        path = pseudo.get(b":path", "")
        if method == "CONNECT" and b":protocol" not in pseudo:
            target = url = authority or ""
        else:
            target = path
            url = f"{scheme}://{authority}{'' if path == '*' else path}" if authority else path
        return Request(
            method=method,
            target=target,
            scheme=scheme,
            authority=authority,
            url=url,
            version=self.protocol,
            headers=fields,
            trailers=half.trailers,
            body=half.body(),
            packet=half.start.packet if half.start else None,
        )


def _status(fields: Headers) -> int | None:
    value = next((v for n, v in fields if n == b":status"), b"")
    return int(value) if value.isdigit() and len(value) == 3 else None


def _response(protocol: str, fields: Headers, body: Body, trailers: Headers, mark: Mark | None) -> Response:
    return Response(
        status=_status(fields) or 0,
        version=protocol,
        headers=tuple(f for f in fields if not f[0].startswith(b":")),
        trailers=trailers,
        body=body,
        packet=mark.packet if mark else None,
    )
