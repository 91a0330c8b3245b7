"""What is acknowledged is kept, and nothing grows. `python -m tests.bench.proxying --kill 200` and `--soak` go on."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from pathlib import Path

import pytest

from tests.bench.proxying import kill
from tests.live.test_recorder import flow
from tracer.live import conversion, sides
from tracer.live.handover import Handover
from tracer.live.journal import Writer, folder_of
from tracer.live.recorder import Recorder
from tracer.store.trace import Trace


def test_killing_proxy_and_recorder_under_load_loses_nothing_that_was_answered() -> None:
    assert asyncio.run(kill(2)) == 0


def test_memory_stays_flat_over_many_flows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sides, "_KNOWN", 100)
    monkeypatch.setattr(conversion, "_SIDES", 100)
    path = tmp_path / "a.trace"
    handover = Handover(Writer(folder_of(path), size=1 << 18))
    with Trace(path) as trace:
        recorder = Recorder(trace, folder_of(path))

        def pass_through(first: int, count: int) -> int:
            for number in range(first, first + count):
                made = flow(number)
                made.client_conn.id, made.server_conn.id = f"client {number}", f"server {number}"
                handover.exchange(made)
                if number % 100 == 0:
                    recorder.step()
            gc.collect()
            return tracemalloc.get_traced_memory()[0]

        pass_through(0, 400)  # the connections that are remembered have their bound now
        tracemalloc.start()
        before = pass_through(400, 400)
        after = pass_through(800, 1200)
        tracemalloc.stop()
        handover.close()
        recorder.finish()
        assert trace.count("exchange") == 2000
    assert after - before < 1 << 16


def test_a_recording_without_a_name_keeps_the_latest(tmp_path: Path) -> None:
    path = tmp_path / "a.trace"
    handover = Handover(Writer(folder_of(path)))
    with Trace(path) as trace:
        recorder = Recorder(trace, folder_of(path), most=100)
        for number in range(450):
            handover.exchange(flow(number))
            if number % 10 == 0:
                recorder.step()
        handover.close()
        recorder.finish()
        targets = [e.request.target for e in trace.exchanges() if e.request is not None]
    assert targets[-1] == "/449" or "/449" in targets
    assert 100 <= len(targets) <= 120
