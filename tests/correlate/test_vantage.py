"""One denial in several sources: copies of one exchange, the next hop in another file, clocks that disagree."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.correlate.scenes import CLIENT, NGINX_403, Fields, exchange, verdicts
from tracer.correlate import correlate
from tracer.correlate.columns import host_of
from tracer.correlate.vantage import client_of, server_of
from tracer.model.connection import Connection
from tracer.model.http import Exchange, Timing
from tracer.model.verdict import Verdict
from tracer.pipeline import read
from tracer.store.trace import Trace

FRONT, BACK = "192.0.2.80:80", "192.0.2.99:8080"
ANSWER: Fields = {"Date": "Sat, 28 Nov 2026 14:00:00 GMT", "Server": "nginx"}
HOUR_MS = 3_600_000.0


def at_front(name: str = "e1", source: str = "a.pcap", *, at_ms: float = 0, **more: object) -> Exchange:
    """As the client's side sees it."""
    facts: dict[str, object] = {"page": NGINX_403, "says": ANSWER, "lasts_ms": 20, **more}
    return exchange(name, server=FRONT, source=source, at_ms=at_ms, **facts)  # type: ignore[arg-type]


def at_back(name: str = "s2.e1", source: str = "b.pcap", *, at_ms: float = 5, **more: object) -> Exchange:
    """The same request one hop deeper."""
    facts: dict[str, object] = {"client": "192.0.2.80:40000", "page": NGINX_403, "says": ANSWER, **more}
    return exchange(name, server=BACK, source=source, at_ms=at_ms, **facts)  # type: ignore[arg-type]


def har(name: str = "s2.e1", *, at_ms: float = -3, **more: object) -> Exchange:
    """As a browser's HAR tells it: no client's port, times of the page."""
    facts: dict[str, object] = {"page": NGINX_403, "says": ANSWER, "lasts_ms": 30, **more}
    return exchange(name, client="", server=FRONT, source="b.har", at_ms=at_ms, **facts)  # type: ignore[arg-type]


def test_a_har_and_a_capture_of_one_exchange_are_one_verdict_as_the_browser_saw_it() -> None:
    (verdict,) = verdicts(at_front(), har())
    assert (verdict.exchange, verdict.source, verdict.seen_at) == ("s2.e1", "b.har", ("e1",))
    assert verdict.hop.address == FRONT


def test_the_order_of_the_sources_does_not_matter() -> None:
    (verdict,) = verdicts(har("e1"), at_front("s2.e1"))
    assert (verdict.exchange, verdict.seen_at) == ("e1", ("s2.e1",))


def test_two_requests_alike_of_a_har_and_a_capture_are_two_verdicts() -> None:
    captured = [at_front(f"e{n}", at_ms=n * 400) for n in range(2)]
    told = [har(f"s2.e{n}", at_ms=n * 400 - 2) for n in range(2)]
    found = verdicts(*captured, *told)
    assert [(v.exchange, v.seen_at) for v in found] == [("s2.e0", ("e0",)), ("s2.e1", ("e1",))]


def test_answers_of_different_dates_are_two_exchanges() -> None:
    other = har(says={**ANSWER, "Date": "Sat, 28 Nov 2026 14:00:01 GMT"})
    assert len(verdicts(at_front(), other)) == 2


def test_captures_at_both_ends_of_a_link_show_one_exchange_the_first_given_carries_it() -> None:
    (verdict,) = verdicts(at_front(), at_front("s2.e1", "b.pcap", at_ms=1))
    assert (verdict.exchange, verdict.seen_at) == ("e1", ("s2.e1",))
    assert len(verdict.path) == 1


@pytest.mark.parametrize("away_ms", [-7 * HOUR_MS, -1500.0, 0.0, 37.0, 5000.0, HOUR_MS])
def test_the_next_hop_in_another_file_is_found_by_bytes_and_time_whatever_its_clock_says(away_ms: float) -> None:
    """The gateway's file has both sides; its copy of the outer side tells how its clock differs."""
    client = [at_front()]
    gateway = [at_front("s2.e1", "b.pcap", at_ms=away_ms), at_back("s2.e2", at_ms=away_ms + 4)]
    origin = [at_back("s3.e1", "c.pcap", at_ms=5 - away_ms)]
    (verdict,) = verdicts(*client, *gateway, *origin)
    assert verdict.exchange == "e1"
    assert verdict.hop.address == BACK
    assert [p.address for p in verdict.path] == [FRONT, BACK]
    assert any(e.says.startswith("proof: ") for e in verdict.evidence)


