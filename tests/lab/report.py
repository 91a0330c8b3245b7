"""How well tracer does on the lab: by layer, product, cause, hop; calibration; confusion; what went wrong."""

from __future__ import annotations

import collections
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from tests.lab.judged import VIEWS, Judged, View, judge

_LAYERS = ("client", "forward-proxy", "cdn", "waf", "gateway", "origin", "app", "unknown", "(none)")
Bin = tuple[float, int, float, float]
"""from, number, mean of what was said, share that was right"""


def calibration(pairs: Iterable[tuple[float, bool]]) -> tuple[float, float, list[Bin]]:
    """Brier score, expected calibration error and ten bins of (what was said, whether it was right)."""
    bins: dict[int, list[tuple[float, bool]]] = collections.defaultdict(list)
    for said, right in pairs:
        bins[min(int(said * 10), 9)].append((said, right))
    number = sum(map(len, bins.values()))
    if not number:
        return 0.0, 0.0, []
    rows = [
        (at / 10, len(b), sum(c for c, _ in b) / len(b), sum(r for _, r in b) / len(b))
        for at, b in sorted(bins.items())
    ]
    error = sum(n * abs(mean - right) for _, n, mean, right in rows) / number
    return sum((c - r) ** 2 for b in bins.values() for c, r in b) / number, error, rows


def _of_layers(denials: Sequence[Judged]) -> tuple[float, float, list[Bin]]:
    return calibration((j.confidence, j.layer) for j in denials if j.verdict)


def _of_causes(denials: Sequence[Judged]) -> tuple[float, float, list[Bin]]:
    return calibration((j.cause_confidence, j.cause) for j in denials if j.verdict)


def _denials(judged: Sequence[Judged]) -> list[Judged]:
    return [j for j in judged if j.expected["denial"]]


def _percent(some: Sequence[Judged], right: Callable[[Judged], bool]) -> str:
    return f"{100 * sum(map(right, some)) / len(some):.1f}" if some else "-"


_COLUMNS = ("verdict", "layer", "decid.", "product", "cause", "told", "hop ok", "Brier", "ECE", "Br.cause", "accused")


def summary(by_view: Mapping[View, Sequence[Judged]]) -> list[str]:
    """One row a view: percent right, Brier scores of the layer and the cause."""
    rows = [(view.name, _cells(view, judged)) for view, judged in by_view.items()]
    return [
        *(f"{name:13}" + "".join(f"{cell:>9}" for cell in cells) for name, cells in (("view", _COLUMNS), *rows)),
        "",
        "decid.: layer, where the client's view can decide; told: cause, where what was given tells it;",
        "hop ok: the deciding hop's address is right (from all hops), or at least not wrong (from the client);",
        "ECE: expected calibration error; accused: good answers that got a verdict",
    ]


def _cells(view: View, judged: Sequence[Judged]) -> tuple[str, ...]:
    denials = _denials(judged)
    controls = [j for j in judged if j.expected["control"]]
    brier, error, _ = _of_layers(denials)
    return (
        _percent(denials, lambda j: j.verdict is not None),
        _percent(denials, lambda j: j.layer),
        _percent([j for j in denials if j.expected["decidable"]], lambda j: j.layer),
        _percent([j for j in denials if j.expected["product_told"]], lambda j: j.product),
        _percent(denials, lambda j: j.cause),
        _percent([j for j in denials if view.logs or j.expected["told_by"] == "packets"], lambda j: j.cause),
        _percent(denials, lambda j: j.hop if view.all_hops else not j.wrong_hop),
        f"{brier:.3f}",
        f"{error:.3f}",
        f"{_of_causes(denials)[0]:.3f}",
        f"{sum(j.verdict is not None or j.others > 0 for j in controls)}/{len(controls)}",
    )


def lines(judged: Sequence[Judged], view: View, verbose: bool) -> list[str]:
    """The tables of one view."""
    denials = _denials(judged)
    out = [f"== {view.name}: {len(denials)} denials, {sum(bool(j.error) for j in judged)} errors"]
    for name, (brier, error, rows) in (("layer", _of_layers(denials)), ("cause", _of_causes(denials))):
        out.append(f"  confidence of the {name}: Brier {brier:.3f}, calibration error {error:.3f}")
        out += [
            f"    {at:.1f}-{at + 0.1:.1f}  n {n:3d}  says {mean:.2f}  right {right:.2f}" for at, n, mean, right in rows
        ]
    out += ["", *_confusion(denials)]
    for field in ("layer", "product", "cause"):
        out += ["", *_by(field, denials)]
    if verbose:
        out += ["", *_failures(judged, view)]
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


def wrongs(j: Judged, view: View) -> list[str]:
    """What is not right about one denial, in words; empty when all is."""
    e, v = j.expected, j.verdict
    if j.error or v is None:
        return [j.error or f"no verdict with status {e['status']} ({j.others} others)"]
    parts = [f"layer {v['layer']} ({v['confidence']:.2f}), is {e['layer']}"] * (not j.layer)
    parts += [f"product {v['product']}, is {e['product']}"] * (e["product_told"] and not j.product)
    parts += [f"cause {v['cause']}, is {e['cause']} (told by {e['told_by']})"] * (not j.cause)
    at_fault = not j.hop if view.all_hops else j.wrong_hop
    return parts + [f"hop {v['hop']['address']}, is {e['hop']}"] * at_fault


def _failures(judged: Sequence[Judged], view: View) -> list[str]:
    out = ["  what went wrong"]
    for j in _denials(judged):
        parts = wrongs(j, view)
        mark = "" if j.expected["decidable"] else " [undecidable]"
        out += [f"    {j.name}{mark}: {'; '.join(parts)}"] * bool(parts)
    out += [f"    {j.name}: accused" for j in judged if j.expected["control"] and (j.verdict or j.others)]
    return out


def _rows(view: View, judged: Sequence[Judged]) -> list[str]:
    """One JSON object a case, for other programs."""
    return [
        json.dumps({"view": view.name, "expected": j.expected, "verdict": j.verdict, "wrong": wrongs(j, view)})
        for j in judged
    ]


def main(folder: Path, *, views: Sequence[str] = (), verbose: bool = False, rows: Path | None = None) -> int:
    """Print the report on the cases in `folder`: a summary of all views, tables of those named (or the first two)."""
    cases = sorted(path.parent for path in folder.glob("*/expected.json"))
    if not cases:
        print(f"no cases in {folder}; make them with: python -m tests.lab run", file=sys.stderr)
        return 3
    wanted = [view for view in VIEWS if view.name in views] or list(VIEWS)
    by_view = {view: tuple(judge(case, view) for case in cases) for view in wanted}
    print("\n".join(summary(by_view)))
    for view in wanted if views else wanted[:2]:
        print("\n" + "\n".join(lines(by_view[view], view, verbose)))
    if rows:
        rows.write_text("".join(f"{row}\n" for view in wanted for row in _rows(view, by_view[view])))
    return 0
