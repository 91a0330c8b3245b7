"""TCP connections from packets, whatever happened to the packets."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench.traffic import ACK, FIN, RST, START_NS, SYN, Side, frame
from tracer.capture.capture import Capture
from tracer.http.detect import conversation
from tracer.model.connection import Connection
from tracer.model.http import Exchange
from tracer.model.problem import Problem
from tracer.model.tls import Handshake
from tracer.transport.half import Half
from tracer.transport.reader import read_connections
from tracer.transport.stream import Mark

GET = b"GET /%d HTTP/1.1\r\nHost: h\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


class Kept:
    """A sink that keeps."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []
        self.connections: list[Connection] = []

    def exchange(self, exchange: Exchange) -> None:
        self.exchanges.append(exchange)

    def connection(self, connection: Connection) -> None:
        self.connections.append(connection)

    def handshake(self, handshake: Handshake) -> None: ...
    def problem(self, problem: Problem) -> None: ...


class Talk:
    """A connection written packet by packet: (from client, flags, relative sequence number, data)."""

    def __init__(self, folder: Path, client_isn: int = 1000, server_isn: int = 5000) -> None:
        self.path = folder / "a.pcap"
        self.isn = (client_isn, server_isn)
        self.frames: list[bytes] = []

    def packet(self, client: bool, flags: int, seq: int, data: bytes = b"", cut: int = 0, ack: int = 0) -> Talk:
        a = Side(bytes((10, 0, 0, 1)), 40000, self.isn[0] + (seq if client else ack) & 0xFFFFFFFF)
        b = Side(bytes((10, 0, 0, 2)), 80, self.isn[1] + (ack if client else seq) & 0xFFFFFFFF)
        made = frame(a, b, flags, data) if client else frame(b, a, flags, data)
        self.frames.append(struct.pack("<II", len(made) - cut, len(made)) + made[: len(made) - cut])
        return self

    def open(self) -> Talk:
        return self.packet(True, SYN, 0).packet(False, SYN | ACK, 0, ack=1).packet(True, ACK, 1, ack=1)

    def read(self) -> Kept:
        records = (struct.pack("<II", START_NS // 10**9, i * 1_000_000) + f for i, f in enumerate(self.frames))
        self.path.write_bytes(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1) + b"".join(records))
        capture = Capture.open(self.path)
        kept = Kept()
        read_connections(capture.blocks(), capture.base, kept, source="a", converse=conversation)
        return kept


@pytest.fixture
def talk(tmp_path: Path) -> Talk:
    return Talk(tmp_path)


def said(kept: Kept) -> list[tuple[Any, ...]]:
    return [
        (e.request.target if e.request else None, e.response.status if e.response else None) for e in kept.exchanges
    ]


def test_an_exchange_is_found_and_the_connection_is_described(talk: Talk) -> None:
    talk.open().packet(True, ACK, 1, GET % 1).packet(False, ACK, 1, OK)
    talk.packet(False, FIN | ACK, 1 + len(OK)).packet(True, FIN | ACK, 1 + len(GET % 1))
    kept = talk.read()
    assert said(kept) == [("/1", 200)]
    (c,) = kept.connections
    assert (c.client, c.server) == ("10.0.0.1:40000", "10.0.0.2:80")
    assert (c.rtt_ns, c.client_rtt_ns, c.closed, c.joined_late) == (1_000_000, 1_000_000, "server-fin", False)
    assert (c.client_bytes, c.server_bytes, c.packets, c.lost) == (len(GET % 1), len(OK), 7, 0)


def with_ttl(talk: Talk, ttl: int) -> Talk:
    """The last packet as if it had come with that TTL: the ninth byte of the IPv4 header."""
    last = talk.frames[-1]
    talk.frames[-1] = last[:30] + bytes([ttl]) + last[31:]  # behind lengths (8) and Ethernet (14)
    return talk


def test_packets_of_the_server_with_another_ttl_are_noted_from_the_first_one_on(talk: Talk) -> None:
    talk.open().packet(True, ACK, 1, GET % 1).packet(False, ACK, 1, OK)
    with_ttl(talk.packet(True, ACK, 1 + len(GET % 1), GET % 2), 9)  # the client's do not count
    with_ttl(talk.packet(False, ACK, 1 + len(OK), OK), 57).packet(True, ACK, 1 + 2 * len(GET % 1), GET % 3)
    with_ttl(talk.packet(False, ACK, 1 + 2 * len(OK), OK), 57).packet(False, ACK, 1 + 3 * len(OK), OK)
    (c,) = talk.read().connections
    assert (c.server_ttl, c.server_ttls) == (64, ((7, 57), (10, 64)))


def test_a_server_that_sets_up_with_another_ttl_than_it_answers_with_is_noted(talk: Talk) -> None:
    talk.packet(True, SYN, 0)
    with_ttl(talk.packet(False, SYN | ACK, 0, ack=1), 60).packet(True, ACK, 1, ack=1)
    talk.packet(True, ACK, 1, GET % 1).packet(False, ACK, 1, OK)
    (c,) = talk.read().connections
    assert (c.server_ttl, c.server_ttls) == (60, ((5, 64),))


def test_segments_out_of_order_twice_and_across_the_sequence_wrap_are_put_right(tmp_path: Path) -> None:
    talk = Talk(tmp_path, client_isn=0xFFFFFFF0).open()
    request = GET % 1
    talk.packet(True, ACK, 11, request[10:]).packet(True, ACK, 1, request[:10]).packet(True, ACK, 6, request[5:])
    talk.packet(False, ACK, 1, OK).packet(False, ACK, 1, OK)
    assert said(talk.read()) == [("/1", 200)]


def test_a_keep_alive_probe_brings_no_byte(talk: Talk) -> None:
    talk.open().packet(True, ACK, 1, GET % 1).packet(False, ACK, 1, OK)
    talk.packet(True, ACK, len(GET % 1), b"\0").packet(True, ACK, 1 + len(GET % 1), GET % 2)
    talk.packet(False, ACK, 1 + len(OK), OK)
    assert said(talk.read()) == [("/1", 200), ("/2", 200)]


def test_data_on_the_syn_is_read(talk: Talk) -> None:
    talk.packet(True, SYN, 0, GET % 1).packet(False, SYN | ACK, 0).packet(False, ACK, 1, OK)
    assert said(talk.read()) == [("/1", 200)]


def test_a_new_syn_on_the_same_ports_is_a_new_connection(tmp_path: Path) -> None:
    talk = Talk(tmp_path).open().packet(True, ACK, 1, GET % 1).packet(False, ACK, 1, OK)
    talk.isn = (900_000, 77)
    talk.open().packet(True, ACK, 1, GET % 2).packet(False, ACK, 1, OK)
    kept = talk.read()
    assert said(kept) == [("/1", 200), ("/2", 200)]
    assert len(kept.connections) == 2


def test_late_copies_after_the_end_begin_no_connection(talk: Talk) -> None:
    talk.open().packet(True, ACK, 1, GET % 1).packet(False, ACK, 1, OK).packet(False, RST, 1 + len(OK))
    talk.packet(True, ACK, 1, GET % 1)
    kept = talk.read()
    assert said(kept) == [("/1", 200)]
    assert kept.connections[0].closed == "server-rst"


def test_a_lost_response_costs_its_exchange_only(talk: Talk) -> None:
    q, r = len(GET % 1), len(OK)
    talk.open().packet(True, ACK, 1, GET % 1).packet(True, ACK, 1 + q, GET % 2, ack=1 + r)
    talk.packet(False, ACK, 1 + r, OK).packet(True, ACK, 1 + 2 * q, GET % 3, ack=1 + 2 * r)
    talk.packet(False, ACK, 1 + 2 * r, OK)
    assert sorted(said(talk.read())) == [("/1", None), ("/2", 200), ("/3", 200)]


def test_a_lost_request_leaves_an_answer_without_one(talk: Talk) -> None:
    q, r = len(GET % 1), len(OK)
    talk.open().packet(False, ACK, 1, OK, ack=1 + q).packet(True, ACK, 1 + q, GET % 2, ack=1 + r)
    talk.packet(False, ACK, 1 + r, OK, ack=1 + 2 * q)
    assert sorted(said(talk.read()), key=str) == [("/2", 200), (None, 200)]


def test_one_direction_alone_gives_half_exchanges(talk: Talk) -> None:
    talk.packet(False, ACK, 1, OK).packet(False, ACK, 1 + len(OK), OK)
    kept = talk.read()
    assert said(kept) == [(None, 200), (None, 200)]
    assert kept.connections[0].client == "10.0.0.1:40000"
    assert kept.connections[0].joined_late


def test_bytes_cut_by_the_snapshot_length_are_missing_not_shifted(talk: Talk) -> None:
    first = b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n" + b"x" * 50
    talk.open().packet(True, ACK, 1, GET % 1).packet(False, ACK, 1, first, cut=30)
    talk.packet(True, ACK, 1 + len(GET % 1), GET % 2).packet(False, ACK, 1 + len(first), OK)
    kept = talk.read()
    assert said(kept) == [("/1", 200), ("/2", 200)]
    response = kept.exchanges[0].response
    assert response
    assert (response.body.size, response.body.complete) == (20, False)


@pytest.mark.parametrize("left", [7, 12, 14, 20], ids=["target cut", "version cut", "line whole", "fields cut"])
def test_of_heads_cut_by_the_snapshot_length_the_first_line_is_read(talk: Talk, left: int) -> None:
    talk.open()
    for n in (1, 2):
        talk.packet(True, ACK, 1 + (n - 1) * len(GET % 1), GET % n, cut=len(GET % n) - left, ack=1 + (n - 1) * len(OK))
        talk.packet(False, ACK, 1 + (n - 1) * len(OK), OK, cut=len(OK) - 14, ack=1 + n * len(GET % 1))
    kept = talk.read()
    assert said(kept) == [("/1", 200), ("/2", 200)]
    assert {p.code for e in kept.exchanges for p in e.problems} == {"http.head-cut"}


@given(st.data())
def test_any_order_and_overlap_of_segments_gives_the_same_bytes(data: st.DataObject) -> None:
    whole = bytes(range(200))
    isn = data.draw(st.sampled_from((0, 2**32 - 100, 2**31 - 50)))
    cuts = data.draw(st.lists(st.tuples(st.integers(0, 199), st.integers(1, 60)), max_size=30))
    segments = [*data.draw(st.permutations([(i, 20) for i in range(0, 200, 20)])), *cuts]
    half = Half(whole)
    half.base = isn
    for n, (low, size) in enumerate(segments):
        size = min(size, 200 - low)
        half.add(isn + low & 0xFFFFFFFF, size, size, whole, low, Mark(n, n))
    assert half.stream.peek(300) == whole
    assert half.bytes == 200


@pytest.mark.parametrize("chosen", [0, 7000])
def test_of_two_answers_to_a_syn_the_one_that_the_client_names_counts(talk: Talk, chosen: int) -> None:
    talk.packet(True, SYN, 0).packet(False, SYN | ACK, 0, ack=1).packet(False, SYN | ACK, 7000, ack=1)
    talk.packet(True, ACK, 1, GET % 1, ack=chosen + 1).packet(False, ACK, chosen + 1, OK)
    kept = talk.read()
    assert said(kept) == [("/1", 200)]
    assert kept.connections[0].lost == 0
