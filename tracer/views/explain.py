"""The answer for a person in a hurry: the sentence, the path, the proof, what to do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from tracer.model.proof import Told, told
from tracer.model.verdict import Evidence, Layer, PathEntry, Said, Verdict, asked

from .brief import TOLD, story_of
from .propose import bisect_command
from .safe import safe
from .style import Style
from .words import plural, wrap, wrap_commands

MANY = 3
"""more denials than that are counted before they are told"""
_FULL = 6
"""stories told in full; the rest in two lines each"""
_WHO, _WHY = 3, 2
"""pieces of evidence told of the hop and of the cause"""
_CLOSE = 0.08
"""an alternative at least this likely is told"""
_QUOTE = re.compile(r"“([^”]{4,})”")
_INDENT = "           "


def explain(counted: Any, trace: Any, verdicts: list[Verdict], style: Style, width: int) -> Iterator[str]:
    """Every denial, those of one story together, then what was read."""
    groups = grouped(verdicts)
    if len(verdicts) > MANY:
        yield style.bold(f"{plural(len(verdicts), 'denial')}, {_stories(len(groups))}")
        yield ""
    for number, group in enumerate(groups):
        if number == _FULL:
            yield style.dim(f"{_stories(len(groups) - _FULL, 'more ')}, shorter:")
            yield ""
        yield from story(group, style, width, number < _FULL)
        yield ""
    yield from _summary(counted, trace, verdicts, width)


def _stories(count: int, which: str = "") -> str:
    return f"{count:,} {which}{'story' if count == 1 else 'stories'}"


def grouped(verdicts: Iterable[Verdict]) -> list[list[Verdict]]:
    """Verdicts of one story (the same hop for the same reason) together; many denials first, then by time."""
    groups: dict[Any, list[Verdict]] = {}
    for v in verdicts:
        groups.setdefault(story_of(v), []).append(v)
    return sorted(groups.values(), key=lambda group: -len(group))


def story(group: list[Verdict], style: Style, width: int, full: bool, proof: bool = False) -> Iterator[str]:
    """One story; in short unless `full`, with every piece of evidence where `proof` is asked for."""
    first = max(group, key=lambda v: v.confidence)
    sure = f"[{round(first.confidence * 100)} %]"
    lines = wrap(safe(first.headline or _headline(first)), width - len(sure) - 2, "  ", f"{style.sign('no')} ")
    for number, line in enumerate(lines):
        last = number == len(lines) - 1
        yield style.bold(line) + (f"  {style.layer(first.layer, sure)}" if last else "")
    yield from _request(first, style, width)
    if len(group) > 1:
        yield from _others(group, first, style, width)
    if not full:
        return
    yield from _path(first, style, width)
    yield from _proof(first, style, width, every=proof)
    yield from _next(first, style, width)


def _headline(v: Verdict) -> str:
    who = f"{v.product} ({v.layer})" if v.product else str(v.layer)
    return f"{v.status or 'handshake refused'}: said by {who}: {v.cause}"


def _request(v: Verdict, style: Style, width: int) -> Iterator[str]:
    tail = f"  {safe(v.exchange, 20)}"
    what = safe(asked(v), max(width * 2, 120))
    room = width - len(tail)
    lines = wrap(what, room, _INDENT, "  ")
    yield from lines[:-1]
    yield lines[-1] + style.dim(tail)
    if v.original_status is not None and v.original_status != v.status:
        yield f"  it was {v.original_status} first; a hop on the way made it {v.status}"


def _others(group: list[Verdict], first: Verdict, style: Style, width: int) -> Iterator[str]:
    rest = [v for v in group if v is not first]
    yield f"  and {len(rest)} more like it:"
    for v in rest[:TOLD]:
        yield style.dim(safe(f"    {asked(v)}", width - 12)) + style.dim(f"  {safe(v.exchange, 20)}")
    if len(rest) > TOLD:
        names = ", ".join(safe(v.exchange, 20) for v in rest[TOLD:15])
        yield from (style.dim(line) for line in wrap(f"{names}{' …' if len(rest) > 15 else ''}", width, "    "))


def _path(v: Verdict, style: Style, width: int) -> Iterator[str]:
    """`client → varnish (cdn) → >> nginx (origin) << said 403`, broken between hops."""
    if not v.path:
        return
    pieces = [("client", "client")] + [_hop(p, v, style) for p in v.path]
    arrow = f" {style.sign('arrow')} "
    line, length = "  path     ", 11
    for number, (plain, painted) in enumerate(pieces):
        link = arrow if number else ""
        if number and length + len(link) + len(plain) > width:
            yield line
            line, length, link = _INDENT, len(_INDENT), arrow.lstrip()
        line += link + painted
        length += len(link) + len(plain)
    yield line


def _hop(p: PathEntry, v: Verdict, style: Style) -> tuple[str, str]:
    name = _who(p.product, p.layer)
    if p.address:
        name += f" {safe(p.address, 60)}"
    if p.said is Said.GENERATED:
        text = f"[{name} SAID {v.original_status or v.status or 'NO'}]"
        return text, style.layer(p.layer, text) if not style.colour else style.bold(style.layer(p.layer, text))
    return name, name if p.said is Said.FORWARDED else style.dim(name)


def _who(product: str | None, layer: Layer) -> str:
    """`nginx (origin)`, or what such a hop is called."""
    from tracer.correlate.words import LAYER_NAME

    return f"{safe(product, 40)} ({layer})" if product else LAYER_NAME[layer]


def _proof(v: Verdict, style: Style, width: int, *, every: bool) -> Iterator[str]:
    """What speaks for the hop, then the cause and what speaks for it, then what else it may be; the weightiest."""
    evidence = told(v)
    who, why = (
        (evidence.who, evidence.why) if every else (_of_places(evidence.who)[:_WHO], _of_places(evidence.why)[:_WHY])
    )
    yield from _pieces(who, "because", style, width, every)
    yield from _cause(v, style)
    yield from _pieces(why, "", style, width, every)
    if every:
        yield from _pieces(evidence.elsewhere, "but also", style, width, every)
    else:
        yield from _hidden(evidence, len(who) + len(why), v, style)
    yield from _doubt(v, width)


def _pieces(pieces: list[Evidence], label: str, style: Style, width: int, sourced: bool) -> Iterator[str]:
    """Each with what was seen and where; `sourced`: and who says that it means this."""
    for number, e in enumerate(pieces):
        yield from wrap(safe(e.says), width, _INDENT, f"  {'' if number else label:<9}")
        for place in (_where(e), safe(e.reference, 300) if sourced else ""):
            if place:
                yield from (style.dim(line) for line in wrap(place, width, _INDENT + "  ", _INDENT + "  "))


def _hidden(evidence: Told, shown: int, v: Verdict, style: Style) -> Iterator[str]:
    left = sum(map(len, evidence)) - shown
    if left > 0:
        yield style.dim(f"{_INDENT}({left} more: tracer show … {safe(v.exchange, 20)})")


def strongest(v: Verdict) -> list[Evidence]:
    """Evidence for this verdict's layer, product or cause, the weightiest first, as `explain` tells it."""
    who, why = _strongest(told(v))
    return [*who, *why]


