"""The comparison with tshark as text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from .safe import safe
from .style import Style

ONLY = {"only-tracer": "only tracer shows", "only-tshark": "only tshark shows"}


def lines(found: Any, style: Style) -> Iterator[str]:
    """How much agrees, then each difference that is to be looked into, then the others by what explains them."""
    from tracer.verify.limits import LIMITS

    yield style.bold(f"beside tshark {safe(found.tshark, 40)}")
    for what, count in (("exchanges", found.exchanges), ("handshakes", found.handshakes)):
        yield f"  {what:<10} {count.agree} agree, of {count.ours} here and {count.theirs} in tshark"
    unexplained = found.unexplained
    sign = style.sign("no") if unexplained else style.sign("yes")
    yield f"{sign} {len(unexplained)} disagreement{'s' * (len(unexplained) != 1)} without an explanation"
    for difference in unexplained:
        yield from _difference(difference, style)
    limits = Counter(d.limit for d in found.differences if d.limit)
    for name, count in limits.most_common():
        yield style.dim(f"  {count} by a limit of tshark: {LIMITS[name]}")


def _difference(difference: Any, style: Style) -> Iterator[str]:
    where = f"{difference.id or ''} packet {difference.packet}".strip()
    place = style.dim(f"{safe(difference.client)} > {safe(difference.server)}, {where}")
    if difference.kind in ONLY:
        yield f"  {difference.what}: {ONLY[difference.kind]} {safe(difference.ours or difference.theirs or '', 120)}"
    else:
        ours, theirs = (safe(v, 80) if v is not None else "nothing" for v in (difference.ours, difference.theirs))
        yield f"  {difference.what}: {difference.kind} is {ours} here, {theirs} in tshark"
    yield f"    {place}"
