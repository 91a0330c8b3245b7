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


def causes(verdict: Verdict) -> dict[str, float]:
    found: dict[str, float] = {}
    for e in verdict.evidence:
        if e.kind == "contrast" and e.supports.startswith("cause:"):
            found[e.supports.removeprefix("cause:")] = e.weight
    return found


def test_a_path_that_another_request_may_have_is_not_denied_for_its_path() -> None:
    good = exchange("e1", status=200, page="ok")
    (verdict,) = verdicts(good, exchange("e2", method="PUT", at_ms=50, says={"Server": "nginx"}))
    assert causes(verdict)["path-denied"] < 0 < causes(verdict)["method-denied"]
    assert verdict.cause is Cause.METHOD_DENIED


def test_another_body_is_a_difference_and_no_haste() -> None:
    good = exchange("e1", method="POST", status=200, page="ok", sent='{"model": "small"}')
    (verdict,) = verdicts(good, exchange("e2", method="POST", sent='{"model": "large"}', at_ms=50))
    assert "rate-limited" not in causes(verdict)
    assert "request-rejected" in causes(verdict)


def test_many_other_queries_that_passed_make_haste_likelier_than_the_query() -> None:
    good = [
        exchange(f"e{n}", url=f"http://www.test/page?{n}", status=200, page="ok", at_ms=20.0 * n) for n in range(1, 5)
    ]
    *_, verdict = verdicts(*good, exchange("e9", url="http://www.test/page?9", at_ms=200))
    assert causes(verdict)["rate-limited"] > causes(verdict)["request-rejected"]


def test_through_another_server_it_is_the_address_that_differs() -> None:
    good = exchange("e1", status=200, page="ok", server="192.0.2.90:80")
    (verdict,) = verdicts(good, exchange("e2", server="192.0.2.80:80", at_ms=50))
    assert set(causes(verdict)) == {"path-denied", "ip-denied"}


def test_a_denial_out_of_a_cache_that_is_lifted_elsewhere_is_the_caches() -> None:
    held = {"Via": "1.1 varnish (Varnish/7.1)", "Age": "60", "X-Varnish": "7 5", "Server": "Apache"}
    good = exchange("e1", status=200, page="ok", server="192.0.2.90:80")
    (verdict,) = verdicts(good, exchange("e2", says=held, page="no", server="192.0.2.80:80", at_ms=50))
    assert (verdict.layer, verdict.cause) == (Layer.CDN, Cause.STALE_DENIAL)
    assert verdict.hop.address == "192.0.2.80:80"


def test_a_hop_that_asks_without_naming_an_agent_is_not_the_clients_fault() -> None:
    front = exchange("e1", says={"Server": "envoy"}, page="no", server="192.0.2.80:80", lasts_ms=20)
    asked = {"Host": "www.test", "User-Agent": ""}
    behind = exchange(
        "e2", asks=asked, page="no", client="192.0.2.80:40000", server="192.0.2.90:80", at_ms=5, says={"Server": "x"}
    )
    (verdict,) = verdicts(front, behind)
    assert "cause:client-denied" not in supports(verdict, "usual")
