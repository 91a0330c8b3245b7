"""Two exchanges side by side, what differs marked: usually a denial and a good answer of the same host."""

from __future__ import annotations

from difflib import SequenceMatcher

from rich.cells import set_cell_size
from rich.text import Text

from tracer.model.http import Exchange, Headers, Message, text
from tracer.model.tls import Handshake
from tracer.views.safe import safe

from .body import body_lines
from .content import Content
from .sheet import Sheet, Target
from .words import duration

_LINES = 400
"""lines of a body compared"""
SIGNS = {"same": ("  ", ""), "changed": ("≠ ", "changed"), "added": ("+ ", "added"), "removed": ("− ", "removed")}


class Side:
    """One of the two."""

    def __init__(self, exchange: Exchange, handshake: Handshake | None, request: Content, response: Content) -> None:
        self.exchange, self.handshake = exchange, handshake
        self.request, self.response = request, response


def sheet(here: Side, other: Side | None, width: int) -> Sheet:
    """Facts, headers and bodies of both; equal ones faint."""
    out = Sheet()
    if other is None:
        out.add(("no good answer of this host near it; c on another exchange makes that one the other side", "note"))
        return out
    half = max(16, (width - 4) // 2)
    _row(out, half, "same", f"{here.exchange.id}  (this one)", f"{other.exchange.id}  (the other)", "title")
    out.lines[-1] = out.lines[-1]._replace(target=Target("exchange", other.exchange.id))
    for name in ("facts", "request headers", "response headers"):
        rows = _facts(here, other) if name == "facts" else _headers(here.exchange, other.exchange, name.split()[0])
        out.title(name.capitalize())
        for kind, left, right in rows:
            _row(out, half, kind, left, right)
    for half_name in ("request", "response"):
        left_lines, right_lines = (_lines(side, half_name) for side in (here, other))
        if left_lines or right_lines:
            out.title(f"{half_name.capitalize()} body")
            for kind, left, right in aligned(left_lines, right_lines):
                _row(out, half, kind, left, right)
    return out


def _row(out: Sheet, half: int, kind: str, left: str, right: str, style: str = "") -> None:
    """Both halves, wrapped each within its own column."""
    sign, colour = SIGNS[kind]
    lefts, rights = _pieces(left, half), _pieces(right, half)
    for n in range(max(len(lefts), len(rights))):
        a = lefts[n] if n < len(lefts) else ""
        b = rights[n] if n < len(rights) else ""
        line = Text(sign if not n else "  ", style=colour)
        line.append(set_cell_size(a, half), style=style or (colour if kind != "added" else ""))
        line.append("│ ", style="faint")
        line.append(b, style=style or (colour if kind != "removed" else ""))
        out.add(line)


def _pieces(words: str, width: int) -> list[str]:
    words = words[:2000]
    if not words.isascii():
        return [set_cell_size(words, width)]
    return [words[at : at + width] for at in range(0, len(words), width)] or [""]


Rows = list[tuple[str, str, str]]


def _facts(here: Side, other: Side) -> Rows:
    def facts(side: Side) -> dict[str, str]:
        e, h = side.exchange, side.handshake
        took = e.timing.response_start_ns, e.timing.request_end_ns
        wait = duration(took[0] - took[1]) if took[0] is not None and took[1] is not None else "-"
        sent = None if h is None else {True: "sent", False: "none sent", None: "hidden"}[h.client_cert_sent]
        return {
            "status": str(e.response.status) if e.response else "-",
            "method": e.request.method if e.request else "-",
            "target": e.request.target if e.request else "-",
            "protocol": e.protocol,
            "client": (e.client or "-").rpartition(":")[0],
            "server": e.server or "-",
            "waiting": wait,
            "TLS": " ".join(x for x in ((h.version, h.cipher) if h else ()) if x) or "-",
            "client cert": sent or "-",
        }

    left, right = facts(here), facts(other)
    return [
        ("same" if left[k] == right[k] else "changed", f"{k}: {safe(left[k], 400)}", f"{k}: {safe(right[k], 400)}")
        for k in left
    ]


def _headers(here: Exchange, other: Exchange, half: str) -> Rows:
    """By name, in the order of this one, then what only the other has."""

    def grouped(message: Message | None) -> dict[str, str]:
        found: dict[str, str] = {}
        headers: Headers = message.headers if message else ()
        for name, value in headers:
            key = text(name).lower()
            found[key] = f"{found[key]}, {text(value)}" if key in found else text(value)
        return found

    left, right = grouped(getattr(here, half)), grouped(getattr(other, half))
    rows: Rows = []
    for name in (*left, *(n for n in right if n not in left)):
        a = f"{safe(name)}: {safe(left[name], 1500)}" if name in left else ""
        b = f"{safe(name)}: {safe(right[name], 1500)}" if name in right else ""
        rows.append(("removed" if not b else "added" if not a else "same" if a == b else "changed", a, b))
    return rows


def _lines(side: Side, half: str) -> list[str]:
    message: Message | None = getattr(side.exchange, half)
    content: Content = getattr(side, half)
    if message is None or not content.data:
        return []
    return [line.text.plain for line in body_lines(content.data, message.get("content-type") or "").lines[:_LINES]]


def aligned(left: list[str], right: list[str]) -> Rows:
    """Lines of both beside each other; runs of equal ones are kept short."""
    rows: Rows = []
    for kind, a, b, c, d in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        if kind == "equal":
            same: Rows = [("same", x, x) for x in left[a:b]]
            cut = same if len(same) <= 7 else [*same[:3], ("same", f"… {len(same) - 6} equal lines", ""), *same[-3:]]
            rows += cut
            continue
        for n in range(max(b - a, d - c)):
            x = left[a + n] if a + n < b else ""
            y = right[c + n] if c + n < d else ""
            rows.append(("changed" if x and y else "removed" if x else "added", x, y))
    return rows