def _strongest(evidence: Told) -> tuple[list[Evidence], list[Evidence]]:
    return _of_places(evidence.who)[:_WHO], _of_places(evidence.why)[:_WHY]


def _of_places(pieces: list[Evidence]) -> list[Evidence]:
    """The first of what one place shows: the next one there says little more."""
    first: dict[object, Evidence] = {}
    for e in pieces:
        first.setdefault((e.seen.exchange, e.seen.where, e.seen.packet, not e.weight) if e.seen.where else e.says, e)
    return list(first.values())


def _where(e: Evidence) -> str:
    """The place and what stood there, unless the sentence quotes it."""
    parts = [safe(e.seen.where, 80)] if e.seen.where else []
    value = " ".join(e.seen.value.split())
    if value and not any(quoted in value for quoted in _QUOTE.findall(e.says)):
        parts.append(f"“{safe(value, 90)}”")
    place = ", ".join(
        ([safe(e.seen.exchange, 20)] if e.seen.exchange else [])
        + ([f"packet {e.seen.packet}"] if e.seen.packet is not None else [])
    )
    return ": ".join(parts) + (f"  ({place})" if place else "")


def _cause(v: Verdict, style: Style) -> Iterator[str]:
    sure = f"{round(v.cause_confidence * 100)} %"
    detail = f" ({safe(v.cause_detail, 60)})" if v.cause_detail and v.cause_detail not in v.cause else ""
    yield f"  cause    {v.cause}{detail}  {style.dim(sure)}"


def _doubt(v: Verdict, width: int) -> Iterator[str]:
    close = [a for a in v.alternatives if a.confidence >= _CLOSE]
    if close:
        words = ", ".join(f"{_who(a.product, a.layer)} {round(a.confidence * 100)} %" for a in close)
        yield from wrap(f"or {words}", width, _INDENT, "  maybe    ")


def _next(v: Verdict, style: Style, width: int) -> Iterator[str]:
    for number, step in enumerate(v.next_steps[:5]):
        label = "next" if not number else ""
        yield from wrap_commands(safe(step), width, _INDENT + "   ", f"  {label:<9}{number + 1}. ")
    if told := bisect_command(v):
        yield from wrap_commands(
            f"`{safe(told, 200)}` finds out what in the request decides", width, _INDENT, "  or       "
        )
    if len(v.chain) > 1:
        chain = f" {style.sign('arrow')} ".join(safe(i, 20) for i in v.chain[-8:])
        yield from wrap(chain, width, _INDENT, "  chain    ")


def _summary(counted: Any, trace: Any, verdicts: list[Verdict], width: int) -> Iterator[str]:
    exchanges, tls = counted.count("exchange"), counted.count("handshake")
    sources = list(trace.sources())
    stories = len(grouped(verdicts))
    told = f", {_stories(stories)}," if stories < len(verdicts) else ""
    words = f"{plural(len(verdicts), 'denial')}{told} in {plural(exchanges, 'exchange')}"
    if not verdicts:
        others = counted.count("verdict")
        words = f"None of {plural(others, 'denial')} was asked for" if others else "No denial"
        words += f" in {plural(exchanges, 'exchange')}"
    words += f", {plural(counted.count('connection'), 'connection')}, {plural(tls, 'TLS handshake')}"
    partial = [s.name for s in sources if s.partial and s.kind != "log"]
    yield from wrap(f"{words}; {plural(len(sources), 'source')} read.", width)
    if not exchanges and sources and all(s.kind == "log" for s in sources):
        text = (
            "A server's log alone shows no exchange: give the capture, HAR or curl -v output of the same event with it."
        )
        yield from wrap(text, width)
    if partial:
        names = ", ".join(safe(name, 60) for name in partial[:5])
        yield from wrap(f"Only in part: {names}. What is missing may hold more denials.", width)
    locked = sum(not h.decrypted for h in trace.handshakes()) if tls and not verdicts else 0
    if locked:
        yield from wrap(
            f"{plural(locked, 'TLS handshake')} could not be decrypted: give the key log with --keylog, "
            "or set SSLKEYLOGFILE in the client and capture again.",
            width,
        )
