"""Two captures of two hops that share no connection: joined on what hops pass on, or not at all."""

from __future__ import annotations

import pytest

from tests.correlate.scenes import NGINX_403, Fields, exchange, verdicts
from tracer.model.http import Exchange
from tracer.model.verdict import Cause, Verdict

EDGE, ORIGIN = "198.51.100.1:443", "10.0.0.8:80"
HOUR_MS = 3_600_000.0
DATE = "Sat, 28 Nov 2026 14:00:00 GMT"


def outside(name: str = "e1", *, at_ms: float = 0, **more: object) -> Exchange:
    """As the client's capture shows it, before the edge and a NAT."""
    facts: dict[str, object] = {"says": {"Date": DATE}, "page": NGINX_403, "lasts_ms": 20, **more}
    return exchange(name, server=EDGE, client="192.168.1.5:50000", at_ms=at_ms, **facts)  # type: ignore[arg-type]


def inside(name: str = "s2.e1", *, at_ms: float = 5, **more: object) -> Exchange:
    """As the origin's capture shows it."""
    facts: dict[str, object] = {"says": {"Date": DATE}, "page": NGINX_403, **more}
    return exchange(name, server=ORIGIN, client="10.0.0.1:40000", source="b.pcap", at_ms=at_ms, **facts)  # type: ignore[arg-type]


def hops_of(found: list[Verdict]) -> list[str | None]:
    return [v.hop.address for v in found]


@pytest.mark.parametrize("away_ms", [0.0, 3_000.0, -37_000.0, 2 * HOUR_MS, -50 * HOUR_MS])
def test_clocks_that_disagree_and_a_nat_between_do_not_hide_the_deeper_hop(away_ms: float) -> None:
    (verdict,) = verdicts(outside(), inside(at_ms=5 + away_ms))
    assert (verdict.exchange, verdict.hop.address, verdict.seen_at) == ("e1", ORIGIN, ("s2.e1",))
    assert any(e.says.startswith("proof: ") for e in verdict.evidence)


def test_the_order_in_which_the_files_are_given_does_not_matter() -> None:
    first, second = inside("e1", at_ms=HOUR_MS), outside("s2.e1")
    (verdict,) = verdicts(first, second)
    assert (verdict.exchange, verdict.hop.address) == ("s2.e1", ORIGIN)


def test_a_hop_that_dates_the_answer_anew_is_known_within_two_seconds() -> None:
    anew = {"Date": "Sat, 28 Nov 2026 14:00:01 GMT", "Server": "edge"}
    assert hops_of(verdicts(outside(says=anew), inside(at_ms=HOUR_MS))) == [ORIGIN]


OTHERS: dict[str, dict[str, object]] = {
    "dated half a minute later": {"says": {"Date": "Sat, 28 Nov 2026 14:00:30 GMT"}},
    "without a date": {"says": {}},
    "asked by another program": {"asks": {"User-Agent": "curl/8.5.0"}},
    "another page": {"page": NGINX_403.replace("1.24.0", "1.26.2")},
    "no page at all": {"page": ""},
    "another target": {"url": "http://www.test/other"},
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_what_differs_in_anything_that_hops_pass_on_is_another_request(other: dict[str, object]) -> None:
    assert len(verdicts(outside(), inside(**{"at_ms": HOUR_MS, **other}))) == 2  # type: ignore[arg-type]


def test_a_hop_that_asks_for_another_public_client_asked_for_another() -> None:
    seen = exchange("e1", says={"Date": DATE}, page=NGINX_403, client="9.9.9.9:50000", server=EDGE, lasts_ms=20)
    for_it: Fields = {"X-Forwarded-For": "9.9.9.9"}
    assert len(verdicts(seen, inside(at_ms=HOUR_MS, asks=for_it))) == 1
    assert len(verdicts(seen, inside(at_ms=HOUR_MS, asks={"X-Forwarded-For": "8.8.8.8"}))) == 2


def test_of_two_that_are_alike_none_is_taken_for_the_one() -> None:
    assert len(verdicts(outside(), inside(at_ms=HOUR_MS), inside("s2.e2", at_ms=HOUR_MS + 300))) == 3


def test_as_many_alike_on_both_sides_are_taken_in_order_when_the_clocks_are_equally_far_apart() -> None:
    tries = [outside(f"e{n}", at_ms=n * 300) for n in (1, 2, 3)]
    inner = [inside(f"s2.e{n}", at_ms=HOUR_MS + n * 300 + 5) for n in (1, 2, 3)]
    assert [v.seen_at for v in verdicts(*tries, *inner)] == [("s2.e1",), ("s2.e2",), ("s2.e3",)]
    moved = [*inner[:2], inside("s2.e3", at_ms=HOUR_MS + 1500)]
    assert len(verdicts(*tries, *moved)) == 6


def test_of_a_file_with_two_hops_the_outer_one_is_the_next() -> None:
    gateway = inside("s2.e1", at_ms=HOUR_MS, lasts_ms=15)
    deepest = exchange(
        "s2.e2",
        client="10.0.0.8:41000",
        server="10.0.0.9:8000",
        source="b.pcap",
        says={"Date": DATE},
        page=NGINX_403,
        at_ms=HOUR_MS + 4,
        lasts_ms=5,
    )
    (verdict,) = verdicts(outside(), gateway, deepest)
    assert (verdict.hop.address, verdict.seen_at) == ("10.0.0.9:8000", ("s2.e1", "s2.e2"))


FRONT, BACK = "192.0.2.80:80", "192.0.2.99:8080"


def _of_one_request(asks: Fields, status: int, passed_on: Fields) -> Verdict:
    """A request as the front hop received it and as it asked the next one."""
    says = {"WWW-Authenticate": "Bearer", "Server": "uvicorn"}
    outer = exchange("e1", server=FRONT, asks=asks, status=status, says=says, page="no", lasts_ms=20)
    inner = exchange(
        "e2", client="192.0.2.80:40000", server=BACK, asks=passed_on, status=status, says=says, page="no", at_ms=5
    )
    (verdict,) = verdicts(outer, inner)
    return verdict


def test_credentials_that_a_hop_kept_were_sent_and_lost() -> None:
    verdict = _of_one_request({"Authorization": "Bearer x"}, 401, {})
    assert (verdict.cause, verdict.cause_detail) == (Cause.CREDENTIALS_MISSING, "lost-between-hops")
    assert any(e.says.startswith("the client sent authorization") for e in verdict.evidence)
    assert "PASSTHRU" in verdict.next_steps[0]


def test_credentials_that_were_passed_on_are_not_lost() -> None:
    sent = {"Authorization": "Bearer x"}
    assert _of_one_request(sent, 401, sent).cause is Cause.CREDENTIALS_INVALID
