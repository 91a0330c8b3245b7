"""What differs between a request that passed and one that was denied: the likeliest reason stands in the difference."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tracer.model.http import Exchange, Request
from tracer.model.http import text as as_text
from tracer.model.verdict import Cause, Layer

from .columns import host_of
from .evidence import Collection
from .exchanges import path_of
from .request_fields import CREDENTIALS, CSRF
from .scene import Scene, from_cache

PASSED = 400
FURTHER = 0.8
"""how much a request tells that was not denied, but did not pass either"""
MANY = 4
"""requests that differ in more are no comparison"""
KEPT = 2
"""fields of a request; sources with fewer did not keep them"""
CALM = 1.0
LIFTED = 12.0
"""whoever made it once: who still says it is the cache"""
QUERY = "request target"
SEVERAL = 3
"""other queries that passed: then it is not for the query"""


class Difference(NamedTuple):
    """One thing in which the denied request is unlike one that passed, and what that speaks for."""

    says: str
    cause: Cause
    weight: float
    where: str
    value: str


def collect(scene: Scene, found: Collection) -> None:
    """Evidence from the most alike request to the same path that was not denied."""
    denied = scene.exchange
    if denied.request is None or denied.response is None:
        return
    alike = [e for s in scene.answers if s.here and _comparable(e := s.whole, denied)]
    compared = [(list(_differences(scene, e)), e) for e in alike]
    compared = [(d, e) for d, e in compared if len(d) <= MANY]
    if not compared:
        return
    differences, other = min(compared, key=lambda pair: (not _passed(pair[1]), len(pair[0])))
    share = (1.0 if _passed(other) else FURTHER) / max(1, len(differences))
    status = other.response.status if other.response else 0
    if differences and _passed(other):
        found.add(
            f"the path is open: a like request ({other.id}) got {status}",
            f"cause:{Cause.PATH_DENIED}",
            -2.0,
            exchange=denied,
            where="request target",
            value=path_of(denied),
        )
    for d in differences:
        says = f"a like request ({other.id}) got {status}: {d.says}"
        found.add(says, f"cause:{d.cause}", d.weight * share, exchange=denied, where=d.where, value=d.value)
        if d.cause is Cause.CLIENT_DENIED:
            for layer in (Layer.WAF, Layer.CDN):
                found.add(says, f"generated:{layer}", 0.8 * share, exchange=denied, where=d.where, value=d.value)
    kept = min(len(r.headers) for r in (denied.request, other.request) if r is not None)
    queries = {e.request.target for d, e in compared if e.request and _passed(e) and {x.where for x in d} == {QUERY}}
    if _passed(other) and kept >= KEPT and (not differences or len(queries) >= SEVERAL):
        _same(scene, other, found)
    if _passed(other) and from_cache(denied.response) and host_of(other.server) != host_of(denied.server):
        _lifted(scene, other, found)


def _comparable(other: Exchange, denied: Exchange) -> bool:
    assert denied.response is not None
    if other.request is None or other.response is None:
        return False
    return other.response.status not in (denied.response.status, 304, 429) and other.response.status < 600


def _passed(exchange: Exchange) -> bool:
    return exchange.response is not None and exchange.response.status < PASSED


def _same(scene: Scene, other: Exchange, found: Collection) -> None:
    """The very same request passed: what changed is not in it."""
    start = scene.exchange.timing.start_ns or 0
    before = sum(s.status < PASSED and s.start_ns < start for s in scene.answers)
    weight = CALM + min(1.5, 0.15 * before)
    found.add(
        f"the same request passed ({other.id}): what changed is not in it, but how many came before or when",
        f"cause:{Cause.RATE_LIMITED}",
        weight,
        exchange=scene.exchange,
        where="request target",
        value=f"{before} good answers before",
    )


def _lifted(scene: Scene, other: Exchange, found: Collection) -> None:
    """A cache still says no, and the server behind it does not."""
    says = f"it comes out of a cache; elsewhere the same request passes ({other.id})"
    for supports, weight in ((f"generated:{Layer.CDN}", LIFTED), (f"cause:{Cause.STALE_DENIAL}", 2.5)):
        found.add(says, supports, weight, exchange=scene.exchange, where="packets", value=other.server or "")


def _differences(scene: Scene, other: Exchange) -> Iterator[Difference]:
    denied = scene.exchange
    there, here = other.request, denied.request
    assert there is not None
    assert here is not None
    if there.method != here.method:
        weight = {"GET": 0.6, "HEAD": 0.6, "POST": 1.0}.get(here.method, 1.8)
        says = f"with {there.method} instead of {here.method}"
        yield Difference(says, Cause.METHOD_DENIED, weight, "request method", here.method)
    yield from _fields(there, here, denied)
    if there.target.partition("?")[2] != here.target.partition("?")[2]:
        says = "with another query"
        yield Difference(says, Cause.REQUEST_REJECTED, 0.5, QUERY, here.target.partition("?")[2])
    if there.body.size != here.body.size or there.body.data != here.body.data:
        yield Difference("with another body", Cause.REQUEST_REJECTED, 0.5, "request body", f"{here.body.size} bytes")
    yield from _ends(scene, other)
    if "" not in (there.version, here.version) and there.version != here.version:
        says = f"over {there.version} instead of {here.version}"
        yield Difference(says, Cause.CLIENT_DENIED, 1.0, "request line", here.version)


def _ends(scene: Scene, other: Exchange) -> Iterator[Difference]:
    """Who asked whom: another client, another hop in between, another program by its TLS handshake."""
    denied, seen = scene.exchange, scene.seen or scene.exchange
    a, b = host_of(other.client), host_of(denied.client)
    ja4 = _fingerprint(scene, other), _fingerprint(scene, denied)
    between = seen is not denied and a == host_of(seen.client)
    if between and all(ja4) and ja4[0] != ja4[1]:
        says = f"by the client's own TLS handshake ({ja4[0]}) instead of the one of the hop between ({ja4[1]})"
        yield Difference(says, Cause.INTERCEPTION, 3.0, "tls handshake", ja4[1])
    elif a and b and a != b:
        yield Difference(f"from {a} instead of {b}", Cause.IP_DENIED, 2.4, "packets", b)
    elif all(ja4) and ja4[0] != ja4[1]:
        says = f"by another program's TLS handshake ({ja4[0]})"
        yield Difference(says, Cause.CLIENT_DENIED, 2.0, "tls handshake", ja4[1])
    there, here = host_of(other.server), host_of(denied.server)
    if a == b and there and here and there != here:
        yield Difference(f"at {there} instead of {here}", Cause.IP_DENIED, 0.8, "packets", here)


def _fingerprint(scene: Scene, exchange: Exchange) -> str:
    """JA4 of the TLS handshake that the exchange ran over; empty without one."""
    handshake = scene.handshakes.get(exchange.tls or "")
    return (handshake.ja4 or "") if handshake is not None else ""


Meaning = tuple[Cause, float]
FIELDS: tuple[tuple[tuple[str, ...], Meaning, Meaning, Meaning | float], ...] = (
    # fields, what it means that the denied request lacks them, that it alone has them, that they differ; a weight
    # alone: the caller is known and may not, or the credentials are wrong, by the status
    (CREDENTIALS, (Cause.CREDENTIALS_MISSING, 3.2), (Cause.CREDENTIALS_INVALID, 2.0), 1.8),
    (("cookie",), (Cause.CREDENTIALS_MISSING, 2.2), (Cause.CREDENTIALS_INVALID, 1.5), 0.7),
    (CSRF, (Cause.CSRF_FAILED, 3.2), (Cause.CSRF_FAILED, 0.5), (Cause.CSRF_FAILED, 2.0)),
    (("user-agent",), (Cause.CLIENT_DENIED, 2.0), (Cause.CLIENT_DENIED, 1.0), (Cause.CLIENT_DENIED, 2.6)),
    (("referer",), (Cause.REFERER_DENIED, 2.6), (Cause.REFERER_DENIED, 2.6), (Cause.REFERER_DENIED, 2.4)),
    (("origin",), (Cause.CSRF_FAILED, 1.2), (Cause.CORS_DENIED, 2.6), (Cause.CORS_DENIED, 2.6)),
    (("host",), (Cause.HOST_DENIED, 1.0), (Cause.HOST_DENIED, 1.0), (Cause.HOST_DENIED, 2.4)),
    (("content-type",), (Cause.REQUEST_REJECTED, 1.5), (Cause.REQUEST_REJECTED, 1.0), (Cause.REQUEST_REJECTED, 1.5)),
    (("range",), (Cause.REQUEST_REJECTED, 0.8), (Cause.REQUEST_REJECTED, 1.8), (Cause.REQUEST_REJECTED, 1.0)),
)
ORDER = {name: (place, row) for place, (name, row) in enumerate((n, row) for row in FIELDS for n in row[0])}


def _fields(there: Request, here: Request, denied: Exchange) -> Iterator[Difference]:
    assert denied.response is not None
    known = Cause.CREDENTIALS_INVALID if denied.response.status == 401 else Cause.INSUFFICIENT_SCOPE
    passed_all, mine_all = _told(there), _told(here)
    for name in sorted(passed_all.keys() | mine_all.keys(), key=lambda n: ORDER[n][0]):
        passed, mine = passed_all.get(name), mine_all.get(name)
        if passed == mine:
            continue
        _, lacks, alone, differs = ORDER[name][1]
        if mine is None:
            says, (cause, weight) = f"with {name}, which this one lacks", lacks
        elif passed is None:
            says, (cause, weight) = f"without {name}, which this one has", alone
        else:
            says, (cause, weight) = f"with another {name}", differs if isinstance(differs, tuple) else (known, differs)
        yield Difference(says, cause, weight, f"request header {name}", mine or "absent")


def _told(request: Request) -> dict[str, str]:
    """The first value of each field that may make the difference."""
    found: dict[str, str] = {}
    for raw, value in request.headers:
        name = raw.decode("latin-1").lower()
        if name in ORDER and name not in found:
            found[name] = as_text(value)
    return found
