"""Who wrote an answer that a hop's name stands on, and in which role a proxy answered."""

from __future__ import annotations

import msgspec
import pytest

from tests.correlate.scenes import NGINX_403, Fields, exchange, handshake, verdicts
from tracer.model.http import Exchange
from tracer.model.tls import Certificate
from tracer.model.verdict import Cause, Layer

SQUID = {"Server": "squid/5.7", "X-Squid-Error": "ERR_ACCESS_DENIED 0", "Content-Type": "text/html;charset=utf-8"}
APACHE_401 = (
    '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01//EN" "http://www.w3.org/TR/html4/strict.dtd">\n<html><head>\n'
    "<title>401 Unauthorized</title>\n</head><body>\n<h1>Unauthorized</h1>\n</body></html>\n"
)
TYPED = {"content-type": "text/plain; charset=utf-8", "content-length": "80"}


def on_the_wire(seen: Exchange, target: str | None = None) -> Exchange:
    """The same, read from packets, with the target as it was written."""
    assert seen.request is not None
    request = msgspec.structs.replace(seen.request, target=target or seen.request.target)
    return msgspec.structs.replace(seen, packets=(4, 6), request=request)


def test_squid_asked_as_the_server_itself_is_a_cache_in_front_of_it() -> None:
    (verdict,) = verdicts(on_the_wire(exchange("e1", says=SQUID, page="ERR_ACCESS_DENIED")))
    assert (verdict.layer, verdict.product) == (Layer.CDN, "squid")


def test_squid_asked_for_a_whole_url_is_the_clients_proxy() -> None:
    seen = on_the_wire(exchange("e1", says=SQUID, page="ERR_ACCESS_DENIED"), "http://www.test/page")
    (verdict,) = verdicts(seen)
    assert (verdict.layer, verdict.product) == (Layer.FORWARD_PROXY, "squid")


def test_squid_that_opened_a_tunnel_is_the_clients_proxy() -> None:
    tunnelled = msgspec.structs.replace(on_the_wire(exchange("e1", says=SQUID, page="no")), tunnel="e0")
    assert verdicts(tunnelled)[0].layer is Layer.FORWARD_PROXY


def test_caddys_own_refusal_is_more_often_a_proxys_than_a_file_servers() -> None:
    (verdict,) = verdicts(exchange("e1", status=403, says={"Server": "Caddy", "Content-Length": "0"}))
    assert verdict.product == "caddy"
    assert verdict.layer is Layer.GATEWAY


@pytest.mark.parametrize("status", [401, 403])
def test_nothing_under_nginxs_name_is_not_nginxs_page(status: int) -> None:
    (verdict,) = verdicts(exchange("e1", status=status, says={"Server": "nginx", "Content-Length": "0"}))
    assert verdict.layer is Layer.APP


def test_nginx_has_no_page_for_451() -> None:
    (verdict,) = verdicts(exchange("e1", status=451, says={"Server": "nginx", "Content-Length": "0"}))
    assert not any("not the page" in e.says for e in verdict.evidence)


def test_plain_text_under_lighttpds_name_comes_from_behind() -> None:
    says = {"Server": "lighttpd/1.4.69", "Content-Type": "text/plain; charset=utf-8"}
    assert verdicts(exchange("e1", says=says, page="Only staff may see this"))[0].layer is Layer.APP


def test_apaches_page_in_its_newer_form_leaves_its_role_open() -> None:
    says = {"Server": "Apache", "Content-Type": "text/html; charset=iso-8859-1"}
    (verdict,) = verdicts(exchange("e1", status=401, says=says, page=APACHE_401))
    assert (verdict.layer, verdict.product) == (Layer.ORIGIN, "apache")
    assert any(other.layer is Layer.GATEWAY for other in verdict.alternatives)


def test_one_word_without_a_type_behind_a_hop_is_traefiks() -> None:
    (verdict,) = verdicts(exchange("e1", says={"Server": "nginx/1.22.1", "Content-Length": "9"}, page="Forbidden"))
    assert (verdict.layer, verdict.product) == (Layer.GATEWAY, "traefik")


def test_sanic_leaves_out_the_date_as_haproxy_does_and_says_who_it_is() -> None:
    page = "⚠️ 403 — Forbidden\n==================\nOnly members may see this\n"
    (verdict,) = verdicts(exchange("e1", says=TYPED, page=page))
    assert (verdict.layer, verdict.product) == (Layer.APP, "sanic")


