"""The judge: weighs the evidence over the layers of one path, and says how sure that makes it.

Every piece of evidence is a logarithm of a likelihood ratio for one layer against the others; the prior is the
share of each layer among denials in the wild. Pieces of evidence about one answer are not independent of each
other: each kind has a scale, fitted to labelled denials (`calibration.toml`, made by `python -m tests.calibrate`).

Which program wrote an answer is one question, in which role another: nginx serves files, passes requests on, and may
run a firewall, with the same page for all. However plain the program is, `role:` evidence shares the layer that it
speaks for out among those roles.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import msgspec

from tracer.model.verdict import Cause, Evidence, Layer

from .prepared import HERE, prepared


class Causes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How evidence of causes is weighed."""

    temper: float
    """how far the weights are believed"""
    rest: float
    """the odds that are left for causes that nothing spoke of"""
    untold: float
    """the share that is left of the odds of what is most often meant, where something was seen that tells the cause"""


class Calibration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The judge's numbers."""

    prior: dict[Layer, float]
    scale: dict[str, float]
    """of each kind of evidence; 1 for those that are not named"""
    ceiling: float
    """nobody is surer than this"""
    cause: Causes
    cause_ceiling: float
    cause_guessed: float
    """nobody is surer than this of a cause that is only what such denials most often mean"""


def _read() -> Calibration:
    import tomllib

    return msgspec.convert(tomllib.loads((HERE / "calibration.toml").read_text("utf-8")), Calibration)


CALIBRATION = prepared(Calibration, ("calibration.toml", "judge.py"), _read)
"""the numbers that ship with the program"""
PRIOR = CALIBRATION.prior
BEFORE = {layer: math.log(share) for layer, share in PRIOR.items()}
"""what lies on the scales before any evidence"""
FLOOR_CAUSE = 0.25
MOST_CAUSE = 12.0
LOGS = "logs"
"""kind of the evidence that comes from servers' logs"""
SERVER = "server"
"""kind of the evidence that comes from the name that a program gives itself"""
ROLE = "role"
"""kind of the evidence that tells one role from another, whatever rule found it"""
USUAL, TELLS = "usual", 1.4
"""kind of the evidence for what is most often meant, and the weight from which on it goes by what was asked for"""
OF_FILES = (f"cause:{Cause.FILE_PERMISSIONS}", f"cause:{Cause.DIRECTORY_INDEX}")
"""what a server's log tells of files: then it holds them itself"""
IN_ROLE = 1.0
"""weight of a product by its role alone: any mark of its own tells more"""


@dataclass(slots=True)
class Scales:
    """What lies on each side."""

    layers: dict[Layer, float] = field(default_factory=BEFORE.copy)
    roles: dict[Layer, float] = field(default_factory=dict)
    """logarithms of the odds of the roles in which the program may have answered; first the layer it speaks for"""
    products: dict[tuple[Layer, str], float] = field(default_factory=dict)
    named: str | None = None
    """a program that calls itself so, of a layer that nobody knows"""
    causes: dict[Cause, float] = field(default_factory=dict)
    told: set[Cause] = field(default_factory=set)
    """causes for which something was seen: the others are what such denials most often mean"""


@lru_cache(256)
def _told(supports: str) -> tuple[str, Layer | None]:
    """(what is said of a layer, or `cause`; the layer that is named)."""
    said, _, what = supports.partition(":")
    return said, None if said == "cause" or what == "unknown" else Layer(what)


@lru_cache(256)
def _cause(supports: str) -> Cause | None:
    """The cause that is spoken of."""
    said, _, what = supports.partition(":")
    return Cause(what) if said == "cause" else None


def sides(evidence: Iterable[Evidence]) -> Iterator[tuple[Evidence, Layer, float]]:
    """(item, layer, weight for it) of all that speaks of a layer; the same said again counts less each time."""
    seen: dict[str, int] = {}
    for item in evidence:
        said, layer = _told(item.supports)
        if said in ("cause", "role") or layer is None:
            continue
        repeat = seen[item.supports] = seen.get(item.supports, 0) + 1
        weight = item.weight / repeat
        yield item, layer, weight if said in ("generated", "present") else -weight


def roles(evidence: Iterable[Evidence]) -> Iterator[tuple[Evidence, Layer, float]]:
    """(item, role, weight for it) of all that tells in which role a program answered; logs tell that as well."""
    telling = [i for i in evidence if i.supports.startswith("role:")]
    if not telling:
        return
    told = {_told(i.supports)[1] for i in telling}
    who = {None, *(i.product for i in telling)}
    holds_files = any(i.kind == LOGS and i.supports in OF_FILES for i in evidence)
    for item in evidence:
        said, layer = _told(item.supports)
        if layer is None:
            continue
        if said == "role":
            yield item, layer, item.weight
        elif item.kind == LOGS and layer in told and item.product in who:
            for_it = said in ("generated", "present")
            if for_it and layer is Layer.ORIGIN and Layer.WAF in told and not holds_files:
                yield item, Layer.WAF, -item.weight  # a rule of its own refused, which a proxy has as well
            else:
                yield item, layer, item.weight if for_it else -item.weight


