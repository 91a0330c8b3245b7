"""`tracer proxy` and `tracer run` as a person starts them."""

from __future__ import annotations

import os
import pty
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.live.conftest import Curl, World
from tracer.store.trace import Trace

TRACER = [sys.executable, "-m", "tracer.cli"]
ROOT = Path(__file__).parents[2]


def run(world: World, *command: str, options: tuple[str, ...] = (), **env: str) -> subprocess.CompletedProcess[str]:
    """`tracer run` on a command, the test's authority trusted."""
    full = [*TRACER, "run", "--ca", str(world.ca), *options, "--", *command]
    return subprocess.run(full, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)} | env)


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def test_proxy_tells_each_denial_as_it_happens_and_keeps_the_trace(
    world: World, home: Path, curl: Curl, tmp_path: Path
) -> None:
    kept = tmp_path / "kept.trace"
    command = [*TRACER, "proxy", "--listen", "127.0.0.1:0", "--ca", str(world.ca), "--save", str(kept)]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    proxy = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
    assert proxy.stderr is not None
    assert proxy.stdout is not None
    try:
        found = re.search(r"at (127\.0\.0\.1:\d+);", proxy.stderr.readline())
        assert found is not None
        assert curl(found[1], f"{world.sealed}/deny?token=s3cr3tvalue99").stdout == "403"
        assert "GET https://localhost" in (told := proxy.stdout.readline())
        assert "s3cr3tvalue99" not in told
        assert "403 was" in proxy.stdout.readline()
    finally:
        proxy.send_signal(signal.SIGINT)
        _, err = proxy.communicate(timeout=30)
    assert proxy.returncode == 130
    assert "2 exchanges, 1 denial" in err
    with Trace.open(kept) as trace:
        assert trace.count("verdict") == 1
    assert kept.stat().st_mode & 0o777 == 0o600


def test_a_terminal_that_goes_away_costs_neither_the_recording_nor_a_file_behind_it(
    world: World, home: Path, curl: Curl, tmp_path: Path
) -> None:
    kept, temporary = tmp_path / "kept.trace", tmp_path / "t"
    temporary.mkdir()
    command = [*TRACER, "proxy", "--listen", "127.0.0.1:0", "--ca", str(world.ca), "--save", str(kept)]
    env = os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(temporary)}
    ours, theirs = pty.openpty()
    proxy = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=env, start_new_session=True)
    os.close(theirs)
    told = b""
    while (found := re.search(rb"at (127\.0\.0\.1:\d+);", told)) is None:
        told += os.read(ours, 4096)
    assert list(temporary.iterdir()) != []
    assert curl(found[1].decode(), f"{world.sealed}/deny").stdout == "403"
    os.close(ours)
    proxy.send_signal(signal.SIGHUP)
    assert proxy.wait(30) == 0
    assert list(temporary.iterdir()) == []
    with Trace.open(kept) as trace:
        assert trace.count("verdict") == 1


def test_a_command_that_is_ended_while_it_starts_leaves_nothing_behind(
    world: World, home: Path, tmp_path: Path
) -> None:
    env = os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}
    for number in (signal.SIGTERM, signal.SIGHUP):
        running = subprocess.Popen([*TRACER, "run", "--", "sleep", "60"], env=env, stderr=subprocess.DEVNULL)
        while not list(tmp_path.glob("*/roots.pem")):
            time.sleep(0.01)
        running.send_signal(number)
        assert running.wait(30) == 128 + number
        assert list(tmp_path.iterdir()) == []


def test_proxy_says_why_it_cannot_listen(world: World, home: Path, tmp_path: Path) -> None:
    port = world.plain.rpartition(":")[2]
    command = [*TRACER, "proxy", "--listen", f"127.0.0.1:{port}", "--save", str(tmp_path / "a.trace")]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert done.returncode == 2
    assert "did not start" in done.stderr
    assert port in done.stderr


def test_run_gives_back_output_and_exit_code_and_then_the_verdicts(world: World, home: Path) -> None:
    done = run(world, program("curl"), "-q", "-s", "-f", f"{world.sealed}/deny", f"{world.sealed}/")
    assert done.stdout == "hello"
    assert done.returncode == 0
    assert "403 was" in done.stderr
    assert "forward proxy" not in done.stderr  # that one is ours
    failing = run(world, program("curl"), "-q", "-s", "-f", f"{world.sealed}/deny")
    assert (failing.returncode, failing.stdout) == (22, "")


def test_run_passes_input_through_and_says_a_signal_as_a_shell_does(world: World, home: Path) -> None:
    full = [*TRACER, "run", "-q", "--", "sh", "-c", "cat; kill -TERM $$"]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(full, input=b"\x00in\xff", capture_output=True, env=env)
    assert (done.stdout, done.returncode, done.stderr) == (b"\x00in\xff", 128 + signal.SIGTERM, b"")


def test_run_says_when_there_is_no_such_command(world: World, home: Path) -> None:
    done = run(world, "no-such-command-anywhere")
    assert done.returncode == 127
    assert "no-such-command-anywhere" in done.stderr


