"""What a denial is known by in servers' logs: when, who, what was asked, ids."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tracer.model.connection import Connection
from tracer.model.http import Exchange, Message
from tracer.model.log import LogLine
from tracer.model.tls import Handshake

from .columns import host_of
from .exchanges import ById
from .vantage import Hops, client_of, server_of

_IDENTIFIES = re.compile(r"(?i)(^|-)id$|trace|ray|request-?id|correlation|unique|^x-b3|span|^x-amz")
_TOKEN = re.compile(r"[\w@+.=-]{8,80}")
_AROUND = re.compile(r"^[\"'<>().:]+|[\"'<>().:]+$")
PERHAPS = 10_000
_BODY = 16_384
"""characters of a page that are searched for ids"""


@dataclass(slots=True)
class Subject:
    """One denial (or refused handshake), all hops that were captured taken together."""

    id: str
    start_ns: int | None
    end_ns: int | None
    method: str | None = None
    paths: frozenset[str] = frozenset()
    queries: frozenset[str] = frozenset()
    statuses: frozenset[int] = frozenset()
    hosts: frozenset[str] = frozenset()
    """names that were asked for"""
    clients: frozenset[tuple[str, int | None]] = frozenset()
    """(host, port) of whoever sent it, at every captured hop"""
    known: set[str] = field(default_factory=set)
    """addresses of clients and servers on its way, without ports"""
    tokens: set[str] = field(default_factory=set)
    """what may be an id of this very request"""
    sizes: frozenset[int] = frozenset()
    agent: str | None = None

    def learn(self, entry: LogLine, *, ids: bool) -> bool:
        """Take over what an entry of this denial adds: ids, addresses of its hops; True when it was news."""
        hosts = {split(address)[0] for address in (entry.client, entry.server, entry.upstream) if address} - {""}
        named = {i for i in entry.ids if ids and len(i) >= 8}
        news = not (hosts <= self.known and named <= self.tokens)
        self.known |= hosts
        self.tokens |= named
        return news

    @property
    def tls(self) -> bool:
        """A handshake, not a request."""
        return not self.statuses


class View(Protocol):
    """What of the correlator's view is needed."""

    hops: Hops

    @property
    def connections(self) -> ById[Connection]: ...
    @property
    def denials(self) -> Iterable[Exchange]: ...
    @property
    def refusals(self) -> Sequence[tuple[Handshake, object]]: ...
    def body(self, exchange: Exchange) -> str: ...


def subjects(view: View) -> Iterator[Subject]:
    """Every denial and every refused handshake, as logs know them."""
    for exchange in view.denials:
        yield subject(exchange, view.hops.deeper(exchange), view.connections, view.body(exchange))
    for handshake, _ in view.refusals:
        yield handshake_subject(handshake, handshake.server or "")


def subject(seen: Exchange, copies: Sequence[Exchange], connections: ById[Connection], body: str) -> Subject:
    """The denial as its client saw it, and its deeper copies; `body` is the page's text."""
    every = [seen, *copies]
    requests = [e.request for e in every if e.request is not None]
    responses = [e.response for e in every if e.response is not None]
    clients = frozenset(split(client_of(e)) for e in every)
    known = {host for host, _ in clients} | {split(server_of(e))[0] for e in every}
    known |= {a for r in requests for a in _forwarded_for(r)}
    announced = (c.announced for e in every if e.connection and (c := connections.get(e.connection)))
    known |= {split(a.partition(">")[0])[0] for a in announced if a}
    targets = [r.target for r in requests] + [r.url for r in requests]
    return Subject(
        id=seen.id,
        start_ns=seen.timing.start_ns,
        end_ns=seen.timing.end_ns or seen.timing.response_start_ns or seen.timing.start_ns,
        method=requests[0].method if requests else None,
        paths=frozenset(path_of(t) for t in targets),
        queries=frozenset(t.partition("?")[2].partition("#")[0] for t in targets if "?" in t),
        statuses=frozenset(r.status for r in responses),
        hosts=frozenset(name_of(h) for r in requests for h in (r.authority, r.get("host")) if h),
        clients=clients,
        known=known - {""},
        tokens=set(tokens([*requests, *responses], body)),
        sizes=frozenset(r.body.size for r in responses if r.body.size),
        agent=requests[0].get("user-agent") if requests else None,
    )


def handshake_subject(handshake: Handshake, server: str) -> Subject:
    """A refused handshake."""
    client = split(handshake.client)
    return Subject(
        id=handshake.id,
        start_ns=handshake.start_ns,
        end_ns=handshake.end_ns or handshake.start_ns,
        hosts=frozenset({name_of(handshake.name)} if handshake.name else ()),
        clients=frozenset({client}),
        known={client[0], host_of(server).strip("[]")} - {""},
    )


def split(address: str | None) -> tuple[str, int | None]:
    """(host without brackets, port)."""
    if not address:
        return "", None
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        return address.strip("[]"), None
    return host.strip("[]"), int(port)


def name_of(host: str) -> str:
    """The name without port, in lower case."""
    name, _, port = host.rpartition(":")
    return (name if name and port.isdigit() else host).lower().rstrip(".")


def path_of(target: str) -> str:
    """Path of a target in whatever form."""
    if "://" in target[:16]:
        target = "/" + target.split("://", 1)[1].partition("/")[2]
    return target.partition("?")[0].partition("#")[0]


def last_segment(path: str) -> str:
    """What stands behind the last slash that is not the end."""
    return path.rstrip("/").rpartition("/")[2]


def tokens(messages: Iterable[Message], body: str) -> Iterable[str]:
    """Words that may identify the request: in fields made for that, and in the page."""
    for message in messages:
        for name, value in message.headers:
            if not _IDENTIFIES.search(name.decode("latin-1")):
                continue
            text = value.decode("latin-1")
            yield from ids_in(text)
    yield from (_AROUND.sub("", t) for t in _TOKEN.findall(body[:_BODY]) if any(c.isdigit() for c in t))


def ids_in(text: str) -> Iterable[str]:
    """The value, and the parts of a trace context (W3C traceparent, X-Amzn-Trace-Id, cf-ray with its place)."""
    if len(text) <= 200:
        yield text
    for token in _TOKEN.findall(text):
        yield token
        for part in re.split(r"[=-]", token) if token.count("-") in (1, 3) else ():
            if len(part) >= 16:
                yield part
        if "=" in token:
            yield token.partition("=")[2]


def wanted(subjects: Sequence[Subject]) -> Callable[[LogLine], bool]:
    """A function that says whether an entry can belong to one of these.

    Of those that only another log's id may tie to a denial, a bounded number is wanted.
    """
    segments = {last_segment(p) for s in subjects for p in s.paths}
    known = {t for s in subjects for t in s.tokens}
    ports = {c for s in subjects for c in s.clients if c[1] is not None}
    statuses = {code for s in subjects for code in s.statuses}
    perhaps = iter(range(PERHAPS))

    def want(entry: LogLine) -> bool:
        if entry.target is None or last_segment(path_of(entry.target)) in segments:
            return True
        if (entry.client or "", entry.client_port) in ports or any(i in known for i in entry.ids):
            return True
        return bool(entry.ids) and entry.status in statuses and next(perhaps, None) is not None

    return want


def _forwarded_for(request: Message) -> Iterable[str]:
    said = ",".join([*request.get_all("x-forwarded-for"), *request.get_all("x-real-ip")])
    return (a.strip().strip("[]") for a in said.split(",")[:20] if a.strip())
