"""The block structured capture file (draft-ietf-opsawg-pcapng).

Every block says its length twice, so a damaged one is known by the two not being equal, and a place where both are
equal twice in a row is a block for certain. Unknown blocks are passed over.
"""

from __future__ import annotations

from struct import Struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import pcapng_blocks as blocks
from .clock import to_ns
from .notes import Notes
from .records import Interface, Record, Records
from .source import Source
from .view import Offsets, View
from .walk import Layout, walk

_WINDOW = 1 << 17
_NEAR = 1 << 10
_FAR = 1 << 30
_MOST = 1 << 24
_MOST_SECRETS = 64 << 20
State = tuple[str, int]
"""byte order of a section and the index of its first interface"""


def sniff(head: bytes) -> bool:
    """These bytes begin a pcapng file."""
    return head[:4] == b"\x0a\x0d\x0d\x0a" and head[8:12] in (b"\x1a\x2b\x3c\x4d", b"\x4d\x3c\x2b\x1a")


class PcapngReader:
    """Frames of a pcapng file, a range of bytes at a time; interfaces, names and secrets on the way."""

    kind = "pcapng"

    def __init__(self, source: Source, notes: Notes) -> None:
        self._source = source
        self._notes = notes
        self._view = View(source.base)
        self.position = 0
        self.packets = 0
        self.interfaces: list[Interface] = []
        self.secrets: list[tuple[int, bytes]] = []
        self.names: dict[str, str] = {}
        self._secret_bytes = 0
        self._reach = _FAR
        self._lost = False
        self._enter_section("<" if source.base[8:12] == b"\x4d\x3c\x2b\x1a" else ">")

    @property
    def state(self) -> State:
        """What `locate` and `record` need to know about the section being read."""
        return self._order, self._first_interface

    def _enter_section(self, order: str) -> None:
        self._order = order
        self._first_interface = len(self.interfaces)
        self._layout = Layout(4, 0, 12, 12, _MOST, order)
        self._pair = Struct(order + "II").unpack_from
        self._length = Struct(order + "I").unpack_from

    # -- reading on

    def read(self, high: int, final: bool) -> Records | None:
        """The next frames up to `high`; None when none is whole yet. `final`: nothing comes after `high`."""
        if self._lost and not self._find_again(self.position, high, final):
            return None
        self._begin_section(high)
        while True:
            limit = min(high, self.position + self._reach)
            offsets, after = walk(self._view, self._layout, self.position, limit, self._guess)
            if len(offsets) or limit == high:
                break
            self._reach *= 8
        self._reach = min(self._reach * 8, _FAR)
        words = self._words(offsets)
        offsets, after, damaged = self._cut(offsets, words, after)
        records = self._take(offsets, words[: len(offsets)])
        before, self.position = self.position, after
        if after > before and self._is_section(after):
            self._reach = _NEAR
        elif damaged or (after < high and limit == high):
            self._look_at_end(after, high, final, damaged)
        return records

    def _words(self, offsets: Offsets) -> NDArray[Any]:
        """The first seven words of each block; words of a short block at the very end that are not there are 0."""
        last = self._view.size - 28
        words: NDArray[Any]
        if last < 0:
            words = np.zeros((len(offsets), 7), self._order + "u4")
        else:
            words = self._view.array("V28")[np.minimum(offsets, last)].view(self._order + "u4").reshape(-1, 7)
        for row in np.flatnonzero(offsets[-3:] > last).tolist():
            row += max(0, len(offsets) - 3)
            at = int(offsets[row])
            words[row] = np.frombuffer(self._source.base[at : at + 28].ljust(28, b"\0"), self._order + "u4")
        return words

    def _begin_section(self, high: int) -> None:
        """Take the byte order of the section header at the current position, if there is one."""
        base, at = self._source.base, self.position
        if at + 12 <= high and base[at : at + 4] == b"\x0a\x0d\x0d\x0a":
            magic = base[at + 8 : at + 12]
            if magic in (b"\x4d\x3c\x2b\x1a", b"\x1a\x2b\x3c\x4d"):
                self._enter_section("<" if magic == b"\x4d\x3c\x2b\x1a" else ">")

    def _cut(self, offsets: Offsets, words: NDArray[Any], after: int) -> tuple[Offsets, int, bool]:
        """The blocks up to the next section or damage, where to go on, and whether there is damage."""
        if not len(offsets):
            return offsets, after, False
        sections = words[:, 0] == blocks.SECTION
        sections[0] = False
        lengths = words[:, 1].astype(np.int64)
        stops = sections | (self._view.array(self._order + "u4")[offsets + lengths - 4] != lengths)
        if not stops.any():
            return offsets, after, False
        stop = int(stops.argmax())
        self._reach = _NEAR
        return offsets[:stop], int(offsets[stop]), not sections[stop]

    def _take(self, offsets: Offsets, words: NDArray[Any]) -> Records | None:
        """Read blocks of known kinds; the frames among them."""
        kinds = words[:, 0]
        framed = kinds == blocks.PACKET
        if not framed.all():
            told = (kinds == blocks.INTERFACE) | (kinds == blocks.NAMES) | (kinds == blocks.SECRETS)
            for at, (kind, length, *_) in zip(offsets[told].tolist(), words[told].tolist(), strict=True):
                self._take_block(kind, bytes(self._source.base[at + 8 : at + length - 4]))
            framed |= (kinds == blocks.SIMPLE_PACKET) | (kinds == blocks.OLD_PACKET)
            offsets, words = offsets[framed], words[framed]
        if not len(offsets):
            return None
        records = self._decode(offsets, words)
        self.packets += len(offsets)
        return records

    def _take_block(self, kind: int, body: bytes) -> None:
        if kind == blocks.INTERFACE:
            self.interfaces.append(blocks.read_interface(body, self._order))
        elif kind == blocks.NAMES:
            blocks.read_names(body, self._order, self.names)
        else:
            found = blocks.read_secrets(body, self._order)
            if found is None or self._secret_bytes + len(found[1]) > _MOST_SECRETS:
                self._notes.add("pcapng.secrets", "a block of decryption secrets could not be kept")
                return
            self._secret_bytes += len(found[1])
            self.secrets.append(found)

    # -- frames

    def _decode(self, offsets: Offsets, words: NDArray[Any]) -> Records:
        first = self.packets + 1
        kinds = words[:, 0]
        start = offsets + 28
        room = words[:, 1].astype(np.int64) - 32
        interface, captured, original = (words[:, i].astype(np.int64) for i in (2, 5, 6))
        simple = kinds == blocks.SIMPLE_PACKET
        other = bool((kinds != blocks.PACKET).any())
        if other:
            old = kinds == blocks.OLD_PACKET
            interface[old] = self._view.array(self._order + "u2")[offsets[old] + 8]
            start[simple] -= 16
            room[simple] += 16
            snaplen = self.interfaces[self._first_interface].snaplen if self._has_interface() else 0
            original[simple] = interface[simple]
            captured[simple] = np.minimum(np.minimum(original[simple], snaplen or _MOST), room[simple])
            interface[simple] = 0
        over = captured > room
        if over.any():
            number = first + int(over.argmax())
            self._notes.add("pcapng.block", f"packet {number} says it has more bytes than its block", number)
            captured = np.minimum(captured, np.maximum(room, 0))
        stamps = words[:, 3].astype(np.uint64) << np.uint64(32)
        stamps |= words[:, 4]
        interface = self._known(interface, first)
        time_ns = self._times(stamps, interface)
        if other:
            time_ns[simple] = 0
        return Records(first, offsets, start, captured, original, time_ns, interface)

    def _has_interface(self) -> bool:
        return len(self.interfaces) > self._first_interface

    def _known(self, interface: NDArray[np.int64], first: int) -> NDArray[np.int64]:
        """Indices into `interfaces`, -1 where the section describes no such interface."""
        count = len(self.interfaces) - self._first_interface
        missing = interface >= count
        if not missing.any():
            return interface + self._first_interface if self._first_interface else interface
        number = first + int(missing.argmax())
        self._notes.count("pcapng.interface", "of an interface that is not described", number, times=int(missing.sum()))
        return np.where(missing, -1, interface + self._first_interface)

    def _times(self, stamps: NDArray[np.uint64], interface: NDArray[np.int64]) -> NDArray[np.int64]:
        clocks = {(i.resolution, i.offset_s): i for i in self.interfaces[self._first_interface :]}
        if len(clocks) <= 1:
            return to_ns(stamps, next(iter(clocks.values()), Interface(1)))
        time_ns = np.zeros(len(stamps), np.int64)
        for index in np.unique(interface).tolist():
            here = interface == index
            time_ns[here] = to_ns(stamps[here], self.interfaces[index] if index >= 0 else Interface(1))
        return time_ns

    # -- places that look like blocks

    def _guess(self, low: int, high: int) -> int:
        return self._search(low, min(high, low + _WINDOW), high, 1, False) or high

    def _search(self, low: int, stop: int, high: int, depth: int, final: bool) -> int:
        """Where, in [low, stop), `depth` sound blocks begin with a packet or a section; 0 when nowhere."""
        base = self._source.base
        best = 0
        for pattern in (Struct(self._order + "I").pack(blocks.PACKET), b"\x0a\x0d\x0d\x0a"):
            at = base.find(pattern, low, stop)
            while at >= 0:
                if self._is_sound(at, high, depth, final):
                    best = min(best, at) if best else at
                    break
                at = base.find(pattern, at + 1, stop)
            if depth == 1:
                break
            stop = best or stop
        return best

    def _is_sound(self, at: int, high: int, depth: int, final: bool) -> bool:
        """`depth` blocks in a row from here repeat their length at their end, or the last of them ends the file."""
        base, order = self._source.base, self._order
        for _ in range(depth):
            if at + 12 > high:
                return final and at == high
            if base[at : at + 4] == b"\x0a\x0d\x0d\x0a":
                order = "<" if base[at + 8] == 0x4D else ">"
            (length,) = Struct(order + "I").unpack_from(base, at + 4)
            if not 12 <= length <= _MOST or length & 3 or at + length > high:
                return False
            if Struct(order + "I").unpack_from(base, at + length - 4)[0] != length:
                return False
            at += length
        return True

    # -- where the chain of blocks ends

    def _look_at_end(self, after: int, high: int, final: bool, damaged: bool) -> None:
        """Tell what is wrong with the block at `after`, if anything, and move to where reading can go on."""
        number = self.packets + 1
        if after + 12 > high:
            if final:
                self._notes.add("pcap.truncated", f"the file ends inside a block, after packet {number - 1}", number)
                self.position = high
            return
        (length,) = self._length(self._source.base, after + 4)
        damaged = damaged or not 12 <= length <= _MOST
        if not damaged and not final:
            return
        self._reach = _NEAR
        found = self._search(after + 4, high, high, 2, final)
        if not damaged and not found:
            text = (
                f"the file ends inside the block after packet {number - 1}: {high - after} of {length} bytes are there"
            )
            self._notes.add("pcap.truncated", text, number)
            self.position = high
            return
        self._lost = not found and not final
        if found:
            text = f"no sound block after packet {number - 1}: {found - after} bytes were passed over"
        else:
            text = f"no sound block after packet {number - 1}, nor in the {high - after} bytes after it"
        self._notes.add("pcap.damaged", text, number)
        self.position = found or (high if final else max(after, high - 2 * _MOST))

    def _is_section(self, at: int) -> bool:
        """A section header begins here, in either byte order."""
        return sniff(self._source.base[at : at + 12])

    def _find_again(self, low: int, high: int, final: bool) -> bool:
        """Whether bytes that came since hold the blocks that the last call did not find."""
        found = self._search(low, high, high, 2, final)
        self.position = found or (high if final else max(low, high - 2 * _MOST))
        self._lost = not found
        return bool(found)

    # -- single frames

    def locate(self, low: int, high: int, state: State) -> tuple[Offsets, int]:
        """Offsets of the frames' blocks in a range that `read` went through, and where its last block ends."""
        layout = Layout(4, 0, 12, 12, _MOST, state[0])
        offsets, after = walk(self._view, layout, low, high, self._guess if state[0] == self._order else _no_guess)
        kinds = self._view.array(state[0] + "u4")[offsets]
        framed = (kinds == blocks.PACKET) | (kinds == blocks.SIMPLE_PACKET) | (kinds == blocks.OLD_PACKET)
        return offsets[framed], after

    def record(self, offset: int, number: int, high: int, state: State) -> Record:
        """The frame whose block begins at `offset`."""
        order, first_interface = state
        kind, length = Struct(order + "II").unpack_from(self._source.base, offset)
        length = min(length, high - offset)
        block = bytes(self._source.base[offset : offset + length])
        if kind == blocks.SIMPLE_PACKET:
            return self._simple_record(block, number, state)
        index, high, low, captured, original = Struct(order + "5I").unpack_from(block.ljust(28, b"\0"), 8)
        if kind == blocks.OLD_PACKET:
            (index,) = Struct(order + "H").unpack_from(block, 8)
        known = first_interface + index < len(self.interfaces)
        interface = self.interfaces[first_interface + index] if known else Interface(-1)
        data = block[28 : min(28 + captured, length - 4)]
        time_ns = int(to_ns(np.array([high << 32 | low], np.uint64), interface)[0])
        options = block[28 + captured + (-captured & 3) : -4]
        return Record(number, time_ns, data, original, interface, blocks.read_comment(options, order))

    def _simple_record(self, block: bytes, number: int, state: State) -> Record:
        (original,) = Struct(state[0] + "I").unpack_from(block, 8)
        known = state[1] < len(self.interfaces)
        interface = self.interfaces[state[1]] if known else Interface(-1)
        captured = min(original, interface.snaplen or original)
        return Record(number, 0, block[12 : min(12 + captured, len(block) - 4)], original, interface)


def _no_guess(_low: int, high: int) -> int:
    return high
