"""Server-sent events out of a `text/event-stream` body (WHATWG HTML section 9.2.6)."""

from __future__ import annotations

import re
from typing import NamedTuple

_LINE = re.compile("\r\n|\n|\r")
MOST_EVENTS = 100_000


class ServerEvent(NamedTuple):
    event: str
    """its type; `message` when none was given"""
    data: str
    id: str
    """last event id as it stands with this event"""
    retry: int | None
    """reconnection time in milliseconds, when given since the event before"""


def read_events(body: bytes, most: int = MOST_EVENTS) -> tuple[ServerEvent, ...]:
    """The events a browser would dispatch, in order, at most `most`. An event that its blank line does not end is
    none, as the standard says."""
    text = body.decode("utf-8", "replace").removeprefix("\ufeff")
    events: list[ServerEvent] = []
    kind, last_id, retry = "", "", None
    data: list[str] = []
    for line in _LINE.split(text)[:-1]:
        if not line:
            if data:
                events.append(ServerEvent(kind or "message", "\n".join(data), last_id, retry))
                retry = None
                if len(events) >= most:
                    break
            kind, data = "", []
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            kind = value
        elif name == "data":
            data.append(value)
        elif name == "id" and "\0" not in value:
            last_id = value
        elif name == "retry" and value.isascii() and value.isdigit() and len(value) < 16:
            retry = int(value)
    return tuple(events)
