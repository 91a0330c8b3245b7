"""The second reader of conversations in tests: what the fast way reads of a whole connection, if it reads it at all, is
what the general way says of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import accumulate

from tracer.listing_rows import row_of
from tracer.model.http import Exchange
from tracer.model.row import Row
from tracer.transport.whole import Whole

Pieces = Iterable[tuple[bool, bytes, int, int]]
"""(by the client, bytes, packet, time in ns) in the order of sending"""


def wholes(pieces: Pieces) -> tuple[Whole, Whole]:
    """Both directions in one piece each, the client's first."""
    found: list[tuple[bool, bytes, int, int]] = list(pieces)
    sides = ([p for p in found if p[0] == client] for client in (True, False))
    client, server = (
        Whole(
            b"".join(p[1] for p in side), list(accumulate(len(p[1]) for p in side)), [p[2] for p in side],
            [p[3] for p in side],
        )
        for side in sides
    )  # fmt: skip
    return client, server


def compare(
    pieces: Pieces, read: Callable[[Whole, Whole], list[Row] | None], exchanges: Iterable[Exchange]
) -> list[Row] | None:
    """What the fast way says of them; it is compared with what the general way found."""
    rows = read(*wholes(pieces))
    assert rows is None or sorted(rows) == sorted(map(row_of, exchanges))
    return rows
