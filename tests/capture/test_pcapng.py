"""pcapng: blocks of every kind, sections, clocks, damage."""

from __future__ import annotations

import io
import random
from struct import pack

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.capture.frames import T0, Outcome, ethernet, ipv4, read, tcp
from tracer.capture.pcapng_writer import PcapngWriter

FRAMES = [ethernet(ipv4(tcp(bytes([65 + n]) * n, seq=n))) for n in range(12)]
PAYLOADS = [bytes([65 + n]) * n for n in range(12)]


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    body += bytes(-len(body) & 3)
    size = len(body) + 12
    return pack(order + "II", kind, size) + body + pack(order + "I", size)


def section(order: str = "<") -> bytes:
    return block(0x0A0D0D0A, pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(order: str = "<", link: int = 1, snaplen: int = 0, options: bytes = b"") -> bytes:
    return block(1, pack(order + "HHI", link, 0, snaplen) + options, order)


def packet(frame: bytes, stamp: int = 0, index: int = 0, order: str = "<", options: bytes = b"") -> bytes:
    head = pack(order + "IIIII", index, stamp >> 32, stamp & 0xFFFFFFFF, len(frame), len(frame))
    return block(6, head + frame + bytes(-len(frame) & 3) + options, order)


def option(code: int, value: bytes, order: str = "<") -> bytes:
    return pack(order + "HH", code, len(value)) + value + bytes(-len(value) & 3)


def payloads(outcome: Outcome) -> list[bytes]:
    return [row.payload for row in outcome.rows]


def written() -> bytes:
    stream = io.BytesIO()
    writer = PcapngWriter(stream)
    index = writer.interface(1, name="eth7")
    for count, frame in enumerate(FRAMES):
        writer.packet(index, T0 + count, frame, comment="half way" if count == 6 else "")
    return stream.getvalue()


def test_what_the_writer_writes_is_read_back() -> None:
    outcome = read(written())
    assert payloads(outcome) == PAYLOADS
    assert [row.time_ns for row in outcome.rows] == [T0 + n for n in range(12)]
    assert outcome.capture.record(7).comment == "half way"
    assert outcome.capture.record(7).interface.name == "eth7"
    assert outcome.capture.record(7).data == FRAMES[6]
    assert outcome.problems == []


def test_sections_of_different_byte_orders_follow_each_other_with_their_own_interfaces() -> None:
    data = b""
    for order in "<>><":
        data += section(order) + interface(order, options=option(9, b"\x09", order))
        data += b"".join(packet(frame, T0 + n, 0, order) for n, frame in enumerate(FRAMES[:3]))
    outcome = read(data)
    assert payloads(outcome) == PAYLOADS[:3] * 4
    assert [row.time_ns for row in outcome.rows] == [T0, T0 + 1, T0 + 2] * 4
    assert len(outcome.capture.interfaces) == 4
    assert outcome.problems == []
    assert [outcome.capture.record(n).data for n in (1, 5, 9, 12)] == [FRAMES[0], FRAMES[1], FRAMES[2], FRAMES[2]]


def test_each_interface_has_its_own_clock() -> None:
    second = T0 // 10**9
    data = section()
    data += interface()
    data += interface(options=option(9, b"\x03"))
    data += interface(options=option(9, b"\x8a") + option(14, pack("<q", 100)))
    data += packet(FRAMES[0], second * 10**6 + 5, 0)
    data += packet(FRAMES[0], second * 1000 + 5, 1)
    data += packet(FRAMES[0], (second - 100) * 1024 + 512, 2)
    assert [row.time_ns - T0 for row in read(data).rows] == [5_000, 5_000_000, 500_000_000]


def test_each_interface_has_its_own_link_type() -> None:
    data = section() + interface(link=101) + interface(link=1)
    data += packet(FRAMES[2], 0, 1) + packet(ipv4(tcp(b"raw")), 0, 0) + packet(FRAMES[3], 0, 1)
    outcome = read(data)
    assert payloads(outcome) == [b"CC", b"raw", b"DDD"]
    assert [row.number for row in outcome.rows] == [1, 2, 3]


def test_simple_and_old_packets_are_packets() -> None:
    data = section() + interface(snaplen=60)
    data += block(3, pack("<I", len(FRAMES[11])) + FRAMES[11][:60])
    data += block(2, pack("<HHIIII", 0, 9, 0, 7, len(FRAMES[5]), len(FRAMES[5])) + FRAMES[5])
    outcome = read(data)
    assert payloads(outcome) == [b"L" * 6, PAYLOADS[5]]
    assert [row.wire for row in outcome.rows] == [11, 5]
    assert [row.time_ns for row in outcome.rows] == [0, 7000]
    assert outcome.capture.record(1).data == FRAMES[11][:60]


def test_secrets_names_and_unknown_blocks_are_taken_or_passed_over_wherever_they_stand() -> None:
    keys = b"CLIENT_RANDOM 00 11\n"
    record = (
        option(1, bytes([10, 0, 0, 1]) + b"a.example\0b.example\0") + option(2, bytes(15) + b"\x01six\0") + bytes(4)
    )
    data = section() + interface() + block(0x0BAD, b"custom") + packet(FRAMES[1])
    data += block(10, pack("<II", 0x544C534B, len(keys)) + keys) + block(4, record) + block(0x80000001, bytes(40))
    data += packet(FRAMES[2])
    outcome = read(data)
    assert payloads(outcome) == PAYLOADS[1:3]
    assert outcome.capture.secrets == [(0x544C534B, keys)]
    assert outcome.capture.names == {"10.0.0.1": "a.example", "::1": "six"}
    assert outcome.problems == []


def test_options_that_do_not_fit_end_the_options_only() -> None:
    data = section() + interface(options=option(9, b"\x09") + pack("<HH", 2, 0xFFFF) + b"abcd")
    data += packet(FRAMES[1], T0, options=pack("<HH", 1, 500) + b"abcd")
    outcome = read(data)
    assert outcome.rows[0].time_ns == T0
    assert outcome.capture.record(1).comment == ""


def test_a_packet_of_an_unknown_interface_keeps_its_number_and_is_a_problem() -> None:
    data = section() + interface() + packet(FRAMES[1]) + packet(FRAMES[2], 0, 9) + packet(FRAMES[3])
    outcome = read(data)
    assert [row.number for row in outcome.rows] == [1, 3]
    assert [(p.code, p.packet) for p in outcome.problems if p.code == "pcapng.interface"] == [("pcapng.interface", 2)]


def test_a_packet_longer_than_its_block_is_cut_to_the_block() -> None:
    body = pack("<IIIII", 0, 0, 0, 5000, 5000) + FRAMES[4] + bytes(-len(FRAMES[4]) & 3)
    outcome = read(section() + interface() + block(6, body) + packet(FRAMES[5]))
    assert payloads(outcome) == [PAYLOADS[4], PAYLOADS[5]]
    assert "pcapng.block" in outcome.codes


def ends(data: bytes) -> set[int]:
    found, at = {0}, 0
    while at < len(data):
        at += int.from_bytes(data[at + 4 : at + 8], "little")
        found.add(at)
    return found


def test_a_file_cut_anywhere_says_so_and_keeps_what_came_before() -> None:
    data = written()
    whole = read(data).rows
    clean = ends(data)
    for size in range(12, len(data)):
        outcome = read(data[:size])
        assert ("pcap.truncated" in outcome.codes) == (size not in clean)
        assert outcome.rows == whole[: len(outcome.rows)]
        assert len(outcome.rows) == max(0, sum(1 for end in clean if end <= size) - 3)


def test_a_damaged_block_costs_only_itself() -> None:
    data = written()
    at = sorted(ends(data))[6]
    for offset, value in ((4, b"\xff\xff\xff\x7f"), (4, bytes(4)), (4, b"\x20\0\0\0"), (4, b"\x05\0\0\0")):
        broken = data[: at + offset] + value + data[at + offset + 4 :]
        for size in (64, 1 << 20):
            outcome = read(broken, size)
            assert payloads(outcome) == PAYLOADS[:4] + PAYLOADS[5:]
            assert outcome.codes == ["pcap.damaged"]


def test_thousands_of_empty_sections_are_read_in_good_time() -> None:
    data = section() * 20_000 + interface() + packet(FRAMES[3])
    assert payloads(read(data)) == [PAYLOADS[3]]


def test_thousands_of_mutations_neither_raise_nor_hang_and_frames_can_be_looked_at() -> None:
    chance = random.Random(21)
    whole = written()
    for _ in range(1500):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 12)):
            data[chance.randrange(12, len(data))] = chance.choice((0, 1, 127, 255, chance.randrange(256)))
        outcome = read(bytes(data))
        for number in range(1, outcome.capture.packets + 1):
            assert outcome.capture.record(number).number == number


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400), st.sampled_from(["<", ">"]))
def test_any_bytes_after_the_section_header_are_read_to_their_end(rest: bytes, order: str) -> None:
    data = section(order) + interface(order) + rest
    assert read(data).capture.bytes_read == len(data)
