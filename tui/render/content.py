"""A body as panes get it: decoded bytes, and what is missing of them."""

from __future__ import annotations

from typing import Any, NamedTuple

from tracer.http.body import decode
from tracer.model.http import Exchange, Message

LIMIT = 1 << 20
"""decoded bytes of a body that are shown at most"""


class Content(NamedTuple):
    data: bytes | None = b""
    """None: not kept"""
    note: str | None = None


def content(trace: Any, exchange: Exchange, message: Message | None) -> Content:
    """The body of this message without its content codings."""
    if message is None or not message.body.size:
        return Content()
    raw = trace.content(exchange.source, message.body)
    if not raw:
        return Content(None)
    decoded = decode(raw, message.body.codings, LIMIT)
    data = decoded.data[:LIMIT]
    if not message.body.codings and len(raw) > LIMIT:
        return Content(data, f"only the first {LIMIT >> 20} MiB of it are shown")
    return Content(data, decoded.problem or (None if message.body.complete else "part of it was not captured"))
