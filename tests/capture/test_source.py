"""Plain, compressed and piped input: the same bytes, bounded, and told when they end early."""

from __future__ import annotations

import gzip
import io
import os
import threading
import zlib
from pathlib import Path

import pytest
from backports import zstd

from tests.capture.frames import ethernet, ipv4, pcap, read, rows_of, tcp
from tracer.capture import compression
from tracer.capture.capture import Capture
from tracer.capture.source import open_source
from tracer.capture.spool import Spool

FRAMES = [ethernet(ipv4(tcp(bytes([n]) * 50, seq=n))) for n in range(40)]
PLAIN = pcap(FRAMES)
PACKED = {"gzip": gzip.compress(PLAIN), "zstd": zstd.compress(PLAIN)}
ROWS = read(PLAIN).rows


@pytest.mark.parametrize("name", PACKED)
def test_compressed_input_gives_the_same_packets_from_file_and_stream(name: str, tmp_path: Path) -> None:
    path = tmp_path / "c.pcap"
    path.write_bytes(PACKED[name])
    capture = Capture.open(path)
    assert rows_of(capture) == ROWS
    assert capture.source.compression == name
    assert (capture.bytes_read, capture.bytes_total) == (len(PACKED[name]), len(PACKED[name]))
    assert read(PACKED[name]).rows == ROWS


def test_members_and_frames_follow_each_other() -> None:
    half = len(PLAIN) // 2
    joined = gzip.compress(PLAIN[:half]) + gzip.compress(b"") + gzip.compress(PLAIN[half:]) + bytes(512)
    assert read(joined).rows == ROWS
    skippable = b"\x50\x2a\x4d\x18\x03\0\0\0abc"
    framed = skippable + zstd.compress(PLAIN[:half]) + skippable + zstd.compress(PLAIN[half:])
    outcome = read(framed)
    assert (outcome.rows, outcome.problems) == (ROWS, [])


@pytest.mark.parametrize("name", PACKED)
def test_compressed_input_cut_anywhere_keeps_its_packets_and_says_so(name: str) -> None:
    packed = PACKED[name]
    for size in range(12, len(packed)):
        source = open_source(io.BytesIO(packed[:size]), "t")
        source.grow(1 << 30)
        assert source.done
        assert bytes(source.base[: source.ready]) == PLAIN[: source.ready]
        assert [p.code for p in source.problems] == ["source.truncated"]


def test_damage_and_trailing_bytes_are_problems() -> None:
    packed = PACKED["gzip"]
    broken = packed[:-8] + b"\0\0\0\0" + packed[-4:]
    assert "source.damaged" in read(broken).codes
    outcome = read(packed + b"something else")
    assert (outcome.rows, outcome.codes) == (ROWS, ["source.trailing"])


def test_a_bomb_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression, "FLOOR", 1 << 20)
    for pack in (gzip.compress, zstd.compress):
        packed = pack(PLAIN + bytes(40 << 20))
        source = open_source(io.BytesIO(packed), "t")
        source.grow(1 << 40)
        assert source.ready <= (1 << 20) + 250 * len(packed) + compression.STEP
        assert [p.code for p in source.problems] == ["source.expansion"]


def test_a_piece_is_never_larger_than_the_step() -> None:
    expander = compression.Expander("gzip")
    pieces = list(expander.expand(zlib.compress(bytes(8 << 20), wbits=31)))
    assert max(map(len, pieces)) <= compression.STEP
    assert sum(map(len, pieces)) == 8 << 20


def test_a_pipe_gives_packets_while_it_is_still_written() -> None:
    out, into = os.pipe()
    with os.fdopen(out, "rb") as stream:
        os.write(into, PLAIN[:24] + pcap(FRAMES[:2])[24:])
        capture = Capture.open(stream, "-")
        blocks = capture.blocks()
        assert len(next(blocks)) == 2
        later = threading.Timer(0.05, os.write, (into, pcap(FRAMES[:1])[24:]))
        later.start()
        assert next(blocks).number.tolist() == [3]
        later.join()
        os.write(into, b"\1\2\3")
        os.close(into)
        assert list(blocks) == []
        assert [p.code for p in capture.take_problems()] == ["pcap.truncated"]
        assert capture.packets == 3


def test_the_bytes_of_a_stream_that_is_no_capture_are_still_there() -> None:
    source = open_source(io.BytesIO(b"GET / HTTP/1.1\r\n"), "-")
    assert source.head() == b"GET / HTTP/1.1\r\n"
    assert open_source(io.BytesIO(b""), "-").head() == b""


def test_a_large_file_is_mapped_and_a_cut_of_it_noticed(tmp_path: Path) -> None:
    path = tmp_path / "c.pcap"
    frames = [ethernet(ipv4(tcp(bytes(1000), seq=n))) for n in range(3000)]
    path.write_bytes(pcap(frames))
    capture = Capture(open_source(path), 1 << 20)
    blocks = capture.blocks()
    first = len(next(blocks))
    os.truncate(path, path.stat().st_size // 2)
    seen = first + sum(len(block) for block in blocks)
    assert 1400 < seen < 1600
    assert {p.code for p in capture.take_problems()} == {"source.shrank", "pcap.truncated"}


def test_a_missing_file_is_the_callers_mistake(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_source(tmp_path / "none")


def test_a_full_spool_keeps_what_fits() -> None:
    spool = Spool()
    assert spool.append(b"abc") == 3
    assert spool.map[:4] == b"abc\0"
    spool.size = len(spool.map) - 1
    assert spool.append(b"xyz") == 1
