"""Delta debugging: of many things that together make a difference, the few that it takes.

The search asks questions and is told the answers, so it needs no network and no clock (A. Zeller and
R. Hildebrandt, Simplifying and Isolating Failure-Inducing Input, IEEE TSE 28(2), 2002).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from itertools import pairwise
from typing import Any


def minimise[T](
    items: Sequence[T], works: Callable[[tuple[T, ...]], Generator[Any, Any, bool]]
) -> Generator[Any, Any, tuple[T, ...]]:
    """A part of `items` that works and of which nothing can be left out. `items` itself works.

    `works` is asked about parts, never about none. For one needed item of n it is asked about 2 log2(n) times.
    """
    kept = tuple(items)
    pieces = 2
    while len(kept) > 1:
        chunks = split(kept, pieces)
        smaller = None
        for chunk in chunks:
            if (yield from works(chunk)):
                smaller, pieces = chunk, 2
                break
        if smaller is None and pieces > 2:
            for number in range(len(chunks)):
                rest = tuple(item for n, chunk in enumerate(chunks) if n != number for item in chunk)
                if (yield from works(rest)):
                    smaller, pieces = rest, max(pieces - 1, 2)
                    break
        if smaller is not None:
            kept = smaller
        elif pieces >= len(kept):
            break
        else:
            pieces = min(2 * pieces, len(kept))
    return kept


def split[T](items: tuple[T, ...], pieces: int) -> list[tuple[T, ...]]:
    """`items` in that many parts of nearly equal size, none empty."""
    pieces = min(pieces, len(items))
    ends = [len(items) * n // pieces for n in range(pieces + 1)]
    return [items[start:end] for start, end in pairwise(ends)]
