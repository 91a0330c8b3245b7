"""What a denied request may lack: what the user gives, what passing requests of its trace had, what browsers send."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from tracer.model.http import Exchange

from .asked import Ask, CannotAskError, ask_of
from .change import Change, Kind, split_cookies, split_target
from .credentials import MARK, SAFE_METHODS
from .parts import BROWSER, Element, Group

_ITS_OWN = frozenset(
    b"host content-length transfer-encoding connection keep-alive content-encoding te trailer expect upgrade range "
    b"if-none-match if-modified-since if-match if-unmodified-since if-range cookie traceparent tracestate "
    b"x-request-id x-correlation-id x-amzn-trace-id http2-settings proxy-connection date".split()
)
"""fields that belong to one request"""
MOST_PASSING = 3


class Passing(msgspec.Struct, frozen=True):
    """A request of the trace that passed at the same host."""

    exchange: str
    ask: Ask


def given(ask: Ask, certificate: str | None, extra: Sequence[Change]) -> Iterator[Group]:
    """What the user offers: a client certificate, header fields."""
    if certificate and not ask.certificate:
        shown = Change(kind=Kind.CERTIFICATE, name=certificate)
        yield Group(name="certificate", ways=((Element((shown,)),),), adds=True)
    if extra:
        yield Group(name="given", ways=(tuple(Element((c,)) for c in extra),), adds=True)


def passing(trace: object, denied: Exchange, ask: Ask) -> list[Passing]:
    """Requests that passed at the same host, the likest first."""
    found = []
    for exchange in trace.exchanges():  # type: ignore[attr-defined]
        response, request = exchange.response, exchange.request
        if exchange.id == denied.id or response is None or request is None or not 200 <= response.status < 400:
            continue
        try:
            other = ask_of(trace, exchange)
        except CannotAskError:
            continue
        here = (other.place.scheme, other.place.host, other.place.port)
        if here == (ask.place.scheme, ask.place.host, ask.place.port) and not any(
            MARK in f.value for f in other.fields
        ):
            found.append((_distance(ask, other, denied, exchange), Passing(exchange.id, other)))
    found.sort(key=lambda pair: pair[0])
    return [p for _, p in found[:MOST_PASSING]]


def hosts(trace: object, denied: Exchange, ask: Ask) -> list[bytes]:
    """Host fields of requests that passed at the same server, others than this one's."""
    names: dict[bytes, None] = {}
    mine = ask.get(b"host")
    for exchange in trace.exchanges():  # type: ignore[attr-defined]
        response, request = exchange.response, exchange.request
        if not exchange.server or exchange.server != denied.server or response is None or request is None:
            continue
        host = (request.get("host") or request.authority or "").encode()
        if response.status < 400 and host and host != mine:
            names[host] = None
    return [*names][:MOST_PASSING]


def _distance(ask: Ask, other: Ask, denied: Exchange, exchange: Exchange) -> tuple[bool, bool, bool, int]:
    """Same target, same path, same method, near in time: the smaller the likelier a fair comparison."""
    times = [e.timing.start_ns or 0 for e in (denied, exchange)]
    return (
        ask.target != other.target,
        split_target(ask.target)[1] != split_target(other.target)[1],
        ask.method != other.method,
        abs(times[0] - times[1]),
    )


def lacking(ask: Ask, other: Passing) -> Group | None:
    """What the passing request had that this one lacks, or has otherwise. Its path is not taken over."""
    elements = [*_fields(ask, other.ask), *_cookies(ask, other.ask)]
    if split_target(ask.target)[1] == split_target(other.ask.target)[1]:
        elements += _parameters(ask, other.ask)
    if ask.method != other.ask.method and other.ask.method in SAFE_METHODS:
        name = other.ask.method.decode("latin-1")
        elements.append(Element((Change(kind=Kind.METHOD, name=name, value=other.ask.method, was=ask.method),)))
    if ask.version != other.ask.version:
        value = other.ask.version.encode()
        elements.append(
            Element((Change(kind=Kind.VERSION, name=other.ask.version, value=value, was=ask.version.encode()),))
        )
    return Group(name=f"passing {other.exchange}", ways=(tuple(elements),), adds=True) if elements else None


