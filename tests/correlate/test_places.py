"""Every piece of evidence says where it was seen: a field that is there, or that it is in none of them."""

from __future__ import annotations

from tests.correlate.scenes import NGINX_403, exchange, verdicts
from tracer.model.http import Exchange
from tracer.model.verdict import Evidence

HAPROXY = "<html><body><h1>403 Forbidden</h1>\nRequest forbidden by administrative rules.\n</body></html>\n"


def evidence(*exchanges: Exchange) -> tuple[Evidence, ...]:
    (verdict,) = verdicts(*exchanges)
    return verdict.evidence


def test_a_field_that_is_absent_is_seen_in_all_of_them() -> None:
    found = evidence(exchange("e1", status=401, says={"WWW-Authenticate": "Basic realm=x"}))
    item = next(e for e in found if e.says == "no credentials were sent")
    assert (item.seen.where, item.seen.value) == ("request headers", "no authorization")


def test_what_shows_who_asks_is_quoted_where_it_stands() -> None:
    for asks, where in (({"X-Api-Key": "k"}, "x-api-key"), ({"Cookie": "s=1"}, "cookie")):
        found = evidence(exchange("e1", asks=asks, says={"Server": "nginx"}, page=NGINX_403))
        item = next(e for e in found if e.says.startswith("the caller showed who it is"))
        assert (item.seen.where, item.seen.value) == (f"request header {where}", "present")


def test_every_field_that_is_named_is_in_the_message() -> None:
    good = [exchange(f"g{n}", status=200, says={"Server": "nginx", "Set-Cookie": "a=1"}, at_ms=n) for n in range(3)]
    denied = exchange("e1", says={"Server": "nginx", "X-Cache": "MISS from a"}, page=NGINX_403, at_ms=9)
    asked = {e.id: e for e in (*good, denied)}
    for item in evidence(*good, denied):
        side, _, name = item.seen.where.partition(" header ")
        if name:
            there = asked[item.seen.exchange or ""]
            message = there.request if side == "request" else there.response
            assert message is not None
            assert message.get(name) is not None, item


def test_a_weak_mark_of_one_product_is_not_told_where_another_is_known() -> None:
    found = evidence(exchange("e1", says={"Cache-Control": "no-cache", "Content-Type": "text/html"}, page=HAPROXY))
    assert {e.product for e in found if e.product} == {"haproxy"}


def test_jettys_page_is_not_that_of_iis() -> None:
    page = "<html><body><h2>HTTP ERROR 403 Forbidden</h2><table><tr><th>URI:</th><td>/a</td></tr></table></body></html>"
    assert "iis" not in {e.product for e in evidence(exchange("e1", page=page))}


def test_nobody_is_told_to_capture_where_it_was_captured() -> None:
    front = exchange("e1", status=200, says={"Via": "1.1 varnish"}, at_ms=0, lasts_ms=40)
    behind = exchange(
        "e2", status=200, client="192.0.2.80:40000", server="192.0.2.90:80", says={"Server": "nginx"}, at_ms=5
    )
    asked = exchange("e3", at_ms=100, lasts_ms=40, says={"Server": "nginx"}, page=NGINX_403)
    denied = exchange(
        "e4", client="192.0.2.80:40001", server="192.0.2.90:80", says={"Server": "nginx"}, page=NGINX_403, at_ms=105
    )
    (verdict,) = verdicts(front, behind, asked, denied)
    assert verdict.hop.address == "192.0.2.90:80"
    assert not any("behind.pcap" in step for step in verdict.next_steps)
    (alone,) = verdicts(exchange("e1", says={"Server": "nginx", "Via": "1.1 a"}, page=NGINX_403))
    assert any("behind.pcap" in step for step in alone.next_steps)
