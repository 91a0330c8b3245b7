"""What recording costs the proxy: mitmdump alone, with the addon, and with its own save_stream_file, side by side.

    python -m tests.bench.proxying [--requests N] [--rounds N]

They run in turns in one go; the figure is processor time of the mitmdump process per request (schedstat), and of the
recorder behind it. A second mitmdump without anything says what the figures are worth: on a machine that does
something else `--count N` counts instructions over N requests instead. The hook itself is timed alone, on the same
kind of flow. `--kill N` kills the proxy N times under load and counts what was answered and not recorded; `--soak N`
sends N requests and watches memory.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tracer.live import growing, recover
from tracer.live.handover import Handover
from tracer.live.journal import Writer, folder_of
from tracer.live.proxy import addon
from tracer.store.trace import Trace

BODY = b"x" * 300
ANSWER = b"HTTP/1.1 200 OK\r\nServer: bench\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
CONNECTIONS = 8
CALLGRIND = ("valgrind", "--quiet", "--tool=callgrind", "--callgrind-out-file=cg.%p")


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(ANSWER)
    except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
        pass
    finally:
        writer.close()


class Dump:
    """A running mitmdump."""

    def __init__(self, folder: Path, *arguments: str, under: tuple[str, ...] = ()) -> None:
        self.log = folder / f"log{time.monotonic_ns()}"
        code = "from mitmproxy.tools.main import mitmdump; mitmdump()"
        settings = ["flow_detail=0", f"confdir={folder}", "termlog_verbosity=info"]
        command = [*under, sys.executable, "-c", code, "--listen-host", "127.0.0.1", "-p", "0", *arguments]
        command += [word for s in settings for word in ("--set", s)]
        env = os.environ | {"PYTHONUNBUFFERED": "1"}
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(command, stdout=out, stderr=out, cwd=folder, env=env)
        self.port = self._port(600 if under else 60)

    def _port(self, patience: float) -> int:
        until = time.monotonic() + patience
        while time.monotonic() < until:
            for line in self.log.read_text(errors="replace").splitlines():
                if "listening at" in line:
                    return int(line.rstrip(".").rpartition(":")[2])
            time.sleep(0.05)
        raise RuntimeError(self.log.read_text(errors="replace"))

    def spent(self) -> float:
        """Seconds of processor time so far."""
        return _spent(self.process.pid)

    def control(self, act: str) -> None:
        subprocess.run(["callgrind_control", act, str(self.process.pid)], check=True, capture_output=True)

    def recorder(self) -> int | None:
        """The process behind the addon; others that mitmproxy starts come and go."""
        for child in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split():
            if b"tracer.live" in Path(f"/proc/{child}/cmdline").read_bytes():
                return int(child)
        return None

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(60)


def _memory(pid: int) -> float:
    """Resident MiB of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def _disk(trace: Path) -> str:
    """MiB of the trace, of its write-ahead log, and of the journal that waits beside it."""
    waiting = list(folder_of(trace).glob("*.journal"))
    files = {"trace": [trace], "log": [Path(f"{trace}-wal")], "journal": waiting}
    sizes = {name: sum(p.stat().st_size for p in paths if p.exists()) / 2**20 for name, paths in files.items()}
    return "  ".join(f"{name} {size:6.1f} MiB" for name, size in sizes.items())


def _spent(pid: int) -> float:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


