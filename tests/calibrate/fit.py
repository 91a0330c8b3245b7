"""Fits the judge's numbers to labelled denials: few of them, each held back towards what it was before."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np
from numpy.typing import NDArray

from tests.calibrate.labelled import Labelled
from tracer.correlate.judge import (
    CALIBRATION,
    LOGS,
    PRIOR,
    ROLE,
    Causes,
    cause_odds,
    cause_weights,
    choose_cause,
    roles,
    sides,
    weigh,
)
from tracer.correlate.rules import RULES
from tracer.model.verdict import Cause, Layer

LAYERS = tuple(PRIOR)
ALSO = 0.5
"""how much a layer that also counts as right is wanted, against the one that is right"""
BELIEVED = 1.8
"""how far evidence is believed before any label is seen: weights are set low, and several facts agree"""
HELD = 0.1
"""standard deviation of the logarithm of one kind's scale: labels alone do not move one kind far"""
HELD_ALL = 0.05
"""the same for the factor that all kinds have in common"""
UNKNOWN = 0.2
"""share of denials by products that no signature describes: rules were written with the labelled ones in sight, so
every labelled denial also counts, by so much, with all that names its product taken away"""
MISLED = 0.01
"""share of denials in which the evidence misleads, besides"""
MISLED_CAUSE = 0.02
START_CAUSES = np.log(np.array([1.0, 1.0, 0.3]))
"""logarithms of temper, rest and untold before any label is seen"""
HELD_CAUSES = 0.3
"""standard deviation of each of them"""
STEPS = 60
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Table:
    """Evidence of many denials as numbers: denials x layers x kinds."""

    evidence: Numbers
    roles: Numbers
    """the same of what shares one layer out among roles"""
    open: Numbers
    """denials x layers: 1 for the roles that are open"""
    shared: Numbers
    """denials x layers: 1 for the layer that is shared out among them"""
    wanted: Numbers
    """denials x layers: 1 for the truth, ALSO for what counts as right besides"""
    share: Numbers
    """denials: each kind of source weighs the same"""
    kinds: tuple[str, ...]


def nameless(case: Labelled) -> Labelled:
    """The same denial by a product that nobody described: without the evidence that names it."""
    left = tuple(e for e in case.verdict.evidence if e.product not in case.names)
    return replace(case, verdict=msgspec.structs.replace(case.verdict, evidence=left))


def tabulate(cases: Sequence[Labelled]) -> Table:
    """What the judge would weigh, before any scale."""
    seen = {e.kind for c in cases for e, _, _ in sides(c.verdict.evidence)}
    kinds = tuple(sorted(seen | {kind for kind, _ in RULES} | {ROLE, LOGS}))
    evidence, in_role = (np.zeros((len(cases), len(LAYERS), len(kinds))) for _ in range(2))
    is_open, shared, wanted = (np.zeros((len(cases), len(LAYERS))) for _ in range(3))
    for row, case in enumerate(cases):
        for item, layer, weight in sides(case.verdict.evidence):
            evidence[row, LAYERS.index(layer), kinds.index(item.kind)] += weight
        for item, layer, weight in roles(case.verdict.evidence):
            in_role[row, LAYERS.index(layer), kinds.index(LOGS if item.kind == LOGS else ROLE)] += weight
            shared[row, LAYERS.index(layer)] += not is_open[row].any()
            is_open[row, LAYERS.index(layer)] = 1.0
        for column, layer in enumerate(LAYERS):
            wanted[row, column] = 1.0 if layer is case.layer else ALSO if layer in case.also else 0.0
    many = {kind: sum(c.kind == kind for c in cases) for kind in {c.kind for c in cases}}
    share = np.array([1 / many[c.kind] for c in cases])
    return Table(evidence, in_role, is_open, shared, wanted, share * len(cases) / share.sum(), kinds)


def posterior(table: Table, scales: Numbers) -> Numbers:
    """Probability of each layer for each denial: as the judge computes it, for all at once."""
    scores = np.log([PRIOR[layer] for layer in LAYERS]) + table.evidence @ scales
    odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    out: Numbers = odds / odds.sum(axis=1, keepdims=True)
    of_roles = np.exp(table.roles @ scales) * table.open
    of_roles /= np.maximum(of_roles.sum(axis=1, keepdims=True), 1e-300)
    whole = (out * table.shared).sum(axis=1, keepdims=True)
    return out * (1 - table.shared) + whole * of_roles


def fit(cases: Sequence[Labelled], rows: Numbers | None = None) -> dict[str, float]:
    """Scales by which the evidence of each kind is multiplied, most probable given the labels of those rows.

    The odds of roles are set by hand, as the priors are: which requests a lab sends to which server is no measure of
    how often firewalls run in servers elsewhere.
    """
    table = tabulate([*cases, *map(nameless, cases)])
    chosen = np.ones(len(cases)) if rows is None else rows
    chosen = np.concatenate([chosen * (1 - UNKNOWN), chosen * UNKNOWN])
    prior = np.array([PRIOR[layer] for layer in LAYERS])
    free = np.array([kind != ROLE for kind in table.kinds])
    start = np.zeros(len(table.kinds) + 1)  # the last one is common to all

    def scaled(logs: Numbers) -> Numbers:
        out: Numbers = np.where(free, BELIEVED * np.exp(logs[:-1] + logs[-1]), 1.0)
        return out

    def loss(logs: Numbers) -> float:
        said = np.maximum(posterior(table, scaled(logs)), 1e-6)
        right = (said * table.wanted).sum(axis=1)
        told = -((1 - MISLED) * np.log(right) + MISLED * np.log(said) @ prior) * table.share * chosen
        held = (logs[:-1] ** 2).sum() / (2 * HELD**2) + logs[-1] ** 2 / (2 * HELD_ALL**2)
        return float(told.sum() + held)

    return dict(zip(table.kinds, scaled(_descend(loss, start)).tolist(), strict=True))


