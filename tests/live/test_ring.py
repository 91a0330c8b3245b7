"""The packets that are kept: every file of a ring is a capture of its own."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracer.capture.capture import Capture
from tracer.capture.pcapng_writer import PcapngWriter
from tracer.live.ring import Ring, size_of

PIECES = st.lists(st.integers(1, 300), min_size=1, max_size=40)
KEYS = b"CLIENT_RANDOM 00 11\n"


def pcapng(count: int) -> bytes:
    out = io.BytesIO()
    writer = PcapngWriter(out)
    interface = writer.interface(1, name="eth0")
    for number in range(count):
        writer.packet(interface, 1_000 + number, bytes([number]) * 60)
    return out.getvalue()


def pcap(count: int) -> bytes:
    head = bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000")
    record = (60).to_bytes(4, "little") * 2
    return head + b"".join(bytes(8) + record + bytes([n]) * 60 for n in range(count))


def packets(path: Path) -> list[int]:
    capture = Capture.open(path)
    for _ in capture.blocks():
        pass
    assert capture.take_problems() == []
    return [capture.record(n).data[0] for n in range(1, capture.packets + 1)]


@pytest.mark.parametrize("made", [pcapng, pcap])
@given(sizes=PIECES)
@settings(max_examples=25, deadline=None)
def test_every_packet_is_in_one_file_whatever_the_pieces(
    tmp_path_factory: pytest.TempPathFactory, made: object, sizes: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("ring")
    data = made(20)  # type: ignore[operator]
    ring = Ring(folder / "a.pcap", 500, 0, lambda: b"")
    at, turn = 0, 0
    while at < len(data):
        size = sizes[turn % len(sizes)]
        ring.write(data[at : at + size])
        at, turn = at + size, turn + 1
    ring.close()
    files = sorted(folder.iterdir())
    assert len(files) > 2
    assert [number for path in files for number in packets(path)] == list(range(20))


def test_only_the_latest_files_are_kept(tmp_path: Path) -> None:
    ring = Ring(tmp_path / "a.pcapng", 500, 2, lambda: b"")
    ring.write(pcapng(60))
    ring.close()
    files = sorted(tmp_path.iterdir())
    assert len(files) == 2
    assert packets(files[-1])[-1] == 59


def test_one_file_is_byte_for_byte_what_was_captured_and_its_keys(tmp_path: Path) -> None:
    ring = Ring(tmp_path / "a.pcapng", None, 0, lambda: KEYS)
    ring.write(pcapng(5))
    ring.close()
    assert (tmp_path / "a.pcapng").read_bytes().startswith(pcapng(5))
    capture = Capture.open(tmp_path / "a.pcapng")
    for _ in capture.blocks():
        pass
    assert [data for _, data in capture.secrets] == [KEYS]
    assert (tmp_path / "a.pcapng").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("text", "size"), [("100M", 100 << 20), ("5k", 5 << 10), ("7", 7), ("1GB", 1 << 30)])
def test_sizes_as_people_write_them(text: str, size: int) -> None:
    assert size_of(text) == size


@pytest.mark.parametrize("text", ["", "0", "M", "-5M", "1T"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="size"):
        size_of(text)
