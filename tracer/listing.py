"""A capture's exchanges as rows, one line each: the fast way for plain HTTP/1, the general way for all the rest.

Connections are arranged and read by vectors, a block at a time; a connection that does anything unusual is handed
to the general readers, from where it was read last. Both ways say the same.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import numpy as np

from tracer.capture.capture import Capture
from tracer.capture.packets import Packets
from tracer.capture.pcapng_blocks import KEY_LOG
from tracer.http.h1 import H1Conversation
from tracer.http.h1_chain import Paired, pair
from tracer.http.h1_scan import shown
from tracer.model.connection import Connection
from tracer.model.http import Exchange
from tracer.model.problem import Problem
from tracer.model.row import Row
from tracer.model.tls import Handshake
from tracer.tls.unopened import Tally
from tracer.transport.arrange import Arranged, arrange
from tracer.transport.columns import Rows, among, flow_keys, join, take
from tracer.transport.flow import address
from tracer.transport.known import IDLE_NS, Known
from tracer.transport.reader import Converse, Reader
from tracer.transport.stream import Buffer
from tracer.transport.tcp import Resume

from .listing_rows import Spool, row_of
from .listing_shares import deal, shares
from .listing_whole import Flags, WholeReader, spread

MOST_CARRIED = 4096
"""rows of one connection that wait for the rest of an exchange, before the general way takes it"""
MOST_WAITING = 1 << 17
"""rows of all connections up to which one waits for its end over several blocks; where there are more, over one"""
RUN = 50_000
"""rows sorted in memory"""


class _General:
    """The sink behind the general way."""

    def __init__(self, rows: Spool, problem: Callable[[Problem], None] | None, tally: Tally) -> None:
        self.rows = rows
        self.report = problem
        self.tally = tally

    def exchange(self, exchange: Exchange) -> None:
        self.rows.rows.append(row_of(exchange))

    def handshake(self, handshake: Handshake) -> None:
        """Not listed, but counted."""
        self.tally.handshake(handshake)

    def connection(self, connection: Connection) -> None:
        """Not listed, but counted."""
        self.tally.connection(connection)

    def problem(self, problem: Problem) -> None:
        if self.report:
            self.report(problem)


class Lister:
    """Blocks of packets in, rows out."""

    def __init__(
        self,
        base: Buffer,
        *,
        source: str,
        converse: Converse | None = None,
        keys: Any = None,
        prefix: str = "",
        problem: Callable[[Problem], None] | None = None,
        fast: bool = True,
        shard: tuple[int, int] = (0, 1),
        tally: Tally | None = None,
    ) -> None:
        if converse is None:
            from tracer.http.detect import conversation

            converse = conversation
        self.base = base
        self.prefix = prefix
        self.fast = fast
        self.shard = shard
        """(which, of how many): its share of the connections is read, the others are somebody else's"""
        self.deal: Rows | None = None
        """whose each bucket of connections is"""
        self.rows = Spool()
        self.tally = tally or Tally()
        """TLS connections that could be opened, and those that could not"""
        self.general = Reader(
            base,
            _General(self.rows, problem, self.tally),
            source=source,
            converse=converse,
            keys=keys,
            prefix=prefix,
            rows=self.rows.add,
        )
        self.keys = keys
        self.known = Known()
        self.carried: Packets | None = None
        self.hosts: dict[tuple[int, int], str] = {}
        self.fast_exchanges = 0

    def feed(self, packets: Packets) -> None:
        """Read a block."""
        which, of = self.shard
        if of > 1:
            bucket = shares(packets)
            if self.deal is None:
                self.deal = deal(bucket, packets.length.astype(np.int64), of)
            packets = take(packets, np.flatnonzero(self.deal[bucket] == which))
        if not self.fast:
            self.general.feed(packets)
            return
        tcp = np.flatnonzero(packets.protocol == 6)
        key, _ = flow_keys(packets, tcp)
        slow = among(key, np.array(self.general.keys(), np.uint64))
        others = np.flatnonzero(packets.protocol != 6)
        if len(others) or slow.any():
            self.general.feed(take(packets, np.sort(np.concatenate((tcp[slow], others)))))
        told = (packets.wire[tcp] > 0) | ((packets.flags[tcp] & 7) > 0)
        block = take(packets, tcp[~slow & told])
        carried = 0
        if self.carried is not None:
            carried = len(self.carried)
            block = join(self.carried, block)
        now = int(packets.time_ns[-1]) if len(packets) else 0
        self._read(block, now, carried)
        self.general.sweep()
        if len(self.rows.rows) >= RUN:
            self.rows.spill()

    def finish(self) -> None:
        """The capture is over: what still waits is read as it is."""
        block = self.carried
        if block is not None and len(block):
            key, high = flow_keys(block, np.arange(len(block)))
            found = arrange(block, key, high, self.known)
            every = np.ones(len(found.odd), np.bool_)
            odd, _ = self._read_whole(block, found, every.copy(), every, every)
            self._hand_over(block, found, odd)
        self.general.finish()

    # -- one block

    def _read(self, block: Packets, now: int, carried: int) -> None:
        """Read what can be read of these packets, the first of which were carried."""
        if not len(block):
            self.carried = block
            return
        key, high = flow_keys(block, np.arange(len(block)))
        found = arrange(block, key, high, self.known)
        paired = pair(found, block.offset[found.row] + found.skip, self.base)
        odd = paired.odd
        rows_of = np.diff(found.start)
        idle = now - block.time_ns[found.order[found.start[1:] - 1]] > IDLE_NS
        done = found.closed | (paired.clean.reshape(-1, 2) >= found.covered.reshape(-1, 2)).all(axis=1)
        long = idle | (rows_of > MOST_CARRIED)
        odd |= ~done & long
        last_of_group = np.append(found.group[1:] != found.group[:-1], True)
        waits = ~long & last_of_group & ((found.order[found.start[:-1]] >= carried) | (carried < MOST_WAITING))
        odd, read = self._read_whole(block, found, odd, found.closed, waits)
        paired.clean[read] = found.covered[read]
        self._emit(block, found, paired, odd)
        self._hand_over(block, found, odd)
        self._carry(block, found, paired, odd, now)

    def _read_whole(self, block: Packets, found: Arranged, odd: Flags, over: Flags, waits: Flags) -> tuple[Flags, Rows]:
        """Read the connections under TLS that are there as a whole, of those that are `over`; the ones of which more is
        to come may wait for it. (Which are odd after that, streams that were read.)"""
        if self.keys is None or not len(self.keys):
            return spread(odd, found.group), np.empty(0, np.int64)
        reader = WholeReader(block, found, self.general, self.keys)
        odd, read = reader.read(odd, over, waits)
        self.rows.rows += reader.rows
        self.fast_exchanges += len(reader.rows)
        self.tally.opened += len(read)
        return odd, np.concatenate((read * 2, read * 2 + 1))

    def _hand_over(self, block: Packets, found: Arranged, odd: Flags) -> None:
        """Give the connections that are odd to the general way, with what is known of them."""
        which = np.flatnonzero(odd)
        if not len(which):
            return
        for k in which.tolist():
            place = int(found.known[k])
            if place < 0:
                continue
            row = int(found.order[found.start[k]])
            self.general.resume(
                Resume(
                    key=int(found.key[k]),
                    ends=self._ends(block, row),
                    base=(int(self.known.base[place, 0]), int(self.known.base[place, 1])),
                    swapped=bool(found.swapped[k]),
                    ended=bool(self.known.ended[place]),
                    packet=int(block.number[row]),
                    time_ns=int(block.time_ns[row]),
                ),
                H1Conversation,
            )
        self.general.feed(take(block, np.sort(found.order[odd[found.conn]])))

    def _ends(self, block: Packets, row: int) -> tuple[str, str]:
        """(the end that sorts lower, the one that sorts higher)."""
        one = np.array([row])
        _, high = flow_keys(block, one)
        ends = (
            address(int(block.src[row, 0]), int(block.src[row, 1]), int(block.sport[row])),
            address(int(block.dst[row, 0]), int(block.dst[row, 1]), int(block.dport[row])),
        )
        return ends[::-1] if high[0] else ends

    def _carry(self, block: Packets, found: Arranged, paired: Paired, odd: Flags, now: int) -> None:
        """Keep the rows behind the last whole exchange, and how far each connection was read."""
        read = (paired.clean.reshape(-1, 2) > 0).any(axis=1) | (found.known >= 0)
        keep = ~odd & ~found.closed
        side = _streams(block, found)
        waits = (found.end > paired.clean[side]) | ~read[found.conn]
        rows = np.sort(found.order[keep[found.conn] & waits])
        self.carried = take(block, rows)
        last_of_group = np.append(found.group[1:] != found.group[:-1], True)
        stays = np.flatnonzero(~odd & last_of_group & (found.closed | read))
        clean = paired.clean.astype(np.uint32) + found.base
        newer = Known(
            found.key[stays],
            clean.reshape(-1, 2)[stays],
            found.swapped[stays],
            found.closed[stays],
            block.time_ns[found.order[found.start[stays + 1] - 1]],
        )
        self.known = self.known.without(found.key, now).joined(newer)

    def _emit(self, block: Packets, found: Arranged, paired: Paired, odd: Flags) -> None:
        keep = ~odd[paired.stream[paired.response] >> 1]
        q, r = paired.request[keep], paired.response[keep]
        self.fast_exchanges += len(q)
        begin = found.row[paired.segment[q]]
        place = (found.stream << 32) + found.at
        times = block.time_ns
        columns = (
            q.tolist(),
            r.tolist(),
            times[begin].tolist(),
            times[_last(found, place, paired, q)].tolist(),
            times[found.row[paired.segment[r]]].tolist(),
            times[_last(found, place, paired, r)].tolist(),
            block.number[begin].tolist(),
            block.src[begin].tolist(),
            block.sport[begin].tolist(),
            block.dst[begin].tolist(),
            block.dport[begin].tolist(),
            paired.body[q].tolist(),
            paired.body[r].tolist(),
        )
        heads, add, host_of, prefix = paired.heads, self.rows.rows.append, self._host, self.prefix
        for i, j, t0, t1, t2, t3, number, src, sport, dst, dport, up, down in zip(*columns, strict=True):
            asked, said = heads[i], heads[j]
            assert asked is not None
            assert said is not None
            host, target = shown(asked.field), shown(asked.target)
            add(
                Row(
                    t0,
                    number,
                    f"{prefix}e{number}",
                    min(asked.version, said.version).decode("ascii"),
                    f"{host_of(*src)}:{sport}",
                    f"{host_of(*dst)}:{dport}",
                    asked.word.decode("ascii"),
                    host,
                    target,
                    f"http://{host}{target}" if host else target,
                    said.status,
                    shown(said.word),
                    shown(said.field),
                    up,
                    down,
                    t1,
                    t2,
                    t3,
                )
            )

    def _host(self, high: int, low: int) -> str:
        known = self.hosts.get((high, low))
        if known is None:
            if len(self.hosts) > 65536:
                self.hosts.clear()
            known = self.hosts[high, low] = address(high, low, 0)[:-2]
        return known


