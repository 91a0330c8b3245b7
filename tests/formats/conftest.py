"""What the tests of outside formats share: a sink that keeps everything, and a small trace made of values."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import msgspec
import pytest

from tracer.formats.writing import Options
from tracer.model.connection import Connection
from tracer.model.http import Body, Exchange, Request, Response, Timing
from tracer.model.problem import Problem, Severity
from tracer.model.source import Source
from tracer.model.tls import Alert, Certificate, Handshake
from tracer.model.verdict import Alternative, Cause, Evidence, Hop, Layer, PathEntry, Said, Seen, Verdict
from tracer.transport.conversation import Context

START = 1_795_521_600_000_000_000
"""2026-11-24T12:00:00Z"""


@dataclass
class Report:
    """A sink; and a trace that writers can read."""

    exchanged: list[Exchange] = field(default_factory=list)
    shaken: list[Handshake] = field(default_factory=list)
    connected: list[Connection] = field(default_factory=list)
    told: list[Problem] = field(default_factory=list)
    judged: list[Verdict] = field(default_factory=list)

    def handshake(self, value: Any) -> Any:
        if isinstance(value, str):
            return next((h for h in self.shaken if h.id == value), None)
        return self.shaken.append(value)

    def exchange(self, value: Any) -> Any:
        if isinstance(value, str):
            return next((e for e in self.exchanged if e.id == value), None)
        return self.exchanged.append(value)

    def connection(self, value: Any) -> Any:
        if isinstance(value, str):
            return next((c for c in self.connected if c.id == value), None)
        return self.connected.append(value)

    def problem(self, value: Problem) -> None:
        self.told.append(value)

    def sources(self) -> Iterator[Source]:
        return iter((Source(name="edge.pcapng", kind="pcapng", packets=412, bytes=183_220),))

    def exchanges(self) -> Iterator[Exchange]:
        return iter(self.exchanged)

    def handshakes(self) -> Iterator[Handshake]:
        return iter(self.shaken)

    def connections(self) -> Iterator[Connection]:
        return iter(self.connected)

    def problems(self) -> Iterator[Problem]:
        return iter(self.told)

    def verdicts(self) -> Iterator[Verdict]:
        return iter(self.judged)

    def content(self, source: str, body: Body) -> bytes:
        assert source
        return body.data or b""

    @property
    def codes(self) -> list[str]:
        return [p.code for p in self.told]


@pytest.fixture(scope="session")
def trace_of() -> type[Report]:
    """Makes a readable trace: `trace_of([exchange, …])`."""
    return Report


@pytest.fixture(scope="session")
def read_with() -> Callable[..., Report]:
    """Reads bytes with a format's `read`, into a Report."""

    def read(module: ModuleType, data: bytes, stream: Any = None) -> Report:
        report = Report()
        context = Context(sink=report, source="in", connection=None, client="", server="")
        module.read(stream or io.BytesIO(data), context, report)
        return report

    return read


@pytest.fixture(scope="session")
def write_with() -> Callable[..., bytes]:
    """The bytes that a format's `write` makes of a trace."""

    def write(module: ModuleType, trace: Report, **options: Any) -> bytes:
        out = io.BytesIO()
        module.write(trace, out, Options(**options))
        return out.getvalue()

    return write


@pytest.fixture(scope="session")
def make_exchange() -> Callable[..., Exchange]:
    """An exchange from the little that a test cares about."""

    def make(
        ident: str = "e1", url: str = "https://shop.example/a?b=c", status: int | None = 200, **more: Any
    ) -> Exchange:
        sent, got = more.pop("sent", b""), more.pop("got", b"<h1>hello</h1>")
        version = more.pop("version", "HTTP/1.1")
        method, rest = more.pop("method", "GET"), "/" + url.partition("://")[2].partition("/")[2]
        host = url.partition("://")[2].partition("/")[0].encode()
        asked = more.pop("asked", ((b"Host", host), (b"User-Agent", b"probe/1"), (b"Accept", b"*/*")))
        answered = more.pop("answered", ((b"Server", b"nginx"), (b"Content-Type", b"text/html")))
        at = START + more.pop("after_ms", 0) * 1_000_000
        request = Request(
            method=method, target=rest, url=url, version=version, headers=asked, body=Body(size=len(sent), data=sent)
        )
        response = (
            Response(status=status, reason="", version=version, headers=answered, body=Body(size=len(got), data=got))
            if status
            else None
        )
        timing = Timing(
            start_ns=at,
            request_end_ns=at + 1_000_000,
            response_start_ns=at + 20_000_000 if status else None,
            end_ns=at + 30_000_000 if status else None,
        )
        values: dict[str, Any] = {
            "id": ident,
            "source": "edge.pcapng",
            "protocol": version,
            "client": "10.0.0.7:51812",
            "server": "203.0.113.9:443",
            "request": request,
            "response": response,
            "timing": timing,
        }
        return Exchange(**(values | more))

    return make


