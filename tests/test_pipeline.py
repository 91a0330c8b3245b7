"""From sources to one judged trace: what each source is, whose ids are whose, what is kept when something fails."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bench.sealed import SealedMaker
from tests.bench.traffic import Mix, make
from tracer.model.problem import Severity
from tracer.opening import Progress
from tracer.pipeline import read

CAPTURE = Path(__file__).parents[1] / "pcaps" / "nginx-deny" / "capture.pcapng"
HTTP = (
    b"GET /a HTTP/1.1\r\nHost: h.test\r\n\r\nHTTP/1.1 403 Forbidden\r\nServer: nginx\r\nContent-Length: 4000\r\n\r\n"
    + b"n" * 4000
)
HAR = json.dumps(
    {"log": {"version": "1.2", "creator": {"name": "x", "version": "1"}, "entries": [
        {"startedDateTime": "2026-01-01T00:00:00Z", "time": 5,
         "request": {"method": "GET", "url": "https://h.test/", "httpVersion": "HTTP/2", "headers": [], "bodySize": 0},
         "response": {"status": 401, "statusText": "", "headers": [], "bodySize": 0,
                      "content": {"size": 0, "mimeType": ""}},
         "timings": {"send": 1, "wait": 2, "receive": 2}}]}}
).encode()  # fmt: skip
CURL = (
    b"* Connected to h.test (127.0.0.1) port 80\n> GET /a HTTP/1.1\n> Host: h.test\n>\n"
    b"< HTTP/1.1 403 Forbidden\n< Server: nginx\n<\n"
)


def kinds(*sources: Any) -> list[str]:
    reading = read(sources)
    return [s.kind for s in reading.trace.sources()]


@pytest.mark.parametrize(
    ("content", "kind"), [(CAPTURE.read_bytes(), "pcapng"), (HTTP, "http"), (HAR, "har"), (CURL, "curl")]
)
def test_a_source_is_known_by_its_content(content: bytes, kind: str) -> None:
    for wrapped in (content, gzip.compress(content)):
        reading = read([io.BytesIO(wrapped)])
        assert [s.kind for s in reading.trace.sources()] == [kind]
        assert reading.trace.count("exchange") >= 1
        assert reading.read == 1


def test_a_server_log_is_evidence_not_exchanges(tmp_path: Path) -> None:
    (tmp_path / "access.log").write_bytes(
        b'127.0.0.1 - - [24/Nov/2026:10:00:00 +0000] "GET /a HTTP/1.1" 403 153 "-" "curl"\n' * 3
    )
    reading = read([tmp_path / "access.log"])
    assert [s.kind for s in reading.trace.sources()] == ["log"]
    assert [log.name for log in reading.logs if not isinstance(log, str)] == [str(tmp_path / "access.log")]
    assert reading.trace.count("exchange") == 0


def test_ids_of_the_second_source_have_a_prefix_and_every_reference_follows() -> None:
    reading = read([CAPTURE, CAPTURE])
    exchanges = list(reading.trace.exchanges())
    assert sum(e.id.startswith("s2.e") for e in exchanges) == len(exchanges) / 2
    for e in exchanges:
        assert e.connection is not None
        connection = reading.trace.connection(e.connection)
        assert connection is not None
        assert connection.source == e.source


def test_a_saved_trace_is_read_beside_a_capture(tmp_path: Path) -> None:
    saved = read([io.BytesIO(HTTP)])
    saved.trace.save(tmp_path / "x.trace")
    reading = read([CAPTURE, tmp_path / "x.trace"])
    assert reading.read == 2
    found = reading.trace.exchange("s2.e1")
    assert found is not None
    assert found.response is not None
    assert reading.trace.content(found.source, found.response.body) == b"n" * 4000
    assert "s2.e1" in {v.exchange for v in reading.trace.verdicts()}


def test_a_saved_trace_from_a_pipe_is_read_too(tmp_path: Path) -> None:
    read([CAPTURE]).trace.save(tmp_path / "x.trace")
    reading = read([io.BytesIO(gzip.compress((tmp_path / "x.trace").read_bytes()))])
    assert reading.trace.count("exchange") == 4


def test_a_hostile_database_is_an_unreadable_source(tmp_path: Path) -> None:
    (tmp_path / "x.trace").write_bytes(b"SQLite format 3\0" + bytes(range(256)) * 16)
    reading = read([tmp_path / "x.trace"])
    assert reading.failed == [str(tmp_path / "x.trace")]
    assert [p.severity for p in reading.trace.problems()] == [Severity.ERROR]


def test_a_fault_of_a_reader_costs_its_source_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    import tracer.formats.har

    def broken(*_: Any) -> None:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(tracer.formats.har, "read", broken)
    reading = read([io.BytesIO(HAR), CAPTURE])
    bugs = [p for p in reading.trace.problems() if p.severity is Severity.BUG]
    assert [p.code for p in bugs] == ["source.bug"]
    assert "planted" in bugs[0].text
    assert reading.trace.count("exchange") == 4


def test_interruption_keeps_and_judges_what_was_read() -> None:
    def stop(_: Progress) -> None:
        raise KeyboardInterrupt

    reading = read([io.BytesIO(HTTP), CAPTURE], progress=lambda p: stop(p) if p.packets else None)
    assert reading.interrupted
    assert reading.trace.count("exchange") == 1
    assert reading.trace.count("verdict") == 1


def test_a_key_log_that_is_not_there_is_a_warning_when_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "none-either"))
    reading = read([CAPTURE], keylogs=[str(tmp_path / "none")])
    found = {p.source: p.severity for p in reading.trace.problems() if p.code == "keys.unreadable"}
    assert found == {str(tmp_path / "none"): Severity.WARN, str(tmp_path / "none-either"): Severity.NOTE}


def test_progress_reaches_the_whole() -> None:
    seen: list[Progress] = []
    read([CAPTURE], progress=seen.append)
    assert (seen[-1].bytes, seen[-1].total) == (CAPTURE.stat().st_size, CAPTURE.stat().st_size)
    assert seen[-1].packets > 0


@settings(max_examples=40, deadline=None)
@given(
    st.binary(max_size=300),
    st.sampled_from([b"", b"SQLite format 3\0", HTTP[:60], HAR[:80], CURL[:60], CAPTURE.read_bytes()[:400]]),
)
def test_any_bytes_are_read_or_refused_without_a_fault_of_ours(tail: bytes, head: bytes) -> None:
    reading = read([io.BytesIO(head + tail)])
    assert not [p for p in reading.trace.problems() if p.severity is Severity.BUG]
    assert reading.read + len(reading.failed) == 1


def test_a_compressed_source_that_ends_before_its_first_byte_is_not_called_empty() -> None:
    reading = read([io.BytesIO(gzip.compress(CAPTURE.read_bytes())[:30])])
    (problem,) = (p for p in reading.trace.problems() if p.severity is Severity.ERROR)
    assert problem.text == "the gzip data end in the middle: nothing of it can be read"


class Midway(io.RawIOBase):
    """A capture through a pipe; when half of it was read, something happens."""

    def __init__(self, data: bytes, happens: Callable[[], object]) -> None:
        self.data, self.at, self.happens = data, 0, happens

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self.at >= len(self.data) // 2:
            self.happens()
        piece = self.data[self.at : self.at + min(len(buffer), 4096)]
        buffer[: len(piece)] = piece
        self.at += len(piece)
        return len(piece)


def test_keys_logged_while_the_capture_comes_through_a_pipe_open_it(tmp_path: Path) -> None:
    path, made, keys = tmp_path / "a.pcap", tmp_path / "made.keys", tmp_path / "a.keys"
    mix = Mix(copies=0, reorder=0)
    _, truth = make(path, mix, connections=1, maker=SealedMaker(mix, made))
    lines = made.read_bytes()
    keys.write_bytes(lines[:30])  # a line that is just being written
    reading = read([io.BufferedReader(Midway(path.read_bytes(), lambda: keys.write_bytes(lines)))], keylogs=[str(keys)])
    assert reading.trace.count("exchange") == len(truth)
    assert [p.text for p in reading.trace.problems()] == []


def test_a_key_log_without_a_last_line_end_is_whole(tmp_path: Path) -> None:
    path, keys = tmp_path / "a.pcap", tmp_path / "a.keys"
    mix = Mix(copies=0, reorder=0)
    _, truth = make(path, mix, connections=1, maker=SealedMaker(mix, keys))
    keys.write_bytes(b"\n".join(reversed(keys.read_bytes().splitlines())))
    reading = read([io.BytesIO(path.read_bytes())], keylogs=[str(keys)])
    assert reading.trace.count("exchange") == len(truth)


def test_a_curl_command_is_told_from_what_curl_prints() -> None:
    reading = read([io.BytesIO(b"curl 'https://h.test/x' -H 'accept: */*' --compressed\n")])
    assert reading.failed == ["-"]
    assert any("tracer run -- curl" in p.text for p in reading.trace.problems())


@pytest.mark.parametrize(
    ("text", "told"),
    [(b"requests.exceptions.HTTPError: 403 Client Error: Forbidden for url: https://h.test/v1?token=s3cr3t\n",
      "it tells of a 403 and shows no HTTP message: `curl -v https://h.test/v1 2>&1"),
     (b"Invoke-WebRequest : The remote server returned an error: (401) Unauthorized.\n", "it tells of a 401"),
     (b"Dear all,\nsee you in room 403\n", "it begins with \u201cDear all,\u201d"),
     (b"\x7fELF\x02\x01\x01\x00", "it begins with 7f 45 4c 46")],
)  # fmt: skip
def test_what_is_no_source_is_told_in_the_readers_terms(text: bytes, told: str) -> None:
    (problem,) = read([io.BytesIO(text)]).trace.problems()
    assert problem.text.startswith(told)
    assert "s3cr3t" not in problem.text


@pytest.mark.parametrize(("begins", "told"), [
    (b"\x04\x22\x4d\x18\x64\x40\xa7", "packed with LZ4: unpack it first"),
    (b"snoop\0\0\0\0\0\0\2", "a capture of snoop: `editcap -F pcapng"),
    (b"GMBU\0\2\1\0", "a capture of Microsoft Network Monitor"),
])  # fmt: skip
def test_captures_in_other_forms_are_told_by_name_with_what_to_do(tmp_path: Path, begins: bytes, told: str) -> None:
    path = tmp_path / "other"
    path.write_bytes(begins + bytes(64))
    (problem,) = read([path]).trace.problems()
    assert (problem.code, told in problem.text) == ("source.unknown", True)
