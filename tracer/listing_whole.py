"""TLS connections of a block that are there from their first byte to their last, read at once: the fast way of the
listing for them. It is for those whose keys are known; what is unusual stays with the general way."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tracer.capture.packets import Packets
from tracer.http import h1_whole, h2_whole
from tracer.http.h2_frames import PREFACE
from tracer.http.header_blocks import HeaderDecoder
from tracer.model.row import Row
from tracer.tls.keys import Keys
from tracer.tls.schedule import traffic
from tracer.tls.suites import suite_of
from tracer.tls.whole import RANDOM, open_whole, random_of
from tracer.transport.arrange import Arranged
from tracer.transport.columns import Rows
from tracer.transport.conversation import Context
from tracer.transport.flow import address
from tracer.transport.reader import Reader
from tracer.transport.stream import Buffer
from tracer.transport.whole import Whole

Flags = NDArray[np.bool_]
LARGEST = 16 << 20
"""bytes of one direction that are held in one piece"""


class Segments:
    """The segments of a block by stream, as they were arranged."""

    def __init__(self, block: Packets, found: Arranged, base: Buffer) -> None:
        self.base = base
        self.first = np.searchsorted(found.stream, np.arange(2 * len(found.odd) + 1)).tolist()
        """per stream, and one more: where its segments begin"""
        self.offset: list[int] = (block.offset[found.row] + found.skip).tolist()
        self.size: list[int] = found.size.tolist()
        self.end: list[int] = (found.at + found.size).tolist()
        self.packet: list[int] = block.number[found.row].tolist()
        self.time: list[int] = block.time_ns[found.row].tolist()

    def begins(self, stream: int, most: int) -> bytes:
        """Up to so many bytes of the stream's first segment."""
        i = self.first[stream]
        if i == self.first[stream + 1]:
            return b""
        return bytes(self.base[self.offset[i] : self.offset[i] + min(self.size[i], most)])

    def whole(self, stream: int) -> Whole:
        """The stream in one piece."""
        here, base = slice(self.first[stream], self.first[stream + 1]), self.base
        pieces = [base[at : at + size] for at, size in zip(self.offset[here], self.size[here], strict=True)]
        return Whole(b"".join(pieces), self.end[here], self.packet[here], self.time[here])


class WholeReader:
    """Reads the connections of a block that are whole, as far as their keys are known."""

    def __init__(self, block: Packets, found: Arranged, general: Reader, keys: Keys) -> None:
        self.block, self.found, self.general, self.keys = block, found, general, keys
        self.segments = Segments(block, found, general.base)
        self.rows: list[Row] = []

    def read(self, odd: Flags, over: Flags, waits: Flags) -> tuple[Flags, Rows]:
        """Read the connections that are `over` into `rows`; of the others those that may wait are not odd. (Which are
        odd after that, which were read.)"""
        found = self._find(over | waits)
        odd[found] = False
        odd = spread(odd, self.found.group)
        failed: set[int] = set()
        read: list[int] = []
        for k in found:
            if odd[k] or not over[k]:
                continue
            group = int(self.found.group[k])
            rows = self._read(k) if group not in failed else None
            if rows is None:
                odd[k] = True
                failed.add(group)
            else:
                self.rows += rows
                read.append(k)
        return spread(odd, self.found.group), np.array(read, np.int64)

    def _find(self, among: Flags) -> list[int]:
        """Which of these connections speak TLS with keys that are known, as far as they are there without a hole."""
        covered = self.found.covered.reshape(-1, 2)
        plain = among & ~self.found.odd & ~self.found.hole.reshape(-1, 2).any(axis=1)
        plain &= (covered[:, 0] > 0) & (covered <= LARGEST).all(axis=1)
        begins, knows = self.segments.begins, self.keys.opens
        return [k for k in np.flatnonzero(plain).tolist() if knows(random_of(begins(2 * k, RANDOM)))]

    def _read(self, connection: int) -> list[Row] | None:
        """The exchanges of a connection; None when the general way has to read it."""
        client, server = 2 * connection, 2 * connection + 1
        context = self._context(int(self.found.row[self.segments.first[client]]))
        return read_rows(context, self.segments.whole(client), self.segments.whole(server), self.keys)

    def _context(self, row: int) -> Context:
        """What is known of a connection whose client sent that packet."""
        block = self.block
        client = address(int(block.src[row, 0]), int(block.src[row, 1]), int(block.sport[row]))
        server = address(int(block.dst[row, 0]), int(block.dst[row, 1]), int(block.dport[row]))
        return self.general.context(client, server, None)


def load() -> None:
    """Import what is imported where a connection is opened."""
    traffic(suite_of(0x1301), bytes(32))
    HeaderDecoder()


def read_rows(context: Context, client: Whole, server: Whole, keys: Keys) -> list[Row] | None:
    """The exchanges of a connection under TLS; None when the general way has to read it."""
    opened = open_whole(client, server, keys)
    if opened is None:
        return None
    # as `tls.draft` names the handshake that begins there
    inner = context.inner(scheme="https", tls=f"{context.prefix}t{client.packets[0]}")
    read = h2_whole.read_rows if opened[0].data.startswith(PREFACE) else h1_whole.read_rows
    return read(inner, *opened)


def spread(odd: Flags, group: Rows) -> Flags:
    """With a connection, the later ones on the same ports are odd."""
    if not odd.any():
        return odd
    count = np.cumsum(odd)
    first = np.append(True, group[1:] != group[:-1])
    before = (count - odd)[first]
    spread: Flags = count > before[group]
    return spread
