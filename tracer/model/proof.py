"""The evidence of a verdict, sorted by what it speaks for: who said it, why, or something else."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from .verdict import Evidence, Layer, Verdict

CAPTURED = f"present:{Layer.UNKNOWN}"
"""evidence of no layer in particular: the denial itself, as it was captured deeper"""
USUAL = "usual"
"""kind of what such denials most often mean: it stands behind all that was seen"""


class Told(NamedTuple):
    """Each list has the weightiest first, and each fact once."""

    who: list[Evidence]
    why: list[Evidence]
    elsewhere: list[Evidence]
    """what was seen as well and speaks for another hop, product or cause"""


def told(verdict: Verdict) -> Told:
    """All evidence; what one place says of one question is told once, by the weightiest that says it."""
    who: list[Evidence] = []
    why: list[Evidence] = []
    elsewhere: list[Evidence] = []
    for item in verdict.evidence:
        about_cause = item.supports.startswith("cause:")
        (elsewhere if not agrees(item, verdict) else why if about_cause else who).append(item)
    return Told(
        who=_once(who, key=lambda e: (e.supports != CAPTURED, -abs(e.weight))),
        why=_once(why, key=lambda e: (e.kind == USUAL, -abs(e.weight))),
        elsewhere=_apart(_once(elsewhere, key=lambda e: (False, -abs(e.weight))), (*who, *why)),
    )


def strongest_first(verdict: Verdict) -> list[Evidence]:
    """All of it, what agrees with the verdict before what does not."""
    return sorted(verdict.evidence, key=lambda e: (not agrees(e, verdict), e.kind == USUAL, -abs(e.weight)))


def agrees(item: Evidence, verdict: Verdict) -> bool:
    """It speaks for what the verdict says."""
    said, _, what = item.supports.partition(":")
    if said == "cause":
        return (what == verdict.cause) == (item.weight > 0)
    here = what == verdict.layer
    if said in ("against", "forwarded"):
        return here == (item.weight < 0)
    if said == "role":
        return here == (item.weight > 0)
    return item.supports == CAPTURED or (here and item.weight > 0 and item.product in (None, verdict.product))


def _once(items: Iterable[Evidence], key: Callable[[Evidence], tuple[bool, float]]) -> list[Evidence]:
    told: dict[object, Evidence] = {}
    for item in sorted(items, key=key):
        told.setdefault(item.seen if item.seen.value else item.says, item)
    return list(told.values())


def _apart(items: list[Evidence], told: Iterable[Evidence]) -> list[Evidence]:
    """Without the facts that were told already."""
    facts = {(e.says, e.seen) for e in told}
    return [e for e in items if (e.says, e.seen) not in facts]
