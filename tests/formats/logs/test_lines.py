"""Lines of servers' logs, as the servers write them or their makers document them -> what they say of a request."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.formats.logs.dispatch import Lines
from tracer.model.log import LogLine


def read(text: str) -> list[LogLine]:
    """Every entry of a log."""
    lines = Lines()
    found = [entry for number, line in enumerate(text.splitlines(), 1) for entry in lines.feed(line, number)]
    return [*found, *lines.end()]


def at(text: str) -> int:
    """Nanoseconds of an ISO time in UTC."""
    moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return int(moment.timestamp()) * 10**9 + moment.microsecond * 1000


CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "nginx combined": (
        '203.0.113.7 - alice [28/Nov/2026:14:00:01 +0100] "GET /a?b=1 HTTP/2.0" 403 153 "https://x.test/" "curl/8.5.0"',
        {"format": "access", "client": "203.0.113.7", "method": "GET", "target": "/a?b=1", "status": 403, "size": 153,
         "agent": "curl/8.5.0", "time_ns": at("2026-11-28T13:00:01"), "zoned": True},
    ),
    "a gateway's nginx with upstream and request id": (
        '2026-11-28T14:00:01+00:00 10.0.0.1 "POST /a HTTP/1.1" 403 upstream=10.0.0.9:8080 upstatus=403 '
        "rid=af2809e56fa85390b9aed051b6d0b2ea",
        {"upstream": "10.0.0.9:8080", "upstream_status": 403, "asked_nobody": False,
         "ids": ("af2809e56fa85390b9aed051b6d0b2ea",)},
    ),
    "a gateway's nginx that asked nobody": (
        '2026-11-28T14:00:01+00:00 10.0.0.1 "POST /a HTTP/1.1" 403 upstream=- upstatus=-',
        {"upstream": None, "upstream_status": None, "asked_nobody": True, "status": 403},
    ),
    "Apache common with IPv6": (
        '2001:db8::7 - - [28/Nov/2026:14:00:01 +0000] "GET / HTTP/1.1" 401 381',
        {"client": "2001:db8::7", "status": 401, "size": 381},
    ),
    "nginx error": (
        '2026/11/28 14:00:01 [error] 83#83: *10 open() "/srv/www/x" failed (13: Permission denied), '
        'client: 203.0.113.7, server: _, request: "GET /x HTTP/1.1", host: "www.test"',
        {"format": "nginx-error", "product": "nginx", "client": "203.0.113.7", "target": "/x", "host": "www.test",
         "message": 'open() "/srv/www/x" failed (13: Permission denied)', "zoned": False},
    ),
    "nginx error with upstream": (
        "2026/11/28 14:00:01 [error] 83#83: *10 upstream prematurely closed connection while reading response header "
        'from upstream, client: 203.0.113.7, server: a, request: "GET /x HTTP/1.1", '
        'upstream: "http://10.0.0.9:8080/x", host: "www.test"',
        {"upstream": "10.0.0.9:8080", "target": "/x"},
    ),
    "Apache 2.4 error": (
        "[Sat Nov 28 14:00:01.416706 2026] [authz_core:error] [pid 3193:tid 3199] [client 203.0.113.7:36042] AH01630: "
        "client denied by server configuration: /srv/www/x",
        {"format": "apache-error", "product": "apache", "client": "203.0.113.7", "client_port": 36042,
         "message": "AH01630: client denied by server configuration: /srv/www/x",
         "time_ns": at("2026-11-28T14:00:01.416706")},
    ),
    "Apache 2.2 error": (
        "[Sat Nov 28 14:00:01 2026] [error] [client 203.0.113.7] client denied by server configuration: /srv/x",
        {"client": "203.0.113.7", "message": "client denied by server configuration: /srv/x"},
    ),
    "HAProxy, refused by a rule": (
        "Nov 28 14:00:01 lb haproxy[14389]: 203.0.113.7:33317 [28/Nov/2026:14:00:01.655] gw~ gw/<NOSRV> "
        '0/-1/-1/-1/0 403 192 - - PR-- 1/1/0/0/0 0/0 "GET /admin HTTP/1.1"',
        {"format": "haproxy", "product": "haproxy", "client": "203.0.113.7", "client_port": 33317, "status": 403,
         "target": "/admin", "asked_nobody": True},
    ),
    "HAProxy, passed on": (
        "Nov 28 14:00:01 lb haproxy[14389]: 203.0.113.7:33317 [28/Nov/2026:14:00:01.655] gw~ app/s1 "
        '0/0/1/2/3 403 192 - - ---- 1/1/0/0/0 0/0 "GET /x HTTP/1.1"',
        {"status": 403, "upstream_status": 403, "asked_nobody": False},
    ),
    "Squid": (
        "1795471009.119      0 203.0.113.7 TCP_DENIED/403 3907 CONNECT games.test:443 - HIER_NONE/- text/html",
        {"format": "squid", "product": "squid", "client": "203.0.113.7", "method": "CONNECT",
         "target": "games.test:443", "status": 403, "time_ns": 1795471009_119000000},
    ),
    "AWS load balancer": (
        'https 2026-11-28T14:00:01.186641Z app/lb/50dc6c495c0c9188 203.0.113.7:2817 - -1 -1 -1 403 - 34 366 '
        '"GET https://www.test:443/a HTTP/1.1" "curl/8.5.0" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 - '
        '"Root=1-58337262-36d228ad5d99923122bbe354" "www.test" "arn:aws:acm:x" 0 2026-11-28T14:00:01.000000Z "waf" "-" '
        '"-" "-" "-" "-" "-"',
        {"format": "alb", "product": "aws-elb", "client": "203.0.113.7", "client_port": 2817, "status": 403,
         "upstream": None, "asked_nobody": True, "host": "www.test",
         "ids": ("Root=1-58337262-36d228ad5d99923122bbe354",)},
    ),
    "uvicorn": (
        'INFO:     203.0.113.7:51234 - "GET /items HTTP/1.1" 403 Forbidden',
        {"format": "uvicorn", "product": "uvicorn", "client": "203.0.113.7", "client_port": 51234, "status": 403},
    ),
    "Django's CSRF": (
        "Forbidden (CSRF cookie not set.): /checkout/",
        {"format": "django", "product": "django", "status": 403, "target": "/checkout/"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", list(CASES))
def test_a_line_says(name: str) -> None:
    line, expected = CASES[name]
    (entry,) = read(line)
    assert {k: getattr(entry, k) for k in expected} == expected


def test_facts_of_haproxy_name_the_termination_state() -> None:
    (entry,) = read(CASES["HAProxy, refused by a rule"][0])
    assert entry.fact("termination") == "PR--"


def test_envoys_json_tells_flags_details_and_whether_a_server_was_asked() -> None:
    row = {
        "start_time": "2026-11-28T14:00:01.117Z", "method": "GET", "path": "/x", "response_code": 403,
        "response_flags": "-", "response_code_details": "rbac_access_denied_matched_policy[none]",
        "upstream_host": None, "x_request_id": "0b4b7f4e-3f5b-4a3c-9a55-b3f4f0a2d7c1",
    }  # fmt: skip
    (entry,) = read(json.dumps(row))
    assert (entry.product, entry.status, entry.target) == ("envoy", 403, "/x")
    assert entry.fact("details") == "rbac_access_denied_matched_policy[none]"
    assert entry.ids == ("0b4b7f4e-3f5b-4a3c-9a55-b3f4f0a2d7c1",)
    assert entry.upstream is None


def test_envoys_default_text_format_is_read() -> None:
    line = (
        '[2026-11-28T14:00:01.310Z] "GET /x HTTP/1.1" 403 - rbac_access_denied_matched_policy[none] - "-" 0 19 0 - "-" '
        '"curl/8.5.0" "d6c5c5a2-1f0e-4c5a-9a47-1f3f9d3b1c11" "www.test" "-" - - 10.0.0.3:80 203.0.113.7:5000 - -'
    )
    (entry,) = read(line)
    assert (entry.product, entry.status, entry.host) == ("envoy", 403, "www.test")
    assert entry.fact("details") == "rbac_access_denied_matched_policy[none]"


def test_iis_names_its_fields_in_a_directive_and_the_sub_status() -> None:
    text = (
        "#Software: Microsoft Internet Information Services 10.0\n"
        "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) sc-status "
        "sc-substatus sc-win32-status time-taken\n"
        "2026-11-28 14:00:01 10.0.0.5 GET /admin/ - 443 - 203.0.113.7 curl/8.5.0 403 14 5 3\n"
    )
    (entry,) = read(text)
    assert (entry.format, entry.status, entry.target, entry.client) == ("w3c", 403, "/admin/", "203.0.113.7")
    assert entry.fact("sub-status") == "14"
    assert entry.number == 3


def test_cloudfront_tells_its_result() -> None:
    names = (
        "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) "
        "cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken "
        "x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type cs-protocol-version fle-status "
        "fle-encrypted-fields c-port time-to-first-byte x-edge-detailed-result-type"
    )
    values = (
        "2026-11-28 14:00:01 FRA56-P1 919 203.0.113.7 GET d111.cloudfront.net /a 403 - curl/8.5.0 - - Error "
        "kYq1Jp== www.test https 50 0.001 - TLSv1.3 TLS_AES_128_GCM_SHA256 Error HTTP/2.0 - - 50000 0.001 "
        "ClientGeoBlocked"
    )
    (entry,) = read("#Version: 1.0\n#Fields: " + names + "\n" + values.replace(" ", "\t") + "\n")
    assert (entry.product, entry.status, entry.target) == ("aws-cloudfront", 403, "/a")
    assert entry.fact("detailed-result-type") == "ClientGeoBlocked"


def test_the_log_of_aws_waf_tells_rule_and_request() -> None:
    row = {
        "timestamp": 1795874401000, "formatVersion": 1, "webaclId": "arn:aws:wafv2:x",
        "terminatingRuleId": "AWS-AWSManagedRulesSQLiRuleSet", "terminatingRuleType": "MANAGED_RULE_GROUP",
        "action": "BLOCK", "httpSourceName": "ALB", "ruleGroupList": [],
        "httpRequest": {"clientIp": "203.0.113.7", "country": "DE", "headers": [{"name": "Host", "value": "www.test"}],
                        "uri": "/a", "args": "q=1", "httpVersion": "HTTP/1.1", "httpMethod": "GET",
                        "requestId": "1-58337262-36d228ad5d99923122bbe354"},
    }  # fmt: skip
    (entry,) = read(json.dumps(row))
    assert (entry.format, entry.product, entry.client) == ("aws-waf", "aws-waf", "203.0.113.7")
    assert entry.fact("rule-id") == "AWS-AWSManagedRulesSQLiRuleSet"
    assert (entry.fact("action") or "").lower() == "block"
    assert entry.target is not None
    assert entry.target.partition("?")[0] == "/a"


AUDIT = """\
--5a70c866-A--
[28/Nov/2026:14:00:01.538976 +0000] Zx1 203.0.113.7 40237 10.0.0.2 443
--5a70c866-B--
GET /a?q=1 HTTP/1.1
Host: www.test

