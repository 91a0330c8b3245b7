"""`tracer capture` on loopback, with real packets."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lab.namespace import become_root
from tests.live.conftest import World
from tracer.live import packets
from tracer.store.trace import Trace

ROOT = Path(__file__).parents[2]
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def capture(tmp_path: Path) -> Iterator[Start]:
    """Start `tracer capture` on lo; its first line is there when it listens."""
    prefix = become_root()
    if prefix is None:
        pytest.skip("capturing needs root")
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str, path: str = os.environ["PATH"]) -> subprocess.Popen[str]:
        command = [*prefix, sys.executable, "-m", "tracer.cli", "capture", "-i", "lo", *arguments]
        env = os.environ | {"PYTHONPATH": str(ROOT), "PATH": path}
        env.pop("SSLKEYLOGFILE", None)
        started.append(
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env=env)
        )
        assert started[-1].stderr is not None
        line = started[-1].stderr.readline()
        assert "capturing on lo" in line, line + started[-1].stderr.read()
        return started[-1]

    yield start
    for one in started:
        if one.poll() is None:
            one.kill()
            one.wait()


def ask(*arguments: str, **env: str) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    command = ["curl", "-q", "-s", "-o", os.devnull, "--noproxy", "*", *arguments]
    subprocess.run(command, env=os.environ | env, check=False)


def test_a_denial_is_told_while_the_capture_runs_and_all_is_kept(capture: Start, world: World, tmp_path: Path) -> None:
    keys = tmp_path / "keys.log"
    port = world.sealed.rpartition(":")[2]
    running = capture("-w", "a.pcapng", "--save", "a.trace", "--keylog", "keys.log", "tcp", "port", port)
    ask("--cacert", str(world.ca), f"{world.sealed}/deny?token=s3cr3tvalue99", SSLKEYLOGFILE=str(keys))
    assert running.stdout is not None
    told = running.stdout.readline()
    assert "GET https://localhost" in told
    assert "s3cr3tvalue99" not in told
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=30)
    assert running.returncode == 130
    assert "1 exchange, 1 denial" in err
    with Trace.open(tmp_path / "a.trace") as trace:
        (exchange,) = trace.exchanges()
        assert exchange.response is not None
        assert b"403 Forbidden" in trace.content(exchange.source, exchange.response.body)
    again = [sys.executable, "-m", "tracer.cli", "list", "a.pcapng"]  # the keys are in it
    keys.unlink()
    done = subprocess.run(
        again, capture_output=True, text=True, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    assert "/deny" in done.stdout


@pytest.mark.parametrize("program", ["dumpcap", "tcpdump", "python"])
def test_whichever_program_is_there_will_do(capture: Start, world: World, tmp_path: Path, program: str) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    if program != "python":
        found = shutil.which(program)
        if found is None:
            pytest.skip(f"{program} is not installed")
        (folder / program).symlink_to(found)
    port = world.plain.rpartition(":")[2]
    running = capture("--seconds", "20", "tcp", "port", port, path=str(folder))
    ask(f"{world.plain}/deny")
    assert running.stdout is not None
    assert "/deny" in running.stdout.readline()
    running.send_signal(signal.SIGTERM)
    running.communicate(timeout=30)
    assert running.returncode == 0


@pytest.mark.parametrize("program", ["dumpcap", "tcpdump"])
@pytest.mark.parametrize(
    ("interface", "expression", "told"),
    [
        ("nosuch0", "", "there is no interface 'nosuch0'; there are "),
        ("lo", "this is wrong", "the filter 'this is wrong' is not understood: can't parse filter expression"),
        ("lo", "host no.such.invalid", "is not understood: unknown host 'no.such.invalid'"),
    ],
)
def test_what_the_user_has_to_correct_is_told_in_one_line(
    program: str, interface: str, expression: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if become_root() != []:
        pytest.skip("capturing needs root")
    of_this = [words for words in packets.tools(interface, expression, 65535) if Path(words[0]).name == program]
    if not of_this:
        pytest.skip(f"{program} is not installed")
    monkeypatch.setattr(packets, "tools", lambda *_: of_this)
    with pytest.raises(packets.CaptureError) as raised:
        packets.Packets(interface, expression)
    assert told in str(raised.value)
    assert "\n" not in str(raised.value)


def test_without_the_right_to_capture_it_is_told_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refusing = tmp_path / "dumpcap"
    refusing.write_text("#!/bin/sh\necho 'You do not have permission to capture on device eth0' >&2\nexit 1\n")
    refusing.chmod(0o755)
    monkeypatch.setattr(packets, "tools", lambda *_: [[str(refusing)]])
    with pytest.raises(packets.CaptureError, match=r"dumpcap may not capture on eth0.*setcap"):
        packets.Packets("eth0", "")
