"""What is acknowledged is kept, and nothing grows. `python -m tests.bench.proxying --kill 200` and `--soak` go on."""

from __future__ import annotations

import asyncio
import gc
import os
import re
import signal
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

from tests.bench.proxying import kill
from tests.lab.namespace import become_root
from tests.live.conftest import Curl, World
from tests.live.test_recorder import flow
from tracer.live import conversion, sides
from tracer.live.handover import Handover
from tracer.live.journal import Writer, folder_of
from tracer.live.recorder import Recorder
from tracer.store.trace import Trace

ROOT = Path(__file__).parents[2]


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


def test_a_disk_that_fills_costs_no_traffic_and_is_told(world: World, home: Path, curl: Curl, tmp_path: Path) -> None:
    if become_root() != []:
        pytest.skip("a small disk of one's own needs root")
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = f'mount -t tmpfs -o size=1500k tmpfs {disk} && exec "$@"'
    command = ["unshare", "--mount", "sh", "-c", mounted, "sh", sys.executable, "-m", "tracer.cli", "proxy"]
    command += ["--listen", "127.0.0.1:0", "--save", str(disk / "kept.trace")]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    proxy = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
    assert proxy.stderr is not None
    try:
        found = re.search(r"at (127\.0\.0\.1:\d+);", proxy.stderr.readline())
        assert found is not None
        answers = [curl(found[1], f"{world.plain}/big/{number}").stdout for number in range(8)]
    finally:
        proxy.send_signal(signal.SIGINT)
        _, said = proxy.communicate(timeout=60)
    assert answers == ["200"] * 8
    assert "the recording cannot be written: No space left on device" in said
    assert re.search(r"[1-8] exchanges?, 0 denials", said)
    assert "fault of our own" not in said
    assert proxy.returncode == 130
