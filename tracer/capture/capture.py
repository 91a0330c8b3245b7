"""One capture, from its bytes to blocks of packets."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from tracer.model.problem import Problem

from . import pcap, pcapng
from .columns import Columns, Row, from_rows, join
from .decode import Frames, decode
from .index import Index
from .notes import Notes
from .packets import Packets
from .peel import peel
from .records import Interface, NotACapture, Record, Records
from .source import Source, open_source
from .unwrap import Unwrapper
from .view import Offsets, View

BLOCK = 64 << 20
"""bytes of capture in one block of packets"""
MANY = 16
"""frames that have to be looked at singly before it pays to look for mirrored ones among them"""
_FEW = 16384
"""rows that are kept as Python values at a time"""


def sniff(head: bytes) -> str | None:
    """`pcap`, `pcapng` or None, from the first twelve bytes."""
    if pcapng.sniff(head):
        return "pcapng"
    return "pcap" if pcap.sniff(head) else None


class Capture:
    """A capture file, or one that is still being written.

    Ask for `blocks` until they end; `take_problems` and `secrets` fill while they are read. Raises NotACapture when
    the source is none.
    """

    def __init__(self, source: Source, block: int = BLOCK) -> None:
        self.source = source
        self.notes = Notes(source.name)
        head = source.head(64)
        kind = pcap.sniff(head)
        self._reader: pcap.PcapReader | pcapng.PcapngReader
        if pcapng.sniff(head):
            self._reader = pcapng.PcapngReader(source, self.notes)
        elif kind:
            self._reader = pcap.PcapReader(source, self.notes, kind)
        else:
            raise NotACapture(_describe(head))
        self._view = View(source.base)
        self._unwrapper = Unwrapper(self.notes)
        self._index = Index(self._reader)
        self._block = block
        self._ended = False
        self._seen = 0
        """bytes that do not help the reader on: it needs more than these"""

    @classmethod
    def open(cls, origin: str | Path | BinaryIO, name: str | None = None) -> Capture:
        """The capture behind a path, `-` or a binary stream."""
        return cls(open_source(origin, name))

    # -- what it is

    @property
    def name(self) -> str:
        return self.source.name

    @property
    def kind(self) -> str:
        return self._reader.kind

    @property
    def base(self) -> bytes | mmap.mmap:
        """The buffer that offsets in packets point into."""
        return self.source.base

    @property
    def packets(self) -> int:
        """Frames read so far."""
        return self._reader.packets

    @property
    def bytes_read(self) -> int:
        return self.source.position(self._reader.position)

    @property
    def bytes_total(self) -> int | None:
        return self.source.total

    @property
    def partial(self) -> bool:
        """A problem of severity warn or above was found so far."""
        return self.notes.partial

    @property
    def interfaces(self) -> list[Interface]:
        return self._reader.interfaces

    @property
    def secrets(self) -> list[tuple[int, bytes]]:
        """(secrets type, bytes) of Decryption Secrets Blocks so far; type 0x544c534b is an NSS key log."""
        return self._reader.secrets

    @property
    def names(self) -> dict[str, str]:
        """Address to host name, from Name Resolution Blocks so far."""
        return self._reader.names

    def take_problems(self) -> list[Problem]:
        """Problems found since the last call."""
        self.notes.pass_on(self.source.problems)
        return self.notes.take()

    # -- reading

    def blocks(self) -> Iterator[Packets]:
        """Blocks of packets until the source ends; after an interruption, or once it grew, call again to go on."""
        while not self._ended:
            packets = self._read_block()
            if packets is not None and len(packets):
                yield packets
        self.finish()

    def finish(self) -> None:
        """Tell the problems that were only counted so far. Done by itself when the blocks end."""
        self._unwrapper.finish()
        self.notes.settle()

    def record(self, number: int) -> Record:
        """One frame that was read already, by packet number. Raises IndexError when it was not."""
        return self._index.record(number)

    def _read_block(self) -> Packets | None:
        source, reader = self.source, self._reader
        before = reader.position
        source.release(before)
        size = self._block
        while True:
            source.grow(before + size, self._seen)
            high = min(source.ready, before + size)
            final = source.done and high == source.ready
            records = reader.read(high, final)
            self._seen = high if reader.position == before else reader.position
            if records is not None or reader.position > before or high < before + size:
                break
            size *= 2
        if records is None:
            self._ended = final and (reader.position >= high or reader.position == before)
            return None
        self._index.add(records, reader.position, reader.state)
        return self._decode(records)

    def _decode(self, records: Records) -> Packets:
        number = np.arange(records.first, records.first + len(records), dtype=np.int64)
        parts: list[Columns] = []
        extra: dict[int, bytes] = {}
        for link, rows in self._by_link(records):
            frames = Frames(number, records.start, records.captured, records.original, records.time_ns)
            if rows is not None:
                frames = Frames(*(column[rows] for column in frames))
            found, slow = decode(self._view, *frames, link)
            parts.extend(found)
            left = np.concatenate(slow) if slow else np.empty(0, np.int64)
            if len(left) >= MANY:
                found, left = self._peel(frames, left, link)
                parts.extend(found)
            parts.extend(self._unwrap(frames, left, link, extra))
        return join(parts or [from_rows([])], extra, self.bytes_read)

    def _by_link(self, records: Records) -> Iterator[tuple[int, Offsets | None]]:
        """Link types of these frames and the rows that have it; None: all of them."""
        links = np.array([i.link for i in self.interfaces] + [-1])
        if (links[:-1] == links[0]).all() and records.interface.min() >= 0:
            yield int(links[0]), None
            return
        link_of = links[records.interface]
        for link in np.unique(link_of).tolist():
            yield link, np.flatnonzero(link_of == link)

    def _peel(self, frames: Frames, left: Offsets, link: int) -> tuple[list[Columns], Offsets]:
        """Columns of mirrored frames among those left, and the indices of the others."""
        inner, outer = peel(self._view, Frames(*(column[left] for column in frames)), link)
        if not len(outer):
            return [], left
        found, _ = decode(self._view, *inner, 1)
        done = [part["number"] for part in found]
        return found, left[~np.isin(frames.number[left], np.concatenate(done))] if done else left

    def _unwrap(self, frames: Frames, left: Offsets, link: int, extra: dict[int, bytes]) -> Iterator[Columns]:
        """Columns of the frames that were left to be looked at singly."""
        base = self.source.base
        for low in range(0, len(left), _FEW):
            few = left[low : low + _FEW]
            rows: list[Row] = []
            columns = [column[few].tolist() for column in frames]
            for number, start, captured, original, time_ns in zip(*columns, strict=True):
                data = bytes(base[start : start + captured])
                rows.extend(self._unwrapper.rows(data, original, link, number, time_ns, start, extra))
            if rows:
                yield from_rows(rows)


def _describe(head: bytes) -> str:
    if not head:
        return "it is empty"
    return f"it begins with {head[:4].hex(' ')}, which is neither pcap nor pcapng"
