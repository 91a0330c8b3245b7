"""The judge: weighs the evidence over the layers of one path, and says how sure that makes it.

Every piece of evidence is a logarithm of a likelihood ratio for one layer against the others; the prior is the
share of each layer among denials in the wild. The posterior over layers is tempered, since pieces of evidence
about one answer are not independent of each other.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from tracer.model.verdict import Cause, Evidence, Layer

PRIOR = {
    Layer.CLIENT: 0.005,
    Layer.FORWARD_PROXY: 0.05,
    Layer.CDN: 0.07,
    Layer.WAF: 0.14,
    Layer.GATEWAY: 0.17,
    Layer.ORIGIN: 0.235,
    Layer.APP: 0.33,
}
TEMPER = 1.0
"""how much of the sum of the evidence is believed"""
CEILING = 0.97
FLOOR_CAUSE = 0.25


@dataclass(slots=True)
class Scales:
    """What lies on each side."""

    layers: dict[Layer, float] = field(default_factory=lambda: {k: math.log(p) for k, p in PRIOR.items()})
    products: dict[tuple[Layer, str], float] = field(default_factory=dict)
    causes: dict[Cause, float] = field(default_factory=dict)
    details: dict[Cause, str] = field(default_factory=dict)


def weigh(evidence: Iterable[Evidence]) -> Scales:
    """Put every piece where it belongs; the same product's repeated marks count less each time."""
    scales = Scales()
    seen: dict[str, int] = {}
    for item in evidence:
        kind, _, what = item.supports.partition(":")
        repeat = seen[item.supports] = seen.get(item.supports, 0) + 1
        weight = item.weight * TEMPER / repeat
        if kind == "cause":
            cause = Cause(what)
            scales.causes[cause] = scales.causes.get(cause, 0.0) + item.weight / repeat
            continue
        layer = Layer(what)
        if kind == "generated" or kind == "present":
            scales.layers[layer] += weight
        else:
            scales.layers[layer] -= weight
        if item.product and kind in ("generated", "present"):
            key = layer, item.product
            scales.products[key] = scales.products.get(key, 0.0) + item.weight
    return scales


def posterior(scores: dict[Layer, float]) -> dict[Layer, float]:
    """Probabilities of the layers, the likeliest first."""
    top = max(scores.values())
    raw = {k: math.exp(v - top) for k, v in scores.items()}
    total = sum(raw.values())
    return dict(sorted(((k, v / total) for k, v in raw.items()), key=lambda kv: -kv[1]))


def choose_product(scales: Scales, layer: Layer) -> str | None:
    """The product of that layer with most evidence for it, if it has any."""
    candidates = {p: w for (at, p), w in scales.products.items() if at is layer and w > 0}
    return max(candidates, key=lambda p: candidates[p]) if candidates else None


AT_HOME = {
    Cause.DESTINATION_DENIED: frozenset({Layer.FORWARD_PROXY}),
    Cause.WAF_RULE: frozenset({Layer.WAF, Layer.CDN, Layer.GATEWAY}),
    Cause.BOT_CHALLENGE: frozenset({Layer.WAF, Layer.CDN}),
    Cause.FILE_PERMISSIONS: frozenset({Layer.ORIGIN, Layer.APP}),
    Cause.DIRECTORY_INDEX: frozenset({Layer.ORIGIN, Layer.APP}),
}
"""causes that belong to some layers"""
STRANGE = 3.0


def choose_cause(scales: Scales, layer: Layer | None = None) -> tuple[Cause, float]:
    """(the likeliest cause of a denial by that layer, its probability)."""
    if not scales.causes:
        return Cause.UNKNOWN, FLOOR_CAUSE
    away = {c: STRANGE for c, layers in AT_HOME.items() if layer is not None and layer not in layers}
    weights = {c: math.exp((min(w, 12.0) - away.get(c, 0.0)) * 0.7) for c, w in scales.causes.items()}
    total = sum(weights.values()) + 2.0
    best = max(weights, key=lambda c: weights[c])
    return best, min(0.95, weights[best] / total)
