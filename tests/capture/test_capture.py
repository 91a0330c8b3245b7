"""A capture as a whole: frames by number, resuming, memory."""

from __future__ import annotations

import io
import resource
from pathlib import Path

import numpy as np
import pytest

from tests.capture.frames import T0, Written, ethernet, ipv4, pcap, read, rows_of, tcp
from tracer.capture import index as index_module
from tracer.capture.capture import Capture, sniff
from tracer.capture.pcapng_writer import PcapngWriter
from tracer.capture.source import open_source


def many(count: int) -> list[bytes]:
    return [ethernet(ipv4(tcp(n.to_bytes(4), seq=n))) for n in range(count)]


def as_pcapng(frames: list[bytes]) -> bytes:
    stream = io.BytesIO()
    writer = PcapngWriter(stream)
    writer.interface(1)
    for count, frame in enumerate(frames):
        writer.packet(0, T0 + count, frame)
    return stream.getvalue()


@pytest.mark.parametrize("make", [pcap, as_pcapng])
def test_any_frame_is_found_by_its_number(make: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_module, "STEP", 100)
    frames = many(2000)
    data = make(frames)  # type: ignore[operator]
    capture = read(data, 30_000).capture
    for number in (1, 2, 99, 100, 101, 500, 501, 1234, 2000, 3):
        record = capture.record(number)
        assert (record.number, record.data, record.original) == (number, frames[number - 1], len(frames[number - 1]))
    for number in (0, -1, 2001):
        with pytest.raises(IndexError):
            capture.record(number)


def test_a_cut_last_frame_is_found_as_far_as_it_goes() -> None:
    capture = read(pcap(many(50))[:-10]).capture
    assert capture.record(50).data == many(50)[49][:-10]
    assert capture.record(49).data == many(50)[48]


def test_large_files_walked_in_lockstep_give_what_one_by_one_gives() -> None:
    chance = np.random.default_rng(3)
    frames = [ethernet(ipv4(tcp(bytes(int(size)), seq=n))) for n, size in enumerate(chance.integers(0, 1400, 4000))]
    for data in (pcap(frames), pcap(frames, order=">"), as_pcapng(frames)):
        outcome = read(data)
        assert [row.seq for row in outcome.rows] == list(range(4000))
        assert [len(row.payload) for row in outcome.rows] == [len(frame) - 54 for frame in frames]


def test_damage_in_a_large_file_costs_one_packet() -> None:
    frames = [ethernet(ipv4(tcp(bytes(1000), seq=n))) for n in range(4000)]
    data = bytearray(pcap(frames))
    size = 16 + len(frames[0])
    for broken in (700, 1500, 3999):
        data[24 + broken * size + 8 : 24 + broken * size + 12] = b"\xff\xff\xff\x7f"
    outcome = read(bytes(data))
    assert sorted(set(range(4000)) - {row.seq for row in outcome.rows}) == [700, 1500, 3999]
    assert outcome.codes == ["pcap.damaged"] * 3


def test_asking_for_blocks_again_goes_on_where_they_stopped() -> None:
    data = pcap(many(400))
    capture = Capture(open_source(io.BytesIO(data), "t"), 4000)
    first = next(capture.blocks())
    rest = [row.seq for row in rows_of(capture)]
    assert rest == list(range(len(first), 400))


def test_progress_and_totals_are_told(tmp_path: Path) -> None:
    path = tmp_path / "c.pcap"
    path.write_bytes(pcap(many(400)))
    capture = Capture(open_source(path), 4000)
    size = path.stat().st_size
    places = [block.bytes_read for block in capture.blocks()]
    assert places == sorted(places)
    assert (places[-1], capture.bytes_read, capture.bytes_total, capture.packets) == (size, size, size, 400)
    assert (capture.name, capture.kind, capture.partial) == (str(path), "pcap", False)


def test_times_between_the_rounds_of_the_upper_clock_bits_do_not_stop_the_walk() -> None:
    turn = (T0 // 10**9 >> 16) + 1 << 16
    frames = [Written(frame, (turn - 2000 + n) * 10**9) for n, frame in enumerate(many(4000) * 5)]
    assert len(read(pcap(frames)).rows) == 20_000


def test_mapped_pages_are_given_back(tmp_path: Path) -> None:
    path = tmp_path / "c.pcap"
    path.write_bytes(pcap([ethernet(ipv4(tcp(bytes(1400), seq=n))) for n in range(500)]))
    body = path.read_bytes()[24:]
    with path.open("ab") as file:
        for _ in range(150):
            file.write(body)
    capture = Capture(open_source(path), 4 << 20)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert sum(len(block) for block in capture.blocks()) == 151 * 500
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < path.stat().st_size // 2


def test_sniffing_needs_twelve_bytes() -> None:
    assert sniff(pcap([])[:12]) == "pcap"
    assert sniff(as_pcapng([])[:12]) == "pcapng"
    assert sniff(b"\x0a\x0d\x0d\x0a plain tex") is None
