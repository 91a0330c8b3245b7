"""Verdicts -> Markdown for tickets and chats: the answer first, then the proof, then how to go on.

Everything from the wire goes through `_cell` or a fenced block, so that it can break neither table nor page.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import BinaryIO

from tracer.model.http import Exchange
from tracer.model.proof import told
from tracer.model.verdict import Evidence, Said, Verdict, asked

from .writing import Options, Readable, chosen, iso, one_line, or_else, sentence

_SPECIAL = re.compile(r"([\\`*_\[\]<>#|~&$])")
_STORIES = 60
_LIKE_IT = 20
_ROWS = 200
_SAID = {Said.GENERATED: "**said no**", Said.FORWARDED: "passed it on", Said.PRESENT: "on the path"}


def write(trace: Readable, out: BinaryIO, options: Options) -> None:
    """Write a section per story, told by its surest verdict, then the exchanges as a table."""
    stories: dict[object, list[Verdict]] = {}
    for v in trace.verdicts():
        if options.only is None or v.exchange in options.only:
            stories.setdefault(v.story or v.exchange, []).append(v)
    out.write(_encode([f"# {_summary([len(story) for story in stories.values()])}", ""]))
    for number, story in enumerate(islice(stories.values(), _STORIES), 1):
        out.write(_encode(_story(number, story, trace)))
    more = [f"… and {len(stories) - _STORIES} more stories", ""] if len(stories) > _STORIES else []
    out.write(_encode([*more, *_exchanges(trace, options), *_problems(trace)]))


def _encode(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")


def _summary(counts: list[int]) -> str:
    """`84 denials, 13 stories`"""
    if not counts:
        return "Nothing was denied"
    told = f", {len(counts)} {'story' if len(counts) == 1 else 'stories'}" if len(counts) < sum(counts) else ""
    return "1 denial" if sum(counts) == 1 else f"{sum(counts)} denials{told}"


def _plain(text: str, limit: int = 500) -> str:
    """The text as text: on one line, Markdown and HTML taken literally, nothing made a link or a mention."""
    line = one_line(text)
    cut = line[:limit] + "…" if len(line) > limit else line
    return (
        _SPECIAL.sub(r"\\\1", cut).replace("://", ":&#8203;//").replace("www.", "www&#8203;.").replace("@", "@&#8203;")
    )


def _code(text: str, limit: int = 300, bar: str = "¦") -> str:
    """The text as a code span that its own backticks cannot end, nor its bars a table's cell."""
    line = one_line(text)
    cut = (line[:limit] + "…" if len(line) > limit else line).replace("|", bar)
    if not cut:
        return ""
    ticks = "`" * (max((len(run) for run in re.findall("`+", cut)), default=0) + 1)
    return f"{ticks} {cut} {ticks}" if "`" in cut else f"`{cut}`"


def _command(text: str) -> str:
    """Outside of tables: as it is to be copied."""
    return _code(text, 2000, "|")


def _cell(text: str, limit: int = 200) -> str:
    return _plain(text, limit) or " "


def _story(number: int, story: list[Verdict], trace: Readable) -> list[str]:
    verdict = max(story, key=lambda v: v.confidence)
    like_it = [v.exchange for v in story if v is not verdict]
    said = verdict.status if verdict.status is not None else "handshake refused"
    product = f" ({_plain(verdict.product)})" if verdict.product else ""
    lines = [f"## {number}. {_plain(verdict.headline or f'denied by {verdict.layer}')}", ""]
    lines += [f"- **Asked:** {_code(asked(verdict))} → **{said}**", f"- **Said by:** {verdict.layer}{product}"]
    lines[-1] += f", {verdict.confidence:.0%} sure"
    detail = f" ({_plain(verdict.cause_detail)})" if verdict.cause_detail else ""
    lines.append(f"- **Why:** {verdict.cause}{detail}, {verdict.cause_confidence:.0%} sure")
    if verdict.alternatives:
        others = ", ".join(f"{_plain(who)} {share:.0%}" for who, share in or_else(verdict))
        lines.append(f"- **Or else:** {others}")
    if verdict.hop.address or verdict.hop.name:
        lines.append(f"- **Where:** {_code(' '.join(p for p in (verdict.hop.name, verdict.hop.address) if p))}")
    if verdict.time_ns is not None:
        lines.append(f"- **When:** {iso(verdict.time_ns, 3)}")
    lines.append(f"- **Seen in:** {_code(verdict.source)}, exchange {_code(verdict.exchange)}")
    if like_it:
        names = ", ".join(map(_code, like_it[:_LIKE_IT])) + (" …" if len(like_it) > _LIKE_IT else "")
        lines.append(f"- **And {len(like_it)} more like it:** {names}")
    lines += ["", *_path(verdict), *_evidence(verdict), *_chain(verdict, trace), *_next(verdict)]
    return lines