@pytest.mark.parametrize("away_ms", [0.0, 90_000.0, -HOUR_MS])
def test_files_with_one_side_each_are_joined_by_trace_context(away_ms: float) -> None:
    """Each hop writes a span of its own; the trace stays."""
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736"
    outer = at_front(asks={"traceparent": f"{trace}-00f067aa0ba902b7-01"})
    inner = at_back(asks={"traceparent": f"{trace}-53995c3f42cd8ad8-01"}, at_ms=5 + away_ms)
    (verdict,) = verdicts(outer, inner)
    assert (verdict.exchange, verdict.hop.address, verdict.seen_at) == ("e1", BACK, ("s2.e1",))


def test_files_with_one_side_each_are_joined_by_body_address_and_time() -> None:
    (verdict,) = verdicts(at_front(), at_back())
    assert (verdict.exchange, verdict.hop.address) == ("e1", BACK)


def test_an_unrelated_denial_of_another_source_stays_a_verdict_of_its_own() -> None:
    other = exchange("s2.e1", url="http://www.test/other", page=NGINX_403, source="b.pcap", client=CLIENT, server=FRONT)
    assert {v.exchange for v in verdicts(at_front(), other)} == {"e1", "s2.e1"}


def _told(path: Path, shifts: list[int] | None) -> list[tuple[object, ...]]:
    """(status, layer, hop) of each verdict; with `shifts`, every host captured its own connections into
    a file of its own, with a clock that is off by so many nanoseconds."""
    whole = read([path], judge=False).trace
    if shifts is None:
        return [_essence(v) for v in correlate(whole)]
    connections = {c.id: c for c in whole.connections()}
    between = {e.id: [host_of(client_of(e)), host_of(server_of(e))] for e in whole.exchanges()}
    hosts = dict.fromkeys(host for pair in between.values() for host in pair)
    split = Trace()
    for number, (host, shift) in enumerate(zip(hosts, cycle(shifts), strict=False), 1):
        mine = [e for e in whole.exchanges() if host in between[e.id]]
        for connection in {e.connection for e in mine if e.connection}:
            split.connection(_as_seen(connections[connection], number))
        for seen in mine:
            raw = {
                name: whole.content(seen.source, m.body)
                for name, m in (("request", seen.request), ("response", seen.response))
                if m
            }
            split.exchange(_moved(_as_seen(seen, number), shift, raw))
    return [_essence(v) for v in correlate(split)]


def _essence(v: Verdict) -> tuple[object, ...]:
    return v.status, v.layer, v.hop.address


def _as_seen[T: (Exchange, Connection)](value: T, number: int) -> T:
    """Under the name that it has in the file of that number."""
    prefix = "" if number == 1 else f"s{number}."
    more: dict[str, str | None] = (
        {"connection": f"{prefix}{value.connection}", "tls": None} if isinstance(value, Exchange) else {}
    )
    return replace(value, id=f"{prefix}{value.id}", source=f"{number}.pcapng", **more)


def _moved(e: Exchange, shift: int, raw: Mapping[str, bytes | None]) -> Exchange:
    times = {
        n: t + shift
        for n in ("start_ns", "request_end_ns", "response_start_ns", "end_ns")
        if (t := getattr(e.timing, n))
    }
    parts = {n: replace(m, body=replace(m.body, data=raw[n], spans=())) for n in raw if (m := getattr(e, n))}
    return replace(e, timing=Timing(**times), **parts)


@pytest.mark.parametrize(
    "shifts", [[0], [0, 90 * 10**9, -(10**9), 3_600 * 10**9, -7 * 10**8]], ids=["one clock", "five clocks"]
)
@pytest.mark.parametrize(
    "case", ["two-hops-could-deny", "crs-nginx-sqli", "envoy-rbac-path", "nginx-deny-chain-a", "rewritten-by-nginx"]
)
def test_files_of_every_host_of_a_real_chain_tell_what_one_capture_of_all_tells(case: str, shifts: list[int]) -> None:
    path = Path(__file__).parents[2] / "pcaps" / case / "capture.pcapng"
    whole, split = _told(path, None), _told(path, shifts)
    assert whole
    assert sorted(split, key=str) == sorted(whole, key=str)
