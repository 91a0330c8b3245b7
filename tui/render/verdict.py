"""A verdict: the sentence, the path with the accused hop, what to do next, the evidence, what else it could be."""

from __future__ import annotations

import re

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from tracer.model.proof import told
from tracer.model.verdict import Evidence, PathEntry, Said, Verdict
from tracer.views.explain import strongest
from tracer.views.propose import bisect_command
from tracer.views.safe import safe

from .sheet import Sheet, Target
from .words import layer_style, percent

SIGN = {Said.GENERATED: "✖", Said.FORWARDED: "○", Said.PRESENT: "·"}
SAID = {Said.GENERATED: "SAID", Said.FORWARDED: "passed it on", Said.PRESENT: "role unknown"}
_TALL = 17
"""rows of a pane from which on hops are drawn as boxes"""
_NAME = 26
_COMMAND = re.compile(r"`([^`]+)`")


def sheet(verdict: Verdict, width: int, height: int) -> Sheet:
    """Everything there is to say, the answer first."""
    out = Sheet()
    out.add((safe(verdict.headline), "strong"), hang=2)
    _confidence(out, verdict, width)
    if verdict.path:
        _path(out, verdict, width, height)
    if verdict.next_steps:
        out.title("Next steps", "enter copies one, s copies all")
        for n, step in enumerate(verdict.next_steps, 1):
            out.add((f"{n}. ", "key"), safe(step), hang=3, target=Target("copy", to_copy(step)))
    if bisect_command(verdict) is not None:
        out.add(("B  ", "key"), "finds out what in the request decides: it sends it again, with parts replaced",
                hang=3, target=Target("action", "replay('bisect')"))  # fmt: skip
    if verdict.evidence:
        _all_evidence(out, verdict, width)
    if verdict.alternatives:
        out.title("Also possible")
        for other in verdict.alternatives:
            who = safe(other.product, _NAME) if other.product else "product unknown"
            out.add(
                (f"{percent(other.confidence):>5}  ", "faint"), (f"{other.layer:<14}", layer_style(other.layer)),
                (f"{who:<18}", "" if other.product else "faint"), (f" {other.cause}", "faint"),
            )  # fmt: skip
    if len(verdict.seen_at):
        out.title("The same denial deeper")
        for name in verdict.seen_at:
            out.add(("↳ ", "denied"), (safe(name), "link"), target=Target("exchange", name))
    return out


def _all_evidence(out: Sheet, verdict: Verdict, width: int) -> None:
    """What speaks for the verdict, then what points elsewhere."""
    who, why, elsewhere = told(verdict)
    first = strongest(verdict)
    out.title("Evidence", "enter goes to what it quotes")
    for item in (*first, *(e for e in (*who, *why) if e not in first)):
        _evidence(out, item, item in first, width)
    if elsewhere:
        out.title("Also seen, points elsewhere")
        for item in elsewhere:
            _evidence(out, item, False, width)


def to_copy(step: str) -> str:
    """The commands in a step, for a shell; the whole of it where it holds none."""
    found = [words for words in _COMMAND.findall(step) if " " in words]
    return "\n".join(found) or step


def _confidence(out: Sheet, verdict: Verdict, width: int) -> None:
    """`layer gateway ▰▰▰▰▰▰▰▰▰▱ 95 %   cause path-denied ▰▰▰▰▰▱▱▱▱▱ 48 %`, on two lines where one is too narrow."""
    line = Text.assemble(
        ("layer ", "faint"), (str(verdict.layer), layer_style(verdict.layer)), f" {gauge(verdict.confidence)}"
    )
    if verdict.cause_confidence:
        detail = f" ({safe(verdict.cause_detail, 60)})" if verdict.cause_detail else ""
        cause = Text.assemble(("cause ", "faint"), f"{verdict.cause}{detail} {gauge(verdict.cause_confidence)}")
        if line.cell_len + cause.cell_len + 3 > width:
            out.add(line)
            line = cause
        else:
            line = Text.assemble(line, "   ", cause)
    out.add(line, hang=6)
    if verdict.original_status is not None and verdict.original_status != verdict.status:
        out.add((f"it was {verdict.original_status} first; a hop on the way made it {verdict.status}", "warn"))


def gauge(p: float) -> str:
    """A bar of ten with the number beside it."""
    full = round(p * 10)
    return f"{'▰' * full}{'▱' * (10 - full)} {percent(p)}"


# -- the path


