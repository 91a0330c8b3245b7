"""pcap: every kind of header, cut files, damaged records."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.capture.frames import T0, Written, ethernet, ipv4, pcap, read, tcp
from tracer.capture.records import NotACapture

FRAMES = [ethernet(ipv4(tcp(bytes([65 + n]) * n, seq=n))) for n in range(12)]
WHOLE = pcap(FRAMES)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("magic", [0xA1B2C3D4, 0xA1B23C4D, 0xA1B2CD34, 0xA1B23CD4])
def test_every_magic_number_in_both_byte_orders_gives_the_same_packets(order: str, magic: int) -> None:
    rows = read(pcap(FRAMES, order=order, magic=magic)).rows
    assert [row.payload for row in rows] == [bytes([65 + n]) * n for n in range(12)]
    assert [row.time_ns for row in rows] == [T0 + n * 10**6 for n in range(12)]
    assert [row.number for row in rows] == list(range(1, 13))


def test_nanoseconds_are_kept_and_microseconds_scaled() -> None:
    frame = [Written(FRAMES[0], T0 + 123_456_789)]
    assert read(pcap(frame)).rows[0].time_ns == T0 + 123_456_789
    assert read(pcap(frame, magic=0xA1B2C3D4)).rows[0].time_ns == T0 + 123_456_000


def test_upper_bits_of_the_link_type_tell_the_frame_check_sequence_length() -> None:
    outcome = read(pcap(FRAMES, link=1 | 0x24000000))
    assert (outcome.capture.interfaces[0].link, outcome.capture.interfaces[0].fcs) == (1, 4)
    assert len(outcome.rows) == 12


def test_bytes_that_are_no_capture_are_refused_with_a_sentence() -> None:
    for data in (b"", b"G", b"GET / HTTP/1.1\r\n\r\n", b"{}", bytes(100)):
        with pytest.raises(NotACapture, match=r"^it "):
            read(data)


def test_a_snapshot_length_leaves_less_captured_than_sent() -> None:
    frame = ethernet(ipv4(tcp(b"x" * 100)))
    row = read(pcap([Written(frame[:80], T0, len(frame)), FRAMES[0]])).rows[0]
    assert (row.payload, row.wire) == (b"x" * 26, 100)


def boundaries(data: bytes) -> set[int]:
    """Where a pcap file may end without loss."""
    found, at = {24}, 24
    while at < len(data):
        at += 16 + int.from_bytes(data[at + 8 : at + 12], "little")
        found.add(at)
    return found


def test_a_file_cut_anywhere_says_so_and_keeps_what_came_before() -> None:
    whole = read(WHOLE).rows
    clean = boundaries(WHOLE)
    for size in range(4, len(WHOLE)):
        outcome = read(WHOLE[:size])
        assert ("pcap.truncated" in outcome.codes) == (size not in clean)
        assert outcome.capture.partial == (size not in clean)
        kept = sum(1 for end in clean if 24 < end <= size)
        assert outcome.rows[:kept] == whole[:kept]
        for row in outcome.rows[kept:]:
            assert row.number == kept + 1
            assert whole[kept].payload.startswith(row.payload)
            assert row.wire == whole[kept].wire


def test_the_last_record_is_used_as_far_as_it_goes() -> None:
    outcome = read(WHOLE[:-5])
    assert outcome.rows[-1].payload == b"L" * 6
    assert outcome.rows[-1].wire == 11
    assert [(p.code, p.packet) for p in outcome.problems] == [("pcap.truncated", 12)]


def damage(record: int, offset: int, value: bytes) -> bytes:
    """WHOLE with bytes of one record's header replaced."""
    at = sorted(boundaries(WHOLE))[record - 1] + offset
    return WHOLE[:at] + value + WHOLE[at + len(value) :]


def test_a_record_with_an_impossible_length_costs_only_itself() -> None:
    outcome = read(damage(5, 8, b"\xff\xff\xff\x7f"))
    assert [row.payload for row in outcome.rows] == [bytes([65 + n]) * n for n in range(12) if n != 4]
    assert [(p.code, p.packet) for p in outcome.problems] == [("pcap.damaged", 5)]


def test_a_record_that_claims_its_neighbours_bytes_is_cut_to_its_own() -> None:
    outcome = read(damage(5, 8, b"\xf0\x01"))
    assert [row.payload for row in outcome.rows][:4] == [bytes([65 + n]) * n for n in range(4)]
    assert [row.payload for row in outcome.rows][-6:] == [bytes([65 + n]) * n for n in range(6, 12)]
    assert "pcap.damaged" in outcome.codes


def test_a_first_record_that_is_damaged_does_not_hide_the_others() -> None:
    outcome = read(damage(1, 8, b"\xff\xff\xff\x7f"))
    assert len(outcome.rows) == 11
    assert outcome.codes == ["pcap.damaged"]


def test_small_blocks_give_the_same_packets_as_one() -> None:
    whole = read(WHOLE).rows
    for block in (1, 17, 100, 333):
        assert read(WHOLE, block).rows == whole


def test_damage_is_overcome_in_small_blocks_too() -> None:
    data = pcap(FRAMES * 4)
    at = sorted(boundaries(data))[20]
    broken = data[: at + 8] + b"\xff\xff\xff\x7f" + data[at + 12 :]
    for block in (64, 400, 1 << 20):
        outcome = read(broken, block)
        assert len(outcome.rows) == 47
        assert "pcap.damaged" in outcome.codes


def test_thousands_of_mutations_neither_raise_nor_hang_and_frames_can_be_looked_at() -> None:
    chance = random.Random(20)
    for _ in range(1500):
        data = bytearray(WHOLE)
        for _ in range(chance.randint(1, 12)):
            data[chance.randrange(24, len(data))] = chance.choice((0, 1, 127, 255, chance.randrange(256)))
        outcome = read(bytes(data))
        for number in range(1, outcome.capture.packets + 1):
            assert outcome.capture.record(number).number == number


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400), st.sampled_from(["<", ">"]))
def test_any_bytes_after_the_header_are_read_to_their_end(rest: bytes, order: str) -> None:
    outcome = read(pcap([], order=order) + rest)
    assert outcome.capture.bytes_read == 24 + len(rest)