def _descend(loss: Callable[[Numbers], float], at: Numbers) -> Numbers:
    """The lowest point near `at`, by coordinate steps that shrink: slow, sure, and without a library."""
    best, step = loss(at), 0.4
    for _ in range(STEPS):
        moved = False
        for axis in range(len(at)):
            for sign in (1.0, -1.0):
                there = at.copy()
                there[axis] += sign * step
                if (value := loss(there)) < best - 1e-9:
                    at, best, moved = there, value, True
                    break
        if not moved:
            step /= 2
            if step < 0.01:
                break
    return at


def folds(cases: Sequence[Labelled], number: int) -> list[Numbers]:
    """For each fold a mask of the rows that are held out; a group is never split. Large groups are dealt first."""
    sizes: dict[str, int] = {}
    for case in cases:
        sizes[case.group] = sizes.get(case.group, 0) + 1
    loads, place = [0] * number, {}
    for group, size in sorted(sizes.items(), key=lambda kv: (-kv[1], kv[0])):
        place[group] = min(range(number), key=lambda f: loads[f])
        loads[place[group]] += size
    return [np.array([float(place[c.group] == fold) for c in cases]) for fold in range(number)]


def held_out(cases: Sequence[Labelled], number: int = 5) -> Numbers:
    """Probability of each layer for each denial, by scales that were fitted without its product."""
    table = tabulate(cases)
    out = np.zeros((len(cases), len(LAYERS)))
    for mask in folds(cases, number):
        scales = fit(cases, 1 - mask)
        out += mask[:, None] * posterior(table, np.array([scales[k] for k in table.kinds]))
    return out


def shipped(cases: Sequence[Labelled]) -> Numbers:
    """The same by the numbers that the program uses now."""
    table = tabulate(cases)
    return posterior(table, np.array([CALIBRATION.scale.get(k, 1.0) for k in table.kinds]))


def fit_causes(cases: Sequence[Labelled], rows: Numbers | None = None) -> Causes:
    """How far the causes' weights are believed, by the labels of those rows.

    Only causes for which something was seen are fitted: what a lab's denials most often mean is no measure of what
    those elsewhere do, so how sure a guess may be is set by hand, as the priors of the layers are.
    """
    chosen = [c for n, c in enumerate(cases) if (rows is None or rows[n]) and _is_told(c)]
    many = {kind: sum(c.kind == kind for c in chosen) for kind in {c.kind for c in chosen}}
    weighed = [(*_weighed(c), c.causes, len(chosen) / len(many) / many[c.kind]) for c in chosen]

    def loss(logs: Numbers) -> float:
        by = _causes(logs)
        total = 0.0
        for weights, told, causes, share in weighed:
            odds = cause_odds(weights, told, by)
            whole = sum(odds.values()) + by.rest
            right = sum(odds.get(k, 0.0) for k in causes) / whole
            missed = math.log(by.rest / whole)
            total -= ((1 - MISLED_CAUSE) * math.log(max(right, 0.01)) + MISLED_CAUSE * missed) * share
        return float(total + ((logs - START_CAUSES) ** 2).sum() / (2 * HELD_CAUSES**2))

    return _causes(_descend(loss, START_CAUSES.copy()))


def _causes(logs: Numbers) -> Causes:
    temper, rest, untold = np.exp(logs).tolist()
    return Causes(temper=temper, rest=rest, untold=min(1.0, untold))


def _weighed(case: Labelled) -> tuple[dict[Cause, float], set[Cause]]:
    """(what speaks for each cause, those for which something was seen)."""
    scales = weigh(case.verdict.evidence)
    return cause_weights(scales, case.verdict.layer), scales.told


def _is_told(case: Labelled) -> bool:
    weights, told = _weighed(case)
    return any(weights[c] > 0 for c in told)


def held_out_causes(cases: Sequence[Labelled], number: int = 5) -> list[tuple[float, bool]]:
    """(how sure, whether right) of each denial's cause, by numbers that were fitted without its product."""
    out: list[tuple[float, bool]] = [(0.0, False)] * len(cases)
    for mask in folds(cases, number):
        by = fit_causes(cases, 1 - mask)
        for n, case in enumerate(cases):
            if mask[n]:
                best, sure = choose_cause(weigh(case.verdict.evidence), case.verdict.layer, by)
                out[n] = sure, best in case.causes
    return out


def layer_of(probabilities: Numbers) -> list[tuple[Layer, float]]:
    """The likeliest layer and its probability, row by row."""
    return [(LAYERS[int(row.argmax())], float(row.max())) for row in probabilities]
