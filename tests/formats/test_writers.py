"""HAR, Markdown, mitmproxy flows: what is written opens again and holds what it should."""

from __future__ import annotations

import importlib
import io
import json
import re
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from mitmproxy.io import FlowReader

from tracer.formats import har, har_out, markdown, mitm, mitm_out, otlp
from tracer.model.http import Body, Event, Exchange

HOSTILE = "</script><img src=x onerror=alert(1)>\n## heading\n| a | `b` \x1b]52;c;QQ==\x07 \u202e\u2028"


def number(value: Any, low: float = -1) -> None:
    assert isinstance(value, (int, float))
    assert not isinstance(value, bool)
    assert value >= low


def check_har(document: Any) -> list[dict[str, Any]]:
    """The rules of HAR 1.2 as its specification lists them: names, kinds, what may be left out."""
    log = document["log"]
    assert log["version"] == "1.2"
    assert set(log["creator"]) >= {"name", "version"}
    for entry in log["entries"]:
        assert datetime.fromisoformat(entry["startedDateTime"]).tzinfo is not None
        number(entry["time"], 0)
        for phase in ("send", "wait", "receive"):
            number(entry["timings"][phase], 0)
        for phase in ("blocked", "dns", "connect", "ssl"):
            number(entry["timings"].get(phase, -1))
        total = sum(v for k, v in entry["timings"].items() if k != "ssl" and v > 0)
        assert entry["time"] == pytest.approx(total, abs=1e-3)
        assert isinstance(entry["cache"], dict)
        request, response = entry["request"], entry["response"]
        for message in (request, response):
            number(message["headersSize"])
            number(message["bodySize"])
            assert isinstance(message["httpVersion"], str)
            for pair in [*message["headers"], *message["cookies"]]:
                assert isinstance(pair["name"], str)
                assert isinstance(pair["value"], str)
        assert isinstance(request["method"], str)
        assert re.fullmatch(r"[a-z]+:[!#-;=?-\[\]_a-z~]+", request["url"])  # a URI: RFC 3986 section 2
        assert all(set(q) >= {"name", "value"} for q in request["queryString"])
        assert "postData" not in request or isinstance(request["postData"]["mimeType"], str)
        assert isinstance(response["status"], int)
        assert isinstance(response["statusText"], str)
        assert isinstance(response["redirectURL"], str)
        number(response["content"]["size"], 0)
        assert isinstance(response["content"]["mimeType"], str)
        for name in ("serverIPAddress", "connection", "comment"):
            assert isinstance(entry.get(name, ""), str)
    return log["entries"]  # type: ignore[no-any-return]


def test_har_is_valid_and_names_server_tls_and_verdict(denied_trace: Any, write_with: Any) -> None:
    entries = check_har(json.loads(write_with(har_out, denied_trace, version="1.2.3")))
    assert [e["response"]["status"] for e in entries] == [302, 303, 403, 0]
    assert entries[2]["comment"] == "The firewall refused the query"
    assert entries[2]["_tracer"]["verdict"]["layer"] == "waf"
    assert (entries[0]["serverIPAddress"], entries[0]["_serverPort"], entries[0]["connection"]) == (
        "203.0.113.9",
        443,
        "c1",
    )
    assert entries[0]["_securityDetails"]["protocol"] == "TLS 1.3"
    assert entries[1]["request"]["postData"]["text"] == "user=a&p=%2A"
    assert entries[1]["request"]["cookies"] == [
        {"name": "sid", "value": "[redacted:1]"},
        {"name": "lang", "value": "de"},
    ]
    assert entries[1]["response"]["cookies"] == [
        {"name": "sid", "value": "[redacted:2]", "path": "/", "httpOnly": True, "secure": False, "_sameSite": "Lax"}
    ]
    assert entries[3]["response"]["_error"] == "TCP reset by server"


@pytest.mark.parametrize(
    ("url", "written"),
    [
        ("/a?b=c", "https://shop.example/a?b=c"),
        ("", "https://shop.example/"),
        ("https://shop.example/ü d|%zz[", "https://shop.example/%C3%BC%20d%7C%25zz["),
        ("*", "https://shop.example/*"),
    ],
)
def test_a_url_that_is_none_is_written_as_one_and_read_back_as_it_was(
    make_exchange: Any, trace_of: Any, write_with: Any, read_with: Any, url: str, written: str
) -> None:
    exchange = make_exchange(tls="t1")
    asked = msgspec.structs.replace(exchange.request, url=url, target=url)
    data = write_with(har_out, trace_of([msgspec.structs.replace(exchange, request=asked)]))
    (entry,) = check_har(json.loads(data))
    assert entry["request"]["url"] == written
    assert read_with(har, data).exchanged[0].request.url == url


