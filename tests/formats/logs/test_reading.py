"""Opening logs: what is kept, what is bounded, what is told of files that are none."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import pytest

from tracer.formats.logs import reading
from tracer.formats.logs.reading import read_log
from tracer.model.problem import Severity

LINE = '203.0.113.7 - - [28/Nov/2026:14:00:01 +0000] "GET /{n} HTTP/1.1" {status} 153 "-" "curl"\n'


def _many(count: int) -> bytes:
    """Every tenth request is denied."""
    return "".join(LINE.format(n=n, status=403 if n % 10 == 0 else 200) for n in range(count)).encode()


def test_only_entries_that_can_belong_to_a_denial_are_kept_with_their_line_numbers(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(_many(500))
    log = read_log(str(tmp_path / "a.log"))
    assert [e.number for e in log.entries] == list(range(1, 501, 10))
    assert (log.count, log.problems) == (500, [])


def test_compressed_logs_are_read_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "a.log.1.gz").write_bytes(gzip.compress(_many(50)))
    assert len(read_log(str(tmp_path / "a.log.1.gz")).entries) == 5


def test_a_damaged_compressed_log_gives_what_can_be_read_and_a_problem(tmp_path: Path) -> None:
    whole = gzip.compress(_many(4000), 1)
    (tmp_path / "a.gz").write_bytes(whole[: len(whole) // 2])
    log = read_log(str(tmp_path / "a.gz"))
    assert log.entries
    assert any(p.severity in (Severity.WARN, Severity.ERROR) for p in log.problems)


def test_the_number_of_entries_is_bounded_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST", 20)
    (tmp_path / "a.log").write_bytes(_many(1000))
    log = read_log(str(tmp_path / "a.log"))
    assert len(log.entries) == 20
    assert [(p.code, p.severity) for p in log.problems] == [("log.full", Severity.WARN)]


def test_a_line_without_end_stops_the_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "ENDLESS", 1 << 20)
    (tmp_path / "a.log").write_bytes(_many(20) + b"x" * (3 << 20) + b"\n" + _many(20))
    log = read_log(str(tmp_path / "a.log"))
    assert len(log.entries) == 2
    assert "log.long-lines" in [p.code for p in log.problems]


def test_lines_of_no_known_form_in_between_are_a_note(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(_many(20) + b"what is this?\n" + _many(20))
    (problem,) = read_log(str(tmp_path / "a.log")).problems
    assert (problem.code, problem.severity) == ("log.lines", Severity.NOTE)
    assert "line 21" in problem.text


@pytest.mark.parametrize("seed", range(3))
def test_bytes_of_any_kind_are_no_log_and_no_fault(tmp_path: Path, seed: int) -> None:
    (tmp_path / "a.log").write_bytes(random.Random(seed).randbytes(200_000))
    log = read_log(str(tmp_path / "a.log"))
    assert log.entries == []
    assert "log.unknown" in [p.code for p in log.problems]
