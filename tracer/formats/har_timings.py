"""HAR's phases: those of an exchange, and before them those of its connection where it was the first on it.

`connect` holds `ssl` (HAR 1.2, object timings), and the entry starts where its first phase does.
"""

from __future__ import annotations

from tracer.model.connection import Connection
from tracer.model.http import Exchange
from tracer.model.tls import Handshake

_IDLE_NS = 1_000_000_000
"""a connection that waited longer for its first request was not opened for it"""


class Phases:
    """The phases of exchanges, which come in the order of time."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def of(
        self, exchange: Exchange, connection: Connection | None, handshake: Handshake | None
    ) -> tuple[int | None, dict[str, float]]:
        """(when the entry starts, its phases in milliseconds; -1 for those that are not known or were not needed)."""
        t = exchange.timing
        start, opening = t.start_ns, {"blocked": -1.0, "dns": -1.0, "connect": -1.0, "ssl": -1.0}
        if connection is not None and connection.id not in self._told:
            self._told.add(connection.id)
            start, opening = _opening(start, connection, handshake) or (start, opening)
        known = (
            ("send", t.start_ns, t.request_end_ns),
            ("wait", t.request_end_ns, t.response_start_ns),
            ("receive", t.response_start_ns, t.end_ns),
        )
        spent = {  # HAR requires these three to be there and not negative
            name: max(end - begin, 0) / 1e6 if begin is not None and end is not None else 0.0
            for name, begin, end in known
        }
        return start if start is not None else t.response_start_ns, opening | spent


def _opening(
    asked_ns: int | None, connection: Connection, handshake: Handshake | None
) -> tuple[int, dict[str, float]] | None:
    """When the connection was begun and what that took; None where it cannot be told."""
    begun = connection.start_ns
    if asked_ns is None or not begun or connection.joined_late or connection.rtt_ns is None:
        return None
    ready, ssl = begun + connection.rtt_ns, -1.0
    if handshake is not None and handshake.connection == connection.id:
        greeted, shaken = handshake.start_ns, handshake.end_ns
        if greeted is None or shaken is None or not begun <= greeted <= shaken:
            return None
        ready, ssl = shaken, (shaken - greeted) / 1e6
    ready = min(ready, asked_ns)  # early data, and requests sent along with the last flight
    if not begun <= ready or asked_ns - ready > _IDLE_NS:
        return None
    connect = (ready - begun) / 1e6
    return begun, {"blocked": (asked_ns - ready) / 1e6, "dns": -1.0, "connect": connect, "ssl": min(ssl, connect)}
