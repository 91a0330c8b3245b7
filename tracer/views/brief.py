"""Verdicts no longer than an answer tells of them: a thousand denials with one reason take the room of a few."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from msgspec.structs import replace

from tracer.model.verdict import Verdict

TOLD = 3
"""denials of a story that are told by their requests, besides the surest; of the rest only ids"""


def story_of(v: Verdict) -> object:
    """What the verdicts of one story share: the same hop for the same reason."""
    return v.story or (v.status, v.layer, v.product, v.cause)


def brief(verdict: Verdict) -> Verdict:
    """What tells it apart and counts it; nothing that explains it."""
    return replace(verdict, url=None, path=(), evidence=(), alternatives=(), links=(), seen_at=(), next_steps=())


def told(verdicts: Iterable[Verdict], clean: Callable[[Verdict], Verdict]) -> list[Verdict]:
    """All of them in order: of each story the surest and the first few as `clean` gives them, the others in brief."""
    found: list[Verdict] = []
    surest: dict[object, int] = {}
    first: Counter[object] = Counter()
    whole: set[int] = set()
    for place, verdict in enumerate(verdicts):
        story = story_of(verdict)
        first[story] += 1
        best = surest.setdefault(story, place)
        few = first[story] <= TOLD + 1
        if best == place or verdict.confidence > found[best].confidence:
            if best != place and best not in whole:
                found[best] = brief(found[best])
            surest[story] = place
            found.append(verdict)
        else:
            found.append(verdict if few else brief(verdict))
        if few:
            whole.add(place)
    for place in whole.union(surest.values()):
        found[place] = clean(found[place])
    return found