def test_an_answer_without_its_request_is_still_a_valid_entry(
    make_exchange: Any, trace_of: Any, write_with: Any, read_with: Any
) -> None:
    data = write_with(har_out, trace_of([msgspec.structs.replace(make_exchange(), request=None)]))
    (entry,) = check_har(json.loads(data))
    assert entry["request"]["url"] == "about:blank"
    assert read_with(har, data).exchanged[0].request is None


def test_our_har_read_back_gives_the_same_exchanges_and_tls(denied_trace: Any, write_with: Any, read_with: Any) -> None:
    again = read_with(har, write_with(har_out, denied_trace))
    assert again.told == []
    blank: dict[str, Any] = {"id": "", "source": "", "tls": None, "connection": None, "extra": {}}

    def bare(exchange: Exchange) -> Exchange:
        halves: dict[str, Any] = {}
        for name in ("request", "response"):
            if (half := getattr(exchange, name)) is not None:
                body = msgspec.structs.replace(half.body, data=half.body.data or None)  # b"" and None are both empty
                half = msgspec.structs.replace(half, packet=None, body=body)
                halves[name] = msgspec.structs.replace(half, scheme=None) if name == "request" else half
        return msgspec.structs.replace(exchange, **blank, **halves)

    assert [bare(e) for e in again.exchanged] == [bare(e) for e in denied_trace.exchanged]
    (first, kept) = (again.shaken[0], denied_trace.shaken[0])
    for name in ("client", "server", "sni", "version", "alpn", "cipher", "client_cert_requested", "alerts"):
        assert getattr(first, name) == getattr(kept, name)
    assert first.server_certs[0].sha256 == kept.server_certs[0].sha256


def test_bodies_that_are_no_text_survive_har(
    trace_of: Any, make_exchange: Any, write_with: Any, read_with: Any
) -> None:
    exchange = make_exchange(method="POST", sent=b"\xff\x00\x01", got=b"\x89PNG\r\n")
    (again,) = read_with(har, write_with(har_out, trace_of([exchange]))).exchanged
    assert (again.request.body.data, again.response.body.data) == (b"\xff\x00\x01", b"\x89PNG\r\n")


def test_mitmproxy_reads_our_har(denied_trace: Any, write_with: Any) -> None:
    flows: list[Any] = list(FlowReader(io.BytesIO(write_with(har_out, denied_trace))).stream())
    assert [(f.request.method, f.request.pretty_url, f.response.status_code) for f in flows] == [
        ("GET", "https://shop.example/account", 302),
        ("POST", "https://shop.example/login", 303),
        ("GET", "https://shop.example/api?id=1+UNION", 403),
        ("GET", "https://shop.example/slow", 0),
    ]


def test_mitmproxy_reads_our_flows_and_so_do_we(denied_trace: Any, write_with: Any, read_with: Any) -> None:
    data = write_with(mitm_out, denied_trace)
    flows: list[Any] = list(FlowReader(io.BytesIO(data)).stream())
    assert [f.response.status_code if f.response else f.error.msg for f in flows] == [
        302,
        303,
        403,
        "TCP reset by server",
    ]
    assert flows[2].comment == "The firewall refused the query"
    assert (flows[0].server_conn.tls_version, flows[0].server_conn.sni) == ("TLSv1.3", "shop.example")
    assert flows[0].server_conn.id == flows[1].server_conn.id
    again = read_with(mitm, data)
    for ours, theirs in zip(denied_trace.exchanged, again.exchanged, strict=True):
        assert (theirs.client, theirs.server, theirs.request.url) == (ours.client, ours.server, ours.request.url)
        assert theirs.request.headers == ours.request.headers
        assert theirs.request.body.data == ours.request.body.data
        assert theirs.timing == ours.timing
    assert write_with(mitm_out, denied_trace) == data


def test_websocket_messages_survive_mitmproxys_format(
    trace_of: Any, make_exchange: Any, write_with: Any, read_with: Any
) -> None:
    events = (
        Event(kind="text", client=True, time_ns=10**18, data=b"hi", size=2),
        Event(kind="binary", client=False, time_ns=10**18 + 1_000_000, data=b"\0", size=1),
        Event(kind="close", client=False, time_ns=10**18 + 2_000_000, data=b"bye", size=3, code=1000),
    )
    trace = trace_of([make_exchange(status=101, got=b"", events=events)])
    assert read_with(mitm, write_with(mitm_out, trace)).exchanged[0].events == events


