"""A block of TCP packets to streams, all connections at once with vectors.

This is the fast way for connections that behave: begun in sight, nothing cut by the snapshot length. The others are
named `odd`, and go the general way (`tcp.Tracker`), which also says what a
stream means; what comes out here is the same.
"""

from __future__ import annotations

from bisect import insort

import msgspec
import numpy as np
from numpy.typing import NDArray

from tracer.capture.packets import Packets

from .columns import Rows
from .known import Known

FIN, SYN, RST, ACK = 1, 2, 4, 16
Flags = NDArray[np.bool_]


class Arranged(msgspec.Struct, frozen=True):
    """Connections, and their segments by stream and offset. Stream 2k is the client's of connection k, 2k+1 the
    server's. Offsets count from the connection's clean point (its first byte, or where reading stopped last)."""

    key: NDArray[np.uint64]
    """per connection"""
    group: Rows
    """per connection: index of its key; connections that follow each other on the same ports share it"""
    start: Rows
    """per connection, and one more: where its rows begin in `order`"""
    order: Rows
    """rows of the block by connection"""
    conn: Rows
    """connection of each of those"""
    base: NDArray[np.uint32]
    """per stream: sequence number of offset 0"""
    swapped: Flags
    """per connection: the client is the end that sorts higher"""
    known: Rows
    """per connection: its place in what was known before, or -1"""
    odd: Flags
    closed: Flags
    row: Rows
    """per segment: its row in the block"""
    stream: Rows
    at: Rows
    """per segment: its offset; segments of a stream follow each other without a hole"""
    size: Rows
    skip: Rows
    """per segment: bytes at its beginning that another one brought before"""
    last: Rows
    """per segment: the row that completed the stream up to here"""
    covered: Rows
    """per stream: bytes without a hole from offset 0"""
    hole: Flags
    """per stream: there are segments behind a hole"""
    end: Rows
    """per row in `order` with payload or FIN: its offset after the payload; 0 otherwise"""


def arrange(packets: Packets, key: NDArray[np.uint64], high: Flags, known: Known) -> Arranged:
    """The connections of a block whose rows are all TCP, in capture order."""
    order = _group(key)
    ks, side = key[order], high[order]
    flags, seq, wire = packets.flags[order], packets.seq[order], packets.wire[order]
    new = np.empty(len(order), np.bool_)
    new[:1] = True
    new[1:] = ks[1:] != ks[:-1]
    first_of_key = new.copy()
    places = known.find(ks[first_of_key])
    over = places >= 0
    over[over] = known.ended[places[over]]
    mixed = _split_reused(new, flags, seq, side, np.cumsum(first_of_key) - 1, over)
    start = np.flatnonzero(new)
    conn = np.cumsum(new) - 1
    count = len(start)
    group = np.cumsum(first_of_key[start]) - 1
    place = np.where(first_of_key[start], places[group], -1)
    pure = (flags & (SYN | ACK)) == SYN
    fresh = pure[start] & ((place < 0) | over[group])
    place[fresh] = -1
    odd = ~fresh & (place < 0)
    odd[conn[mixed]] = True
    odd[conn[pure & (place[conn] >= 0)]] = True
    swapped = np.where(fresh, side[start], known.swapped[place]) if len(known) else side[start]
    stream = conn * 2 + (side != swapped[conn])
    base = np.zeros(count * 2, np.uint32)
    has = np.zeros(count * 2, np.bool_)
    old = np.flatnonzero(place >= 0)
    base[old * 2], base[old * 2 + 1] = known.base[place[old], 0], known.base[place[old], 1]
    has[old * 2] = has[old * 2 + 1] = True
    _note_syns(flags, seq, stream, base, has, odd, place[conn] >= 0)
    odd |= ~(has[0::2] & has[1::2]) & _any(conn, wire > 0, count)
    cut = (packets.offset[order] < 0) | (packets.length[order] < wire)
    odd[conn[cut & (wire > 0)]] = True

    rel = (seq + ((flags & SYN) >> 1) - base[stream]).astype(np.uint32).view(np.int32).astype(np.int64)
    end = np.where((wire > 0) | ((flags & FIN) > 0), rel + wire, 0)
    row, at, size, skip, owner, covered, hole = _line_up(order, stream, rel, wire, count)
    last = _running_last(owner, row)
    closed = _find_closed(flags, conn, stream, end, covered, count)
    ended = np.flatnonzero(place >= 0)
    ended = ended[known.ended[place[ended]]] if len(known) else ended
    odd[ended[(covered[ended * 2] > 0) | (covered[ended * 2 + 1] > 0) | hole[ended * 2] | hole[ended * 2 + 1]]] = True
    closed[ended] = True
    odd |= closed & (hole[0::2] | hole[1::2])
    return Arranged(
        key=ks[start],
        group=group,
        start=np.append(start, len(order)),
        order=order,
        conn=conn,
        base=base,
        swapped=swapped,
        known=place,
        odd=odd,
        closed=closed,
        row=row,
        stream=owner,
        at=at,
        size=size,
        skip=skip,
        last=last,
        covered=covered,
        hole=hole,
        end=end,
    )


