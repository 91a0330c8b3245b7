"""An exchange as text: start lines, headers, body, times."""

from __future__ import annotations

import json
import re

from rich.text import Text

from tracer.model.http import Exchange, Headers, Message, Request, Response, text
from tracer.views.safe import safe, safe_block

from .words import duration, size, status_style

LONGEST_BODY = 256 * 1024
"""characters of a body shown; the rest is counted"""


def request_head(request: Request) -> Text:
    """Start line and headers of a request."""
    out = Text()
    out.append(safe(request.method), style="bold cyan")
    out.append(f" {safe(request.target)} ", style="bold")
    out.append(safe(request.version), style="dim")
    return out.append_text(_fields(request.headers))


def response_head(response: Response) -> Text:
    """Status line and headers of a response."""
    out = Text()
    out.append(f"{response.status}", style=status_style(response.status))
    out.append(f" {safe(response.reason)} ", style="bold")
    out.append(safe(response.version), style="dim")
    return out.append_text(_fields(response.headers))


def _fields(headers: Headers) -> Text:
    out = Text()
    for name, value in headers:
        out.append("\n" + safe(text(name)), style="cyan")
        out.append(": ", style="dim")
        out.append(safe(text(value)))
    return out


def body(message: Message, data: bytes | None, note: str | None) -> Text:
    """The decoded body as text where it is text, pretty where it is JSON, else a hex dump."""
    if not message.body.size:
        return Text("no body", style="dim italic")
    if data is None:
        return Text(f"{size(message.body.size)}, not kept", style="dim italic")
    kind = (message.get("content-type") or "").lower()
    shown = _pretty(data, kind)
    out = Text()
    if note:
        out.append(safe(note) + "\n", style="yellow italic")
    out.append(safe_block(shown[:LONGEST_BODY]))
    if len(shown) > LONGEST_BODY:
        out.append(f"\n… {size(len(shown) - LONGEST_BODY)} more", style="dim italic")
    return out


def _pretty(data: bytes, kind: str) -> str:
    if "json" in kind or data[:1] in (b"{", b"["):
        try:
            return json.dumps(json.loads(data), indent=2, ensure_ascii=False)
        except (ValueError, RecursionError):
            pass
    if _is_text(data, kind):
        return text(data)
    return hex_dump(data[: 16 * 4096])


def _is_text(data: bytes, kind: str) -> bool:
    if re.match(r"text/|application/(json|xml|javascript|x-www-form-urlencoded)", kind):
        return True
    sample = data[:1024]
    return b"\0" not in sample and sum(c < 9 or 13 < c < 32 for c in sample) * 20 <= len(sample)


def hex_dump(data: bytes) -> str:
    """Sixteen bytes a line: offset, hex, printable characters."""
    lines = []
    for at in range(0, len(data), 16):
        row = data[at : at + 16]
        chars = "".join(chr(c) if 32 <= c < 127 else "." for c in row)
        lines.append(f"{at:08x}  {row[:8].hex(' '):<23}  {row[8:].hex(' '):<23}  {chars}")
    return "\n".join(lines)


def phases(exchange: Exchange) -> list[tuple[str, int]]:
    """(name, nanoseconds) of sending, waiting, receiving; those that are known."""
    t = exchange.timing
    points = (
        ("sending", t.start_ns, t.request_end_ns),
        ("waiting", t.request_end_ns, t.response_start_ns),
        ("receiving", t.response_start_ns, t.end_ns),
    )
    return [(name, b - a) for name, a, b in points if a is not None and b is not None and b >= a]


def summary(exchange: Exchange) -> Text:
    """Where and when: addresses, protocol, times, packets."""
    out = Text()
    rows = [
        ("id", exchange.id),
        ("url", exchange.request.url if exchange.request else "-"),
        ("protocol", exchange.protocol + (f" stream {exchange.stream}" if exchange.stream is not None else "")),
        ("client", exchange.client or "-"),
        ("server", exchange.server or "-"),
        ("times", "  ".join(f"{name} {duration(ns)}" for name, ns in phases(exchange)) or "-"),
        ("packets", " ".join(map(str, exchange.packets)) or "-"),
        ("tunnel", exchange.tunnel),
        ("ended", exchange.aborted),
        ("note", exchange.comment),
    ]
    for name, value in rows:
        if value:
            out.append(f"{name:>9}  ", style="dim")
            out.append(safe(value) + "\n")
    for problem in exchange.problems:
        out.append(f"{problem.severity:>9}  ", style="yellow")
        out.append(f"{safe(problem.text)}  {safe(problem.reference)}\n")
    return out


def step(n: int, exchange: Exchange) -> Text:
    """One step of a chain: what was asked, what came back, where it sent the client."""
    out = Text()
    out.append("   " * min(n, 12) + ("└─ " if n else ""), style="dim")
    status = exchange.response.status if exchange.response else None
    out.append(f"{status if status is not None else '---'} ", style=status_style(status))
    if exchange.request:
        out.append(f"{safe(exchange.request.method)} ", style="bold")
        out.append(safe(exchange.request.url))
        carried = [h for h in ("authorization", "cookie") if exchange.request.get(h) is not None]
        if carried:
            out.append(f"  with {', '.join(carried)}", style="dim")
    location = exchange.response.get("location") if exchange.response else None
    if location:
        out.append(f"  → {safe(location)}", style="yellow")
    out.append(f"  {exchange.id}", style="dim italic")
    return out