def _path(verdict: Verdict) -> list[str]:
    if not verdict.path:
        return []
    hops = [
        f"{entry.layer}{f' ({_plain(entry.product)})' if entry.product else ''} {_SAID[entry.said]}"
        for entry in verdict.path
    ]
    return [f"**Path:** client → {' → '.join(hops)}", ""]


def _evidence(verdict: Verdict) -> list[str]:
    if not verdict.evidence:
        return []
    who, why, elsewhere = told(verdict)
    lines: list[str] = []
    for title, pieces in (("Who", who), ("Why", why), ("Also seen, points elsewhere", elsewhere)):
        lines += [f"**{title}:**", "", *_table(pieces)] if pieces else []
    return lines


def _table(pieces: list[Evidence]) -> list[str]:
    lines = ["| Evidence | Where | Seen |", "| --- | --- | --- |"]
    for piece in pieces:
        where = f"{piece.seen.where}{f', packet {piece.seen.packet}' if piece.seen.packet else ''}"
        source = f" [source]({piece.reference})" if _is_link(piece.reference) else ""
        lines.append(f"| {_cell(piece.says)}{source} | {_cell(where)} | {_code(piece.seen.value, 120)} |")
    return [*lines, ""]


def _is_link(reference: str) -> bool:
    return bool(re.fullmatch(r"https://[A-Za-z0-9./_~%#?=&:,;+@-]+", reference))


def _chain(verdict: Verdict, trace: Readable) -> list[str]:
    steps = [e for e in (trace.exchange(i) for i in verdict.chain) if e is not None]
    if len(steps) < 2:
        return []
    return ["**How it came to this:**", "", *(f"1. {_step(e)}" for e in steps), ""]


def _step(exchange: Exchange) -> str:
    request, response = exchange.request, exchange.response
    asked = f"{request.method} {request.url}" if request else "(request not captured)"
    return f"{_code(asked)} → {response.status if response else _plain(exchange.aborted or 'no answer')}"


def _next(verdict: Verdict) -> list[str]:
    if not verdict.next_steps:
        return []
    return ["**Next:**", "", *(f"- {sentence(step, _plain, _command)}" for step in verdict.next_steps), ""]


def _exchanges(trace: Readable, options: Options) -> list[str]:
    lines = ["## Exchanges", "", "| | Method | URL | Status | ms |", "| --- | --- | --- | ---: | ---: |"]
    left = 0
    for count, exchange in enumerate(chosen(trace, options)):
        if count >= _ROWS:
            left += 1
            continue
        request, response, t = exchange.request, exchange.response, exchange.timing
        spent = f"{(t.end_ns - t.start_ns) / 1e6:.0f}" if t.end_ns is not None and t.start_ns is not None else ""
        method, url = (request.method, request.url) if request else ("", "")
        status = response.status if response else "–"
        lines.append(f"| {exchange.id} | {_cell(method, 20)} | {_code(url, 120)} | {status} | {spent} |")
    if len(lines) == 4:
        return ["No exchanges.", ""]
    return [*lines, *(["", f"… and {left} more"] if left else []), ""]


def _problems(trace: Readable) -> list[str]:
    lines = [
        f"- {p.severity}: {_plain(p.text)}{f' ({_plain(p.source)})' if p.source else ''}" for p in trace.problems()
    ]
    more = [f"- … and {len(lines) - 50} more"] if len(lines) > 50 else []
    return ["## What could not be read", "", *lines[:50], *more, ""] if lines else []
