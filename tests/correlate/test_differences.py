"""What the same host's other answers tell of a denial."""

from __future__ import annotations

from tests.correlate.scenes import exchange, verdicts
from tracer.model.verdict import Cause, Layer, Verdict

JSON = {"Content-Type": "application/json"}


def supports(verdict: Verdict, kind: str) -> set[str]:
    return {e.supports for e in verdict.evidence if e.kind == kind}


def test_an_answer_without_the_server_that_good_ones_name_was_not_made_there() -> None:
    good = exchange("e1", status=200, says={"Server": "Play", "X-Powered-By": "Play"}, page="ok")
    (verdict,) = verdicts(good, exchange("e2", says={"X-Azure-Ref": "0abc", "Date": "now"}, at_ms=50))
    assert {"against:app", "against:origin"} <= supports(verdict, "baseline")
    assert verdict.layer not in (Layer.APP, Layer.ORIGIN)


def test_an_answer_that_bears_the_fields_of_good_ones_came_the_same_way() -> None:
    bears = {"Server": "x", "X-Powered-By": "PHP/8.3", "X-Request-Cost": "3"}
    good = exchange("e1", status=200, says=bears, page="ok")
    (verdict,) = verdicts(good, exchange("e2", says=bears, page="no", at_ms=50))
    assert supports(verdict, "baseline") == {"generated:app", "generated:origin"}


def test_fields_spelled_in_another_way_come_from_another_program() -> None:
    good = exchange("e1", status=200, says={"Server": "nginx", "Date": "now", "Content-Type": "text/html"}, page="ok")
    denied = exchange("e2", says={"date": "now", "content-type": "text/html", "server": "nginx"}, at_ms=50)
    (verdict,) = verdicts(good, denied)
    assert any("spells field names" in e.says for e in verdict.evidence)


def test_a_host_without_other_answers_gives_no_baseline() -> None:
    (verdict,) = verdicts(exchange("e1", says={"Server": "nginx"}))
    assert not supports(verdict, "baseline")


def test_another_source_is_no_baseline() -> None:
    good = exchange("e1", status=200, says={"Server": "Play"}, page="ok", source="b.pcap")
    (verdict,) = verdicts(good, exchange("e2", says={"Server": "nginx"}, at_ms=50))
    assert not supports(verdict, "baseline")


def test_much_sooner_than_good_answers_was_made_before_the_end() -> None:
    good = [exchange(f"e{n}", status=200, page="ok", at_ms=n * 300, lasts_ms=200) for n in range(3)]
    (verdict,) = verdicts(*good, exchange("e9", at_ms=2000, lasts_ms=2))
    assert supports(verdict, "timing") == {"against:app", "against:origin"}


def test_as_long_as_good_answers_was_made_behind_the_edge() -> None:
    good = [exchange(f"e{n}", status=200, page="ok", at_ms=n * 300, lasts_ms=200) for n in range(3)]
    (verdict,) = verdicts(*good, exchange("e9", at_ms=2000, lasts_ms=190))
    assert "against:cdn" in supports(verdict, "timing")


def test_with_a_key_it_passes_so_the_key_is_missing() -> None:
    good = exchange("e1", status=200, asks={"X-Api-Key": "k-1"}, page="ok")
    (verdict,) = verdicts(good, exchange("e2", page="no", at_ms=50))
    assert verdict.cause is Cause.CREDENTIALS_MISSING
    assert any("with x-api-key, which this one lacks" in e.says for e in verdict.evidence)


def test_with_another_user_agent_it_passes_so_the_client_is_refused() -> None:
    good = exchange("e1", status=200, page="ok")
    (verdict,) = verdicts(good, exchange("e2", asks={"User-Agent": "thing/1"}, at_ms=50))
    assert verdict.cause is Cause.CLIENT_DENIED


def test_from_another_address_it_passes_so_the_address_is_refused() -> None:
    good = exchange("e1", status=200, page="ok", client="192.0.2.99:40000")
    (verdict,) = verdicts(good, exchange("e2", at_ms=50))
    assert verdict.cause is Cause.IP_DENIED


def test_without_the_foreign_referer_it_passes() -> None:
    good = exchange("e1", status=200, page="ok")
    (verdict,) = verdicts(good, exchange("e2", asks={"Referer": "https://other.test/"}, at_ms=50))
    assert verdict.cause is Cause.REFERER_DENIED


def test_requests_that_differ_in_everything_are_no_comparison() -> None:
    asks = {"Authorization": "Bearer a", "Cookie": "a=1", "Referer": "https://x.test/", "Origin": "https://x.test"}
    good = exchange("e1", status=200, asks={**asks, "User-Agent": "other"}, page="ok")
    (verdict,) = verdicts(good, exchange("e2", at_ms=50))
    assert not supports(verdict, "contrast")