def _group(key: NDArray[np.uint64]) -> Rows:
    """Rows by key, in capture order within one key: two passes over 16 bits each, which numpy sorts by counting."""
    low: Rows = np.argsort((key & np.uint64(0xFFFF)).astype(np.uint16), kind="stable")
    order: Rows = low[np.argsort((key >> np.uint64(16) & np.uint64(0xFFFF)).astype(np.uint16)[low], kind="stable")]
    sorted_keys = key[order]
    borders = np.flatnonzero(sorted_keys[1:] != sorted_keys[:-1]) + 1
    low32 = sorted_keys & np.uint64(0xFFFFFFFF)
    if len(borders) and (low32[borders] == low32[borders - 1]).any():
        order = np.argsort(key, kind="stable")  # two flows share 32 bits
    return order


def _split_reused(
    new: Flags, flags: NDArray[np.uint8], seq: NDArray[np.uint32], side: Flags, group: Rows, over: Flags
) -> Rows:
    """Mark where a SYN with another number begins a new connection; rows of SYNs that come from both ends."""
    syn = np.flatnonzero((flags & (SYN | ACK)) == SYN)
    after, before = syn[1:], syn[:-1]
    same = group[after] == group[before]
    crossed = same & (side[after] != side[before])
    new[after[same & ~crossed & (seq[after] != seq[before])]] = True
    leading = syn[np.append(True, ~same)] if len(syn) else syn
    new[leading[over[group[leading]]]] = True
    both: Rows = after[crossed]
    return both


def _note_syns(
    flags: NDArray[np.uint8],
    seq: NDArray[np.uint32],
    stream: Rows,
    base: NDArray[np.uint32],
    has: Flags,
    odd: Flags,
    old: Flags,
) -> None:
    """Sequence numbers from SYN (client) and SYN-ACK (server); what contradicts itself is odd."""
    rows = np.flatnonzero(((flags & SYN) > 0) & ~old)
    owner, number = stream[rows], seq[rows] + np.uint32(1)
    answer = (flags[rows] & ACK) > 0
    odd[owner[answer != (owner & 1 > 0)] >> 1] = True
    base[owner[::-1]] = number[::-1]
    has[owner] = True
    odd[owner[base[owner] != number] >> 1] = True


