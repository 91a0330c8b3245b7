"""One capture, from its bytes to blocks of packets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from tracer.model.problem import Problem

from . import pcap, pcapng
from .columns import Columns, from_rows, join
from .decode import decode
from .notes import Notes
from .packets import Packets
from .records import Interface, NotACapture, Records
from .source import Source, open_source
from .view import View

BLOCK = 64 << 20
"""bytes of capture in one block of packets"""


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
        source.grow(24)
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
        self._block = block
        self._ended = False

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
    def base(self) -> object:
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
        self.notes.settle()

    def _read_block(self) -> Packets | None:
        source, reader = self.source, self._reader
        source.release(reader.position)
        before = reader.position
        size = self._block
        while True:
            source.grow(before + size)
            high = min(source.ready, before + size)
            final = source.done and high == source.ready
            records = reader.read(high, final)
            if records is not None or reader.position > before or high < before + size:
                break
            size *= 2
        self._ended = final and reader.position >= high and records is None
        return self._decode(records) if records is not None else None

    def _decode(self, records: Records) -> Packets:
        links = np.array([i.link for i in self.interfaces] + [-1])
        parts: list[Columns] = []
        link_of = links[records.interface] if len(links) > 2 else None
        if link_of is None or (link_of == link_of[0]).all():
            link = int(links[int(records.interface[0])])
            found, slow = decode(
                self._view, records.first, records.start, records.captured, records.original, records.time_ns, link
            )
            parts.extend(found)
        return join(parts or [from_rows([])], {}, self.bytes_read)


def _describe(head: bytes) -> str:
    if not head:
        return "it is empty"
    return f"it begins with {head[:4].hex(' ')}, which is neither pcap nor pcapng"