def test_haproxy_over_http2_names_neither_date_nor_server() -> None:
    seen = exchange("e1", says={"x-reason": "geo", "content-length": "0"})
    assert seen.response is not None
    seen = msgspec.structs.replace(seen, response=msgspec.structs.replace(seen.response, version="HTTP/2"))
    assert verdicts(seen)[0].product == "haproxy"


FORM = {"Origin": "https://evil.test", "Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    ("method", "asks", "cause"),
    [
        ("POST", FORM, Cause.CSRF_FAILED),
        ("POST", FORM | {"Content-Type": "application/json"}, Cause.CORS_DENIED),
        ("GET", {"Origin": "https://evil.test"}, Cause.CORS_DENIED),
    ],
)
def test_a_form_from_another_site_is_forgery_and_a_script_is_cors(method: str, asks: Fields, cause: Cause) -> None:
    says = {"Content-Type": "text/plain;charset=UTF-8"}
    (verdict,) = verdicts(exchange("e1", method=method, asks=asks, says=says, page="Forbidden"))
    assert verdict.cause is cause


def test_a_sealed_link_within_its_time_was_sealed_otherwise() -> None:
    (verdict,) = verdicts(exchange("e1", url="http://www.test/f.zip?md5=abcdef&expires=1999999999", page="no"))
    assert verdict.cause is Cause.SIGNATURE_MISMATCH


def test_a_certificate_past_its_time_explains_a_refusal_in_the_servers_own_words() -> None:
    past = Certificate(subject="CN=alice", issuer="CN=CA", not_after_ns=1_700_000_000 * 10**9)
    refused = handshake(client_cert_sent=True, client_certs=(past,), end_ns=1_800_000_000_000_000_000)
    seen = exchange("e1", status=401, says={"Server": "nginx"}, page='{"error":"who are you"}', tls="t1")
    assert verdicts(seen, refused)[0].cause is Cause.CLIENT_CERT_REJECTED


def test_who_asked_for_a_certificate_and_got_a_bad_one_refuses_itself() -> None:
    past = Certificate(subject="CN=alice", issuer="CN=CA", not_after_ns=1_700_000_000 * 10**9)
    refused = handshake(client_cert_sent=True, client_certs=(past,))
    says = {"Server": "nginx", "Content-Type": "application/json"}
    seen = exchange("e1", status=401, says=says, page='{"error":"who are you"}', tls="t1")
    assert verdicts(seen, refused)[0].layer is not Layer.APP
    assert verdicts(seen, handshake(client_cert_requested=False))[0].layer is Layer.APP


@pytest.mark.parametrize(
    ("method", "status"), [("GET", 429), ("DELETE", 403)], ids=["counting", "a method that changes"]
)
def test_nginx_before_something_is_likelier_when_it_counts_or_bars_methods(method: str, status: int) -> None:
    def of_a_gateway(method: str, status: int) -> float:
        page = NGINX_403.replace("403 Forbidden", f"{status} Refused")
        (verdict,) = verdicts(exchange("e1", method=method, status=status, says={"Server": "nginx"}, page=page))
        others = {other.layer: other.confidence for other in verdict.alternatives}
        return verdict.confidence if verdict.layer is Layer.GATEWAY else others.get(Layer.GATEWAY, 0.0)

    assert of_a_gateway(method, status) > of_a_gateway("GET", 403)


def test_a_cache_in_front_that_passed_the_answer_on_stands_in_the_path_as_one() -> None:
    passed = {"X-Cache": "MISS from cache", "X-Cache-Lookup": "MISS from cache:80", "Via": "1.1 cache (squid/5.7)"}
    outer = on_the_wire(exchange("e1", says={"Server": "nginx", **passed}, page=NGINX_403, lasts_ms=20))
    inner = on_the_wire(
        exchange(
            "e2",
            client="192.0.2.80:40000",
            server="192.0.2.99:80",
            says={"Server": "nginx"},
            page=NGINX_403,
            at_ms=5,
        )
    )
    (verdict,) = verdicts(outer, inner)
    assert [(hop.layer, hop.product) for hop in verdict.path[:1]] == [(Layer.CDN, "squid")]
