"""Both directions of a connection in the order in which they were captured."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol


class Direction(Protocol):
    """One direction, as whole units of its protocol."""

    def front(self) -> int | None:
        """Packet in which the unit begins that can be read now; None when more bytes are needed."""
        ...


def turns[T: Direction](client: T, server: T) -> Iterator[T]:
    """The direction whose next unit was captured first, again and again while there is one: whoever asks reads that
    unit before asking again. Only the direction that was read is looked at anew."""
    asked, answered = client.front(), server.front()
    while True:
        if asked is None and answered is None:
            return
        if answered is None or (asked is not None and asked <= answered):
            yield client
            asked = client.front()
        else:
            yield server
            answered = server.front()
