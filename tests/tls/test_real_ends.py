"""What stacks of today say to each other, as the captures in pcaps/ends hold it, their keys inside.

What is expected is what the ends themselves told of it: Go 1.27, OpenSSL 3.6, GnuTLS 3.8, quic-go 0.59, curl 8.22,
nginx 1.30, aioquic 1.3, Node 24 and gRPC.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest

from tracer.formats.json_values import exchange_value, handshake_value
from tracer.pipeline import read
from tracer.store.trace import Trace
from tracer.tls.chain import client_chain, server_chain
from tracer.tls.keys import Keys

DECRYPTION_SECRETS = 10
"""type of the block of pcapng that holds a key log"""
ENDS = Path(__file__).parents[2] / "pcaps" / "ends"


def of(name: str) -> Trace:
    return read([ENDS / f"{name}.pcapng"], judge=False).trace


def handshakes(trace: Trace) -> list[dict[str, Any]]:
    return [handshake_value(h) for h in trace.handshakes()]


def asked(trace: Trace) -> list[tuple[str | None, int | None]]:
    """(target, status) of each exchange."""
    told = [(e.request, e.response) for e in trace.exchanges()]
    return [(q.target if q else None, a.status if a else None) for q, a in told]


def certificates(value: dict[str, Any], whose: str) -> list[str]:
    return [c["subject"] or c["key"] for c in value[f"{whose}_certs"]]


# -- encrypted ClientHello


@pytest.mark.parametrize(("name", "inside"), [("ech-accepted", None), ("ech-secret-logged", "secret.example")])
def test_an_encrypted_hello_that_was_taken_is_opened_by_secrets_that_it_alone_names(
    name: str, inside: str | None
) -> None:
    trace = of(name)
    (told,) = handshakes(trace)
    assert (told["sni"], told["sni_inside"]) == ("public.example", inside)
    assert (told["ech"], told["ech_accepted"], told["decrypted"], told["why_not"]) == (True, True, True, None)
    assert certificates(told, "server") == ["CN=secret.example"]
    assert asked(trace) == [("/", 200), ("/denied", 403)]
    first = next(iter(trace.exchanges()))
    assert first.response is not None
    assert b"ech true sni secret.example" in trace.content(first.source, first.response.body)


def test_without_its_keys_the_reason_is_said(tmp_path: Path) -> None:
    whole, kept, at = (ENDS / "ech-accepted.pcapng").read_bytes(), b"", 0
    while at < len(whole):
        kind, size = struct.unpack_from("<II", whole, at)
        kept += whole[at : at + size] if kind != DECRYPTION_SECRETS else b""
        at += size
    path = tmp_path / "closed.pcapng"
    path.write_bytes(kept)
    trace = read([path], judge=False).trace
    (told,) = handshakes(trace)
    assert (told["ech"], told["ech_accepted"], told["decrypted"], told["why_not"]) == (True, None, False, "no keys")
    assert [p.code for p in trace.problems()] == ["tls.no-keys"]


def test_secrets_of_others_are_tried_a_bounded_number_of_times() -> None:
    keys = Keys()
    label = "SERVER_HANDSHAKE_TRAFFIC_SECRET"
    keys.add(b"".join(b"%s %064x %064x\n" % (label.encode(), n, n) for n in range(300)))
    keys.strange = 500
    assert [len(list(keys.strangers(label))) for _ in range(3)] == [300, 200, 0]


def test_an_encrypted_hello_that_was_refused_leaves_the_outer_name_and_an_alert() -> None:
    trace = of("ech-refused")
    for told in handshakes(trace):
        assert (told["sni"], told["ech_accepted"], told["decrypted"]) == ("public.example", False, True)
        assert ("client", "ech_required") in [(a["from"], a["name"]) for a in told["alerts"]]
    assert asked(trace) == []


# -- certificates that are compressed, and keys without any


@pytest.mark.parametrize(("name", "server", "client"), [
    ("certificates-zlib", ["CN=secret.example", "CN=Ends test CA"], ["CN=secret.example"]),
    ("certificate-brotli", ["CN=secret.example"], []),
    ("certificates-zstd", ["CN=secret.example"], ["CN=secret.example"]),
    ("raw-keys", ["EC secp256r1"], ["EC secp256r1"]),
    ("raw-key-tls12", ["EC secp256r1"], []),
    ("psk-alone", [], []),
    ("post-handshake", ["CN=secret.example", "CN=Ends test CA"], ["CN=secret.example"]),
    ("ml-dsa", ["CN=secret.example", "CN=PQ CA"], []),
])  # fmt: skip
def test_what_both_sides_show_of_themselves(name: str, server: list[str], client: list[str]) -> None:
    (told,) = handshakes(of(name))
    assert (told["decrypted"], told["complete"], told["problems"]) == (True, True, [])
    assert (certificates(told, "server"), certificates(told, "client")) == (server, client)
    assert told["client_cert_sent"] is bool(client)


def test_a_key_without_a_certificate_is_no_odd_certificate() -> None:
    (h,) = of("raw-keys").handshakes()
    assert h.server_certs is not None
    assert h.server_certs[0].raw_key
    assert (*server_chain(h), *client_chain(h)) == ()


def test_keys_after_the_age_of_quantum_computers_have_names() -> None:
    (told,) = handshakes(of("ml-dsa"))
    assert told["group"] == "X25519MLKEM768"
    assert [(c["key"], c["signature"]) for c in told["server_certs"]] == [
        ("ML-DSA-44", "ML-DSA-65"),
        ("ML-DSA-65", "ML-DSA-65"),
    ]


# -- early data


def test_early_data_that_the_server_took_is_answered() -> None:
    trace = of("early-data")
    first, again = handshakes(trace)
    assert (first["early_data"], again["early_data"], again["early_data_accepted"]) == (False, True, True)
    assert asked(trace) == [("/", 200), ("/early", 200)]


def test_early_data_that_the_server_refused_is_not_what_the_next_answer_is_for() -> None:
    trace = of("early-data-refused")
    assert [h["early_data_accepted"] for h in handshakes(trace)] == [None, False]
    assert asked(trace) == [("/", 200), ("/early", None), ("/late", 200)]


# -- QUIC


def test_a_client_that_moves_keeps_its_connection() -> None:
    trace = of("h3-migrated")
    assert asked(trace) == [("/before", 200), ("/after", 200), ("/denied", 403)]
    assert [c.id for c in trace.connections()] == ["c1"]
    assert "quic.migrated" in [p.code for p in trace.problems()]


def test_version_2_from_the_first_packet_with_hints_and_trailers() -> None:
    trace = of("h3-version-2")
    assert asked(trace) == [("/", 200), ("/denied", 403), ("/post", 200), ("/hints", 200)]
    hints = list(trace.exchanges())[-1]
    assert hints.response is not None
    assert ([r.status for r in hints.interim], hints.response.trailers) == ([103], ((b"x-sum", b"42"),))


def test_datagrams_that_the_capture_holds_joined_are_taken_apart() -> None:
    trace = of("h3-joined")
    big = list(trace.exchanges())[-1]
    assert big.response is not None
    assert (big.response.body.size, big.response.body.complete) == (32768, True)


def test_curl_goes_on_with_what_alt_svc_offered() -> None:
    trace = of("h3-alt-svc")
    told = [(e.protocol, e.request.target) for e in trace.exchanges() if e.request]
    assert told == [
        ("HTTP/3", "/"), ("HTTP/3", "/denied"), ("HTTP/3", "/post"), ("HTTP/2", "/one"), ("HTTP/3", "/two"),
    ]  # fmt: skip
    assert all(h["decrypted"] for h in handshakes(trace))


def test_keys_that_change_three_times_in_a_connection_of_quic() -> None:
    targets = ["/turn0", "/after0", "/after1", "/after2"]
    assert asked(of("h3-key-update")) == [*((target, 200) for target in targets), ("/denied", 403)]


@pytest.mark.parametrize(("name", "negotiation"), [("h3-version-changed", False), ("h3-version-negotiated", True)])
def test_a_version_of_quic_that_ends_agree_on_first(name: str, negotiation: bool) -> None:
    trace = of(name)
    assert asked(trace) == [("/turn0", 200), ("/denied", 403)]
    (told,) = trace.handshakes()
    assert ("VersionNegotiation" in [m.name for m in told.messages]) is negotiation


def test_early_data_of_quic() -> None:
    trace = of("h3-early-data")
    assert [h["early_data_accepted"] for h in handshakes(trace)] == [None, True]
    assert asked(trace) == [("/turn0", 200), ("/denied", 403), ("/turn1", 200), ("/denied", 403)]


# -- what runs inside HTTP/2 and HTTP/3


def test_websocket_over_http_3() -> None:
    chat = next(e for e in of("h3-websocket").exchanges() if e.request and e.request.target == "/chat")
    assert chat.response is not None
    assert (chat.response.status, chat.events[0].client, chat.events[0].data) == (200, True, b"hello")
    assert [(e.kind, e.code) for e in chat.events if e.client] == [("text", None), ("close", 1000)]
    assert {e.data for e in chat.events if not e.client} == {b"world"}


def test_a_tunnel_for_datagrams_over_http_3_is_an_exchange() -> None:
    assert asked(of("h3-connect-udp")) == [
        ("/turn0", 200),
        ("/.well-known/masque/udp/192.0.2.6/443/", 200),
        ("/denied", 403),
    ]


def test_what_node_does_with_http_2() -> None:
    trace = of("h2-of-all-kinds")
    told = {e.request.target: e for e in trace.exchanges() if e.request and not e.tunnel}
    assert {target: e.response.status if e.response else None for target, e in told.items()} == {
        "/one": 200, "/flood": 200, "/trailers": 200, "/reset": 200, "/push": 200, "/pushed.css": 200,
        "/denied": 403, "/chat": 200, "far.example:80": 200,
    }  # fmt: skip
    flood, trailers, chat = told["/flood"], told["/trailers"].response, told["/chat"]
    assert len(flood.interim) == 32
    assert [p.code for p in flood.problems] == ["http.many-interim"]
    assert trailers is not None
    assert trailers.trailers == ((b"x-sum", b"42"), (b"x-more", b"yes"))
    assert told["/pushed.css"].pushed
    assert [e.data for e in chat.events if e.kind == "text"] == [b"hello", b"world"]
    inside = [(e.request.target, e.response and e.response.status) for e in trace.exchanges() if e.tunnel and e.request]
    assert inside == [("/inside", 204)]


def test_messages_of_grpc_are_unpacked() -> None:
    trace = of("grpc-gzip")
    told = [exchange_value(trace, e, 1 << 20) for e in trace.exchanges()]
    assert [(t["grpc_status"]["name"], [e["size"] for e in t["events"]]) for t in told] == [
        ("OK", [540, 700]), ("OK", [200, 300, 300, 300]), ("PERMISSION_DENIED", [300]), ("OK", [1, 700]),
    ]  # fmt: skip


def test_early_data_of_quic_that_the_server_refused_is_asked_again_and_told_once() -> None:
    trace = of("h3-early-data-refused")
    again = handshakes(trace)[1]
    assert (again["early_data"], again["early_data_accepted"], again["decrypted"]) == (True, False, True)
    assert asked(trace) == [("/turn0", 200), ("/denied", 403), ("/turn1", 200), ("/denied", 403)]
