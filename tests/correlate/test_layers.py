"""Which layer: marks, standard fields, what was asked."""

from __future__ import annotations

import msgspec
import pytest

from tests.correlate.scenes import NGINX_403, exchange, verdicts
from tracer.model.verdict import Cause, Layer, Said


def test_a_refused_connect_is_the_proxys() -> None:
    (verdict,) = verdicts(exchange("e1", method="CONNECT", page="no"))
    assert (verdict.layer, verdict.cause) == (Layer.FORWARD_PROXY, Cause.DESTINATION_DENIED)


def test_407_is_the_proxys() -> None:
    (verdict,) = verdicts(exchange("e1", status=407, says={"Proxy-Authenticate": "Basic"}))
    assert (verdict.layer, verdict.cause) == (Layer.FORWARD_PROXY, Cause.CREDENTIALS_MISSING)


def test_proxy_status_with_an_error_accuses_the_intermediary() -> None:
    (verdict,) = verdicts(exchange("e1", says={"Proxy-Status": "edge; error=http_request_denied"}))
    assert verdict.layer is Layer.GATEWAY


def test_proxy_status_with_a_received_status_acquits_it() -> None:
    (verdict,) = verdicts(exchange("e1", says={"Proxy-Status": "edge; received-status=403"}, page='{"error":"no"}'))
    assert verdict.layer is Layer.APP


def test_a_cache_that_forwarded_is_not_accused() -> None:
    (verdict,) = verdicts(
        exchange("e1", says={"Cache-Status": "Edge; fwd=miss; fwd-status=403"}, page='{"error":"no"}')
    )
    assert verdict.layer is not Layer.CDN


@pytest.mark.parametrize(
    "says",
    [
        {"Server": "cloudflare", "CF-RAY": "8c2d4e6f7a8b9c0d-FRA", "CF-Cache-Status": "DYNAMIC"},
        {"X-Cache": "Error from cloudfront", "X-Amz-Cf-Id": "abc", "Via": "1.1 x.cloudfront.net (CloudFront)"},
    ],
)
def test_the_mere_presence_of_an_edge_does_not_accuse_it(says: dict[str, str]) -> None:
    page = '{"detail":"You do not have permission to perform this action."}'
    (verdict,) = verdicts(exchange("e1", says={**says, "Content-Type": "application/json"}, page=page))
    assert verdict.layer is Layer.APP


def test_a_product_that_is_only_guessed_at_by_generic_fields_is_not_on_the_path() -> None:
    (verdict,) = verdicts(exchange("e1", page=NGINX_403, says={"Server": "nginx/1.24.0"}))
    assert [(e.product, e.said) for e in verdict.path] == [("nginx", Said.GENERATED)]


def test_varnishs_own_page_is_the_cdns_and_retry_after_is_no_rate_limit() -> None:
    page = (
        "<!DOCTYPE html>\n<html>\n  <head>\n    <title>403 Forbidden</title>\n  </head>\n  <body>\n"
        "    <h1>Error 403 Forbidden</h1>\n    <p>Forbidden</p>\n    <h3>Guru Meditation:</h3>\n    <p>XID: 8</p>\n"
        "    <hr>\n    <p>Varnish cache server</p>\n  </body>\n</html>\n"
    )
    (verdict,) = verdicts(exchange("e1", page=page, says={"Server": "Varnish", "X-Varnish": "8", "Retry-After": "5"}))
    assert (verdict.layer, verdict.product) == (Layer.CDN, "varnish")
    assert verdict.cause is not Cause.RATE_LIMITED


def test_an_answer_without_date_and_server_in_lower_case_is_haproxys() -> None:
    says = {"content-length": "16", "content-type": "application/json"}
    kept = exchange("e1", says=says, page='{"error":"nope"}')
    captured = msgspec.structs.replace(kept, packets=(1, 2, 3, 4))
    (verdict,) = verdicts(captured)
    assert (verdict.layer, verdict.product) == (Layer.GATEWAY, "haproxy")
    (unsure,) = verdicts(kept)
    assert unsure.confidence < 0.6


def test_a_varnish_of_ones_own_is_not_told_as_fastly() -> None:
    own = {"Server": "Varnish", "X-Varnish": "8"}
    theirs = {"Server": "Varnish", "X-Served-By": "cache-fra-1-FRA", "X-Timer": "S1669140365.951570,VS0,VE1"}
    page = "<h1>Error 403 Forbidden</h1><h3>Guru Meditation:</h3><p>XID: 8</p><hr><p>Varnish cache server</p>"
    (verdict,) = verdicts(exchange("e1", page=page, says=own))
    assert verdict.product == "varnish"
    assert "fastly" not in {e.product for e in verdict.evidence}
    assert verdicts(exchange("e1", says=theirs))[0].product == "fastly"


@pytest.mark.parametrize("fields", [{}, {"Content-Type": "text/plain; charset=utf-8", "Content-Length": "9"}])
def test_one_word_in_a_record_that_may_have_lost_fields_is_not_surely_traefiks(fields: dict[str, str]) -> None:
    kept = exchange("e1", says=fields, page="Forbidden")
    (verdict,), (captured,) = verdicts(kept), verdicts(msgspec.structs.replace(kept, packets=(1, 2, 3, 4)))
    assert (verdict.product, captured.product) == ("traefik", "traefik")
    assert verdict.confidence < 0.75 < captured.confidence


