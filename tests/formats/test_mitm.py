"""Reading what mitmproxy writes."""

from __future__ import annotations

import io
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mitmproxy import flow as flows
from mitmproxy.certs import Cert
from mitmproxy.io import FlowWriter, compat, tnetstring
from mitmproxy.proxy.mode_specs import ProxyMode
from mitmproxy.test import tflow

from tracer.formats import mitm
from tracer.model.problem import Severity


def saved(*kept: Any) -> bytes:
    out = io.BytesIO()
    writer = FlowWriter(out)  # type: ignore[no-untyped-call]
    for flow in kept:
        writer.add(flow)
    return out.getvalue()


def answered(**more: Any) -> Any:
    flow: Any = tflow.tflow(resp=True)
    flow.client_conn.peername, flow.client_conn.sockname = ("10.0.0.7", 51812), ("10.0.0.1", 8080)
    flow.server_conn.peername, flow.server_conn.address = ("203.0.113.9", 443), ("shop.example", 443)
    flow.request.host, flow.request.port, flow.request.scheme = "shop.example", 443, "https"
    flow.request.headers["Host"] = "shop.example"
    flow.response.status_code, flow.response.reason = 403, "Forbidden"
    for name, value in more.items():
        setattr(flow, name, value)
    return flow


def a_certificate() -> Cert:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "someone")])
    start = datetime(2026, 1, 1, tzinfo=UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(7).not_valid_before(start).not_valid_after(start + timedelta(days=9))
    return Cert(made.sign(key, hashes.SHA256()))


def test_a_flow_becomes_an_exchange_between_client_and_server_with_the_proxy_named(read_with: Any) -> None:
    report = read_with(mitm, saved(answered()))
    assert report.told == []
    (exchange,) = report.exchanged
    assert (exchange.id, exchange.client, exchange.server) == ("e1", "10.0.0.7:51812", "203.0.113.9:443")
    assert (exchange.request.method, exchange.request.url) == ("GET", "https://shop.example/path")
    assert (exchange.response.status, exchange.response.reason) == (403, "Forbidden")
    assert exchange.request.body.data == b"content"
    assert (exchange.extra["mitm.proxy"], exchange.extra["mitm.mode"]) == ("10.0.0.1:8080", "regular")
    assert exchange.timing.start_ns == 946_681_200_000_000_000


def test_bodies_keep_their_coding_and_chunks_are_already_gone(read_with: Any) -> None:
    flow = answered()
    flow.response.headers["Content-Encoding"] = "gzip, br"
    flow.response.raw_content = b"coded"
    (exchange,) = read_with(mitm, saved(flow)).exchanged
    assert (exchange.response.body.data, exchange.response.body.codings) == (b"coded", ("gzip", "br"))


def test_a_body_that_was_streamed_through_is_unknown(read_with: Any) -> None:
    flow = answered()
    flow.response.raw_content = None
    (exchange,) = read_with(mitm, saved(flow)).exchanged
    assert (exchange.response.body.data, exchange.response.body.complete) == (None, False)


def test_of_a_streamed_body_the_length_is_told_where_the_head_tells_one(read_with: Any) -> None:
    flow = answered()
    flow.response.raw_content = None
    for told, size in (("1073741824", 1 << 30), ("-1", 0), ("9" * 5000, 0), ("\u00b2", 0)):
        flow.response.headers["content-length"] = told
        trace = read_with(mitm, saved(flow))
        (exchange,) = trace.exchanges()
        assert (exchange.response.body.size, exchange.response.body.complete) == (size, False)
        assert "as a stream" in exchange.response.body.lost


def test_what_both_sides_of_the_proxy_agreed_on_are_facts_of_the_exchange(read_with: Any) -> None:
    flow = answered()
    flow.server_conn.tls_version, flow.server_conn.cipher = "TLSv1.2", "ECDHE-RSA-AES128-GCM-SHA256"
    flow.server_conn.alpn, flow.server_conn.sni = b"h2", "shop.example"
    flow.client_conn.tls_version, flow.client_conn.cipher = "TLSv1.3", "TLS_AES_128_GCM_SHA256"
    report = read_with(mitm, saved(flow))
    extra = report.exchanged[0].extra
    assert (extra["mitm.server-tls.version"], extra["mitm.server-tls.alpn"], extra["mitm.server-tls.sni"]) == (
        "TLSv1.2", "h2", "shop.example"
    )  # fmt: skip
    assert extra["mitm.server-tls.cipher"] == "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
    assert extra["mitm.client-tls.version"] == "TLSv1.3"
    assert report.shaken == []


def test_a_client_that_shows_a_certificate_to_the_proxy_leaves_its_handshake(read_with: Any) -> None:
    flow = answered()
    flow.client_conn.certificate_list = [a_certificate()]
    report = read_with(mitm, saved(flow))
    (tls,) = report.shaken
    assert (tls.client, tls.server, tls.client_cert_sent) == ("10.0.0.7:51812", "10.0.0.1:8080", True)
    assert tls.client_certs[0].subject == "CN=someone"
    assert report.exchanged[0].extra["mitm.client-tls.handshake"] == tls.id


def test_a_connection_used_twice_is_reported_once(read_with: Any) -> None:
    one, two = answered(), answered()
    two.client_conn, two.server_conn = one.client_conn, one.server_conn
    report = read_with(mitm, saved(one, two))
    assert [e.connection for e in report.exchanged] == [report.exchanged[0].connection] * 2
    assert (len(report.exchanged), len(report.connected)) == (2, 2)


def test_a_server_that_refused_the_handshake_leaves_its_alert(read_with: Any) -> None:
    flow = answered(response=None, error=flows.Error("Server TLS handshake failed"))
    flow.server_conn.error = "The remote server refused: tlsv13 alert certificate required"
    report = read_with(mitm, saved(flow))
    alerts = [a for h in report.shaken if h.id == report.exchanged[0].tls for a in h.alerts]
    assert [(a.client, a.code, a.name) for a in alerts] == [(False, 116, "certificate_required")]
    assert report.exchanged[0].response is None
    assert report.exchanged[0].aborted == "Server TLS handshake failed"


def test_websocket_messages_and_the_close_become_events(read_with: Any) -> None:
    flow: Any = tflow.twebsocketflow()
    flow.websocket.closed_by_client, flow.websocket.close_code, flow.websocket.close_reason = True, 1001, "bye"
    report = read_with(mitm, saved(flow))
    assert [(e.kind, e.client, e.data) for e in report.exchanged[0].events] == [
        ("binary", True, b"hello binary"),
        ("text", True, b"hello text"),
        ("text", False, b"it's me"),
        ("close", True, b"bye"),
    ]
    assert report.exchanged[0].events[3].code == 1001


def test_flows_that_are_not_http_are_counted_in_a_note(read_with: Any) -> None:
    report = read_with(mitm, saved(tflow.ttcpflow(), answered(), tflow.tdnsflow(), tflow.ttcpflow()))
    assert [e.id for e in report.exchanged] == ["e2"]
    assert [(p.code, p.severity, p.text) for p in report.told] == [
        ("mitm.other-flows", Severity.NOTE, "flows that are not HTTP are left out: 1 DNS, 2 TCP")
    ]


def test_a_damaged_flow_costs_itself_alone(read_with: Any) -> None:
    state = answered().get_state()
    del state["request"]
    damaged = tnetstring.dumps(state)
    report = read_with(mitm, saved(answered()) + damaged + saved(answered()))
    assert [e.id for e in report.exchanged] == ["e1", "e3"]
    assert [(p.code, p.packet) for p in report.told] == [("mitm.flow", 2)]


def test_a_format_that_mitmproxy_cannot_upgrade_is_a_problem(read_with: Any) -> None:
    state = answered().get_state()
    state["version"] = 9999
    report = read_with(mitm, tnetstring.dumps(state))
    assert report.codes == ["mitm.flow"]
    assert "9999" in report.told[0].text


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_file_cut_anywhere_keeps_its_whole_flows_and_says_that_it_is_cut(read_with: Any, data: st.DataObject) -> None:
    one = saved(answered())
    whole = one + one
    cut = data.draw(st.integers(1, len(whole) - 1).filter(lambda n: n != len(one)))
    report = read_with(mitm, whole[:cut])
    assert [e.id for e in report.exchanged] == ["e1"] * (cut > len(one))
    assert report.codes == ["mitm.truncated"]


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_without_raising(read_with: Any, data: bytes) -> None:
    report = read_with(mitm, data)
    assert report.told or not data
    read_with(mitm, b"%d:%b}" % (len(data), data))


def test_without_mitmproxy_the_problem_says_how_to_install_it(read_with: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mitmproxy.flow", None)
    report = read_with(mitm, saved(answered()))
    assert [(p.code, p.severity) for p in report.told] == [("mitm.not-installed", Severity.ERROR)]
    assert "pip install 'tracer[live]'" in report.told[0].text


def test_flow_files_are_known_by_their_beginning() -> None:
    assert mitm.kind_of(saved(answered())[:200]) == "mitm"
    assert mitm.kind_of(b"12:30:00.1 == Info: x") is None
    assert mitm.kind_of(b"") is None


def oldest() -> dict[Any, Any]:
    """A flow as mitmproxy 0.11 saved it, under Python 2."""
    place = {b"address": (b"10.0.0.7", 51812), b"use_ipv6": False}
    tls = {b"ssl_established": True, b"timestamp_ssl_setup": 946681200.3}
    return {
        b"type": b"http",
        b"version": (0, 11),
        b"id": b"9a2f",
        b"error": None,
        b"intercepted": False,
        b"client_conn": {b"address": place, b"clientcert": None, b"timestamp_start": 946681200.0,
                         b"timestamp_end": None, **tls},
        b"server_conn": {b"address": {b"address": (b"shop.example", 443), b"use_ipv6": False},
                         b"source_address": {b"address": (b"10.0.0.1", 40000), b"use_ipv6": False},
                         b"cert": None, b"sni": b"shop.example", b"state": [], b"timestamp_start": 946681200.1,
                         b"timestamp_tcp_setup": 946681200.2, b"timestamp_end": None, **tls},
        b"request": {b"form_in": b"relative", b"form_out": b"relative", b"httpversion": (1, 1), b"method": b"GET",
                     b"scheme": b"https", b"host": b"shop.example", b"port": 443, b"path": b"/account",
                     b"headers": [[b"Host", b"shop.example"]], b"content": b"", b"is_replay": False,
                     b"stickycookie": False, b"stickyauth": False, b"timestamp_start": 946681201.0,
                     b"timestamp_end": 946681201.5},
        b"response": {b"httpversion": (1, 1), b"code": 403, b"msg": b"Forbidden", b"headers": [[b"Server", b"nginx"]],
                      b"content": b"no", b"timestamp_start": 946681202.0, b"timestamp_end": 946681203.0},
    }  # fmt: skip


def of_every_version() -> list[tuple[str, bytes]]:
    """That flow as each format version since then keeps it."""
    state: Any = oldest()
    made: list[tuple[str, bytes]] = []
    while True:
        number = state.get(b"version", state.get("version"))
        made.append((str(number), tnetstring.dumps(state)))
        key = number if isinstance(number, int) else tuple(number)[:2]
        if key not in compat.converters:
            return made
        upgrade: Any = compat.converters[key]
        state = upgrade(tnetstring.loads(tnetstring.dumps(state)))


def test_every_version_of_the_format_since_the_first_is_told_and_read(read_with: Any) -> None:
    files = of_every_version()
    assert len(files) == len(compat.converters) + 1
    for number, data in files:
        assert mitm.kind_of(data) == "mitm", number
        report = read_with(mitm, data)
        assert report.told == [], number
        (exchange,) = report.exchanged
        assert exchange.request.url == "https://shop.example/account", number
        assert (exchange.response.status, exchange.response.reason) == (403, "Forbidden"), number
        assert (exchange.request.headers, exchange.response.body.data) == (((b"Host", b"shop.example"),), b"no"), number
        assert (exchange.client, exchange.timing.end_ns) == ("10.0.0.7:51812", 946_681_203_000_000_000), number


def test_a_version_from_the_future_is_told(read_with: Any) -> None:
    state = tnetstring.loads(saved(answered()))
    assert isinstance(state, dict)
    report = read_with(mitm, tnetstring.dumps(state | {"version": 999}))
    assert report.exchanged == []
    assert "999" in report.told[0].text


def test_where_a_mode_listens_is_not_taken_for_a_name_and_a_password(read_with: Any) -> None:
    flow = answered()
    flow.client_conn.proxy_mode = ProxyMode.parse("reverse:https://shop.example:8443@127.0.0.1:9000")
    (exchange,) = read_with(mitm, saved(flow)).exchanged
    assert exchange.extra["mitm.mode"] == "reverse:https://shop.example:8443"