def _path(out: Sheet, verdict: Verdict, width: int, height: int) -> None:
    boxes = [_client(), *(_box(entry, verdict) for entry in verdict.path)]
    needed = sum(w for w, _ in boxes) + 5 * (len(boxes) - 1)
    out.add("")
    if height >= _TALL and needed <= width:
        _boxes(out, boxes)
    elif height >= _TALL:
        out.add(("◆ client", "strong"))
        for entry in verdict.path:
            out.add(("│", "faint"))
            out.add(_hop(entry, verdict), hang=4)
    else:
        line = Text.assemble(("client", "strong"))
        for entry in verdict.path:
            hop = Text.assemble((" ──▶ ", "faint"), _short(entry, verdict))
            if line.cell_len + hop.cell_len > width:
                out.add(line)
                line = Text("    ")
            line.append_text(hop)
        out.add(line, hang=9)


Box = tuple[int, list[tuple[Text, str]]]
"""outer width, rows with the style of their frame"""


def _client() -> Box:
    return _frame([Text("client", style="strong"), Text(), Text()], "faint", "┌─┐│└┘")


def _box(entry: PathEntry, verdict: Verdict) -> Box:
    accused = entry.said is Said.GENERATED
    style = layer_style(entry.layer)
    name = Text(f"{SIGN[entry.said]} {safe(entry.product or 'unknown product', _NAME)}", style=style)
    where = Text(str(entry.layer), style="faint")
    if entry.address:
        where.append(f" {safe(entry.address, _NAME)}")
    said = f"{SAID[entry.said]} {_status(verdict)}" if accused else SAID[entry.said]
    rows = [name, where, Text(said, style="accused" if accused else "faint")]
    return _frame(rows, "denied" if accused else style, "┏━┓┃┗┛" if accused else "┌─┐│└┘")


def _frame(rows: list[Text], style: str, line: str) -> Box:
    """The rows in a frame drawn with these six characters."""
    inner = max(row.cell_len for row in rows)
    left, across, right, side, low, high = tuple(line)
    framed = [(Text(f"{left}{across * (inner + 2)}{right}", style=style), style)]
    for row in rows:
        pad = " " * (inner - row.cell_len)
        framed.append((Text.assemble((f"{side} ", style), row, pad, (f" {side}", style)), style))
    framed.append((Text(f"{low}{across * (inner + 2)}{high}", style=style), style))
    return inner + 4, framed


def _boxes(out: Sheet, boxes: list[Box]) -> None:
    links = ("     ", " ──▶ ", " ◀── ", "     ", "     ")
    for y, link in enumerate(links):
        line = Text()
        for n, (_, rows) in enumerate(boxes):
            if n:
                line.append(link, style="faint")
            line.append_text(rows[y][0])
        out.add(line)


def _hop(entry: PathEntry, verdict: Verdict) -> Text:
    accused = entry.said is Said.GENERATED
    line = Text()
    line.append(f"{SIGN[entry.said]} ", style="accused" if accused else layer_style(entry.layer))
    line.append(safe(entry.product or "unknown product", 60), style=layer_style(entry.layer))
    line.append(f"  {entry.layer}{f' {safe(entry.address, 60)}' if entry.address else ''}  ", style="faint")
    line.append(
        f"{SAID[entry.said]} {_status(verdict)}" if accused else SAID[entry.said],
        style="accused" if accused else "faint",
    )
    return line


def _short(entry: PathEntry, verdict: Verdict) -> Text:
    accused = entry.said is Said.GENERATED
    words = f"{SIGN[entry.said]} {safe(entry.product or 'unknown', _NAME)} ({entry.layer})"
    text = Text(words, style=layer_style(entry.layer))
    if accused:
        text.append(f" SAID {_status(verdict)} ", style="accused")
    return text


def _status(verdict: Verdict) -> str:
    return str(verdict.original_status or verdict.status or "NO")


# -- evidence


def _evidence(out: Sheet, item: Evidence, first: bool, width: int) -> None:
    """The sentence with its weight, then what was seen and where, on one line; both lead there."""
    seen = item.seen
    leads = Target("place", seen.where or f"packet {seen.packet}", seen.exchange) if seen.where or seen.packet else None
    weight = f"{'▲' if item.weight > 0 else '▽'} {item.weight:+.1f} " if item.weight else f"{'■' if first else '·':<7}"
    out.add(
        (weight, "ok" if item.weight > 0 else "warn" if item.weight < 0 else "strong"),
        (safe(item.says), "" if first else "faint"), target=leads, hang=7,
    )  # fmt: skip
    place, packet = safe(seen.where, 100), f"  packet {seen.packet}" if seen.packet is not None else ""
    if seen.value:
        place += f": {safe(' '.join(seen.value.split()), 200)}"
    room = max(20, width - 8 - len(packet))
    place = set_cell_size(place, room - 1).rstrip() + "…" if cell_len(place) > room else place.rstrip()
    if place or packet:
        out.add("       ", (place, "link" if leads else "faint"), (packet, "faint"), target=leads, hang=9)
    if item.reference and first:
        out.add(("       ", ""), (safe(item.reference), "faint"), hang=9, target=Target("copy", item.reference))