def test_express_gateway_refuses_as_express_does() -> None:
    says = {
        "X-Powered-By": "Express",
        "Content-Type": "text/plain; charset=utf-8",
        "ETag": 'W/"c-dAuDFQrdjS3hezqxDTNgW7AOlYk"',
    }
    (verdict,) = verdicts(exchange("e1", status=401, says=says, page="Unauthorized"))
    assert (verdict.layer, verdict.product) == (Layer.APP, "express")
    assert verdict.confidence < 0.95
    assert verdict.alternatives[0].layer is Layer.GATEWAY


def test_a_usual_cache_control_names_laravel_where_nothing_else_names_a_program() -> None:
    says = {"Content-Type": "application/json", "Cache-Control": "no-cache, private"}
    assert verdicts(exchange("e1", says=says, page='{"error":1}'))[0].product == "laravel"
    named = {**says, "X-Drupal-Cache": "MISS"}
    assert verdicts(exchange("e1", says=named, page='{"error":1}'))[0].product == "drupal"


def test_envoy_without_an_upstream_time_answered_itself() -> None:
    (verdict,) = verdicts(exchange("e1", says={"server": "envoy", "date": "x"}, page="not here"))
    assert (verdict.layer, verdict.product) == (Layer.GATEWAY, "envoy")


def test_envoy_with_an_upstream_time_relayed() -> None:
    says = {"server": "envoy", "x-envoy-upstream-service-time": "4", "content-type": "application/json"}
    (verdict,) = verdicts(exchange("e1", says=says, page='{"error":"no"}'))
    assert verdict.layer is Layer.APP


@pytest.mark.parametrize(
    "target", ["/?id=1%27%20OR%20%271%27%3D%271", "/?f=..%2F..%2F..%2Fetc%2Fpasswd", "/?q=%3Cscript%3E"]
)
def test_a_servers_page_after_an_attack_is_a_firewalls(target: str) -> None:
    (verdict,) = verdicts(
        exchange("e1", url=f"http://www.test{target}", page=NGINX_403, says={"Server": "nginx/1.24.0"})
    )
    assert (verdict.layer, verdict.cause) == (Layer.WAF, Cause.WAF_RULE)


def test_an_attack_in_the_body_counts_too() -> None:
    sent = "name=x' UNION SELECT password FROM users--"
    (verdict,) = verdicts(exchange("e1", method="POST", sent=sent, page=NGINX_403, says={"Server": "nginx/1.24.0"}))
    assert (verdict.layer, verdict.cause_detail) == (Layer.WAF, "sqli")


def test_a_bare_403_decides_nothing_and_says_so() -> None:
    (verdict,) = verdicts(exchange("e1"))
    assert verdict.confidence < 0.5
    assert any("capture" in s or "log" in s for s in verdict.next_steps)


def test_who_refuses_connect_is_a_forward_proxy_whatever_server_it_is_built_on() -> None:
    (verdict,) = verdicts(
        exchange("e1", method="CONNECT", says={"Server": "nginx/1.19.6", "Content-Type": "text/html"})
    )
    assert (verdict.layer, verdict.product) == (Layer.FORWARD_PROXY, "nginx")


def test_a_refusal_of_a_mesh_is_relayed_by_another_of_its_kind() -> None:
    says = {"Server": "istio-envoy", "X-Envoy-Upstream-Service-Time": "6", "Content-Type": "text/plain"}
    (verdict,) = verdicts(exchange("e1", says=says, page="RBAC: access denied"))
    assert verdict.layer is Layer.GATEWAY


def test_the_type_of_an_error_tells_that_apache_wrote_it_whatever_it_says() -> None:
    says = {"Server": "Apache/2.4.38 (Debian)", "Content-Type": "text/html; charset=iso-8859-1"}
    (verdict,) = verdicts(exchange("e1", says=says, page="<h1>No.</h1>"))
    assert (verdict.layer, verdict.product) == (Layer.ORIGIN, "apache")
    (verdict,) = verdicts(
        exchange("e1", says={**says, "Content-Type": "text/html; charset=UTF-8"}, page="<h1>No.</h1>")
    )
    assert verdict.layer is not Layer.ORIGIN


def test_a_store_does_not_refuse_for_the_page_that_asks() -> None:
    page = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message><RequestId>1</RequestId></Error>"
    says = {"Server": "AmazonS3", "Content-Type": "application/xml", "x-amz-request-id": "1", "x-amz-id-2": "2"}
    (verdict,) = verdicts(exchange("e1", asks={"Origin": "https://app.test"}, says=says, page=page))
    assert str(verdict.cause) == "resource-policy"


def test_a_word_that_products_of_several_layers_send_names_none_of_them() -> None:
    (verdict,) = verdicts(exchange("e1", says={"Content-Type": "text/plain"}, page="Forbidden"))
    assert not any(e.product and e.seen.where == "response body" and e.kind == "marks" for e in verdict.evidence)


def test_pythons_own_server_is_an_applications() -> None:
    (verdict,) = verdicts(exchange("e1", says={"Server": "BaseHTTP/0.6 Python/3.12.1"}, page="Forbidden"))
    assert (verdict.layer, verdict.product) == (Layer.APP, "python-app-server")
