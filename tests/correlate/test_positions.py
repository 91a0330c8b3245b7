"""Which hop said it: walking from the client inward."""

from __future__ import annotations

import msgspec

from tests.correlate.scenes import NGINX_403, exchange, verdicts
from tracer.model.http import Exchange
from tracer.model.verdict import Layer, Said

FRONT, BACK = "192.0.2.80:80", "192.0.2.90:80"


def _two_hops(**inner: object) -> list[object]:
    via = {"Server": "nginx/1.24.0", "Via": "1.1 varnish (Varnish/7.1)", "X-Varnish": "5", "Age": "0"}
    return [
        exchange("e1", page=NGINX_403, says=via, server=FRONT, lasts_ms=20),
        exchange(
            "e2",
            page=NGINX_403,
            says={"Server": "nginx/1.24.0", "Content-Type": "text/html"},
            client="192.0.2.80:40000",
            server=BACK,
            at_ms=5,
            **inner,  # type: ignore[arg-type]
        ),
    ]


def test_one_denial_seen_at_two_hops_is_one_verdict_at_its_client() -> None:
    (verdict,) = verdicts(*_two_hops())  # type: ignore[arg-type]
    assert verdict.exchange == "e1"
    assert verdict.seen_at == ("e2",)


def test_the_deepest_hop_that_spoke_is_the_one_that_decided() -> None:
    (verdict,) = verdicts(*_two_hops())  # type: ignore[arg-type]
    assert verdict.hop.address == BACK
    assert verdict.product == "nginx"


def test_the_path_lists_the_hop_that_relayed_and_the_one_that_decided_and_no_other() -> None:
    (verdict,) = verdicts(*_two_hops())  # type: ignore[arg-type]
    assert [(e.product, e.said, e.address) for e in verdict.path] == [
        ("varnish", Said.FORWARDED, FRONT),
        ("nginx", Said.GENERATED, BACK),
    ]


def test_a_rewritten_prefix_does_not_hide_the_next_hop() -> None:
    (verdict,) = verdicts(*_two_hops(url="http://www.test/app/page"))  # type: ignore[arg-type]
    assert verdict.hop.address == BACK


def test_a_hop_that_asks_from_another_address_is_known_by_x_forwarded_for() -> None:
    front = exchange("e1", page="no", says={"Server": "gunicorn"}, server=FRONT, lasts_ms=20)
    behind = exchange(
        "e2", page="no", says={"Server": "gunicorn"}, client="198.51.100.1:4000", server=BACK, at_ms=5,
        asks={"X-Forwarded-For": "192.0.2.10"},
    )  # fmt: skip
    (verdict,) = verdicts(front, behind)
    assert verdict.hop.address == BACK


def test_a_request_after_the_answer_is_no_deeper_hop() -> None:
    front = exchange("e1", page=NGINX_403, server=FRONT)
    later = exchange("e2", page=NGINX_403, client="192.0.2.80:40000", server=BACK, at_ms=500)
    assert {v.exchange for v in verdicts(front, later)} == {"e1", "e2"}


def test_exchanges_of_two_sources_are_not_joined_by_host_and_status_alone() -> None:
    here = exchange("e1", page=NGINX_403, server=FRONT, lasts_ms=20)
    there = exchange("s2.e1", page=NGINX_403, client="198.51.100.9:40000", server=BACK, at_ms=5, source="b.pcap")
    assert len(verdicts(here, there)) == 2
    elsewhere = exchange("s2.e1", page="<p>no</p>", client="192.0.2.80:40000", server=BACK, at_ms=5, source="b.pcap")
    assert len(verdicts(here, elsewhere)) == 2
    later = exchange("s2.e1", page=NGINX_403, client="192.0.2.80:40000", server=BACK, at_ms=900, source="b.pcap")
    assert len(verdicts(here, later)) == 2


def test_exchanges_of_two_sources_are_joined_by_a_request_id() -> None:
    asked = {"X-Request-Id": "0123456789abcdef"}
    here = exchange("e1", page=NGINX_403, server=FRONT, lasts_ms=20, asks=asked)
    there = exchange(
        "s2.e1", page=NGINX_403, client="192.0.2.80:40000", server=BACK, at_ms=5, source="b.pcap", asks=asked
    )
    assert len(verdicts(here, there)) == 1


def test_a_web_server_that_passes_other_requests_on_is_no_origin() -> None:
    passed = exchange("e1", url="http://www.test/ok", status=200, server=FRONT, lasts_ms=20)
    behind = exchange(
        "e2", url="http://www.test/ok", status=200, client="192.0.2.80:40000", server=BACK, at_ms=5, says={}
    )
    denied = exchange("e3", page=NGINX_403, says={"Server": "nginx/1.24.0"}, server=FRONT, at_ms=100)
    (verdict,) = verdicts(passed, behind, denied)
    assert verdict.layer in (Layer.GATEWAY, Layer.WAF)
    assert verdict.product == "nginx"


def test_a_client_and_a_server_on_one_machine_are_no_proxy() -> None:
    def local(name: str, status: int, page: str, at_ms: float) -> Exchange:
        server = {"Server": "nginx/1.24.0"}
        return exchange(
            name, status=status, page=page, says=server, client="127.0.0.1:40000", server="127.0.0.1:8080", at_ms=at_ms
        )

    (verdict,) = verdicts(local("e1", 200, "hello", 0), local("e2", 403, NGINX_403, 90))
    assert (verdict.layer, verdict.product) == (Layer.ORIGIN, "nginx")
    assert not any("passes other requests on" in e.says for e in verdict.evidence)


