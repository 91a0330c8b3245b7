"""Where records begin, when each says only how long it is.

A chain of lengths has to be followed one by one, which costs a cache miss and an interpreter round each. So many
cursors start at once, at places that look like records, and step together in numpy. A guess is proven when the
cursor before it lands exactly on it; until then nothing found from it counts.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import Any

import msgspec
import numpy as np

from .view import Offsets, View

_CURSORS = 256
_STRIDE = 32
_SERIAL = 1 << 20
"""shorter ranges are walked one by one"""


class Layout(msgspec.Struct, frozen=True):
    """How a record says its length."""

    at: int
    """offset of the 32-bit length field in the record"""
    extra: int
    """bytes of the record that the field does not count"""
    header: int
    """bytes needed before the field can be read"""
    least: int
    most: int
    """values of the field outside these bounds end the walk"""
    order: str
    """`<` or `>`"""


Guess = Callable[[int, int], int]
"""(low, high) -> where a record seems to begin at or after `low`; `high` when nowhere before it"""


def walk(view: View, layout: Layout, low: int, high: int, guess: Guess) -> tuple[Offsets, int]:
    """Offsets of the whole records in [low, high), and where the first one begins that is not whole or not sound."""
    if high - low < _SERIAL:
        return _walk_one_by_one(view, layout, low, high, high)
    starts = [low]
    step = (high - low) // _CURSORS
    for place in range(low + step, high - layout.header, step):
        if place > starts[-1]:
            start = guess(place, high)
            if starts[-1] < start < high - layout.header:
                starts.append(start)
    if len(starts) < _CURSORS // 8:
        return _walk_one_by_one(view, layout, low, high, high)
    return _join(view, layout, starts, high, _walk_lockstep(view, layout, starts, high))


def _walk_one_by_one(view: View, layout: Layout, low: int, high: int, stop: int) -> tuple[Offsets, int]:
    """The same, record by record, up to the first record at or after `stop`."""
    unpack = Struct(layout.order + "I").unpack_from
    base: Any = view.base
    at, extra, least, most = layout.at, layout.extra, layout.least, layout.most
    found: list[int] = []
    last = high - layout.header
    here = low
    while here <= last and here < stop:
        (length,) = unpack(base, here + at)
        after = here + extra + length
        if after > high or not least <= length <= most:
            break
        found.append(here)
        here = after
    return np.array(found, np.int64), here


def _walk_lockstep(view: View, layout: Layout, starts: list[int], high: int) -> list[Offsets]:
    """For each start the offsets of its chain before the next start, and the one after those, proven or not."""
    lengths = view.array(layout.order + "u4")[layout.at :]
    last = high - layout.header
    lanes = np.arange(len(starts))
    here = np.array(starts, np.int64)
    stop = np.append(here[1:], last + 1)
    trails: list[list[Offsets]] = [[] for _ in starts]
    while len(lanes):
        trail = np.empty((_STRIDE, len(lanes)), np.int64)
        for row in trail:
            row[:] = here
            np.minimum(here, last, out=here)
            here += np.maximum(lengths[here], layout.least)
            here += layout.extra
        rows = np.ascontiguousarray(trail.T)
        inside = (rows < stop[:, None]).sum(axis=1)
        done = inside < _STRIDE
        for lane, row, count in zip(lanes.tolist(), rows, inside.tolist(), strict=True):
            trails[lane].append(row[: count + 1])
        alive = ~done
        lanes, here, stop = lanes[alive], here[alive], stop[alive]
    return [np.concatenate(parts) for parts in trails]


def _join(view: View, layout: Layout, starts: list[int], high: int, chains: list[Offsets]) -> tuple[Offsets, int]:
    """The proven chains as one; where a guess was wrong, the records are walked one by one instead."""
    kept: list[Offsets] = []
    here = starts[0]
    for lane, start in enumerate(starts):
        if start < here:
            continue
        if start > here:
            found, here = _walk_one_by_one(view, layout, here, high, start)
            kept.append(found)
            if here < start:
                break
            if here > start:
                continue
        sound = _count_sound(view, layout, chains[lane], high)
        kept.append(chains[lane][:sound])
        here = int(chains[lane][sound])
        if sound < len(chains[lane]) - 1:
            break
    else:
        if here <= high - layout.header:
            found, here = _walk_one_by_one(view, layout, here, high, high)
            kept.append(found)
    return np.concatenate(kept), here


def _count_sound(view: View, layout: Layout, chain: Offsets, high: int) -> int:
    """How many records from the start of a chain (its last offset is where it landed) are whole and in bounds."""
    sizes = np.diff(chain) - layout.extra
    bad = sizes > layout.most
    shortest = np.flatnonzero(sizes <= layout.least)  # a cursor steps by `least` at least
    if len(shortest):
        bad[shortest] = view.array(layout.order + "u4")[chain[shortest] + layout.at] < layout.least
    if len(sizes) and chain[-1] > high:
        bad[-1] = True
    return int(bad.argmax()) if bad.any() else len(sizes)
