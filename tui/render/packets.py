"""The packets of a connection as a ladder between client and server."""

from __future__ import annotations

from tracer.model.http import Exchange
from tracer.views.packets import PacketLine
from tracer.views.words import plural

from .sheet import Sheet, Target
from .words import duration, size

_LEFT = 18


def sheet(lines: tuple[PacketLine, ...], exchange: Exchange, width: int) -> Sheet:
    """One line a packet; those in which the exchange's messages begin or end are named."""
    out = Sheet()
    faults = sum(1 for line in lines if line.note)
    out.add(
        (plural(len(lines), "packet"), "title"), (f"  {faults} with something to say" if faults else "", "warn"),
        ("   enter: tshark's full dissection of one", "faint"),
    )  # fmt: skip
    rail = max(20, min(46, width - 52))
    out.add((f"{'#':>7} {'time':>9}  client{'server':>{rail - 4}}", "faint"))
    begin = lines[0].time_ns if lines else 0
    names = _names(exchange)
    for line in lines:
        words = f" {line.signs}{f' {size(line.length)}' if line.length else ''} "
        named = names.get(line.number, "")
        style = "denied" if "RST" in line.signs else "strong" if named else "" if line.length else "faint"
        body = f"{words:─^{rail - 2}}"
        arrow = f"│{body}▶│" if line.client else f"│◀{body}│"
        place = f" seq {line.seq}" if line.seq is not None and width >= 110 else ""
        out.add(
            (f"{line.number:>7} {duration(line.time_ns - begin):>9}  ", "faint"), (arrow, style), (place, "faint"),
            (f"  {named}" if named else "", "name"), (f"  ! {line.note}" if line.note else "", "warn"),
            anchor=f"packet {line.number}", target=Target("packet", str(line.number)), hang=_LEFT,
        )  # fmt: skip
    return out


def _names(exchange: Exchange) -> dict[int, str]:
    """What begins in which packet of this exchange."""
    found: dict[int, str] = {}
    if exchange.request and exchange.request.packet is not None:
        found[exchange.request.packet] = f"{exchange.id}: request"
    if exchange.response and exchange.response.packet is not None:
        found[exchange.response.packet] = f"{exchange.id}: response {exchange.response.status}"
    for number in exchange.packets:
        found.setdefault(number, exchange.id)
    return found