def test_on_one_machine_the_port_that_passed_a_request_on_is_the_proxy() -> None:
    server = {"Server": "nginx/1.24.0"}
    seen = [
        exchange(
            "e1", status=200, page="hi", says=server, client="127.0.0.1:40000", server="127.0.0.1:80", lasts_ms=20
        ),
        exchange("e2", status=200, page="hi", client="127.0.0.1:50000", server="127.0.0.1:9000", at_ms=5, lasts_ms=5),
        exchange("e3", page=NGINX_403, says=server, client="127.0.0.1:40000", server="127.0.0.1:80", at_ms=90),
    ]
    (verdict,) = verdicts(*seen)
    assert any("passes other requests on" in e.says for e in verdict.evidence)


def test_a_web_server_alone_that_sends_its_own_page_is_an_origin() -> None:
    (verdict,) = verdicts(exchange("e1", page=NGINX_403, says={"Server": "nginx/1.24.0"}))
    assert (verdict.layer, verdict.product) == (Layer.ORIGIN, "nginx")


def test_a_servers_page_behind_a_cache_leaves_doubt() -> None:
    relayed = {"Server": "nginx/1.24.0", "Via": "1.1 varnish (Varnish/7.1)", "Age": "0", "X-Varnish": "5"}
    (alone,) = verdicts(exchange("e1", page=NGINX_403, says={"Server": "nginx/1.24.0"}))
    (behind,) = verdicts(exchange("e1", page=NGINX_403, says=relayed))
    assert behind.confidence < alone.confidence < 0.7


def test_what_one_source_shows_of_a_server_is_no_proof_in_another() -> None:
    page = {"Server": "nginx/1.24.0", "Via": "1.1 varnish", "Age": "0"}
    passed = exchange("e1", url="http://www.test/ok", status=200, server=FRONT, lasts_ms=20)
    behind = exchange("e2", url="http://www.test/ok", status=200, client="192.0.2.80:40000", server=BACK, at_ms=5)
    elsewhere = exchange("s2.e1", page=NGINX_403, says=page, server=FRONT, at_ms=900, source="b.pcap")
    (verdict,) = verdicts(passed, behind, elsewhere)
    assert verdict.confidence < 0.7


_RELAYED = {"Server": "nginx/1.24.0", "Via": "1.1 varnish (Varnish/7.1)", "Age": "0", "X-Varnish": "5"}


def test_from_the_client_alone_the_address_is_the_outermost_hops_and_who_decided_behind_it_has_none() -> None:
    (verdict,) = verdicts(exchange("e1", page=NGINX_403, says=_RELAYED, server=FRONT))
    assert (verdict.product, verdict.hop.address) == ("nginx", None)
    assert [(e.product, e.address) for e in verdict.path] == [("varnish", FRONT), ("nginx", None)]


def test_inside_a_tunnel_the_address_is_the_forward_proxys() -> None:
    proxy = "192.0.2.70:3128"
    opened = exchange("e1", method="CONNECT", url="http://www.test:80", status=200, says={}, server=proxy)
    inside = exchange("e2", page=NGINX_403, says={"Server": "nginx/1.24.0"}, server=proxy, at_ms=20)
    opened, inside = (msgspec.structs.replace(e, connection="c1") for e in (opened, inside))
    (verdict,) = verdicts(opened, inside)
    assert (verdict.layer, verdict.hop.address) == (Layer.ORIGIN, None)
    assert [(e.layer, e.address) for e in verdict.path] == [(Layer.FORWARD_PROXY, proxy), (Layer.ORIGIN, None)]


def test_a_server_and_the_framework_in_it_listen_together() -> None:
    says = {"Server": "gunicorn", "Content-Type": "application/json"}
    (verdict,) = verdicts(exchange("e1", page='{"error": "role admin is required"}', says=says, server=FRONT))
    assert verdict.hop.address == FRONT


def test_a_gateway_that_asks_another_server_whether_a_request_may_pass_was_told_no() -> None:
    front = exchange("e1", page='{"no": 1}', says={"Server": "Caddy"}, server=FRONT, lasts_ms=20, method="POST")
    asks = {"X-Forwarded-For": "192.0.2.10", "X-Forwarded-Uri": "/page?x=1"}
    behind = exchange(
        "e2", url="http://www.test/verify", page='{"no": 1}', says={"Server": "gunicorn"}, client="127.0.0.1:4000",
        server=BACK, at_ms=5, asks=asks,
    )  # fmt: skip
    (verdict,) = verdicts(front, behind)
    assert (verdict.exchange, verdict.hop.address, verdict.seen_at) == ("e1", BACK, ("e2",))


def test_a_gateway_that_was_told_yes_refused_for_another_reason() -> None:
    front = exchange("e1", page="no", says={"Server": "Caddy"}, server=FRONT, lasts_ms=20)
    asks = {"X-Forwarded-For": "192.0.2.10", "X-Forwarded-Uri": "/page"}
    behind = exchange(
        "e2", url="http://www.test/verify", status=200, client="127.0.0.1:4000", server=BACK, at_ms=5, asks=asks
    )
    (verdict,) = verdicts(front, behind)
    assert verdict.hop.address == FRONT


def test_a_product_that_is_named_in_two_roles_is_one_hop() -> None:
    (verdict,) = verdicts(exchange("e1", page="Denied", says={"Server": "Caddy", "Content-Type": "text/plain"}))
    assert [e.product for e in verdict.path] == ["caddy"]
