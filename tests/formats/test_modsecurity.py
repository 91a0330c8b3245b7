"""Audit logs of ModSecurity by themselves: the request that was denied, by whom, and the rule."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from tracer.formats import modsecurity, outside
from tracer.model.verdict import Cause, Layer
from tracer.pipeline import read

PCAPS = Path(__file__).parents[2] / "pcaps"
VERSION_3 = {
    "transaction": {
        "client_ip": "192.0.2.7", "time_stamp": "Tue Nov 24 14:07:01 2026", "client_port": 50312,
        "host_ip": "192.0.2.80", "host_port": 443, "unique_id": "179552922174.691910", "is_interrupted": True,
        "request": {"method": "POST", "http_version": 1.1, "uri": "/search", "body": "q=1%27+OR+1%3D1",
                    "headers": {"Host": "shop.test", "Content-Type": "application/x-www-form-urlencoded"}},
        "response": {"http_code": 403, "body": "<h1>no</h1>",
                     "headers": {"Server": "nginx", "Content-Type": "text/html"}},
        "messages": [{"message": "SQL Injection Attack Detected via libinjection",
                      "details": {"ruleId": "942100", "data": "found within ARGS:q", "file": "REQUEST-942.conf"}}],
    }
}  # fmt: skip
VERSION_2 = {
    "transaction": {"time": "24/Nov/2026:14:07:01 +0000", "transaction_id": "awWaBf-BbkgAGtbF9ulEzwAAAAU",
                    "remote_address": "192.0.2.7", "remote_port": 50312,
                    "local_address": "192.0.2.80", "local_port": 443},
    "request": {"request_line": "POST /search HTTP/1.1", "body": ["q=1%27+OR+1%3D1"],
                "headers": {"Host": "shop.test", "Content-Type": "application/x-www-form-urlencoded"}},
    "response": {"protocol": "HTTP/1.1", "status": 403, "headers": {"Server": "nginx", "Content-Type": "text/html"},
                 "body": "<h1>no</h1>"},
    "audit_data": {"action": {"intercepted": True}, "messages": [
        'Access denied with code 403 (phase 2). detected SQLi using libinjection [id "942100"] [msg "SQL Injection"]']},
}  # fmt: skip
NATIVE = b"""--f381501b-A--
[24/Nov/2026:14:07:01 +0000] awWaBf-BbkgAGtbF9ulEzwAAAAU 192.0.2.7 50312 192.0.2.80 443
--f381501b-B--
POST /search HTTP/1.1
Host: shop.test
Content-Type: application/x-www-form-urlencoded

--f381501b-C--
q=1%27+OR+1%3D1
--f381501b-F--
HTTP/1.1 403 Forbidden
Server: nginx
Content-Type: text/html

--f381501b-E--
<h1>no</h1>
--f381501b-H--
Message: Access denied with code 403 (phase 2). detected SQLi using libinjection [id "942100"] [msg "SQL Injection"]

--f381501b-Z--

"""


@pytest.mark.parametrize(
    "data",
    [NATIVE, json.dumps(VERSION_3).encode(), json.dumps(VERSION_2).encode()],
    ids=["native", "JSON of version 3", "JSON of version 2"],
)
def test_a_transaction_is_an_exchange_with_what_was_sent_and_answered(read_with: Any, data: bytes) -> None:
    assert outside.kind_of(data) == "modsecurity"
    (found,) = read_with(modsecurity, data + b"\n").exchanged
    assert (found.client, found.server) == ("192.0.2.7:50312", "192.0.2.80:443")
    assert (found.request.method, found.request.url) == ("POST", "https://shop.test/search")
    assert found.request.body.data == b"q=1%27+OR+1%3D1"
    assert (found.response.status, found.response.get("server"), found.response.body.data) == (
        403,
        "nginx",
        b"<h1>no</h1>",
    )
    assert found.timing.start_ns is not None
    assert found.extra == {}


@pytest.mark.parametrize("case", ["crs-nginx-sqli", "crs-apache-sqli"])
def test_the_audit_log_alone_tells_who_denied_and_by_which_rule(case: str) -> None:
    (log,) = (PCAPS / case / "logs").glob("*audit.log")
    (verdict,) = read([str(log)]).trace.verdicts()
    assert (verdict.status, verdict.layer, verdict.product, verdict.cause) == (
        403,
        Layer.WAF,
        "modsecurity",
        Cause.WAF_RULE,
    )
    assert verdict.cause_detail == "crs-942190"


def test_beside_a_capture_it_is_a_log_and_no_second_denial() -> None:
    case = PCAPS / "crs-nginx-sqli"
    trace = read([str(case / "client.pcapng"), str(case / "logs" / "waf-audit.log")]).trace
    (verdict,) = trace.verdicts()
    assert verdict.source.endswith("client.pcapng")
    assert any("log waf-audit.log" in e.seen.where for e in verdict.evidence)
    assert [s.kind for s in trace.sources()] == ["pcapng", "log"]


def test_a_denial_whose_answer_was_not_logged_is_told_so(read_with: Any) -> None:
    data = NATIVE[: NATIVE.index(b"--f381501b-F--")] + NATIVE[NATIVE.index(b"--f381501b-H--") :]
    (found,) = read_with(modsecurity, data).exchanged
    assert (found.response.status, found.response.headers) == (403, ())
    assert "modsecurity.reconstructed" in found.extra


@pytest.mark.parametrize("cut", range(0, len(NATIVE), 41))
def test_a_log_cut_anywhere_is_read_as_far_as_it_goes(read_with: Any, cut: int) -> None:
    report = read_with(modsecurity, NATIVE[:cut])
    assert all(e.request is not None for e in report.exchanged)
    assert report.exchanged or report.told


def test_a_log_of_any_known_form_is_a_log_without_being_called_so() -> None:
    logs = {p.name for p in (PCAPS / "crs-nginx-sqli" / "logs").iterdir()} - {"hitch-output.log", "waf-audit.log"}
    for name in logs:
        trace = read([str(PCAPS / "crs-nginx-sqli" / "logs" / name)]).trace
        assert [s.kind for s in trace.sources()] == ["log"], name
    assert read([io.BytesIO(b"# a heading\n\nand words\n")]).failed == ["-"]
