"""The packets of a connection, and tshark's word on one of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.capture.frames import A, B, ethernet, ipv4, pcap, tcp
from tracer.pipeline import read
from tracer.views.dissection import NoDissectionError, dissect
from tracer.views.packets import NoPacketsError, ladder

PCAPS = Path(__file__).parents[2] / "pcaps"


def go_on(*_: object) -> bool:
    return True


def test_handshake_messages_and_end_of_a_real_connection() -> None:
    trace = read([str(PCAPS / "nginx-deny" / "capture.pcapng")]).trace
    exchange = next(e for e in trace.exchanges() if e.response and e.response.status == 403)
    lines = ladder(trace, exchange, go_on)
    assert [line.signs for line in lines[:3]] == ["SYN", "SYN ACK", "ACK"]
    assert lines[0].client
    numbers = [line.number for line in lines]
    assert numbers == sorted(numbers)
    assert exchange.request is not None
    assert exchange.request.packet in numbers
    assert not any(line.note for line in lines)
    trace.close()


def test_what_was_sent_again_and_what_is_missing_is_said(tmp_path: Path) -> None:
    ask = b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"
    head = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\n"

    def sent(data: bytes, seq: int) -> bytes:
        return ethernet(ipv4(tcp(data, seq=seq)))

    def answered(data: bytes, seq: int) -> bytes:
        return ethernet(ipv4(tcp(data, sport=80, dport=4000, seq=seq), src=B, dst=A))

    frames = [
        sent(ask, 1), sent(ask, 1), answered(head, 1), answered(b"ghi", 1 + len(head) + 6),
        answered(b"abc", 1 + len(head)), sent(b"", 1 + len(ask)),
    ]  # fmt: skip
    path = tmp_path / "x.pcap"
    path.write_bytes(pcap(frames))
    trace = read([str(path)]).trace
    lines = ladder(trace, next(iter(trace.exchanges())), go_on)
    assert [line.note for line in lines] == [
        "", "retransmission", "", "6 bytes missing before it", "out of order, or sent again: it fills a gap", "",
    ]  # fmt: skip
    assert [line.client for line in lines] == [True, True, False, False, False, True]
    assert [line.seq for line in lines] == [0, 0, 0, len(head) + 6, len(head), len(ask)]
    trace.close()


def test_a_source_without_packets_says_so(tmp_path: Path) -> None:
    text = tmp_path / "x.txt"
    text.write_bytes(b"> GET / HTTP/1.1\r\n> Host: a.test\r\n> \r\n< HTTP/1.1 403 Forbidden\r\n< \r\n")
    trace = read([str(text)]).trace
    with pytest.raises(NoPacketsError):
        ladder(trace, next(iter(trace.exchanges())), go_on)


@pytest.mark.skipif(shutil.which("tshark") is None, reason="needs tshark")
def test_tshark_shows_one_packet_and_hides_content_unless_asked() -> None:
    path = str(PCAPS / "nginx-deny" / "capture.pcapng")
    trace = read([path]).trace
    exchange = next(e for e in trace.exchanges() if e.response and e.response.status == 403)
    assert exchange.request is not None
    assert exchange.request.packet is not None
    layers = {layer.name: layer for layer in dissect(path, exchange.request.packet)}
    assert layers["http"].hidden
    assert not layers["http"].fields
    assert any("Source Port" in words for _, words in layers["tcp"].fields)
    assert not any("payload" in words.lower() for layer in layers.values() for _, words in layer.fields)
    whole = {layer.name: layer for layer in dissect(path, exchange.request.packet, whole=True)}
    assert any("Host: static.example.test" in words for _, words in whole["http"].fields)
    with pytest.raises(NoDissectionError):
        dissect(path, 10_000_000)
    with pytest.raises(NoDissectionError):
        dissect(path + ".gone", 1)
