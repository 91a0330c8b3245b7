"""Servers' logs beside a capture: entries find their denial, and say who made it and why."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from tests.correlate.scenes import NGINX_403, START, exchange, saw
from tracer.correlate import correlate
from tracer.model.http import Exchange
from tracer.model.problem import Problem, Severity
from tracer.model.verdict import Cause, Layer, Verdict

AT = datetime.fromtimestamp(START / 1e9, UTC)
RELAYED = {"Server": "nginx", "Via": "1.1 edge"}


def error_log(
    message: str, *, at: datetime = AT, request: str = "GET /page HTTP/1.1", client: str = "192.0.2.10"
) -> str:
    """A line as nginx writes it (ngx_http_log_error)."""
    tail = f'client: {client}, server: www.test, request: "{request}", host: "www.test"'
    return f"{at:%Y/%m/%d %H:%M:%S} [error] 83#83: *10 {message}, {tail}\n"


def access_log(request: str = "GET /page HTTP/1.1", *, status: int = 403, at: datetime = AT, more: str = "") -> str:
    """A line in Common Log Format, with what operators add."""
    return f'192.0.2.10 - - [{at:%d/%b/%Y:%H:%M:%S %z}] "{request}" {status} 153{more}\n'


def told(tmp_path: Path, logs: dict[str, str], *exchanges: Exchange) -> tuple[list[Verdict], list[Problem]]:
    """Verdicts with these logs beside the capture, and the problems of the logs."""
    paths = []
    for name, text in logs.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
        paths.append(str(tmp_path / name))
    problems: list[Problem] = []
    trace = saw(*(exchanges or (exchange("e1", says={"Server": "nginx"}, page=NGINX_403),)))
    return list(correlate(trace, logs=paths, problem=problems.append)), problems


def test_the_line_that_names_the_reason_gives_cause_hop_and_its_place(tmp_path: Path) -> None:
    line = error_log('open() "/srv/www/page" failed (13: Permission denied)')
    [verdict], _ = told(tmp_path, {"error.log": error_log("other", request="GET /x HTTP/1.1") + line})
    assert (verdict.layer, verdict.product, verdict.cause) == (Layer.ORIGIN, "nginx", Cause.FILE_PERMISSIONS)
    [reason] = [e for e in verdict.evidence if e.supports == "cause:file-permissions"]
    assert "error.log:2" in reason.seen.where
    assert "Permission denied" in reason.seen.value
    assert "/srv/www/page" in reason.says
    assert verdict.cause_confidence > 0.9


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (" upstream=- upstatus=-", Layer.GATEWAY),
        (" upstream=192.0.2.99:8000 upstatus=403", Layer.APP),
    ],
)
def test_a_gateway_that_asked_nobody_is_accused_and_one_that_relayed_is_not(
    tmp_path: Path, more: str, says: Layer
) -> None:
    [verdict], _ = told(tmp_path, {"nginx.log": access_log(more=more)}, exchange("e1"))
    assert verdict.layer is says


def test_the_log_of_the_application_shows_that_the_servers_before_it_relayed(tmp_path: Path) -> None:
    logs = {"nginx/access.log": access_log(), "gunicorn.log": access_log()}
    [verdict], _ = told(tmp_path, logs, exchange("e1", says={"Server": "nginx"}))
    assert verdict.layer is Layer.APP
    assert any(e.supports == "forwarded:origin" and "log access.log:1" in e.seen.where for e in verdict.evidence)


def test_one_logs_entries_of_many_requests_are_told_apart(tmp_path: Path) -> None:
    reasons = ["access forbidden by rule", 'open() "/srv/b" failed (13: Permission denied)']
    asked = [exchange(f"e{n}", url=f"http://www.test/{p}", at_ms=n * 50) for n, p in enumerate("ab")]
    text = "".join(error_log(r, request=f"GET /{p} HTTP/1.1") for r, p in zip(reasons, "ab", strict=True))
    verdicts, _ = told(tmp_path, {"error.log": text}, *asked)
    assert [v.cause for v in verdicts] == [Cause.PATH_DENIED, Cause.FILE_PERMISSIONS]


def test_equal_requests_are_told_apart_by_their_time(tmp_path: Path) -> None:
    asked = [exchange(f"e{n}", at_ms=n * 60_000) for n in range(2)]
    first, second = ("access forbidden by rule", 'directory index of "/srv/" is forbidden')
    text = error_log(first) + error_log(second, at=AT + timedelta(minutes=1))
    verdicts, _ = told(tmp_path, {"error.log": text}, *asked)
    assert [v.cause for v in verdicts] == [Cause.PATH_DENIED, Cause.DIRECTORY_INDEX]


def test_a_zone_that_was_not_written_is_found(tmp_path: Path) -> None:
    local = AT.astimezone(timezone(timedelta(hours=-6)))
    [verdict], problems = told(tmp_path, {"error.log": error_log("access forbidden by rule", at=local)})
    assert any("error.log:1" in e.seen.where for e in verdict.evidence)
    assert [p.code for p in problems] == ["log.clock"]
    assert "21600 s behind" in problems[0].text


def test_a_clock_that_is_wrong_is_put_right_when_several_denials_agree(tmp_path: Path) -> None:
    wrong = timedelta(minutes=47, seconds=11)
    asked = [exchange(f"e{n}", url=f"http://www.test/{n}", at_ms=n * 7000) for n in range(3)]
    lines = [
        error_log("access forbidden by rule", request=f"GET /{n} HTTP/1.1", at=AT + wrong + timedelta(seconds=7 * n))
        for n in range(3)
    ]
    verdicts, _ = told(tmp_path, {"error.log": "".join(lines)}, *asked)
    assert [sum("error.log" in e.seen.where for e in v.evidence) > 0 for v in verdicts] == [True] * 3


def test_a_line_of_another_hour_is_not_joined_on_its_path_alone(tmp_path: Path) -> None:
    late = AT + timedelta(minutes=47, seconds=11)
    [verdict], _ = told(tmp_path, {"access.log": access_log(at=late, more=" upstream=- upstatus=-")})
    assert not any("access.log" in e.seen.where for e in verdict.evidence)


def test_of_many_clients_that_ask_the_same_at_once_none_is_believed_to_be_this_one(tmp_path: Path) -> None:
    lines = [error_log('open() "/srv/x" failed (13: Permission denied)', client=f"198.51.100.{n}") for n in range(9)]
    [among], _ = told(tmp_path, {"error.log": "".join(lines)})
    [alone], _ = told(tmp_path, {"error.log": lines[0]})
    assert alone.cause is Cause.FILE_PERMISSIONS
    assert not any(e.weight > 2 and "error.log" in e.seen.where for e in among.evidence)


def test_a_request_id_joins_whatever_the_clock_says(tmp_path: Path) -> None:
    rid = "af2809e56fa85390b9aed051b6d0b2ea"
    line = access_log("GET /inner/page HTTP/1.1", at=AT + timedelta(days=3), more=f" rid={rid} upstream=- upstatus=-")
    [verdict], _ = told(tmp_path, {"gw-nginx.log": line}, exchange("e1", says={"X-Request-Id": rid}))
    assert verdict.layer is Layer.GATEWAY


def test_the_clients_port_joins_a_line_without_a_request(tmp_path: Path) -> None:
    line = (
        f"[{AT:%a %b %d %H:%M:%S}.500000 {AT:%Y}] [authz_core:error] [pid 1:tid 2] [client 192.0.2.10:50000] "
        "AH01630: client denied by server configuration: /srv/www/page\n"
    )
    [verdict], _ = told(tmp_path, {"error.log": line}, exchange("e1", says={"Server": "Apache"}))
    assert (verdict.layer, verdict.product) == (Layer.ORIGIN, "apache")
    assert any("port" in e.seen.where for e in verdict.evidence)


def test_an_id_of_one_log_joins_the_next_log(tmp_path: Path) -> None:
    """The front's log knows client and path; only the id leads on to the hop behind, that names another path."""
    rid = "0123456789abcdef0123"
    front = access_log(more=f" rid={rid} upstream=192.0.2.80:80 upstatus=403")
    behind = json.dumps(
        {
            "start_time": f"{AT:%Y-%m-%dT%H:%M:%S}.500Z",
            "method": "GET",
            "path": "/v2/other",
            "response_code": 403,
            "x_request_id": rid,
            "response_code_details": "rbac_access_denied_matched_policy[none]",
        }
    )
    [verdict], _ = told(tmp_path, {"front.log": front, "envoy.json": behind}, exchange("e1"))
    assert (verdict.layer, verdict.product) == (Layer.GATEWAY, "envoy")