def weigh(evidence: Iterable[Evidence]) -> Scales:
    """Put every piece where it belongs."""
    evidence = tuple(evidence)
    scales = Scales()
    for item, layer, weight in sides(evidence):
        scales.layers[layer] += weight * CALIBRATION.scale.get(item.kind, 1.0)
        if item.product and item.supports.startswith(("generated", "present")):
            key = layer, item.product
            scales.products[key] = scales.products.get(key, 0.0) + item.weight
        elif item.product and item.kind == SERVER and item.supports.startswith("against"):
            scales.named = item.product
    for item, layer, weight in roles(evidence):
        kind = LOGS if item.kind == LOGS else ROLE
        scales.roles[layer] = scales.roles.get(layer, 0.0) + weight * CALIBRATION.scale.get(kind, 1.0)
        if item.product and item.supports.startswith("role"):
            scales.products[layer, item.product] = scales.products.get((layer, item.product), 0.0) + IN_ROLE
    repeats: dict[Cause, int] = {}
    for item in evidence:
        if (cause := _cause(item.supports)) is not None:
            repeat = 1
            if item.weight > 0:  # what bars a cause does so however often it was named
                repeat = repeats[cause] = repeats.get(cause, 0) + 1
            scales.causes[cause] = scales.causes.get(cause, 0.0) + item.weight / repeat
            if item.weight > 0 and (item.kind != USUAL or item.weight >= TELLS):
                scales.told.add(cause)
    return scales


def posterior(scales: Scales) -> dict[Layer, float]:
    """Probabilities of the layers, the likeliest first."""
    chances = _shares(scales.layers)
    if scales.roles:
        whole = chances[next(iter(scales.roles))]
        for place, (layer, share) in enumerate(_shares(scales.roles).items()):
            chances[layer] = whole * share + (chances[layer] if place else 0.0)
    return dict(sorted(chances.items(), key=lambda kv: -kv[1]))


def _shares(scores: dict[Layer, float]) -> dict[Layer, float]:
    """Probabilities out of logarithms of odds, in the same order."""
    top = max(scores.values())
    raw = {k: math.exp(v - top) for k, v in scores.items()}
    total = sum(raw.values())
    return {k: v / total for k, v in raw.items()}


def choose_product(scales: Scales, layer: Layer) -> str | None:
    """The product of that layer with most evidence for it, if it has any; else the name by which it calls itself."""
    candidates = {p: w for (at, p), w in scales.products.items() if at is layer and w > 0}
    if candidates:
        return max(candidates, key=lambda p: candidates[p])
    return scales.named if layer not in (Layer.WAF, Layer.CDN) else None


AT_HOME = {
    Cause.DESTINATION_DENIED: frozenset({Layer.FORWARD_PROXY}),
    Cause.WAF_RULE: frozenset({Layer.WAF, Layer.CDN, Layer.GATEWAY}),
    Cause.BOT_CHALLENGE: frozenset({Layer.WAF, Layer.CDN}),
    Cause.FILE_PERMISSIONS: frozenset({Layer.ORIGIN, Layer.APP}),
    Cause.DIRECTORY_INDEX: frozenset({Layer.ORIGIN, Layer.APP}),
}
"""causes that belong to some layers"""
STRANGE = 3.0
EXPLAINS = {
    Cause.CREDENTIALS_LOST_IN_REDIRECT: (Cause.CREDENTIALS_MISSING, Cause.CREDENTIALS_INVALID, Cause.METHOD_DENIED),
    Cause.CREDENTIALS_EXPIRED: (Cause.CREDENTIALS_INVALID,),
    Cause.CLOCK_SKEW: (Cause.CREDENTIALS_INVALID, Cause.SIGNATURE_MISMATCH),
}
"""causes that are the reason of others: where they were seen, the others are what follows from them"""
SEEN = 4.5
"""weight of a cause that was seen rather than guessed"""


def cause_weights(scales: Scales, layer: Layer | None = None) -> dict[Cause, float]:
    """What speaks for each cause of a denial by that layer."""
    away = {c: STRANGE for c, layers in AT_HOME.items() if layer is not None and layer not in layers}
    weights = {c: min(w, MOST_CAUSE) - away.get(c, 0.0) for c, w in scales.causes.items()}
    for reason, symptoms in EXPLAINS.items():
        if weights.get(reason, 0.0) >= SEEN:
            weights[reason] = max(weights[reason], *(weights.get(s, 0.0) + 1.0 for s in symptoms))
    return weights


def choose_cause(scales: Scales, layer: Layer | None = None, by: Causes = CALIBRATION.cause) -> tuple[Cause, float]:
    """(the likeliest cause of a denial by that layer, its probability)."""
    if not scales.causes:
        return Cause.UNKNOWN, FLOOR_CAUSE
    odds = cause_odds(cause_weights(scales, layer), scales.told, by)
    best = max(odds, key=lambda c: odds[c])
    ceiling = CALIBRATION.cause_ceiling if best in scales.told else CALIBRATION.cause_guessed
    return best, min(ceiling, odds[best] / (sum(odds.values()) + by.rest))


def cause_odds(weights: Mapping[Cause, float], told: Container[Cause], by: Causes) -> dict[Cause, float]:
    """The odds of each cause, against `by.rest` for all the others."""
    share = by.untold if any(c in told and w > 0 for c, w in weights.items()) else 1.0
    return {c: math.exp(w * by.temper) * (1.0 if c in told else share) for c, w in weights.items()}
