"""A verdict as text: the sentence, the path with the accused hop, the evidence, what to do next."""

from __future__ import annotations

from rich.text import Text

from tracer.model.verdict import Evidence, PathEntry, Said, Verdict
from tracer.views.safe import safe

from .words import LAYER_STYLE, percent

SIGN = {Said.GENERATED: "✖", Said.FORWARDED: "○", Said.PRESENT: "·"}
SAID = {
    Said.GENERATED: "said it",
    Said.FORWARDED: "passed it on",
    Said.PRESENT: "seen, role unknown",
}


def headline(verdict: Verdict) -> Text:
    """The one sentence, with how sure it is."""
    text = Text()
    text.append(safe(verdict.headline), style="bold")
    text.append(f"   {percent(verdict.confidence)} sure of the layer", style="dim")
    if verdict.cause_confidence:
        text.append(f", {percent(verdict.cause_confidence)} of the cause", style="dim")
    return text


def path(verdict: Verdict) -> Text:
    """The hops from the client inwards, one a line, the accused one marked with sign, word and colour."""
    text = Text()
    text.append("◆ client", style="bold")
    for entry in verdict.path:
        text.append("\n│\n", style="dim")
        text.append_text(_hop(entry, verdict))
    return text


def _hop(entry: PathEntry, verdict: Verdict) -> Text:
    accused = entry.said is Said.GENERATED
    style = LAYER_STYLE[entry.layer]
    line = Text()
    line.append(f"{SIGN[entry.said]} ", style="bold red" if accused else style)
    name = entry.product or "unknown product"
    line.append(safe(name), style=f"bold {style}" if accused else style)
    line.append(f"  {entry.layer}", style="dim")
    if entry.address:
        line.append(f"  {safe(entry.address)}", style="dim")
    line.append(f"  {SAID[entry.said]}", style="bold red" if accused else "dim")
    if accused and verdict.status is not None:
        line.append(f": {verdict.status}", style="bold red")
    if entry.evidence:
        line.append("  " + " ".join(entry.evidence), style="dim italic")
    return line


def evidence_line(item: Evidence) -> Text:
    """`v3 +2.1  Varnish relayed this answer   response header via: 1.1 varnish (packet 41)`."""
    text = Text()
    text.append(f"{item.id:>4} ", style="dim italic")
    text.append(f"{item.weight:+.1f}  ", style="green" if item.weight >= 0 else "yellow")
    text.append(safe(item.says))
    place = item.seen.where
    if item.seen.value:
        place += f": {item.seen.value}"
    if item.seen.packet is not None:
        place += f" (packet {item.seen.packet})"
    if place:
        text.append("\n           " + safe(place), style="dim")
    if item.reference:
        text.append("\n           ")
        text.append(safe(item.reference), style="dim underline")
    return text


def alternatives(verdict: Verdict) -> Text:
    """What else it could be, the likeliest first; empty text when nothing comes near."""
    text = Text()
    for other in verdict.alternatives:
        if text:
            text.append("\n")
        text.append(f"{percent(other.confidence):>5}  ", style="dim")
        text.append(f"{other.layer}", style=LAYER_STYLE[other.layer])
        if other.product:
            text.append(f"  {safe(other.product)}")
        text.append(f"  {other.cause}", style="dim")
    return text


def next_steps(verdict: Verdict) -> Text:
    """Numbered steps, as they would be copied."""
    text = Text()
    for n, step in enumerate(verdict.next_steps, 1):
        if n > 1:
            text.append("\n")
        text.append(f"{n}. ", style="bold")
        text.append(safe(step))
    return text