def test_the_rule_of_the_firewall_and_what_it_matched_are_named(tmp_path: Path) -> None:
    score = (
        "ModSecurity: Access denied with code 403 (phase 2). Matched \"Operator `Ge' with parameter `5' against "
        "variable `TX:ANOMALY_SCORE' (Value: `5' ) [file \"/etc/crs/rules/REQUEST-949-BLOCKING-EVALUATION.conf\"] "
        '[line "80"] [id "949110"] [msg "Inbound Anomaly Score Exceeded"] [unique_id "1795"]'
    )
    rule = (
        'ModSecurity: Warning. detected SQLi using libinjection. [file "/etc/crs/rules/REQUEST-942-APPLICATION-ATTACK-'
        'SQLI.conf"] [line "46"] [id "942100"] [msg "SQL Injection Attack Detected via libinjection"] [data "Matched '
        'Data: s&1 found within ARGS:q: 1\' or 1=1"] [unique_id "1795"]'
    )
    lines = [error_log(m, request="GET /page?q=1 HTTP/1.1") for m in (rule, score)]
    [verdict], _ = told(tmp_path, {"error.log": "".join(lines)}, exchange("e1", url="http://www.test/page?q=1"))
    assert (verdict.layer, verdict.product, verdict.cause) == (Layer.WAF, "modsecurity", Cause.WAF_RULE)
    assert verdict.cause_detail == "crs-942100"


