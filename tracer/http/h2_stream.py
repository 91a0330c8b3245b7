"""One HTTP/2 or HTTP/3 stream on its way to becoming an exchange."""

from __future__ import annotations

from typing import NamedTuple

from tracer.model.http import Body, Event, Exchange, Headers, Request, Response, Timing, text
from tracer.model.problem import Problem, Severity
from tracer.model.row import Row
from tracer.transport.conversation import Context
from tracer.transport.stream import Mark

from .h1_body import Collector, codings_of

MOST_INTERIM = 32


class Half:
    """A message of one direction."""

    def __init__(self, counts: bool) -> None:
        self.headers: Headers | None = None
        self.trailers: Headers = ()
        self.start: Mark | None = None
        self.end: Mark | None = None
        self.ended = False
        self.collector = Collector(counts)

    def touch(self, mark: Mark) -> None:
        self.start = self.start or mark
        self.end = mark

    def body(self) -> Body:
        """Whole when it ended, or when nothing says that more was to come before the capture's end."""
        headers = self.headers or ()
        complete = self.ended or not any(n == b"content-length" for n, _ in headers)
        return self.collector.body(complete, codings_of(headers))


class H2Stream:
    """A numbered stream."""

    def __init__(self, number: int, context: Context, first: Mark, protocol: str = "HTTP/2") -> None:
        self.number = number
        self.context = context
        self.protocol = protocol
        self.id = context.new_id("e", first.packet)
        self.request = Half(context.brief)
        self.response = Half(context.brief)
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
        elif not client and not ended and (status := status_of(fields)) is not None and 100 <= status < 200:
            if len(self.interim) < MOST_INTERIM:
                self.interim.append(_response(self.protocol, fields, Body(), (), mark))
            elif all(p.code != "http.many-interim" for p in self.problems):
                what = f"more than {MOST_INTERIM} interim responses: the later ones are not kept"
                self.note("http.many-interim", what, mark, "RFC 9110 section 15.2")
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

    def row(self) -> Row:
        """The exchange as a listing tells it."""
        context, q, a, asked = self.context, self.request, self.response, self.upgrade
        method = target = url = None
        authority: str | None = None
        if asked is not None:
            method, target, url, authority = asked.method, asked.target, asked.url, asked.get("host") or asked.authority
        elif q.headers is not None:
            asks = addressed(q.headers, context.scheme)
            method, target, url, authority = asks.method, asks.target, asks.url, asks.host or asks.authority
        start = q.start or a.start
        first = q.start if method is not None else a.start if a.headers is not None else None
        order = asked.packet if asked is not None else first.packet if first else 0
        if first is None and asked is None and self.interim:
            order = self.interim[0].packet
        return Row(
            start_ns=start.time_ns if start else 0,
            order=order or 0,
            id=self.id,
            protocol=self.protocol,
            client=context.client,
            server=context.server,
            method=method,
            authority=authority or "",
            target=target,
            url=url,
            status=(status_of(a.headers) or 0) if a.headers is not None else None,
            reason="",
            content_type=content_type(a.headers or ()),
            request_size=None if method is None else asked.body.size if asked is not None else q.collector.size,
            response_size=a.collector.size if a.headers is not None else None,
            request_end_ns=q.end.time_ns if q.end else None,
            response_start_ns=a.start.time_ns if a.start else None,
            end_ns=a.end.time_ns if a.end else None,
            tls=context.tls,
        )

    def _request(self) -> Request | None:
        if self.upgrade is not None:
            return self.upgrade
        half = self.request
        if half.headers is None:
            return None
        method, scheme, authority, _, target, url = addressed(half.headers, self.context.scheme)
        return Request(
            method=method,
            target=target,
            scheme=scheme,
            authority=authority,
            url=url,
            version=self.protocol,
            headers=tuple(f for f in half.headers if not f[0].startswith(b":")),
            trailers=half.trailers,
            body=half.body(),
            packet=half.start.packet if half.start else None,
        )


class Addressed(NamedTuple):
    """What is asked, of whom."""

    method: str
    scheme: str
    authority: str | None
    host: str | None
    """Host field"""
    target: str
    url: str


def addressed(fields: Headers, scheme: str) -> Addressed:
    """Pseudo-header fields (RFC 9113 section 8.3.1, RFC 8441 section 4); of those that repeat the first counts."""
    first = dict(reversed(fields))
    method, path = text(first.get(b":method", b"")), text(first.get(b":path", b""))
    authority, host = (text(first[name]) if name in first else None for name in (b":authority", b"host"))
    scheme = text(first[b":scheme"]) if b":scheme" in first else scheme
    authority = authority or host
    if method == "CONNECT" and b":protocol" not in first:
        return Addressed(method, scheme, authority, host, authority or "", authority or "")
    url = f"{scheme}://{authority}{'' if path == '*' else path}" if authority else path
    return Addressed(method, scheme, authority, host, path, url)


def status_of(fields: Headers) -> int | None:
    value = _first(fields, b":status") or b""
    return int(value) if value.isdigit() and len(value) == 3 else None


def content_type(fields: Headers) -> str:
    """The Content-Type of a response; empty without one."""
    return next((text(v) for n, v in fields if n.lower() == b"content-type"), "")


def _first(fields: Headers, name: bytes) -> bytes | None:
    """The first value of a field whose name is in lower case, as HTTP/2 has them (RFC 9113 section 8.2)."""
    for one, value in fields:
        if one == name:
            return value
    return None


def _response(protocol: str, fields: Headers, body: Body, trailers: Headers, mark: Mark | None) -> Response:
    return Response(
        status=status_of(fields) or 0,
        version=protocol,
        headers=tuple(f for f in fields if not f[0].startswith(b":")),
        trailers=trailers,
        body=body,
        packet=mark.packet if mark else None,
    )
