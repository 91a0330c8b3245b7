"""Denials of which the truth is known: the lab's captures, and folders of HAR files with labels beside them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tracer.correlate import correlate
from tracer.model.verdict import Cause, Layer, Verdict
from tracer.pipeline import read


@dataclass(frozen=True, slots=True)
class Labelled:
    """One denial, what tracer found, and the truth."""

    name: str
    group: str
    """cases of one group are never on both sides of a fold: the product that denied"""
    kind: str
    """`lab, all hops`, `lab, client's view`, the first with logs, or the folder's name"""
    verdict: Verdict
    layer: Layer
    also: frozenset[Layer]
    """what also counts as right"""
    causes: frozenset[Cause]
    names: frozenset[str] = frozenset()
    """of the product that denied, all that count as right"""
    decidable: bool = True
    """whether this view tells the layer at all"""


def labelled_in(folder: Path) -> Iterator[Labelled]:
    """Every labelled denial of a folder.

    A lab folder holds `CASE/expected.json` beside `capture.pcapng` and perhaps `client.pcapng`; any other folder
    `NAME.har` beside `NAME.json` with the same fields: `layer`, `cause`, `product`, `status`, and perhaps
    `accept` with `layers` and `causes`. Cases without a verdict of that status are left out: nothing was said.
    """
    for label in sorted(folder.glob("*/expected.json")):
        logs = sorted(p for p in (label.parent / "logs").rglob("*") if p.is_file())
        for view, file, given in (
            ("all hops", "capture.pcapng", []),
            ("all hops and logs", "capture.pcapng", logs),
            ("client's view", "client.pcapng", []),
        ):
            if given or "logs" not in view:
                yield from _one(label.parent / file, label, f"lab, {view}", given)
    for har in sorted(folder.glob("*.har")):
        yield from _one(har, har.with_suffix(".json"), folder.name)


def _one(source: Path, label: Path, kind: str, logs: Sequence[Path] = ()) -> Iterator[Labelled]:
    if not source.exists() or not label.exists():
        return
    truth = json.loads(label.read_text("utf-8"))
    if not truth.get("denial", True):
        return
    reading = read([source], judge=False)
    verdict = _verdict(list(correlate(reading.trace, logs=[str(p) for p in logs])), truth)
    if verdict is None:
        return
    accept = truth.get("accept") or {}
    yield Labelled(
        name=source.stem if source.suffix == ".har" else source.parent.name,
        group=str(truth.get("product")),
        kind=kind,
        verdict=verdict,
        layer=Layer(truth["layer"]),
        also=frozenset(Layer(x) for x in accept.get("layers", ())),
        causes=frozenset(Cause(x) for x in (truth["cause"], *accept.get("causes", ())) if x),
        names=frozenset(x for x in (truth["product"], *accept.get("products", ())) if x),
        decidable=truth.get("decidable", True) or bool(logs),
    )


def _verdict(verdicts: Sequence[Verdict], truth: dict[str, Any]) -> Verdict | None:
    """Of several verdicts the last one that has the status and the URL."""
    fitting = [v for v in verdicts if v.status == truth["status"]]
    if url := truth.get("url"):
        fitting = [v for v in fitting if url in (v.url or "")] or fitting
    return fitting[-1] if fitting else None
