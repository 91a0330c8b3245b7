"""`tracer browse` with a real browser."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.live.conftest import World
from tracer.live import browsers
from tracer.store.trace import Trace

ROOT = Path(__file__).parents[2]


BROWSERS = {"Chrome": browsers.CHROMIUM, "Firefox": browsers.FIREFOX}


@pytest.mark.parametrize("name", BROWSERS)
def test_a_browser_goes_through_the_proxy_trusts_it_asks_nobody_else_and_leaves_nothing(
    name: str, world: World, home: Path, tmp_path: Path
) -> None:
    browser = next((b for b in BROWSERS[name] if shutil.which(b)), None)
    if browser is None:
        pytest.skip(f"no {name} is installed")
    if name == "Firefox" and shutil.which("certutil") is None:
        pytest.skip("certutil is not installed (libnss3-tools)")
    kept = tmp_path / "kept.trace"
    temporary = Path(tempfile.mkdtemp(prefix="t"))  # short: Chromium makes a socket in it, whose path has a limit
    command = [sys.executable, "-m", "tracer.cli", "browse", "--headless", "--seconds", "200", "--ca", str(world.ca)]
    command += ["--browser", browser]
    env = os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(temporary)}
    running = subprocess.Popen(
        [*command, "--save", str(kept), f"{world.sealed}/deny"], stdout=subprocess.PIPE, text=True, env=env
    )
    assert running.stdout is not None
    told: list[str] = []
    for line in running.stdout:
        told.append(line)
        if f"GET {world.sealed}/deny" in line:
            told.append(running.stdout.readline())
            break
    assert "403 was" in "".join(told)
    running.terminate()
    running.communicate(timeout=40)
    with Trace.open(kept) as trace:
        verdict = next(v for v in trace.verdicts() if v.url == f"{world.sealed}/deny")
        exchange = trace.exchange(verdict.exchange)
        assert exchange is not None
        assert exchange.request is not None
        assert name in (exchange.request.get("user-agent") or "")
        assert not any(v.cause == "interception" for v in trace.verdicts())
        assert all(world.sealed.removeprefix("https://") in e.request.url for e in trace.exchanges() if e.request)
    assert [p.name for p in temporary.iterdir() if p.name.startswith("tracer-")] == []
    shutil.rmtree(temporary)


def test_a_browser_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(browsers.NoBrowserError, match="no-such-browser"):
        browsers.command("no-such-browser", "about:blank", "127.0.0.1:1", tmp_path, tmp_path, headless=True)
