"""`python -m tests.bench.har [MB]`: what a large HAR costs each command that reads it, in time and in memory."""

from __future__ import annotations

import base64
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

MB = 1_000_000
COMMANDS = (("list", "--quiet"), ("explain", "--quiet"), ("export", "--quiet", "--force", "--format", "har", "-o"))


def make(path: Path, size: int, seed: int = 5) -> int:
    """Write a HAR of about `size` bytes, as a browser's network panel saves one; its number of entries."""
    chance = random.Random(seed)
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(2, 9))) for _ in range(4000)]
    pages = [" ".join(chance.choices(words, k=6000)) for _ in range(20)]
    pictures = [base64.b64encode(chance.randbytes(60_000)).decode() for _ in range(20)]
    number = written = 0
    with path.open("w", encoding="utf-8") as out:
        out.write('{"log":{"version":"1.2","creator":{"name":"WebInspector","version":"537.36"},"pages":[],"entries":[')
        while written < size:
            number += 1
            text = json.dumps(_entry(number, chance, pages, pictures))
            written += out.write((",\n" if number > 1 else "\n") + text)
        out.write("]}}\n")
    return number


def _entry(number: int, chance: random.Random, pages: list[str], pictures: list[str]) -> dict[str, Any]:
    picture = number % 3 == 0
    kind = "image/png" if picture else "text/html"
    text = {"text": chance.choice(pictures), "encoding": "base64"} if picture else {"text": chance.choice(pages)}
    sent = {":authority": "shop.example", "cookie": f"sid={chance.randbytes(12).hex()}", "user-agent": "Mozilla/5.0"}
    sent |= {f"x-field-{n}": chance.randbytes(6).hex() for n in range(10)}
    moment = f"2026-11-24T{number // 3_600_000:02d}:{number // 60_000 % 60:02d}:{number // 1000 % 60:02d}"
    return {
        "startedDateTime": f"{moment}.{number % 1000:03d}Z",
        "time": 30.5,
        "request": {
            "method": "GET",
            "url": f"https://shop.example/{number}?q={chance.randbytes(4).hex()}",
            "httpVersion": "http/2.0",
            "headers": [{"name": n, "value": v} for n, v in sent.items()],
        },
        "response": {
            "status": 403 if number % 500 == 0 else 200,
            "statusText": "",
            "httpVersion": "http/2.0",
            "headers": [{"name": "server", "value": "nginx"}, {"name": "content-type", "value": kind}],
            "content": {"size": 60_000, "mimeType": kind, **text},
        },
        "timings": {"blocked": 1, "send": 0.5, "wait": 20, "receive": 9},
        "serverIPAddress": "203.0.113.9",
    }


def main() -> None:
    size = int(float(sys.argv[1]) * MB) if len(sys.argv) > 1 else 1000 * MB
    with tempfile.TemporaryDirectory(prefix="tracer-bench-") as folder:
        path = Path(folder) / "large.har"
        entries = make(path, size)
        print(f"{path.stat().st_size / MB:.0f} MB, {entries} entries")
        for name, *options in COMMANDS:
            written = [f"{folder}/out.har"] if name == "export" else []
            command = [sys.executable, "-m", "tracer.cli", name, str(path), *options, *written]
            begin = time.monotonic()
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
            _, _, usage = os.wait4(process.pid, 0)
            wall, cpu = time.monotonic() - begin, usage.ru_utime + usage.ru_stime
            print(
                f"  {name:<8} {wall:7.1f} s wall {cpu:7.1f} s CPU {usage.ru_maxrss / 1024:7.0f} MiB at most", flush=True
            )


if __name__ == "__main__":
    main()
