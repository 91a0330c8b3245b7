"""`python -m tests.calibrate [FOLDER ...]`: how honest the judge's confidences are, and the numbers that make them so.

Without folders: the whole lab's captures where `make lab` or `make calibrate` made them, else those in pcaps/.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tests.calibrate import fit, table
from tests.calibrate.labelled import Labelled, labelled_in
from tracer.correlate.judge import CALIBRATION, Causes

ROOT = Path(__file__).resolve().parents[2]
LAB = ROOT / "tests" / "lab" / ".cache" / "cases"
UNDECIDED = 0.7
WRITTEN = ROOT / "tracer" / "correlate" / "calibration.toml"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.calibrate", description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path, help="lab folders, or folders of NAME.har with NAME.json")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="put the fitted numbers into calibration.toml")
    options = parser.parse_args(argv)
    folders = options.folders or [p for p in (LAB, ROOT / "pcaps") if p.is_dir()][:1]
    with ProcessPoolExecutor(2) as pool:
        cases = [case for some in pool.map(_all_in, folders) for case in some]
    if not cases:
        print("no labelled denials in", *folders, file=sys.stderr)
        return 3
    scales = fit.fit(cases)
    causes = fit.fit_causes(cases)
    print("\n".join(_report(cases, options.folds, scales, causes)))
    if options.write:
        WRITTEN.write_text(_as_toml(cases, folders, scales, causes), "utf-8")
        print(f"written: {WRITTEN.relative_to(ROOT)}")
    return 0


def _all_in(folder: Path) -> list[Labelled]:
    return list(labelled_in(folder))


def _report(cases: Sequence[Labelled], folds: int, scales: dict[str, float], causes: Causes) -> list[str]:
    out: list[str] = []
    for name, chosen in (
        ("shipped numbers", fit.shipped(cases)),
        ("shipped numbers, product not described", fit.shipped([fit.nameless(c) for c in cases])),
        (f"held out, {folds} folds", fit.held_out(cases, folds)),
    ):
        said = fit.layer_of(chosen)
        for kind in sorted({c.kind for c in cases}):
            rows = [
                (p, layer in (c.layer, *c.also)) for c, (layer, p) in zip(cases, said, strict=True) if c.kind == kind
            ]
            out += [*table.lines(f"{name}; {kind}", [p for p, _ in rows], [r for _, r in rows]), ""]
    unsure = [c for c in cases if not c.decidable]
    over = [c for c in unsure if c.verdict.confidence >= UNDECIDED]
    out += [f"cannot be told from what was captured: {len(unsure)}, of which {len(over)} say {UNDECIDED} or more"]
    out += [f"  {c.kind}: {c.name}, {c.verdict.layer} {c.verdict.confidence}" for c in over] + [""]
    out += _of_causes(cases, folds)
    out += ["", "kind of evidence     scale (now)"]
    out += [f"  {k:18} {v:5.2f} ({CALIBRATION.scale.get(k, 1.0):.2f})" for k, v in sorted(scales.items())]
    now = CALIBRATION.cause
    out.append(
        f"causes: temper {causes.temper:.2f} ({now.temper:.2f}), rest {causes.rest:.2f} ({now.rest:.2f}), "
        f"untold {causes.untold:.2f} ({now.untold:.2f})"
    )
    return out


def _of_causes(cases: Sequence[Labelled], folds: int) -> list[str]:
    out: list[str] = []
    shipped = [(c.verdict.cause_confidence, c.verdict.cause in c.causes) for c in cases]
    for name, rows in (("shipped numbers", shipped), (f"held out, {folds} folds", fit.held_out_causes(cases, folds))):
        for kind in sorted({c.kind for c in cases}):
            some = [row for c, row in zip(cases, rows, strict=True) if c.kind == kind]
            out += [*table.lines(f"causes, {name}; {kind}", [p for p, _ in some], [r for _, r in some]), ""]
    return out


def _named(folder: Path) -> str:
    known = {LAB: "what `make lab` captures", ROOT / "pcaps": "pcaps/"}
    return known.get(folder.resolve(), folder.name)


def _as_toml(cases: Sequence[Labelled], folders: Sequence[Path], scales: dict[str, float], causes: Causes) -> str:
    kinds = sorted({c.kind for c in cases})
    told = ", ".join(f"{sum(c.kind == k for c in cases)} of {k}" for k in kinds)
    head = [
        "# The judge's numbers, made by `make calibrate`; priors, ceilings and the scale of `role` are set by hand.",
        f"# Fitted to {told}:",
        f"# {', '.join(_named(f) for f in folders)}.",
        "",
        f"ceiling = {CALIBRATION.ceiling}",
        f"cause_ceiling = {CALIBRATION.cause_ceiling}",
        f"cause_guessed = {CALIBRATION.cause_guessed}",
        "",
        "[cause]",
        f"temper = {causes.temper:.3f}",
        f"rest = {causes.rest:.3f}",
        f"untold = {causes.untold:.3f}",
        "",
        "[prior]",
    ]
    priors = [f"{layer} = {share}" for layer, share in CALIBRATION.prior.items()]
    rows = [f'"{kind}" = {scale:.3f}' for kind, scale in sorted(scales.items())]
    return "\n".join([*head, *priors, "", "[scale]", *rows, ""])


if __name__ == "__main__":
    sys.exit(main())
