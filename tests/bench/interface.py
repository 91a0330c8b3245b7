"""`python -m tests.bench.interface [exchanges]`: `tracer open` over a saved trace, in a real terminal of its own.

Prints the time to the first line of the timeline, the time from a key to what it paints (median, 95th percentile), and
the peak of resident memory; then the same keys while a writer adds exchanges to a trace that is followed.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from tracer.model.connection import Connection
from tracer.model.http import Body, Exchange, Request, Response, Timing
from tracer.model.source import Source
from tracer.model.verdict import Cause, Evidence, Hop, Layer, PathEntry, Said, Seen, Verdict
from tracer.store.trace import Trace

START_NS = 1_700_000_000_000_000_000
STATUSES = (200,) * 40 + (304, 302, 404, 500, 403, 401, 200, 200, 200, 204)
HOSTS = tuple(f"{name}.example.test" for name in ("shop", "api", "static", "auth", "img", "search", "cart", "pay"))


def make(path: Path, count: int) -> None:
    """A trace of `count` exchanges, ten to a connection, two of fifty denied and judged."""
    with Trace(path) as trace:
        trace.source(Source(name="made", kind="pcap", packets=count * 4))
        for number in range(count):
            if number % 10 == 0:
                trace.connection(connection(number))
            trace.exchange(exchange(number))
        for number in range(count):
            if STATUSES[number % len(STATUSES)] in (401, 403):
                trace.verdict(verdict(number))


def connection(number: int) -> Connection:
    at = START_NS + number * 1_000_000
    return Connection(
        id=f"c{number}", source="made", client=f"10.0.{number % 250}.7:{1024 + number % 60000}",
        server=f"192.0.2.{number % 8}:443", start_ns=at - 300_000, end_ns=at + 9_000_000, rtt_ns=120_000,
        client_rtt_ns=80_000, packets=40,
    )  # fmt: skip


def exchange(number: int) -> Exchange:
    at = START_NS + number * 1_000_000
    host, status = HOSTS[number % len(HOSTS)], STATUSES[number % len(STATUSES)]
    target = f"/v1/items/{number % 1000}?page={number % 7}"
    return Exchange(
        id=f"e{number}", source="made", protocol="HTTP/1.1", connection=f"c{number - number % 10}",
        client=f"10.0.{number // 10 * 10 % 250}.7:{1024 + number // 10 * 10 % 60000}",
        server=f"192.0.2.{number % 8}:443",
        request=Request(
            method=("GET", "POST", "GET", "PUT")[number % 4], target=target, url=f"https://{host}{target}",
            headers=((b"Host", host.encode()), (b"User-Agent", b"made/1.0"), (b"Accept", b"*/*")), packet=number * 4,
        ),
        response=Response(
            status=status, reason="", headers=((b"Server", b"nginx"), (b"Content-Type", b"application/json")),
            body=Body(size=40, data=b'{"item": %07d, "text": "some content"}' % (number % 10_000_000)),
            packet=number * 4 + 1,
        ),
        timing=Timing(start_ns=at, request_end_ns=at + 100_000, response_start_ns=at + 2_000_000 + number % 97 * 10_000,
                      end_ns=at + 3_000_000 + number % 97 * 10_000),
        packets=(number * 4, number * 4 + 1),
    )  # fmt: skip


def verdict(number: int) -> Verdict:
    status = STATUSES[number % len(STATUSES)]
    said = PathEntry(layer=Layer.ORIGIN, product="nginx", said=Said.GENERATED, evidence=("v1",))
    return Verdict(
        source="made", exchange=f"e{number}", method="GET", url=f"https://{HOSTS[number % len(HOSTS)]}/", status=status,
        time_ns=START_NS + number * 1_000_000, layer=Layer.ORIGIN, product="nginx", cause=Cause.PATH_DENIED,
        confidence=0.9, cause_confidence=0.5, hop=Hop(name="nginx"), path=(said,),
        evidence=(Evidence(id="v1", says="nginx says so", supports="generated:origin", weight=2.0,
                           seen=Seen(exchange=f"e{number}", where="response header server", value="nginx")),),
        headline=f"{status} was said by nginx (origin).", next_steps=("look into its log",),
    )  # fmt: skip


class Terminal:
    """`tracer open` on a pseudo-terminal."""

    def __init__(self, path: Path, columns: int = 120, rows: int = 40) -> None:
        pid, self.file = pty.fork()
        if pid == 0:
            os.environ.update(TERM="xterm-256color", COLORTERM="truecolor")
            os.execv(sys.executable, [sys.executable, "-m", "tracer.cli", "open", str(path)])
        self.pid = pid
        fcntl.ioctl(self.file, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.begun = time.monotonic()

    def read(self, seconds: float) -> bytes:
        """What is painted until nothing more comes for `seconds`."""
        out = b""
        while select.select([self.file], [], [], seconds)[0]:
            try:
                piece = os.read(self.file, 1 << 16)
            except OSError:
                break
            if not piece:
                break
            out += piece
        return out

    def until(self, mark: bytes, seconds: float) -> float:
        """Seconds from the start until `mark` is painted."""
        out, end = b"", time.monotonic() + seconds
        while mark not in out and time.monotonic() < end:
            if select.select([self.file], [], [], 0.05)[0]:
                out += os.read(self.file, 1 << 16)
        return time.monotonic() - self.begun

    def key(self, keys: bytes, quiet: float = 0.15) -> float:
        """Milliseconds from a key to the first thing it paints."""
        self.read(quiet)
        begin = time.monotonic()
        os.write(self.file, keys)
        select.select([self.file], [], [], 5)
        return (time.monotonic() - begin) * 1000

    def status(self, name: str) -> int:
        """kB, out of /proc."""
        line = next(x for x in Path(f"/proc/{self.pid}/status").read_text().splitlines() if x.startswith(name))
        return int(line.split()[1])

    def cpu(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.file)


def keys(terminal: Terminal) -> Iterator[float]:
    """Times of the keys a person presses most."""
    for key in (*[b"j"] * 40, *[b"k"] * 10, *[b"\x1b[6~"] * 20, b"G", *[b"k"] * 20, b"g", *[b"n"] * 20):
        yield terminal.key(key, 0.05)


def told(name: str, times: list[float]) -> str:
    ordered = sorted(times)
    return f"{name}: median {statistics.median(ordered):.0f} ms, 95 % {ordered[int(len(ordered) * 0.95)]:.0f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("exchanges", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--trace", type=Path, help="kept here, used again when it is there")
    parser.add_argument("--rate", type=int, default=500, help="exchanges a second of the live part")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = options.trace or Path(folder) / "made.trace"
        if not path.exists():
            make(path, options.exchanges)
        print(f"{options.exchanges} exchanges, {path.stat().st_size / 1e6:.0f} MB")
        terminal = Terminal(path)
        first = terminal.until(b"example.test", 60)
        print(f"first lines after {first:.2f} s ({terminal.cpu():.2f} s of CPU)")
        terminal.read(3)
        print(f"all listed; {terminal.cpu():.2f} s of CPU")
        before, times = terminal.cpu(), list(keys(terminal))
        print(f"{told('key to paint', times)}; {(terminal.cpu() - before) * 1000 / len(times):.0f} ms of CPU a key")
        print(f"resident peak {terminal.status('VmHWM') / 1000:.0f} MB")
        terminal.close()
        follow(Path(folder) / "live.trace", options.rate)


def follow(path: Path, rate: int) -> None:
    """A trace that another process writes, followed for some seconds."""
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom tests.bench.interface import exchange\n"
        "from tracer.store.trace import Trace\nrate = int(sys.argv[2])\nbegin = time.monotonic()\n"
        "with Trace(sys.argv[1]) as t:\n for n in range(rate * 12):\n  t.exchange(exchange(n))\n"
        "  if n % 50 == 0:\n   t.flush(); time.sleep(max(0, begin + n / rate - time.monotonic()))\n"
        " t.flush(); print(n + 1, flush=True); time.sleep(20)\n"
    )
    writer = subprocess.Popen([sys.executable, "-c", code, str(path), str(rate)], stdout=subprocess.PIPE)
    time.sleep(1)
    terminal = Terminal(path)
    terminal.until(b"example.test", 20)
    found = [terminal.key(b"k", 0.02) for _ in range(40)]
    assert writer.stdout is not None
    seen = b""
    reading = threading.Thread(target=lambda: writer.stdout and writer.stdout.readline(), daemon=True)
    reading.start()
    while reading.is_alive():
        seen = seen[-4000:] + terminal.read(0.2)
    done = time.monotonic()
    mark = f"{rate * 12:,}".encode()
    while mark not in seen and time.monotonic() < done + 10:
        seen = seen[-4000:] + terminal.read(0.1)
    print(told(f"live, {rate} a second: key to paint", found))
    print(f"all shown {time.monotonic() - done:.2f} s after the last was written; {terminal.cpu():.2f} s of CPU")
    terminal.close()
    writer.kill()
    writer.wait()


if __name__ == "__main__":
    main()