--5a70c866-F--
HTTP/1.1 403 Forbidden

--5a70c866-H--
Message: Access denied with code 403 (phase 2). Pattern match "x" at ARGS:q. [file "/crs/rules/REQUEST-942-A.conf"] \
[line "45"] [id "942100"] [msg "SQL Injection Attack"] [data "Matched Data: x found within ARGS:q"]
--5a70c866-Z--
"""


def test_modsecuritys_audit_log_is_one_entry_a_transaction() -> None:
    (entry,) = read(AUDIT)
    assert (entry.format, entry.product, entry.status, entry.target) == ("modsecurity", "modsecurity", 403, "/a?q=1")
    assert (entry.client, entry.client_port, entry.host) == ("203.0.113.7", 40237, "www.test")
    assert [entry.fact(n) for n in ("action", "rule-id", "rule-var")] == ["deny", "942100", "ARGS:q"]


def test_a_transaction_that_the_log_cuts_off_is_still_an_entry() -> None:
    (entry,) = read(AUDIT[: AUDIT.index("--5a70c866-Z--")])
    assert entry.fact("rule-id") == "942100"


def test_lines_in_dockers_json_and_behind_syslogs_head_are_unwrapped() -> None:
    line, expected = CASES["nginx error"]
    wrapped = [
        json.dumps({"log": line + "\n", "stream": "stderr", "time": "2026-11-28T14:00:01.1Z"}),
        f"<190>Nov 28 14:00:01 web1 nginx: {line}",
    ]
    for text in wrapped:
        (entry,) = read(text)
        assert entry.message == expected["message"]


@given(st.lists(st.text(max_size=300), max_size=30))
def test_any_text_is_read_and_every_entry_names_its_line(texts: list[str]) -> None:
    lines = [line for text in texts for line in text.splitlines()]
    assert all(1 <= e.number <= len(lines) for e in read("\n".join(lines)))


@given(st.sampled_from(sorted(CASES)), st.data())
def test_a_line_cut_or_changed_anywhere_harms_nobody(name: str, data: st.DataObject) -> None:
    line = CASES[name][0]
    at_ = data.draw(st.integers(0, len(line)))
    more = data.draw(st.text(max_size=20))
    for text in (line[:at_], line[at_:], line[:at_] + more + line[at_:]):
        read(text + "\n" + line)


@pytest.mark.parametrize(
    "piece", ['"', "[", "a ", '\\"', "a=", '{"a":', "--A-A--", "1.1.1.1 ", "[client ", "(", "GET / "]
)
def test_long_lines_of_the_worst_kind_end(piece: str) -> None:
    read(piece * (60_000 // len(piece)))