def _fields(ask: Ask, other: Ask) -> Iterator[Element]:
    for field in {f.name.lower(): f for f in reversed(other.fields)}.values():
        low = field.name.lower()
        if low in _ITS_OWN:
            continue
        at = [n for n, f in enumerate(ask.fields) if f.name.lower() == low]
        if not at:
            yield Element((Change(kind=Kind.HEADER, name=field.name.decode("latin-1"), value=field.value),))
        elif ask.fields[at[0]].value != field.value:
            mine = ask.fields[at[0]]
            name = mine.name.decode("latin-1")
            yield Element((Change(kind=Kind.HEADER, name=name, at=(at[0],), value=field.value, was=mine.value),))


def _cookies(ask: Ask, other: Ask) -> Iterator[Element]:
    mine = {
        pair.partition(b"=")[0]: ((at, n), pair.partition(b"=")[2])
        for at, field in enumerate(ask.fields)
        if field.name.lower() == b"cookie"
        for n, pair in enumerate(split_cookies(field.value))
    }
    for field in other.fields:
        if field.name.lower() != b"cookie":
            continue
        for pair in split_cookies(field.value):
            name, _, value = pair.partition(b"=")
            at, old = mine.get(name, ((), None))
            if old != value:
                shown = name.decode("utf-8", "replace")
                yield Element((Change(kind=Kind.COOKIE, name=shown, at=at, value=value, was=old or b""),))


def _parameters(ask: Ask, other: Ask) -> Iterator[Element]:
    here = (split_target(ask.target)[2] or b"").split(b"&")
    mine = {pair.partition(b"=")[0]: (n, pair.partition(b"=")[2]) for n, pair in enumerate(here) if pair}
    for pair in (split_target(other.target)[2] or b"").split(b"&"):
        name, _, value = pair.partition(b"=")
        if not name or (name in mine and mine[name][1] == value):
            continue
        at = (mine[name][0],) if name in mine else ()
        old = mine[name][1] if name in mine else b""
        yield Element((Change(kind=Kind.QUERY, name=name.decode("utf-8", "replace"), at=at, value=value, was=old),))


def ordinary(ask: Ask) -> Iterator[Group]:
    """What browsers send and this request does not."""
    have = {f.name.lower() for f in ask.fields}
    origin = ask.place.origin.encode()
    kind = b"application/json" if ask.body.lstrip()[:1] in (b"{", b"[") else b"application/x-www-form-urlencoded"
    common = [(b"Referer", origin + b"/"), (b"User-Agent", BROWSER), (b"Accept", b"*/*"), (b"Accept-Language", b"en")]
    common += [(b"Content-Type", kind)] if ask.body else []
    for name, fields in (
        ("usual", common),
        ("script", [(b"X-Requested-With", b"XMLHttpRequest"), (b"Origin", origin)]),
    ):
        lacks = [f for f in fields if f[0].lower() not in have]
        if lacks:
            elements = tuple(Element((Change(kind=Kind.HEADER, name=n.decode(), value=v),)) for n, v in lacks)
            yield Group(name=name, ways=(elements,), adds=True)


def other_hosts(ask: Ask, names: Sequence[bytes], secrets: Sequence[Change]) -> Iterator[Group]:
    """Other names for the same server; the credentials stay behind, for they are another host's."""
    at = [n for n, f in enumerate(ask.fields) if f.name.lower() == b"host"]
    own = ask.get(b"host") or ask.place.name.encode()
    bare = own.rpartition(b":")[0] if own.rpartition(b":")[2].isdigit() else b""
    candidates = [n for n in dict.fromkeys((*((ask.place.sni.encode(),) if ask.place.sni else ()), *names, bare)) if n]
    for name in candidates:
        if name != own:
            host = Change(kind=Kind.HOST, name="Host", at=(at[0],) if at else (), value=name, was=own)
            kept = () if name == bare else tuple(secrets)
            yield Group(name=f"host {name.decode('latin-1')}", ways=((Element((host, *kept)),),))