def _last(found: Arranged, place: Rows, paired: Paired, messages: Rows) -> Rows:
    """For each message the row that completed it."""
    stop = (paired.stream[messages] << 32) + paired.end[messages] - 1
    rows: Rows = found.last[np.searchsorted(place, stop, "right") - 1]
    return rows


def _streams(block: Packets, found: Arranged) -> Rows:
    """The stream of each row in `found.order`."""
    _, high = flow_keys(block, found.order)
    streams: Rows = found.conn * 2 + (high != found.swapped[found.conn])
    return streams


def list_rows(
    capture: Capture,
    write: Callable[[Row], None],
    *,
    keys: Any = None,
    prefix: str = "",
    problem: Callable[[Problem], None] | None = None,
    progress: Callable[[int], None] | None = None,
    fast: bool = True,
    shard: tuple[int, int] = (0, 1),
    tally: Tally | None = None,
) -> Lister:
    """Give every exchange of a capture to `write`, in the order of their start; after an interruption, those that
    were read until then, before KeyboardInterrupt goes on.

    `keys` is the key store (`tracer.tls.keys.Keys`), to which key logs in the capture are added; `problem` takes what
    could not be read; `progress` the position in the source; `shard` is that of `Lister`;
    `tally` counts the TLS connections.
    """
    lister = Lister(
        capture.base,
        source=capture.name,
        keys=keys,
        prefix=prefix,
        problem=problem,
        fast=fast,
        shard=shard,
        tally=tally,
    )
    collecting = gc.isenabled()
    gc.disable()  # rows hold no cycles, and walking a hundred thousand of them again and again costs half the time
    try:
        interrupted = _read_all(capture, lister, keys, progress)
        if problem is not None and not shard[0]:
            for found in (*capture.take_problems(), *(keys.take_problems() if keys is not None else ())):
                problem(found)
        for row in lister.rows.sorted():
            write(row)
    finally:
        if collecting:
            gc.enable()
    if interrupted:
        raise KeyboardInterrupt
    return lister


def _read_all(capture: Capture, lister: Lister, keys: Any, progress: Callable[[int], None] | None) -> bool:
    """Read to the end; True when it was interrupted before."""
    secrets, interrupted = 0, False
    try:
        for packets in capture.blocks():
            for kind, data in capture.secrets[secrets:]:
                secrets += 1
                if kind == KEY_LOG and keys is not None:
                    keys.add(data, capture.name, given=False)
            lister.feed(packets)
            if progress:
                progress(packets.bytes_read)
    except KeyboardInterrupt:
        interrupted = True
    lister.finish()
    return interrupted