@pytest.mark.parametrize(("module", "missing"), [("mitm_out", "mitmproxy"), ("parquet", "pyarrow")])
def test_a_writer_whose_library_is_missing_names_it(monkeypatch: pytest.MonkeyPatch, module: str, missing: str) -> None:
    monkeypatch.setattr(sys, "meta_path", [Absent(missing), *sys.meta_path])
    for name in [n for n in sys.modules if n.split(".")[0] == missing or n == f"tracer.formats.{module}"]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(ImportError) as caught:
        importlib.import_module(f"tracer.formats.{module}")
    assert (caught.value.name or "").split(".")[0] == missing


class Absent:
    """An import system without one package."""

    def __init__(self, name: str) -> None:
        self.name = name

    def find_spec(self, name: str, *_: Any) -> None:
        if name.split(".")[0] == self.name:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def test_markdown_answers_first_and_proves_it(denied_trace: Any, write_with: Any) -> None:
    text = write_with(markdown, denied_trace).decode()
    assert text.startswith("# 1 denial\n\n## 1. The firewall refused the query\n")
    assert "- **Said by:** waf (modsecurity), 93% sure" in text
    assert "cdn (varnish) passed it on → waf (modsecurity) **said no** → origin on the path" in text
    assert text.index("The query holds an SQL injection pattern") < text.index("## Exchanges")
    assert "| e21 | GET | `https://shop.example/api?id=1+UNION` | 403 | 30 |" in text


def test_markdown_tells_denials_of_one_story_once(denied_trace: Any, write_with: Any) -> None:
    (verdict,) = denied_trace.judged
    like = [msgspec.structs.replace(verdict, exchange=f"e{n}", confidence=n / 100, story="s1") for n in range(1, 41)]
    denied_trace.judged = [*like, msgspec.structs.replace(verdict, exchange="e99", story="s2")]
    text = write_with(markdown, denied_trace).decode()
    assert text.startswith("# 41 denials, 2 stories\n")
    assert [line[:5] for line in text.splitlines() if line.startswith("## ")][:3] == ["## 1.", "## 2.", "## Ex"]
    assert "exchange `e40`" in text  # the surest speaks for them
    assert "- **And 39 more like it:** `e1`, `e2`" in text


def test_markdown_keeps_commands_as_they_are_to_be_copied(denied_trace: Any, write_with: Any) -> None:
    (verdict,) = denied_trace.judged
    steps = ("look with `grep 'a|b_c' *.log` at *that*",)
    denied_trace.judged = [msgspec.structs.replace(verdict, next_steps=steps)]
    text = write_with(markdown, denied_trace).decode()
    assert "- look with `grep 'a|b_c' *.log` at \\*that\\*" in text
    assert "- **Or else:** a gateway 4%" in text


def test_markdown_lets_nothing_from_the_wire_be_markup(denied_trace: Any, write_with: Any) -> None:
    verdict = msgspec.structs.replace(
        denied_trace.judged[0], headline=HOSTILE, url=HOSTILE, product="a|b", next_steps=(HOSTILE,)
    )
    denied_trace.judged = [verdict]
    denied_trace.exchanged[3] = msgspec.structs.replace(denied_trace.exchanged[3], aborted=HOSTILE)
    text = write_with(markdown, denied_trace).decode()
    outside_code = re.sub(r"(`+) ?.*?\1", "", text)
    assert not re.search(r"(?<!\\)<", outside_code)
    assert not re.search(r"(?m)^## heading", text)
    assert not any(ord(c) < 32 and c != "\n" for c in text)
    assert "\u202e" not in text
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in table} == {4, 6}


def test_a_body_of_unknown_bytes_is_said_to_be_unknown(trace_of: Any, make_exchange: Any, write_with: Any) -> None:
    exchange = make_exchange()
    cut = msgspec.structs.replace(exchange.response, body=Body(size=900, complete=False))
    trace = trace_of([msgspec.structs.replace(exchange, response=cut)])
    (entry,) = check_har(json.loads(write_with(har_out, trace)))
    assert "text" not in entry["response"]["content"]
    assert entry["response"]["content"]["comment"] == "the body was not kept"


@pytest.mark.parametrize("module", [har_out, otlp, markdown])
def test_text_that_no_encoding_can_hold_is_written_all_the_same(
    denied_trace: Any, write_with: Any, module: Any
) -> None:
    denied_trace.judged = [msgspec.structs.replace(denied_trace.judged[0], headline="lone \ud800 surrogate")]
    assert b"lone" in write_with(module, denied_trace)


@pytest.mark.slow
def test_mitmdump_opens_our_flows(denied_trace: Any, write_with: Any, tmp_path: Path) -> None:
    (tmp_path / "t.mitm").write_bytes(write_with(mitm_out, denied_trace))
    command = [str(Path(sys.executable).with_name("mitmdump")), "-nr", str(tmp_path / "t.mitm")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0
    assert "GET https://shop.example/account" in done.stdout
