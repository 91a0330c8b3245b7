"""The journal keeps what was appended, whatever happens to either side."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracer.live.journal import Reader, Writer, segments
from tracer.live.records import Note, Request, from_bytes, to_bytes


def notes(*texts: str) -> list[Note]:
    return [Note("test", t) for t in texts]


def test_what_is_appended_is_read_in_order_over_several_segments(tmp_path: Path) -> None:
    writer, reader = Writer(tmp_path, size=100), Reader(tmp_path)
    written = notes(*(f"number {n}" for n in range(30)))
    read = []
    for number, record in enumerate(written):
        writer.append(to_bytes(record))
        if number % 7 == 0:
            read += list(reader.take())
    read += list(reader.take())
    assert read == written
    assert len(segments(tmp_path)) > 3


def test_segments_are_deleted_only_when_told_and_never_the_one_that_is_written(tmp_path: Path) -> None:
    writer, reader = Writer(tmp_path, size=100), Reader(tmp_path)
    for record in notes(*(f"number {n}" for n in range(30))):
        writer.append(to_bytes(record))
    before = segments(tmp_path)
    list(reader.take())
    assert segments(tmp_path) == before
    reader.forget()
    assert segments(tmp_path) == before[-1:]


@given(cut=st.integers(0, 60))
@settings(max_examples=30, deadline=None)
def test_a_journal_that_is_cut_anywhere_gives_every_whole_record_and_no_other(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    folder = tmp_path_factory.mktemp("cut")
    writer = Writer(folder)
    written = notes("one", "two", "three")
    ends = [0]
    for record in written:
        writer.append(data := to_bytes(record))
        ends.append(ends[-1] + len(data))
    (path,) = segments(folder)
    path.write_bytes(path.read_bytes()[:cut])
    whole = sum(end <= cut for end in ends[1:])
    assert list(Reader(folder).take()) == written[:whole]


@given(data=st.binary(max_size=400))
@settings(max_examples=60, deadline=None)
def test_any_bytes_are_read_without_an_exception_and_to_an_end(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    folder = tmp_path_factory.mktemp("noise")
    (folder / "00000001.journal").write_bytes(data)
    reader = Reader(folder)
    for _ in range(5):
        list(reader.take())


def test_a_writer_that_comes_later_goes_on_behind_what_is_there(tmp_path: Path) -> None:
    for record in notes("first", "second"):
        writer = Writer(tmp_path)
        writer.append(to_bytes(record))
        writer.close()
    assert list(Reader(tmp_path).take()) == notes("first", "second")


def test_text_that_utf8_cannot_hold_is_escaped_rather_than_lost() -> None:
    record = from_bytes(to_bytes(Note("test", "caf\udce9"))[4:])
    assert record == Note("test", "caf\\udce9")


def test_the_url_names_the_host_that_the_client_asked_for() -> None:
    asked = Request(
        version=b"HTTP/2.0", scheme_=b"https", authority_=b"shop.test", path_=b"/a?b", host="10.0.0.1", port=443
    )
    assert asked.pretty_url == "https://shop.test/a?b"
