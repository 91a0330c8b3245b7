"""How well tracer does on the lab: by layer, product and cause, from all hops and from the client's view alone."""

from __future__ import annotations

import collections
import concurrent.futures
import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_TRACER = str(Path(sys.executable).with_name("tracer"))
_LAYERS = ("client", "forward-proxy", "cdn", "waf", "gateway", "origin", "app", "unknown", "(none)")


@dataclass(frozen=True, slots=True)
class Judged:
    """One case, what was expected and what was said."""

    expected: dict[str, Any]
    verdict: dict[str, Any] | None
    others: int
    """verdicts besides"""
    error: str | None

    @property
    def name(self) -> str:
        return str(self.expected["case"])

    @property
    def said(self) -> str:
        return str(self.verdict["layer"]) if self.verdict else "(none)"

    @property
    def layer(self) -> bool:
        return self.said in (self.expected["layer"], *self.expected["accept"]["layers"])

    @property
    def product(self) -> bool:
        known = (self.expected["product"], *self.expected["accept"]["products"])
        return bool(self.verdict) and self.verdict is not None and self.verdict["product"] in known

    @property
    def cause(self) -> bool:
        known = (self.expected["cause"], *self.expected["accept"]["causes"])
        return self.verdict is not None and self.verdict["cause"] in known

    @property
    def hop(self) -> bool:
        address = self.verdict["hop"]["address"] if self.verdict else None
        known = (self.expected["hop"], *self.expected["accept"]["hops"])
        return address is not None and _host(address) in {_host(k) for k in known}

    @property
    def confidence(self) -> float:
        return float(self.verdict["confidence"]) if self.verdict else 0.0


def _host(address: str) -> str:
    return address.rpartition(":")[0]


def judge(folder: Path, view: str, logs: bool) -> Judged:
    """What tracer says about one case. Of several verdicts the last one counts that has the status and the URL."""
    expected = json.loads((folder / "expected.json").read_text())
    capture = folder / "client.pcapng"
    if view == "all" or not capture.exists():
        capture = folder / "capture.pcapng"
    command = [_TRACER, "explain", str(capture), "--json"]
    if logs:
        command += [word for log in sorted(folder.glob("logs/*")) for word in ("--log", str(log))]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
        verdicts = json.loads(done.stdout)["verdicts"]
    except (subprocess.TimeoutExpired, ValueError, KeyError) as problem:
        return Judged(expected, None, 0, f"{type(problem).__name__}: {problem}")
    fitting = [v for v in verdicts if v["status"] == expected["status"]]
    if expected["url"]:
        fitting = [v for v in fitting if expected["url"] in (v["url"] or "")] or fitting
    verdict = fitting[-1] if fitting else None
    return Judged(expected, verdict, len(verdicts) - bool(verdict), None)


def _share(name: str, some: Sequence[Judged], right: Callable[[Judged], bool]) -> str:
    good = sum(map(right, some))
    return f"  {name:36}{good:4d}/{len(some):<4d}{100 * good / len(some) if some else 0:6.1f} %"


def calibration(some: Iterable[Judged]) -> tuple[float, float, list[tuple[float, int, float, float]]]:
    """Brier score, expected calibration error, and (from, number, mean confidence, share right) of ten bins."""
    pairs = [(j.confidence, float(j.layer)) for j in some if j.verdict]
    if not pairs:
        return 0.0, 0.0, []
    bins: dict[int, list[tuple[float, float]]] = collections.defaultdict(list)
    for confidence, right in pairs:
        bins[min(int(confidence * 10), 9)].append((confidence, right))
    rows = [
        (at / 10, len(b), sum(c for c, _ in b) / len(b), sum(r for _, r in b) / len(b))
        for at, b in sorted(bins.items())
    ]
    error = sum(n * abs(mean - right) for _, n, mean, right in rows) / len(pairs)
    return sum((c - r) ** 2 for c, r in pairs) / len(pairs), error, rows