PYTHON = """
import sys, urllib.request, urllib.error
try:
    urllib.request.urlopen(sys.argv[1] + "/deny")
except urllib.error.HTTPError as error:
    print(error.code)
"""
NODE = """
const https = require('https');
const url = process.argv[1];
https.get(url + '/deny', (answer) => { answer.resume(); answer.on('end', async () => {
  const second = await fetch(url + '/deny');
  await second.text();
  console.log(answer.statusCode, second.status);
  process.exit(0);
}); });
"""


def test_run_reaches_python(world: World, home: Path) -> None:
    done = run(world, sys.executable, "-c", PYTHON, world.sealed)
    assert (done.stdout, done.returncode) == ("403\n", 0)
    assert "1 denial in 2 exchanges" in done.stderr


AIOHTTP = """
import asyncio, sys, aiohttp
async def main():
    async with aiohttp.ClientSession() as session, session.get(sys.argv[1] + "/deny") as answer:
        print(answer.status)
asyncio.run(main())
"""


def test_run_reaches_aiohttp_which_looks_for_no_proxy_by_itself(world: World, home: Path, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import os\nif 'TRACER_PROXY' in os.environ: print('mine')")
    done = run(world, sys.executable, "-c", AIOHTTP, world.sealed, PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}")
    assert (done.stdout, done.returncode) == ("mine\n403\n", 0)
    assert "1 denial in 2 exchanges" in done.stderr


def test_run_says_when_a_program_went_around_the_proxy(world: World, home: Path) -> None:
    done = run(world, sys.executable, "-c", "import http.client as h; h.HTTPConnection('127.0.0.1:1')")
    assert "nothing came through the proxy" in done.stderr
    quiet = run(world, sys.executable, "-c", "", options=("-q",))
    assert quiet.stderr == ""


def test_run_reaches_node_by_https_and_by_fetch(world: World, home: Path) -> None:
    done = run(world, program("node"), "-e", NODE, world.sealed)
    assert (done.stdout, done.returncode) == ("403 403\n", 0)
    assert "2 denials" in done.stderr


TOOLS = """
wget -q -O - "$1/deny"; echo "wget $?"
git ls-remote "$1/deny.git" 2>/dev/null; echo "git $?"
perl -MLWP::UserAgent -e 'print LWP::UserAgent->new(env_proxy => 1)->get(shift)->code' "$1/deny"; echo " perl $?"
ruby -ropen-uri -e 'URI.open(ARGV[0]) rescue puts $!.message' "$2/deny"; echo "ruby $?"
"""


def test_run_reaches_what_administrators_use_and_changes_nothing_of_it(
    world: World, home: Path, tmp_path: Path
) -> None:
    for name in ("wget", "git", "perl", "ruby"):
        program(name)
    kept, elsewhere = tmp_path / "kept.trace", "https://api.example.test"  # Ruby goes around it for loopback
    settings = ("connection_strategy=lazy", f"map_remote=|{elsewhere}|{world.sealed}")
    options = ("--save", str(kept), *(word for setting in settings for word in ("--set", setting)))
    done = run(world, "sh", "-c", TOOLS, "sh", world.sealed, elsewhere, options=options)
    assert done.stdout.split("\n") == ["wget 8", "git 128", "403 perl 0", "403 Forbidden", "ruby 0", ""]
    with Trace.open(kept) as trace:
        asked = [e.request for v in trace.verdicts() if (e := trace.exchange(v.exchange)) is not None and e.request]
    denied = [request.get("user-agent") or "" for request in asked]
    for named in ("Wget/", "git/", "libwww-perl/", "Ruby"):
        assert any(agent.startswith(named) for agent in denied), (named, denied)


def test_run_keeps_the_recording_and_the_keys(world: World, home: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept.trace"
    run(world, program("curl"), "-q", "-s", f"{world.sealed}/", options=("--save", str(kept)))
    assert "CLIENT_TRAFFIC_SECRET_0" in Path(f"{kept}.keys").read_text()
    with Trace.open(kept) as trace:
        assert [e.request.target for e in trace.exchanges() if e.request and e.request.method == "GET"] == ["/"]
    assert sorted(tmp_path.iterdir()) == [kept, Path(f"{kept}.keys")]


def test_run_never_leaves_a_proxy_behind_when_it_is_killed(world: World, home: Path, tmp_path: Path) -> None:
    full = [*TRACER, "run", "-q", "--", "sh", "-c", "echo $http_proxy; sleep 30"]
    env = os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}
    killed = subprocess.Popen(full, stdout=subprocess.PIPE, text=True, env=env, start_new_session=True)
    assert killed.stdout is not None
    host, _, port = killed.stdout.readline().strip().removeprefix("http://").partition(":")
    killed.kill()
    killed.wait()
    until = time.monotonic() + 15
    while time.monotonic() < until:
        try:
            socket.create_connection((host, int(port)), 1).close()
        except OSError:
            break
        time.sleep(0.1)
    else:
        pytest.fail("the proxy still listens")
    os.killpg(killed.pid, signal.SIGTERM)
