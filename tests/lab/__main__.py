"""`python -m tests.lab`: run cases, list them, check what is installed, report how well tracer does on them."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from tests.lab import namespace, run
from tests.lab.cases.table import CASES
from tests.lab.judged import VIEWS

_HERE = Path(__file__).parent
CACHE = _HERE / ".cache" / "cases"
PCAPS = _HERE.parents[1] / "pcaps"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.lab", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    runs = commands.add_parser("run", help="make the captures of all cases, or of those whose name holds a word")
    runs.add_argument("names", nargs="*")
    runs.add_argument("--curated", action="store_true", help="only those kept in pcaps/, and write them there")
    runs.add_argument("--out", type=Path, default=None)
    runs.add_argument("--keep", action="store_true", help="leave the servers' folder for a look")
    finds = commands.add_parser("bisect", help="let tracer bisect find what decides in denials, of all or these cases")
    finds.add_argument("names", nargs="*")
    commands.add_parser("list", help="one line for each case")
    commands.add_parser("setup", help="install what the lab needs (Debian packages, its own Python environment)")
    reports = commands.add_parser("report", help="how well tracer does: client or all hops, with or without logs")
    reports.add_argument("folder", nargs="?", type=Path, default=CACHE)
    reports.add_argument("-v", "--verbose", action="store_true")
    reports.add_argument("--view", action="append", choices=[v.name for v in VIEWS], default=[], help="repeatable")
    reports.add_argument("--rows", type=Path, help="write every case, its truth and its verdict here, as JSON lines")
    options = parser.parse_args(argv)
    if options.command == "list":
        for case in CASES:
            print(f"{case.name:44} {case.layer:14} {case.product:14} {case.cause:28} {case.status or '-'}")
        return 0
    if options.command == "report":
        from tests.lab import report

        return report.main(options.folder, views=options.view, verbose=options.verbose, rows=options.rows)
    if options.command == "bisect":
        return _bisect(options, sys.argv[1:] if argv is None else argv)
    if options.command == "setup":
        from tests.lab import install

        return install.main()
    return _run(options, sys.argv[1:] if argv is None else argv)


def _run(options: argparse.Namespace, argv: list[str]) -> int:
    cases = run.select(options.names, lambda case: case.curated or not options.curated)
    if not cases:
        print("no case has such a name; see: python -m tests.lab list", file=sys.stderr)
        return 2
    if absent := run.missing(cases):
        print(f"missing: {', '.join(absent)}\nget it with: python -m tests.lab setup", file=sys.stderr)
        return 3
    if not namespace.inside():
        return namespace.run_inside(argv)
    os.umask(0o022)
    out = options.out or (PCAPS if options.curated else CACHE)
    return 1 if run.run(cases, out, options.keep) else 0


def _bisect(options: argparse.Namespace, argv: list[str]) -> int:
    from tests.lab import bisects

    chosen = bisects.rows(options.names)
    cases = bisects.cases(chosen)
    if absent := run.missing(cases):
        print(f"missing: {', '.join(absent)}\nget it with: python -m tests.lab setup", file=sys.stderr)
        return 3
    if not namespace.inside():
        return namespace.run_inside(argv)
    os.umask(0o022)
    checks = bisects.Checks(chosen)
    with tempfile.TemporaryDirectory(prefix="tracer-lab-out-") as out:
        wrong = run.run(cases, Path(out), check=checks)
    print(f"bisect: {len(checks.right)} of {len(chosen)} right, {checks.sent} requests sent")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
