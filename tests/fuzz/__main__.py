"""Cut and damage every capture of a folder and say what the program did not survive.

python -m tests.fuzz pcaps [--mutations 10000] [--cuts 10] [--seed 1] [--largest 100000]
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.fuzz.box import run_all
from tests.fuzz.mutate import mutate


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--mutations", type=int, default=10_000, help="damaged files in all")
    parser.add_argument("--cuts", type=int, default=10, help="how many of the smallest captures to cut at every byte")
    parser.add_argument("--step", type=int, default=1, help="cut at every STEP-th byte")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--largest", type=int, default=100_000, help="leave out larger files")
    args = parser.parse_args()
    seeds = read_seeds(args.folder, args.largest)
    print(f"{len(seeds)} seed files, seed {args.seed}", flush=True)
    count, faults, begin = 0, 0, time.monotonic()

    def counted(files: Iterator[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
        nonlocal count
        for file in files:
            count += 1
            yield file

    for work in (cuts(seeds[: args.cuts], args.step), mutations(seeds, args.mutations, args.seed)):
        for fault in run_all(counted(work)):
            faults += 1
            print(f"{fault.name}: {fault.what}", flush=True)
    print(f"{count} files, {faults} faults, {time.monotonic() - begin:.0f} s")
    return 1 if faults else 0


def read_seeds(folder: Path, largest: int) -> list[tuple[str, bytes]]:
    """(name, bytes) of every capture below `folder` that is not too large, the smallest first."""
    files = [p for p in folder.rglob("*") if p.suffix in (".pcap", ".pcapng", ".har", ".mitm") and p.is_file()]
    files = sorted((p for p in files if p.stat().st_size <= largest), key=lambda p: (p.stat().st_size, p))
    return [(str(p.relative_to(folder)), p.read_bytes()) for p in files]


def cuts(seeds: list[tuple[str, bytes]], step: int) -> Iterator[tuple[str, bytes]]:
    """Every prefix of every file."""
    for name, data in seeds:
        for n in range(0, len(data), step):
            yield f"{name}@cut{n}", data[:n]


def mutations(seeds: list[tuple[str, bytes]], count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """`count` damaged files, spread over all seed files, the same ones for the same `seed`."""
    for n in range(count):
        name, data = seeds[n % len(seeds)]
        yield f"{name}@mutation{seed}.{n}", mutate(data, random.Random(f"{seed}.{n}"))


if __name__ == "__main__":
    sys.exit(main())