@pytest.mark.parametrize("junk", [b"\0" * 5000, b"\xff\xfe" * 4000, b"words that no server writes\n" * 3000])
def test_a_log_that_cannot_be_read_is_a_problem_and_costs_no_verdict(tmp_path: Path, junk: bytes) -> None:
    (tmp_path / "x.log").write_bytes(junk)
    problems: list[Problem] = []
    verdicts = list(correlate(saw(exchange("e1")), logs=[str(tmp_path / "x.log")], problem=problems.append))
    assert len(verdicts) == 1
    assert [p.code for p in problems] == ["log.unknown"]


def test_an_empty_log_is_worth_a_note(tmp_path: Path) -> None:
    _, problems = told(tmp_path, {"x.log": ""})
    assert [(p.code, p.severity) for p in problems] == [("log.empty", Severity.NOTE)]


def test_a_log_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    problems: list[Problem] = []
    list(correlate(saw(exchange("e1")), logs=[str(tmp_path / "none.log")], problem=problems.append))
    assert [p.code for p in problems] == ["log.unreadable"]


def _lines(*minutes: float, status: int = 200, client: str = "192.0.2.10") -> str:
    lines = [access_log("GET /other HTTP/1.1", status=status, at=AT + timedelta(minutes=m)) for m in minutes]
    return "".join(lines).replace("192.0.2.10", client)


def test_a_log_that_goes_on_and_has_no_such_entry_speaks_against_its_server(tmp_path: Path) -> None:
    page = exchange("e1", says=RELAYED, page=NGINX_403)
    [verdict], _ = told(tmp_path, {"nginx-access.log": _lines(-5, -1, 1, 5)}, page)
    [silent] = [e for e in verdict.evidence if e.supports == "against:origin" and e.kind == "logs"]
    assert "did not come there" in silent.says
    assert silent.seen.where == "log nginx-access.log"


@pytest.mark.parametrize("lines", [_lines(-9, -8, -7, -6), _lines(-5, -1, 1, 5, client="198.51.100.7"), _lines(0)])
def test_a_log_of_another_time_or_of_other_clients_tells_nothing(tmp_path: Path, lines: str) -> None:
    [verdict], _ = told(tmp_path, {"nginx-access.log": lines}, exchange("e1", says=RELAYED, page=NGINX_403))
    assert not [e for e in verdict.evidence if e.kind == "logs"]


def test_the_log_of_a_development_server_is_no_relays(tmp_path: Path) -> None:
    line = f'192.0.2.10 - - [{AT:%d/%b/%Y %H:%M:%S}] "GET /page HTTP/1.1" 403 -\n'
    [verdict], _ = told(tmp_path, {"moto.log": line}, exchange("e1", says={"Server": "Werkzeug/3.1"}))
    assert verdict.layer is not Layer.GATEWAY


def test_a_rule_in_nginxs_own_log_does_not_tell_whether_it_ends_the_path(tmp_path: Path) -> None:
    """A reverse proxy has such rules as well; what is told of its files is an origin's."""
    behind_a_cache = exchange("e1", says={**RELAYED, "Age": "0"}, page=NGINX_403)
    [ruled], _ = told(tmp_path, {"error.log": error_log("access forbidden by rule")}, behind_a_cache)
    [filed], _ = told(
        tmp_path, {"error.log": error_log('open() "/srv/page" failed (13: Permission denied)')}, behind_a_cache
    )
    assert ruled.layer is filed.layer is Layer.ORIGIN
    assert any(other.layer is Layer.GATEWAY for other in ruled.alternatives)
    assert ruled.confidence < 0.9 < filed.confidence
