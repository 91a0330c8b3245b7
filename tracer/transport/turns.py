"""Both directions of a connection in the order in which they were captured."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

ALL = 1 << 63
"""a packet number after every other"""


class Direction(Protocol):
    """One direction, as whole units of its protocol."""

    def front(self) -> int | None:
        """Packet in which the unit begins that can be read now; None when more bytes are needed."""
        ...


def turns[T: Direction](client: T, server: T) -> Iterator[tuple[T, int]]:
    """(the direction whose next unit was captured first, the last packet whose units go before the other's next),
    again and again while there is one: whoever asks reads that unit, and as many more as it likes of those that begin
    up to that packet, before asking again. Only the direction that was read is looked at anew."""
    asked, answered = client.front(), server.front()
    while True:
        if asked is None and answered is None:
            return
        if answered is None or (asked is not None and asked <= answered):
            yield client, ALL if answered is None else answered
            asked = client.front()
        else:
            yield server, ALL if asked is None else asked - 1
            answered = server.front()
