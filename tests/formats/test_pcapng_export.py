"""Packets rebuilt from exchanges: tshark reads them without a complaint and sees what was exchanged."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tracer.capture.capture import Capture
from tracer.capture.pcapng_blocks import KEY_LOG
from tracer.formats import pcapng_export
from tracer.formats.tcp_synthesis import Conversation, endpoint
from tracer.model.source import Source
from tracer.pipeline import read

PCAPS = Path(__file__).parents[2] / "pcaps"
pytestmark = pytest.mark.skipif(not shutil.which("tshark"), reason="tshark is not installed")


def tshark(data: bytes, folder: Path, *words: str) -> str:
    (folder / "t.pcapng").write_bytes(data)
    checks = ["-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"]
    command = ["tshark", "-n", "-r", str(folder / "t.pcapng"), *checks, *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


def complaints(data: bytes, folder: Path) -> list[str]:
    """Everything that tshark finds worth a warning, resets aside."""
    rows = tshark(data, folder, "-Y", "_ws.expert.severity >= warning", "-T", "fields", "-e", "_ws.expert.message")
    return [row for row in rows.splitlines() if "Connection reset" not in row]


def seen(data: bytes, folder: Path) -> list[tuple[str, str, str]]:
    names = ["http.request.method", "http.request.uri", "http.response.code"]
    fields = [word for name in names for word in ("-e", name)]
    rows = tshark(data, folder, "-Y", "http.request or http.response", "-T", "fields", *fields)
    return [tuple(row.split("\t")) for row in rows.splitlines()]  # type: ignore[misc]


def test_tshark_sees_every_message_and_has_no_complaint(denied_trace: Any, write_with: Any, tmp_path: Path) -> None:
    data = write_with(pcapng_export, denied_trace, version="1.2.3")
    assert complaints(data, tmp_path) == []
    assert seen(data, tmp_path) == [
        ("GET", "/account", ""),
        ("", "", "302"),
        ("POST", "/login", ""),
        ("", "", "303"),
        ("GET", "/api?id=1+UNION", ""),
        ("", "", "403"),
        ("GET", "/slow", ""),
    ]


def test_exchanges_of_one_connection_share_it_and_comments_say_that_all_is_rebuilt(
    denied_trace: Any, write_with: Any, tmp_path: Path
) -> None:
    data = write_with(pcapng_export, denied_trace)
    assert set(tshark(data, tmp_path, "-T", "fields", "-e", "tcp.stream").split()) == {"0"}
    comments = tshark(data, tmp_path, "-Y", "frame.comment", "-T", "fields", "-e", "frame.comment")
    assert comments.count("rebuilt by tracer from") == 4
    assert "The firewall refused the query" in comments
    assert "port 443 is written as 80, what was encrypted in clear" in comments


def test_times_are_those_of_the_exchange(make_exchange: Any, trace_of: Any, write_with: Any, tmp_path: Path) -> None:
    data = write_with(pcapng_export, trace_of([make_exchange()]))
    times = tshark(data, tmp_path, "-Y", "http", "-T", "fields", "-e", "frame.time_epoch").split()
    assert times == ["1795521600.000000000", "1795521600.020000000"]


def test_conversations_of_several_hops_stand_in_the_order_of_time(write_with: Any, tmp_path: Path) -> None:
    from tracer.redact import Redacted, Redactor

    trace = read([str(PCAPS / "two-hops-could-deny" / "capture.pcapng")]).trace
    data = write_with(pcapng_export, Redacted(trace, Redactor()))
    rows = tshark(data, tmp_path, "-T", "fields", "-e", "tcp.stream", "-e", "frame.time_epoch").splitlines()
    streams, times = zip(*(row.split("\t") for row in rows), strict=True)
    assert list(times) == sorted(times)
    first, last = streams.index("1"), len(streams) - 1 - streams[::-1].index("0")
    assert first < last  # the inner conversation lies within the outer one


def test_every_version_and_address_family_is_well_formed(
    make_exchange: Any, trace_of: Any, write_with: Any, tmp_path: Path
) -> None:
    body = bytes(range(256)) * 40
    ends = [("10.0.0.7:51812", "203.0.113.9:80"), ("[fd00::7]:51812", "[2001:db8::9]:8080"), (None, None)]
    exchanges = [
        make_exchange(f"e{n}", version=version, client=client, server=server, got=body, method="POST", sent=b"a=b")
        for client, server in ends
        for n, version in enumerate(("HTTP/1.0", "HTTP/1.1", "HTTP/2", "HTTP/3", ""))
    ]
    data = write_with(pcapng_export, trace_of(exchanges))
    assert complaints(data, tmp_path) == []
    lengths = tshark(data, tmp_path, "-Y", "http.response", "-T", "fields", "-e", "http.content_length").split()
    assert lengths == ["10240"] * len(exchanges)


def test_fields_that_would_end_the_head_early_do_not(
    make_exchange: Any, trace_of: Any, write_with: Any, tmp_path: Path
) -> None:
    answered = (
        (b"X-A", b"one\r\nX-Injected: yes\r\n\r\nHTTP/1.1 200 OK"),
        (b"Set-Cookie", b"a=1\nb=2"),
        (b"bad name", b"x"),
    )
    exchange = make_exchange(status=403, answered=answered, url="http://shop.example/a%20b c\r\nEvil: 1")
    data = write_with(pcapng_export, trace_of([exchange]))
    assert [row[2] for row in seen(data, tmp_path)] == ["", "403"]
    lines = tshark(data, tmp_path, "-Y", "http.response", "-T", "fields", "-e", "http.response.line")
    assert "Set-Cookie: b=2" in lines
    assert "bad name" not in lines
    assert complaints(data, tmp_path) == []


def test_packets_made_of_values_come_without_keys(denied_trace: Any, write_with: Any) -> None:
    tls = msgspec.structs.replace(denied_trace.shaken[0], client_random="00" * 32)
    denied_trace.shaken = [tls]
    secret = b"CLIENT_RANDOM " + b"00" * 32 + b" " + b"11" * 48 + b"\n"
    assert b"CLIENT_RANDOM" not in write_with(pcapng_export, denied_trace, secrets=(secret,))


def keys_in(data: bytes, folder: Path) -> set[bytes]:
    """Client randoms for which a pcapng holds keys."""
    (folder / "k.pcapng").write_bytes(data)
    capture = Capture.open(str(folder / "k.pcapng"))
    list(capture.blocks())
    return {line.split()[1] for kind, text in capture.secrets if kind == KEY_LOG for line in bytes(text).splitlines()}


def test_keys_go_along_only_when_asked_and_only_those_that_open_what_was_chosen(
    write_with: Any, tmp_path: Path
) -> None:
    whole = str(PCAPS / "redirect-login-role" / "capture.pcapng")
    trace: Any = read([whole]).trace
    randoms = {h.client_random.encode() for h in trace.handshakes() if h.client_random}
    (denied,) = [v.exchange for v in trace.verdicts()]
    chosen = trace.handshake(trace.exchange(denied).tls).client_random.encode()
    assert len(randoms) > 1
    assert keys_in(write_with(pcapng_export, trace), tmp_path) == set()
    only = frozenset((denied,))
    private = b"-----BEGIN PRIVATE KEY-----\nMC4CAQ\n-----END PRIVATE KEY-----\n"
    data = write_with(pcapng_export, trace, only=only, secrets=(private,))
    assert keys_in(data, tmp_path) == {chosen}
    assert b"PRIVATE KEY" not in data
    (tmp_path / "slice.pcapng").write_bytes(data)
    again: Any = read([str(tmp_path / "slice.pcapng")]).trace
    kept = trace.exchange(denied)
    (found,) = [e for e in again.exchanges() if e.timing == kept.timing]
    assert (found.request.url, found.request.headers) == (kept.request.url, kept.request.headers)
    assert again.content(found.source, found.response.body) == trace.content(kept.source, kept.response.body)


def test_a_long_body_is_cut_into_segments_that_join_again(
    make_exchange: Any, trace_of: Any, write_with: Any, tmp_path: Path
) -> None:
    body = b"0123456789abcdef" * 20_000
    data = write_with(pcapng_export, trace_of([make_exchange(got=body, server="203.0.113.9:80")]))
    tshark(data, tmp_path, "-q", "--export-objects", f"http,{tmp_path / 'out'}")
    assert [p.read_bytes() for p in (tmp_path / "out").iterdir()] == [body]


@pytest.mark.parametrize("name", [None, "", "shop.example:443", "10.0.0.1", "10.0.0.1:99999", "10.0.0.1:0", "x:y"])
def test_what_is_no_address_is_no_endpoint(name: str | None) -> None:
    assert endpoint(name) is None


def test_sequence_numbers_wrap() -> None:
    one, two = endpoint("10.0.0.1:1000"), endpoint("10.0.0.2:80")
    assert one is not None
    assert two is not None
    talk = Conversation(one, two, 1)
    talk._next = [0xFFFFFFF0, 0xFFFFFFF0]
    frames = [*talk.open(0), *talk.send(b"x" * 100, True, 0), *talk.close(False)]
    numbers = [int.from_bytes(f.data[24:28], "big") for f in frames if f.data[20:22] == b"\x03\xe8"]
    assert numbers == [0xFFFFFFF0, 0xFFFFFFF1, 0xFFFFFFF1, 0x55]


@pytest.mark.parametrize("redacted", [False, True])
def test_captured_frames_are_kept_as_they_are_unless_the_trace_is_redacted(
    make_exchange: Any, trace_of: Any, write_with: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, redacted: bool
) -> None:
    one = make_exchange("e4", client="10.0.0.7:50001", server="203.0.113.9:80", packets=(4,))
    two = make_exchange("e14", client="10.0.0.8:50002", server="203.0.113.9:80", packets=(14,), after_ms=500)
    captured = tmp_path / "captured.pcapng"
    captured.write_bytes(write_with(pcapng_export, trace_of([one, two])))
    trace = trace_of([one, two])
    source = Source(name="edge.pcapng", kind="pcapng", path=str(captured))
    monkeypatch.setattr(trace, "sources", lambda: iter((source,)))
    if redacted:
        monkeypatch.setattr(trace, "redactor", object(), raising=False)
    data = write_with(pcapng_export, trace, only=frozenset(("e14",)))
    assert complaints(data, tmp_path) == []
    pairs = set(tshark(data, tmp_path, "-T", "fields", "-e", "ip.addr").split())
    assert pairs == {"10.0.0.8,203.0.113.9", "203.0.113.9,10.0.0.8"}
    comments = tshark(data, tmp_path, "-Y", "frame.comment", "-T", "fields", "-e", "frame.comment")
    assert comments.startswith("rebuilt by tracer from e14" if redacted else "e14 of edge.pcapng")
    shown = ("-Y", "ip.addr == 10.0.0.8", "-T", "fields", "-e", "frame.time_epoch", "-e", "tcp.payload")
    assert tshark(data, tmp_path, *shown) == tshark(captured.read_bytes(), tmp_path, *shown)