async def _ask(proxy: int, server: int, targets: Sequence[str], answered: list[str]) -> None:
    """Ask for every target over one connection; note each one that was answered."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy)
    except OSError:
        return
    try:
        for target in targets:
            head = (
                f"GET http://127.0.0.1:{server}{target} HTTP/1.1\r\nHost: 127.0.0.1:{server}\r\nUser-Agent: bench\r\n"
            )
            writer.write(f"{head}Accept: */*\r\nCookie: session=0123456789abcdef\r\n\r\n".encode())
            await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(len(BODY))
            answered.append(target)
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def load(proxy: int, server: int, requests: int, first: int = 0, answered: list[str] | None = None) -> list[str]:
    """Send requests over several connections at once; the targets that were answered, as they are."""
    targets = [f"/item/{n}" for n in range(first, first + requests)]
    answered = [] if answered is None else answered
    await asyncio.gather(*(_ask(proxy, server, targets[n::CONNECTIONS], answered) for n in range(CONNECTIONS)))
    return answered


@asynccontextmanager
async def server() -> AsyncIterator[int]:
    """The port of a server that answers at once."""
    listening = await asyncio.start_server(_serve, "127.0.0.1", 0)
    yield listening.sockets[0].getsockname()[1]
    listening.close()


def hook(count: int = 20_000) -> float:
    """Seconds of processor time that the hook takes for one flow, the write into the journal included."""
    from mitmproxy.test import tflow

    flow: Any = tflow.tflow(resp=True)
    flow.response.content = BODY
    for number in range(12):
        flow.request.headers[f"x-{number}"] = flow.response.headers[f"x-{number}"] = "value " * 4
    with tempfile.TemporaryDirectory() as folder:
        handover = Handover(Writer(Path(folder)))
        begin = time.thread_time()
        for _ in range(count):
            handover.exchange(flow)
        return (time.thread_time() - begin) / count


def kinds(folder: Path) -> dict[str, tuple[str, ...]]:
    """What is compared: name -> arguments of mitmdump. The first is what the others are held against."""
    return {
        "mitmdump": (),
        "mitmdump again": (),
        "with the addon": ("-s", str(addon()), "--set", f"tracer_save={folder}/a.trace"),
        "save_stream_file": ("-w", f"{folder}/a.flows"),
    }


def over(found: Sequence[float], base: Sequence[float]) -> str:
    """`+3.1 %  [2.2, 4.0]`: the median of the paired ratios, and where it lies in 95 of 100 samples of the rounds."""
    ratios = [(a / b - 1) * 100 for a, b in zip(found, base, strict=True)]
    chance = random.Random(7)
    medians = sorted(statistics.median(chance.choices(ratios, k=len(ratios))) for _ in range(2000))
    return f"{statistics.median(ratios):+.1f} %  [{medians[50]:+.1f}, {medians[-51]:+.1f}]"


async def compare(requests: int, rounds: int) -> None:
    """All run at once; each round asks one after the other, so that what else the machine does hits all alike."""
    async with server() as port:
        with tempfile.TemporaryDirectory() as name:
            dumps = {kind: Dump(Path(name), *words) for kind, words in kinds(Path(name)).items()}
            recorder = dumps["with the addon"].recorder()
            assert recorder is not None
            spent: dict[str, list[float]] = {kind: [] for kind in dumps}
            for turn in range(rounds + 2):
                if turn == 2:  # what comes first fills caches
                    behind = _spent(recorder)
                for kind in sorted(dumps, key=lambda _: random.random()):
                    before = dumps[kind].spent()
                    await load(dumps[kind].port, port, requests)
                    if turn >= 2:
                        spent[kind].append((dumps[kind].spent() - before) / requests * 1e6)
            await asyncio.sleep(1)
            behind = (_spent(recorder) - behind) / requests / rounds * 1e6
            for dump in dumps.values():
                dump.end()
    base = spent["mitmdump"]
    print(f"processor time of mitmdump's process, {rounds} paired rounds of {requests} requests")
    for kind, found in spent.items():
        print(f"{kind:<20}{statistics.median(found):>8.0f} us/request   {over(found, base)}")
    print(f"{'the recorder behind':<20}{behind:>8.0f} us/request, in a process of its own")
    print(f"the hook itself: {hook() * 1e6:.1f} us a flow")


async def count(requests: int) -> None:
    """Instructions of mitmdump's process instead of time: what else the machine does changes none of them.

    Takes valgrind and minutes. The kernel's are not among them, nor what a cold cache costs.
    """
    counts: dict[str, int] = {}
    async with server() as port:
        for kind in kinds(Path()):
            if kind == "mitmdump again":
                continue
            with tempfile.TemporaryDirectory() as name:
                dump = Dump(Path(name), *kinds(Path(name))[kind], under=CALLGRIND)
                await load(dump.port, port, requests)
                dump.control("-z")
                await load(dump.port, port, requests, requests)
                dump.control("-d")
                totals = [re.search(r"^totals: (\d+)", p.read_text(), re.MULTILINE) for p in Path(name).glob("cg.*.1")]
                counts[kind] = sum(int(found[1]) for found in totals if found) // requests
                dump.end()
            share = (counts[kind] / counts["mitmdump"] - 1) * 100
            print(f"{kind:<20}{counts[kind]:>12,} instructions/request   {share:+.1f} %", flush=True)


async def kill(times: int) -> int:
    """Kill the proxy, and every other time the recorder too, at any moment under load: what was answered and lost."""
    lost = answered_in_all = 0
    chance = random.Random(7)
    async with server() as port:
        with tempfile.TemporaryDirectory() as name:
            for turn in range(times):
                path = Path(name) / f"{turn}.trace"
                dump = Dump(Path(name), "-s", str(addon()), "--set", f"tracer_save={path}")
                recorder = dump.recorder()
                answered: list[str] = []
                asking = asyncio.create_task(load(dump.port, port, 100_000, answered=answered))
                enough = chance.randrange(1, 250)
                while len(answered) < enough and not asking.done():
                    await asyncio.sleep(chance.uniform(0, 0.01))
                if turn % 2 and recorder:
                    os.kill(recorder, signal.SIGKILL)
                    await asyncio.sleep(chance.uniform(0, 0.1))
                dump.process.kill()
                dump.process.wait()
                await asking
                while growing(path) or (recorder and Path(f"/proc/{recorder}").exists()):
                    await asyncio.sleep(0.02)
                recover(path)
                with Trace.open(path) as trace:
                    kept = {e.request.target for e in trace.exchanges() if e.request}
                missing = set(answered) - kept
                lost += len(missing)
                answered_in_all += len(answered)
                if missing:
                    print(f"run {turn}: {len(missing)} lost of {len(answered)}, such as {min(missing)}")
    print(f"{times} kills, {answered_in_all} answered, {lost} lost")
    return lost


async def soak(requests: int) -> None:
    """Memory of proxy and recorder, and what lies on the disk, every twentieth of the way."""
    async with server() as port:
        with tempfile.TemporaryDirectory() as name:
            path = Path(name) / "soak.trace"
            dump = Dump(Path(name), "-s", str(addon()), "--set", f"tracer_save={path}")
            recorder = dump.recorder()
            assert recorder is not None
            step = max(requests // 20, 1)
            for done in range(0, requests, step):
                await load(dump.port, port, step, done)
                sizes = f"mitmdump {_memory(dump.process.pid):6.1f} MiB  recorder {_memory(recorder):6.1f} MiB"
                print(f"{done + step:>9} requests  {sizes}  {_disk(path)}", flush=True)
            dump.end()
            with Trace.open(path) as trace:
                print(f"{trace.count('exchange')} exchanges in the trace")


def main() -> int:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description="What recording costs the proxy.")
    parser.add_argument("--requests", type=int, default=150)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--count", type=int, metavar="N")
    parser.add_argument("--kill", type=int, metavar="N")
    parser.add_argument("--soak", type=int, metavar="N")
    given = parser.parse_args()
    if given.kill:
        return int(asyncio.run(kill(given.kill)) > 0)
    if given.count:
        asyncio.run(count(given.count))
    else:
        asyncio.run(soak(given.soak) if given.soak else compare(given.requests, given.rounds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
