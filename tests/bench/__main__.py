"""`python -m tests.bench`: `tracer list` and tshark over the same captures, one after the other.

Prints for each capture the wall and CPU time of both, their ratios, throughput, our peak of anonymous memory (the
mapped file belongs to the page cache), and how many exchanges of the truth each row set holds exactly.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from .traffic import Mix, Truth, make

MB = 1_000_000
SIZES = {"50m": 50 * MB, "200m": 200 * MB, "1g": 1000 * MB, "2g": 2000 * MB, "tls": 100 * MB}
TINY_CONNECTIONS = 90_000
"""with their handshakes about a million packets"""
TSHARK = (  # noqa: SIM905
    "tshark -n -o tcp.reassemble_out_of_order:TRUE -Y http -T fields -e frame.number -e frame.time_epoch -e tcp.stream "
    "-e tcp.srcport -e tcp.dstport -e http.request.method -e http.host -e http.request.uri -e http.response.code "
    "-e http.content_length -e http.request_in -e http.time -r"
).split()
TSHARK_TLS = (  # noqa: SIM905
    "tshark -n -o tcp.reassemble_out_of_order:TRUE -Y http||http2.headers -T fields -e frame.number "
    "-e frame.time_epoch -e tcp.stream -e tcp.srcport -e tcp.dstport -e http.request.method -e http.host "
    "-e http.request.uri -e http.response.code -e http.content_length -e http.request_in -e http.time "
    "-e http2.streamid -e http2.headers.method -e http2.headers.authority -e http2.headers.path "
    "-e http2.headers.status"
).split()


class Run(NamedTuple):
    wall: float
    cpu: float
    anonymous: int
    """peak in bytes"""


def run(command: list[str], output: Path) -> Run:
    """Run it to the end, its output to a file."""
    import os

    start = time.monotonic()
    with output.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL)
    peak = 0
    while True:
        pid, _, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            break
        peak = max(peak, anonymous(process.pid))
        time.sleep(0.02)
    process.returncode = 0
    return Run(time.monotonic() - start, usage.ru_utime + usage.ru_stime, peak)


def anonymous(pid: int) -> int:
    """Anonymous memory of a process and its children in bytes; 0 where the system does not tell."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return 0
    own = next((int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon")), 0)
    return own + sum(anonymous(int(child)) for child in children)


def exact(output: Path, truth: list[tuple[str, ...]]) -> tuple[int, int]:
    """(exchanges of the truth that are listed exactly, rows that are not in the truth)."""
    lines = output.read_text(errors="replace").splitlines()
    head = lines[0].split("\t")
    columns = [head.index(c) for c in ("client", "server", "method", "url", "status", "size")]
    listed = Counter(tuple(line.split("\t")[c] for c in columns) for line in lines[1:])
    return sum((listed & Counter(truth)).values()), sum((listed - Counter(truth)).values())


def as_listed(t: Truth) -> tuple[str, ...]:
    scheme = "https" if t.server.endswith(":443") else "http"
    return t.client, t.server, t.method, f"{scheme}://{t.host}{t.target}", str(t.status), str(t.response_size)


def capture(folder: Path, name: str, mix: Mix) -> tuple[Path, int, list[tuple[str, ...]]]:
    """The capture, its number of packets and its truth, made unless it is there."""
    path = folder / f"{name}-{mix.seed}-{mix.copies}-{mix.reorder}-{mix.drop}.pcap"
    notes = path.with_suffix(".truth.json")
    if not notes.exists():
        if mix.kind == "tiny":
            count, truth = make(path, mix, connections=TINY_CONNECTIONS)
        elif name == "tls":
            from .sealed import SealedMaker

            path.with_suffix(".keys").unlink(missing_ok=True)
            count, truth = make(path, mix, size=SIZES[name], maker=SealedMaker(mix, path.with_suffix(".keys")))
        else:
            count, truth = make(path, mix, size=SIZES[name])
        notes.write_text(json.dumps([count, [as_listed(t) for t in truth]]))
    packets, rows = json.loads(notes.read_text())
    return path, packets, [tuple(r) for r in rows]


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    arguments.add_argument(
        "captures", nargs="*", default=["50m", "200m", "1g", "tls", "tiny"], metavar="50m|200m|1g|2g|tls|tiny"
    )
    arguments.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "tracer-bench")
    arguments.add_argument("--copies", type=float, default=0.005)
    arguments.add_argument("--reorder", type=float, default=0.005)
    arguments.add_argument("--drop", type=float, default=0.0)
    arguments.add_argument("--repeat", type=int, default=1)
    arguments.add_argument("--no-tshark", action="store_true")
    arguments.add_argument("--explain", action="store_true", help="time and memory of `tracer explain` as well")
    options = arguments.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    peer = None if options.no_tshark else shutil.which("tshark")
    for name in options.captures:
        kind = "tiny" if name == "tiny" else "web"
        mix = Mix(kind=kind, copies=options.copies, reorder=options.reorder, drop=options.drop)
        path, packets, truth = capture(options.folder, name, mix)
        for _ in range(options.repeat):
            compare(name, path, packets, truth, bool(peer))
            if options.explain:
                explain(path)


def compare(name: str, path: Path, packets: int, truth: list[tuple[str, ...]], peer: bool) -> None:
    output = path.with_suffix(".tsv")
    command = [sys.executable, "-m", "tracer.cli", "list", str(path), "--format", "tsv", "--no-redact", "--quiet"]
    keys = path.with_suffix(".keys")
    closed = run(command, output) if keys.exists() else None
    if closed:
        command += ["--keylog", str(keys)]
    ours = run(command, output)
    found, wrong = exact(output, truth)
    size = path.stat().st_size
    print(f"{name}: {size / MB:.0f} MB, {packets} packets, {len(truth)} exchanges")
    print(
        f"  tracer  {ours.wall:7.2f} s wall {ours.cpu:7.2f} s CPU  {size / MB / ours.wall:6.0f} MB/s "
        f"{packets / ours.wall:9.0f} packets/s  {ours.anonymous / MB:5.0f} MB  "
        f"{100 * found / len(truth):.2f} % exact, {wrong} wrong"
    )
    if closed:
        plain = sum(int(row[-1]) for row in truth) / MB
        cost = (ours.cpu - closed.cpu) / plain * 1000
        print(f"  opening {cost:7.1f} ms of CPU a megabyte of body, {plain:.0f} MB of them")
    if peer:
        with_keys = [*TSHARK_TLS, "-o", f"tls.keylog_file:{keys}", "-r", str(path)]
        theirs = run(with_keys if keys.exists() else [*TSHARK, str(path)], output)
        print(f"  tshark  {theirs.wall:7.2f} s wall {theirs.cpu:7.2f} s CPU  {theirs.anonymous / MB:5.0f} MB")
        print(f"  ratio   {theirs.wall / ours.wall:7.1f}x wall {theirs.cpu / ours.cpu:6.1f}x CPU", flush=True)


def explain(path: Path) -> None:
    """What it costs to judge the whole capture: a tenth of the web traffic is denials."""
    ours = run([sys.executable, "-m", "tracer.cli", "explain", str(path), "--quiet"], path.with_suffix(".txt"))
    print(f"  explain {ours.wall:7.2f} s wall {ours.cpu:7.2f} s CPU  {ours.anonymous / MB:5.0f} MB", flush=True)


if __name__ == "__main__":
    main()