@pytest.fixture
def denied_trace(make_exchange: Callable[..., Exchange]) -> Report:
    """A redirect, a log-in and a 403 with its verdict, over one TLS connection."""
    certificate = Certificate(
        subject="CN=shop.example",
        issuer="CN=Issuing CA",
        serial="4f2a",
        sha256="9c" * 32,
        not_before_ns=START - 10**15,
        not_after_ns=START + 10**15,
        names=("DNS:shop.example",),
    )
    handshake = Handshake(
        id="t1",
        source="edge.pcapng",
        client="10.0.0.7:51812",
        server="203.0.113.9:443",
        sni="shop.example",
        version="TLSv1.3",
        alpn="http/1.1",
        cipher="TLS_AES_128_GCM_SHA256",
        server_certs=(certificate,),
        client_cert_requested=True,
        client_cert_sent=True,
        alerts=(Alert(client=False, level=1, code=0, name="close_notify"),),
        complete=True,
        start_ns=START - 60_000_000,
        end_ns=START - 40_000_000,
    )
    shared = {"tls": "t1", "connection": "c1"}
    moved = ((b"Location", b"https://shop.example/login"),)
    form = (
        (b"Host", b"shop.example"),
        (b"Cookie", b"sid=[redacted:1]; lang=de"),
        (b"Content-Type", b"application/x-www-form-urlencoded"),
        (b"Content-Length", b"11"),
    )
    exchanges = [
        make_exchange("e7", "https://shop.example/account", 302, answered=moved, got=b"", **shared),
        make_exchange(
            "e11",
            "https://shop.example/login",
            303,
            method="POST",
            asked=form,
            sent=b"user=a&p=%2A",
            after_ms=50,
            answered=((b"Set-Cookie", b"sid=[redacted:2]; Path=/; HttpOnly; SameSite=Lax"),),
            got=b"",
            **shared,
        ),
        make_exchange("e21", "https://shop.example/api?id=1+UNION", 403, after_ms=100, **shared),
        make_exchange("e31", "https://shop.example/slow", None, after_ms=200, aborted="TCP reset by server", **shared),
    ]
    evidence = (
        Evidence(
            id="v1",
            says="The query holds an SQL injection pattern",
            supports="cause:waf-rule",
            weight=3.2,
            seen=Seen(exchange="e21", where="request target", value="id=1+UNION", packet=21),
            reference="https://coreruleset.org/docs/",
        ),
        Evidence(id="v2", says="The log-in worked", supports="against:app", weight=-1.4, seen=Seen(exchange="e11")),
    )
    verdict = Verdict(
        source="edge.pcapng",
        exchange="e21",
        method="GET",
        url="https://shop.example/api?id=1+UNION",
        status=403,
        time_ns=START + 120_000_000,
        layer=Layer.WAF,
        product="modsecurity",
        cause=Cause.WAF_RULE,
        confidence=0.93,
        cause_confidence=0.81,
        hop=Hop(name="waf", address="203.0.113.9:443"),
        alternatives=(Alternative(layer=Layer.GATEWAY, confidence=0.04),),
        path=(
            PathEntry(layer=Layer.CDN, product="varnish", said=Said.FORWARDED),
            PathEntry(layer=Layer.WAF, product="modsecurity", said=Said.GENERATED),
            PathEntry(layer=Layer.ORIGIN, said=Said.PRESENT),
        ),
        evidence=evidence,
        chain=("e7", "e11", "e21"),
        headline="The firewall refused the query",
        next_steps=("Look for the rule in its audit log",),
    )
    connection = Connection(
        id="c1",
        source="edge.pcapng",
        client="10.0.0.7:51812",
        server="203.0.113.9:443",
        start_ns=START - 80_000_000,
        end_ns=START + 300_000_000,
    )
    note = Problem(
        code="tls.no-keys", severity=Severity.NOTE, text="no keys for this client random", source="edge.pcapng"
    )
    return Report(exchanges, [handshake], [connection], [note], [verdict])


def poisoned(value: Any, payload: str) -> Any:
    """The same value with the payload in every text in it; ids stay, or nothing would be found again."""
    if hasattr(value, "__struct_fields__"):
        names = (n for n in value.__struct_fields__ if n not in ("id", "exchange", "tls", "chain"))
        return msgspec.structs.replace(value, **{n: poisoned(getattr(value, n), payload) for n in names})
    if isinstance(value, tuple):
        return tuple(poisoned(v, payload) for v in value)
    if isinstance(value, dict):
        return {payload: payload}
    if type(value) is str:
        return payload
    return payload.encode("utf-8", "replace") if isinstance(value, bytes) else value


@pytest.fixture
def poisoned_trace(denied_trace: Report) -> Callable[[str], Report]:
    """The denied trace with a payload in every text of every value."""

    def make(payload: str) -> Report:
        for name in ("exchanged", "shaken", "judged", "told"):
            setattr(denied_trace, name, [poisoned(v, payload) for v in getattr(denied_trace, name)])
        return denied_trace

    return make
