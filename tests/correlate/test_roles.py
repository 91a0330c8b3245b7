"""One page, three roles: the server itself, a reverse proxy, a firewall within it."""

from __future__ import annotations

from tests.correlate.scenes import NGINX_403, exchange, verdicts
from tracer.correlate import judge
from tracer.model.http import Exchange
from tracer.model.verdict import Evidence, Layer, Verdict

SERVER = {"Server": "nginx/1.24.0", "Content-Type": "text/html"}
FILE = {**SERVER, "ETag": '"6b04a833-75"', "Last-Modified": "Mon, 23 Nov 2026 20:55:15 GMT"}
APACHE_403 = (
    '<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">\n<html><head>\n<title>403 Forbidden</title>\n</head><body>\n'
    "<h1>Forbidden</h1>\n<p>You don't have permission to access this resource.</p>\n</body></html>\n"
)


def denied(url: str = "http://www.test/page", **more: object) -> Verdict:
    return verdicts(exchange("e9", url=url, page=NGINX_403, says=SERVER, at_ms=900, **more))[-1]  # type: ignore[arg-type]


def chance(verdict: Verdict, layer: Layer) -> float:
    if verdict.layer is layer:
        return verdict.confidence
    return next((a.confidence for a in verdict.alternatives if a.layer is layer), 0.0)


def test_a_page_alone_does_not_tell_the_role_and_the_others_are_named() -> None:
    verdict = denied()
    assert verdict.confidence < 0.7
    assert {(a.layer, a.product) for a in verdict.alternatives} >= {
        (Layer.GATEWAY, "nginx"),
        (Layer.WAF, "modsecurity"),
    }


def test_however_often_the_server_is_named_its_role_stays_open() -> None:
    fields = {**SERVER, "X-Powered-By": "nginx", "Date": "Mon, 23 Nov 2026 20:55:15 GMT"}
    (verdict,) = verdicts(exchange("e1", page=NGINX_403, says=fields))
    assert verdict.confidence < 0.7


def test_an_attack_in_the_request_makes_the_firewall_likeliest_and_leaves_doubt() -> None:
    verdict = denied("http://www.test/list?id=1%27%20UNION%20SELECT%20password%20FROM%20users--")
    assert (verdict.layer, verdict.product) == (Layer.WAF, "modsecurity")
    assert verdict.confidence < 0.7


def test_a_folder_without_a_list_is_an_origins() -> None:
    assert denied("http://www.test/photos/").confidence > 0.8 > denied().confidence


def test_an_applications_path_is_refused_by_a_proxy_in_front_of_it() -> None:
    assert chance(denied("http://www.test/api/orders"), Layer.GATEWAY) > chance(denied(), Layer.GATEWAY)


def test_apache_runs_programs_itself() -> None:
    (page,) = verdicts(exchange("e1", page=APACHE_403, says={"Server": "Apache"}))
    (program,) = verdicts(exchange("e1", url="http://www.test/a.php", page=APACHE_403, says={"Server": "Apache"}))
    assert chance(program, Layer.GATEWAY) == chance(page, Layer.GATEWAY)


def test_good_answers_that_are_files_make_an_origin_and_an_applications_a_proxy() -> None:
    url = "http://www.test/other"
    files = verdicts(exchange("e1", url=url, status=200, says=FILE, page="hello"), _late())[-1]
    app = verdicts(exchange("e1", url=url, status=200, says={**SERVER, "Set-Cookie": "s=1"}, page="hello"), _late())[-1]
    assert chance(files, Layer.ORIGIN) > chance(denied(), Layer.ORIGIN) > chance(app, Layer.ORIGIN)


def _late() -> Exchange:
    return exchange("e9", page=NGINX_403, says=SERVER, at_ms=900)


def test_a_good_answer_from_behind_that_was_refused_is_a_filters() -> None:
    front = exchange("e1", page=APACHE_403, says={"Server": "Apache"}, server="192.0.2.80:80", lasts_ms=20)
    behind = exchange(
        "e2", status=200, says={}, page="ORA-00933", client="192.0.2.80:40000", server="192.0.2.90:80", at_ms=5
    )
    (verdict,) = verdicts(front, behind)
    assert verdict.layer is Layer.WAF


def test_a_file_of_nginx_with_its_date_was_fetched_in_place_of_another_answer() -> None:
    (verdict,) = verdicts(exchange("e1", says=FILE, page="<p>no</p>"))
    assert verdict.layer is not Layer.ORIGIN


def _role(layer: Layer, weight: float, kind: str = "role") -> Evidence:
    return Evidence(id="v1", says="", supports=f"role:{layer}", weight=weight, kind=kind)


def test_roles_share_out_one_layer_and_leave_the_others_alone() -> None:
    spoke = Evidence(id="v0", says="", supports=f"generated:{Layer.ORIGIN}", weight=3.0, kind="page")
    plain = judge.posterior(judge.weigh([spoke]))
    shared = judge.posterior(judge.weigh([spoke, _role(Layer.ORIGIN, 0.0), _role(Layer.WAF, 0.0)]))
    assert abs(shared[Layer.ORIGIN] - plain[Layer.ORIGIN] / 2) < 1e-9
    assert abs(shared[Layer.WAF] - plain[Layer.WAF] - plain[Layer.ORIGIN] / 2) < 1e-9
    assert shared[Layer.APP] == plain[Layer.APP]


def test_a_log_that_tells_the_role_decides_it() -> None:
    items = [_role(Layer.ORIGIN, 0.0), _role(Layer.WAF, 1.0)]
    told = Evidence(id="v9", says="", supports=f"generated:{Layer.ORIGIN}", weight=8.0, kind="logs")
    assert judge.posterior(judge.weigh([*items, told]))[Layer.ORIGIN] > 0.95


def test_an_api_gateways_bare_refusal_may_be_the_firewalls_on_it() -> None:
    says = {"x-amzn-ErrorType": "ForbiddenException", "x-amz-apigw-id": "LaY=", "Content-Type": "application/json"}
    (verdict,) = verdicts(exchange("e1", says=says, page='{"message":"Forbidden"}'))
    assert (verdict.layer, verdict.product) == (Layer.GATEWAY, "aws-api-gateway")
    assert verdict.confidence < 0.7
    assert ("aws-waf", Layer.WAF) in {(a.product, a.layer) for a in verdict.alternatives}