def _line_up(
    order: Rows, stream: Rows, rel: Rows, wire: NDArray[np.int32], count: int
) -> tuple[Rows, Rows, Rows, Rows, Rows, Rows, Flags]:
    """(row, offset, size, skipped, stream) of the segments that bring new bytes before the first hole; (covered, hole)
    per stream."""
    data = np.flatnonzero(wire > 0)
    where = (stream[data] << 32) + (rel[data] + (1 << 31))
    if (where[1:] < where[:-1]).any():
        by = np.argsort(where, kind="stable")
        data, where = data[by], where[by]
    owner, low, size = stream[data], rel[data], wire[data].astype(np.int64)
    reach = np.maximum.accumulate(where + size) if len(where) else where
    before = np.empty_like(reach)
    before[:1] = 0
    before[1:] = reach[:-1]
    before = np.maximum(before, (owner << 32) + (1 << 31))
    fresh = where + size > before
    replay = np.zeros(count * 2, np.bool_)
    replay[owner[fresh & (where < before)]] = True
    hole = np.zeros(count * 2, np.bool_)
    jumps = fresh & (where > before)
    if jumps.any():
        total = np.cumsum(jumps)
        begins = np.flatnonzero(np.append(True, owner[1:] != owner[:-1]))
        earlier = np.zeros(count * 2, np.int64)
        earlier[owner[begins]] = total[begins] - jumps[begins]
        beyond = total > earlier[owner]
        hole[owner[fresh & beyond]] = True
        fresh &= ~beyond
    again = replay[owner]
    kept = np.flatnonzero(fresh & ~again)
    found = order[data[kept]], low[kept], size[kept], np.zeros(len(kept), np.int64), owner[kept]
    if again.any():
        rows = np.sort(data[again])
        found = _merge(found, _replay(rows, stream[rows], rel[rows], wire[rows], order, hole))
    covered = np.zeros(count * 2, np.int64)
    covered[found[4]] = found[1] + found[2]
    return *found, covered, hole


Columns = tuple[Rows, Rows, Rows, Rows, Rows]


def _merge(one: Columns, other: Columns) -> Columns:
    """Both by stream and offset."""
    joined = [np.concatenate(pair) for pair in zip(one, other, strict=True)]
    by = np.argsort((joined[4] << 32) + joined[1], kind="stable")
    return joined[0][by], joined[1][by], joined[2][by], joined[3][by], joined[4][by]


def _replay(rows: Rows, stream: Rows, rel: Rows, wire: NDArray[np.int32], order: Rows, hole: Flags) -> Columns:
    """The segments of streams in which copies overlap in part: which copy wins depends on the order of arrival, so
    they are taken one by one, in that order (the rule is told in `half.py`)."""
    found: list[tuple[int, int, int, int, int]] = []
    expected: dict[int, int] = {}
    held: dict[int, list[tuple[int, int, int]]] = {}
    for row, owner, low, size in zip(order[rows].tolist(), stream.tolist(), rel.tolist(), wire.tolist(), strict=True):
        position = expected.get(owner, 0)
        if low + size <= position:
            continue
        waiting = held.setdefault(owner, [])
        insort(waiting, (low, size, row), key=lambda segment: segment[0])
        while waiting and waiting[0][0] <= position:
            low, size, row = waiting.pop(0)
            if low + size > position:
                found.append((row, position, low + size - position, position - low, owner))
                position = low + size
        expected[owner] = position
    for owner, waiting in held.items():
        hole[owner] = bool(waiting)
    columns = np.array(found, np.int64).reshape(-1, 5)
    return columns[:, 0], columns[:, 1], columns[:, 2], columns[:, 3], columns[:, 4]


def _running_last(owner: Rows, row: Rows) -> Rows:
    """For each segment the latest row among those of its stream up to it."""
    if not len(row):
        return row
    last: Rows = np.maximum.accumulate((owner << 32) + row) & 0xFFFFFFFF
    return last


def _find_closed(flags: NDArray[np.uint8], conn: Rows, stream: Rows, end: Rows, covered: Rows, count: int) -> Flags:
    """Connections that were reset, or finished from both ends with all bytes seen."""
    fin = np.zeros(count * 2, np.bool_)
    rows = np.flatnonzero((flags & FIN) > 0)
    fin[stream[rows[end[rows] <= covered[stream[rows]]]]] = True
    closed: Flags = fin[0::2] & fin[1::2]
    closed[conn[(flags & RST) > 0]] = True
    return closed


def _any(conn: Rows, which: Flags, count: int) -> Flags:
    found = np.zeros(count, np.bool_)
    found[conn[which]] = True
    return found
