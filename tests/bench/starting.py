"""`python -m tests.bench.starting`: CPU time of whole runs that do little, the least of several.

Run `make setup` first: it leaves bytecode and what is made of the data that ships.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from .__main__ import run
from .traffic import Mix, make

CONNECTIONS = 9
"""with their handshakes about a hundred packets"""
TRACER = Path(__file__).resolve().parents[2] / ".venv" / "bin" / "tracer"


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m tests.bench.starting", description=__doc__)
    arguments.add_argument("--repeat", type=int, default=9)
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "small.pcap"
        packets, truth = make(path, Mix(kind="tiny"), connections=CONNECTIONS)
        print(f"a capture of {packets} packets, {len(truth)} exchanges")
        for command in (["--version"], ["--help"], ["list", str(path)], ["explain", str(path)]):
            runs = [run([str(TRACER), *command], Path(folder) / "out") for _ in range(options.repeat)]
            print(f"  tracer {command[0]:9} {min(r.cpu for r in runs) * 1000:4.0f} ms CPU")


if __name__ == "__main__":
    main()
