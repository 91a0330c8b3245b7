"""IP fragments: joined in any order, first bytes kept, bounded."""

from __future__ import annotations

import itertools
import random
from struct import pack

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.capture.frames import T0, Written, ethernet, ipv4, ipv6, pcap, read, tcp
from tracer.capture.fragments import Fragments

WHOLE = tcp(bytes(range(200)) * 3)


def fragment(start: int, stop: int, ident: int = 9, whole: bytes = WHOLE) -> bytes:
    more = 0x2000 if stop < len(whole) else 0
    return ethernet(ipv4(whole[start:stop], fragment=more | start >> 3, ident=ident))


def fragment6(start: int, stop: int) -> bytes:
    header = pack(">BBHI", 6, 0, start | (stop < len(WHOLE)), 77)
    return ethernet(ipv6(header + WHOLE[start:stop], 44), 0x86DD)


def test_fragments_in_every_order_make_the_packet_of_the_last_one() -> None:
    parts = [(0, 200), (200, 400), (400, len(WHOLE))]
    for make in (fragment, fragment6):
        for order in itertools.permutations(parts):
            rows = read(pcap([make(*part) for part in order])).rows
            assert [(row.number, row.payload) for row in rows] == [(3, WHOLE[20:])]


def test_where_fragments_overlap_the_first_bytes_count() -> None:
    other = bytes(len(WHOLE))
    frames = [fragment(0, 400), fragment(200, 408, whole=other), fragment(400, len(WHOLE))]
    payload = read(pcap(frames)).rows[0].payload
    assert payload == WHOLE[20:400] + bytes(8) + WHOLE[408:]


def test_copies_of_fragments_make_no_second_datagram() -> None:
    frames = [f for part in ((0, 304), (304, len(WHOLE))) for f in [fragment(*part)] * 2]
    outcome = read(pcap(frames))
    assert (len(outcome.rows), outcome.problems) == (1, [])


def test_a_datagram_that_lacks_a_fragment_is_a_problem_with_its_first_packet() -> None:
    outcome = read(pcap([ethernet(ipv4(tcp(b"x"))), fragment(0, 200), fragment(400, len(WHOLE))]))
    assert [(p.code, p.packet) for p in outcome.problems] == [("ip.fragments", 2)]
    assert len(outcome.rows) == 1


def test_fragments_of_other_protocols_are_nobodys_loss() -> None:
    assert read(pcap([ethernet(ipv4(b"x" * 64, 89, fragment=0x2000))])).problems == []


def test_an_identification_used_again_after_a_minute_is_another_datagram() -> None:
    frames = [Written(fragment(0, 304), T0), Written(fragment(304, len(WHOLE)), T0 + 61 * 10**9)]
    outcome = read(pcap(frames))
    assert outcome.rows == []
    assert outcome.codes == ["ip.fragments"]


def test_the_table_is_bounded() -> None:
    lost: list[int] = []
    table = Fragments(lost.append)
    for number in range(10_000):
        table.add(((0, 1), (0, 2), number, 17), 0, b"x" * 1000, True, number, 0)
    assert len(lost) == 10_000 - 4096
    table.finish()
    assert lost == list(range(10_000))


@settings(max_examples=200, deadline=None)
@given(st.binary(min_size=1, max_size=300), st.lists(st.tuples(st.integers(0, 299), st.integers(1, 80))), st.randoms())
def test_whatever_the_pieces_the_datagram_is_whole_or_absent(
    data: bytes, cuts: list[tuple[int, int]], chance: random.Random
) -> None:
    pieces = [(at, data[at : at + size]) for at, size in cuts if at < len(data)]
    chance.shuffle(pieces)
    table = Fragments(lambda _: None)
    key = ((0, 1), (0, 2), 3, 17)
    results = [table.add(key, at, part, at + len(part) < len(data), 1, 0) for at, part in pieces]
    covered = {i for at, part in pieces for i in range(at, at + len(part))}
    complete = covered == set(range(len(data)))
    assert [r for r in results if r is not None] == ([data] if complete else [])