def lines(judged: Sequence[Judged], view: str, verbose: bool) -> list[str]:
    """The report of one view."""
    denials = [j for j in judged if j.expected["denial"]]
    controls = [j for j in judged if j.expected["control"]]
    by_packets = [j for j in denials if j.expected["told_by"] == "packets"]
    out = [
        f"view {view}: {len(denials)} denials, {len(controls)} controls, {sum(bool(j.error) for j in judged)} errors"
    ]
    out.append(_share("a verdict", denials, lambda j: j.verdict is not None))
    out.append(_share("layer", denials, lambda j: j.layer))
    for name, wanted in (("  decidable", True), ("  undecidable", False)):
        out.append(_share(name, [j for j in denials if j.expected["decidable"] == wanted], lambda j: j.layer))
    told = [j for j in denials if j.expected["product_told"]]
    out.append(_share("product, where it can be told", told, lambda j: j.product))
    out.append(_share("cause", denials, lambda j: j.cause))
    out.append(_share("  where packets tell it", by_packets, lambda j: j.cause))
    if view == "all":
        out.append(_share("hop", denials, lambda j: j.hop))
    out.append(_share("controls accused", controls, lambda j: j.verdict is not None or j.others > 0))
    brier, error, rows = calibration(denials)
    out.append(f"  confidence: Brier {brier:.3f}, calibration error {error:.3f}")
    out += [f"    {at:.1f}-{at + 0.1:.1f}  n {n:3d}  says {mean:.2f}  right {right:.2f}" for at, n, mean, right in rows]
    out += ["", *_confusion(denials), "", *_by("product", denials), "", *_by("cause", denials)]
    if verbose:
        out += ["", *_failures(denials, controls, view)]
    return out


def _confusion(denials: Sequence[Judged]) -> list[str]:
    counts = collections.Counter((str(j.expected["layer"]), j.said) for j in denials)
    out = ["  truth \\ said  " + "".join(f"{name[:9]:>10}" for name in _LAYERS)]
    met = [truth for truth in _LAYERS[:-1] if any(counts[truth, said] for said in _LAYERS)]
    out += [f"  {truth:14}" + "".join(f"{counts[truth, said] or '.':>10}" for said in _LAYERS) for truth in met]
    return out


def _by(field: str, denials: Sequence[Judged]) -> list[str]:
    groups: dict[str, list[Judged]] = collections.defaultdict(list)
    for judged in denials:
        groups[str(judged.expected[field])].append(judged)
    out = [f"  {field:30}{'n':>4}{'layer':>7}{'product':>9}{'cause':>7}"]
    for name, some in sorted(groups.items()):
        right = [sum(part) for part in zip(*((j.layer, j.product, j.cause) for j in some), strict=True)]
        out.append(f"  {name:30}{len(some):4d}{right[0]:7d}{right[1]:9d}{right[2]:7d}")
    return out


def _failures(denials: Sequence[Judged], controls: Sequence[Judged], view: str) -> list[str]:
    out = ["  what went wrong"]
    for j in denials:
        e, v = j.expected, j.verdict
        parts = []
        if j.error or v is None:
            parts.append(j.error or f"no verdict with status {e['status']} ({j.others} others)")
        else:
            parts += [f"layer {v['layer']} ({v['confidence']:.2f}), is {e['layer']}"] * (not j.layer)
            parts += [f"product {v['product']}, is {e['product']}"] * (e["product_told"] and not j.product)
            parts += [f"cause {v['cause']}, is {e['cause']} (told by {e['told_by']})"] * (not j.cause)
            parts += [f"hop {v['hop']['address']}, is {e['hop']}"] * (view == "all" and not j.hop)
        if parts:
            mark = "" if e["decidable"] else " [undecidable]"
            out.append(f"    {j.name}{mark}: {'; '.join(parts)}")
    out += [f"    {j.name}: accused" for j in controls if j.verdict or j.others]
    return out


def main(folder: Path, *, view: str = "both", verbose: bool = False, logs: bool = False) -> int:
    cases = sorted(path.parent for path in folder.glob("*/expected.json"))
    if not cases:
        print(f"no cases in {folder}; make them with: python -m tests.lab run", file=sys.stderr)
        return 3
    for each in ("all", "client") if view == "both" else (view,):
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            judged = list(pool.map(lambda case: judge(case, each, logs), cases))  # noqa: B023
        print("\n".join(lines(judged, each, verbose)) + "\n")
    return 0
