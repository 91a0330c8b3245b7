"""What led to an exchange and what followed, as a tree, with what each step gained and lost."""

from __future__ import annotations

from typing import NamedTuple

from tracer.model.http import Exchange
from tracer.model.verdict import Link
from tracer.views.safe import safe

from .message import requested
from .sheet import Sheet, Target
from .words import status_style

KINDS = {
    "redirect": "sent on by", "refresh": "sent on by a refresh to", "script": "sent on by a script to",
    "authenticate": "asked again with credentials", "retry": "asked again", "preflight": "the preflight allowed",
    "tunnel": "inside the tunnel",
}  # fmt: skip


class Chain(NamedTuple):
    """Exchanges in order, and how each led to the next."""

    steps: tuple[Exchange, ...] = ()
    links: tuple[Link, ...] = ()


def sheet(chain: Chain, here: str) -> Sheet:
    """Each step below the one that led to it."""
    out = Sheet()
    if len(chain.steps) < 2:
        out.add(("nothing led here and nothing followed: no redirect, log-in, preflight or retry", "note"))
        return out
    links = {(link.first, link.then): link for link in chain.links}
    for n, step in enumerate(chain.steps):
        indent = "   " * min(n, 10)
        link = links.get((chain.steps[n - 1].id, step.id)) if n else None
        if link is not None:
            _between(out, link, indent)
        status = step.response.status if step.response else None
        out.add(
            (f"{indent}{'└─ ' if n else ''}", "faint"),
            (f"{'---' if status is None else status} ", status_style(status)),
            (requested(step.request), "strong" if step.id == here else ""),
            ("  ◀ this one" if step.id == here else "", "mark"),
            (f"  {safe(step.id, 40)}", "faint"),
            target=Target("exchange", step.id),
            hang=len(indent) + 7,
        )
        location = step.response.get("location") if step.response else None
        if location:
            out.add((f"{indent}   → ", "faint"), (safe(location, 2000), "redirect"), hang=len(indent) + 5)
    return out


def _between(out: Sheet, link: Link, indent: str) -> None:
    """How one led to the next, and what was lost (−), gained (+), or is worth a word (·) on the way."""
    rail = (f"{indent}│ ", "faint")
    out.add(rail, (KINDS.get(link.kind, safe(link.kind, 40)).removesuffix(" by"), "faint"))
    for sign, style, told in (("−", "removed", link.lost), ("+", "added", link.gained), ("·", "changed", link.notes)):
        for words in told:
            out.add(rail, (f"{sign} {safe(words, 300)}", style), hang=len(indent) + 4)
