"""Two processes list what one lists, in the same order, with the same problems."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest

from tests.bench.sealed import SealedMaker
from tests.bench.traffic import Mix, make
from tracer.capture.capture import Capture
from tracer.capture.source import open_source
from tracer.listing_lines import list_lines
from tracer.listing_shares import BUCKETS, deal
from tracer.model.problem import Problem
from tracer.model.row import Row
from tracer.tls.keys import Keys

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot be forked here"),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded"),
]
Listed = tuple[list[str], set[tuple[str, str]]]


def text(row: Row) -> str:
    return repr(tuple(row))


def listed(path: Path, keys: bytes, workers: int, block: int = 64 << 20) -> Listed:
    lines: list[str] = []
    problems: list[Problem] = []
    store = Keys()
    store.add(keys, "keys")
    capture = Capture(open_source(path), block)
    list_lines(capture, text, lines.append, keys=store, problem=problems.append, workers=workers)
    return lines, {(p.code, p.text) for p in problems}


@pytest.mark.parametrize("block", [200_000, 64 << 20])
@pytest.mark.parametrize("sealed", [True, False], ids=["tls", "plain"])
def test_two_processes_list_what_one_lists(tmp_path: Path, sealed: bool, block: int) -> None:
    path, keys = tmp_path / "a.pcap", tmp_path / "keys"
    keys.touch()
    mix = Mix(seed=3, copies=0.01, reorder=0.01)
    _, truth = make(path, mix, connections=40, maker=SealedMaker(mix, keys) if sealed else None)
    one, two = (listed(path, keys.read_bytes(), workers, block) for workers in (1, 2))
    assert two == one
    assert len(one[0]) == len(truth)


def test_connections_that_stay_closed_are_counted_over_both(tmp_path: Path) -> None:
    path, keys = tmp_path / "a.pcap", tmp_path / "keys"
    mix = Mix(seed=4)
    make(path, mix, connections=30, maker=SealedMaker(mix, keys))
    some = b"".join(keys.read_bytes().splitlines(keepends=True)[:40])
    one, two = (listed(path, some, workers) for workers in (1, 2))
    assert two == one
    assert [code for code, _ in one[1]] == ["tls.no-keys"]


def test_a_second_process_that_dies_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.pcap"
    make(path, Mix(seed=5), connections=30)
    parent = os.getpid()

    def dies(row: Row) -> str:
        if os.getpid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
        return text(row)

    lines: list[str] = []
    problems: list[Problem] = []
    capture = Capture(open_source(path))
    list_lines(capture, dies, lines.append, keys=Keys(), problem=problems.append, workers=2)
    assert 0 < len(lines) < len(listed(path, b"", 1)[0])
    assert [p.code for p in problems] == ["list.worker"]


def test_each_gets_as_much_to_read() -> None:
    random = np.random.default_rng(1)
    bucket, length = random.integers(0, BUCKETS, 5000), (random.lognormal(6, 2, 5000)).astype(np.int64)
    mine = deal(bucket, length, 2)
    loads = np.bincount(mine[bucket], weights=length)
    assert loads.max() < 1.1 * loads.min()
    assert (mine == deal(bucket, length, 2)).all()
