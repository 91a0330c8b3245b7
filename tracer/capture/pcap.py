"""The classic capture file: one header, then records (draft-ietf-opsawg-pcap).

Magic numbers: 0xa1b2c3d4 microseconds, 0xa1b23c4d nanoseconds, 0xa1b2cd34 and 0xa1b23cd4 the same with the longer
record header of Alexey Kuznetzov's modified libpcap; each in both byte orders.
"""

from __future__ import annotations

from struct import Struct

import msgspec
import numpy as np

from .notes import Notes
from .records import Interface, Record, Records
from .source import Source
from .view import Offsets, View
from .walk import Layout, walk

FILE_HEADER = 24
MOST = 262144
"""a longer record is a damaged one, unless the snapshot length allows it (Wireshark and libpcap draw the same line)"""
_WINDOW = 1 << 17
_NEAR = 1 << 20
_FAR = 1 << 30
_CERTAIN = 4
"""records in a row that look right before a place counts as found again"""


class Kind(msgspec.Struct, frozen=True):
    """What the magic number says."""

    order: str
    fraction: int
    """units of the fraction field in a second"""
    header: int
    """bytes of a record header"""


_KINDS = {
    0xA1B2C3D4: (10**6, 16),
    0xA1B23C4D: (10**9, 16),
    0xA1B2CD34: (10**6, 24),
    0xA1B23CD4: (10**9, 24),
}


def sniff(head: bytes) -> Kind | None:
    """The kind of pcap file these bytes begin, or None."""
    if len(head) < 4:
        return None
    for order in "<>":
        found = _KINDS.get(Struct(order + "I").unpack_from(head)[0])
        if found:
            return Kind(order, *found)
    return None


class PcapReader:
    """Frames of a pcap file, a range of bytes at a time."""

    kind = "pcap"

    def __init__(self, source: Source, notes: Notes, kind: Kind) -> None:
        self._source = source
        self._notes = notes
        self._kind = kind
        self._view = View(source.base)
        self._header = Struct(kind.order + "IIII").unpack_from
        self.position = FILE_HEADER
        self.packets = 0
        self.interfaces: list[Interface] = []
        self.secrets: list[tuple[int, bytes]] = []
        self.names: dict[str, str] = {}
        self._last_s = 0
        self._top = 0
        self._reach = _FAR
        """bytes to walk at once: little after damage, so that much damage costs no more than the file is long"""
        self._lost = False
        self._read_file_header()

    def _read_file_header(self) -> None:
        head = self._source.base[:FILE_HEADER].ljust(FILE_HEADER, b"\0")
        *_, snaplen, link = Struct(self._kind.order + "IHHIIII").unpack(head)
        fcs = (link >> 28) * 2 if link & 0x04000000 else 0
        self.interfaces.append(Interface(link & 0xFFFF, snaplen, "", fcs))
        most = max(MOST, min(snaplen, 1 << 24))
        header = self._kind.header
        self._layout = Layout(8, header, header, 0, most, self._kind.order)
        if self._source.done and self._source.ready < FILE_HEADER:
            self._notes.add("pcap.truncated", "the file ends inside its own header")

    # -- reading on

    def read(self, high: int, final: bool) -> Records | None:
        """The next frames up to `high`; None when none is whole yet. `final`: nothing comes after `high`."""
        if self._lost and not self._find_again_later(high, final):
            return None
        while True:
            limit = min(high, self.position + self._reach)
            offsets = self._walk(self.position, limit)
            if len(offsets) or limit == high:
                break
            self._reach *= 8
        self._reach = min(self._reach * 8, _FAR)
        after = self._after(offsets)
        tail: tuple[int, int] | None = None
        if after < limit and (limit == high or self._is_damaged(after, limit)):
            offsets, after, tail = self._look_at_end(offsets, after, high, final)
        self.position = after
        if not len(offsets):
            return None
        records = self._decode(offsets, tail)
        self.packets += len(offsets)
        self._last_s = int(records.time_ns[-1]) // 10**9
        return records

    def _is_damaged(self, at: int, high: int) -> bool:
        """The record here cannot be as long as it says."""
        if at + self._kind.header > high:
            return False
        return bool(self._header(self._source.base, at)[2] > self._layout.most)

    def _find_again_later(self, high: int, final: bool) -> bool:
        """Whether bytes that came since hold the run of records that the last call did not find."""
        found = self._search(self.position, high, high, _CERTAIN, final)
        if not found:
            self.position = high if final else max(self.position, high - _NEAR)
            return False
        self._lost = False
        self.position = found
        return True

    def _walk(self, low: int, high: int) -> Offsets:
        if low + self._kind.header > high:
            return np.empty(0, np.int64)
        self._top = self._header(self._source.base, low)[0] >> 16
        return walk(self._view, self._layout, low, high, self._guess)[0]

    def _after(self, offsets: Offsets) -> int:
        """Offset after the last of these records."""
        if not len(offsets):
            return self.position
        last = int(offsets[-1])
        return last + self._kind.header + int(self._header(self._source.base, last)[2])

    def _decode(self, offsets: Offsets, tail: tuple[int, int] | None) -> Records:
        fields = self._view.array("V16")[offsets].view(self._kind.order + "u4").reshape(-1, 4)
        seconds, fraction, captured, original = (fields[:, i].astype(np.int64) for i in range(4))
        if tail:
            captured[tail[0]] = tail[1]
        time_ns = seconds * 10**9 + fraction * (10**9 // self._kind.fraction)
        start = offsets + self._kind.header
        return Records(self.packets + 1, offsets, start, captured, original, time_ns, np.zeros(len(offsets), np.int64))

    # -- places that look like records

    def _guess(self, low: int, high: int) -> int:
        return self._search(low, min(high, low + _WINDOW), high, 3, False) or high

    def _search(self, low: int, stop: int, high: int, depth: int, final: bool) -> int:
        """Where, in [low, stop), `depth` records in a row begin that look right; 0 when nowhere."""
        find = self._source.base.find
        shift = 2 if self._kind.order == "<" else 0
        for top in (self._top, self._top + 1):
            pattern = Struct(self._kind.order + "H").pack(top & 0xFFFF)
            at = find(pattern, low + shift, stop)
            while at >= 0:
                if self._looks_right(at - shift, high, depth, final):
                    return at - shift
                at = find(pattern, at + 1, stop)
        return 0

    def _looks_right(self, at: int, high: int, depth: int, final: bool) -> bool:
        """`depth` records in a row from here have plausible headers, or the last of them ends the file."""
        base, header, size, most = self._source.base, self._header, self._kind.header, self._layout.most
        for _ in range(depth):
            if at + size > high:
                return at == high if final else depth < _CERTAIN
            seconds, fraction, captured, original = header(base, at)
            if not (
                captured <= original
                and captured <= most
                and original <= 1 << 24
                and fraction < self._kind.fraction
                and (seconds >> 16) - self._top in (0, 1)
            ):
                return False
            at += size + captured
        return at <= high

    # -- where the chain of records ends

    def _look_at_end(
        self, offsets: Offsets, after: int, high: int, final: bool
    ) -> tuple[Offsets, int, tuple[int, int] | None]:
        """The offsets, the place to read on from, and (index, bytes) of a record that is shorter than it says."""
        size = self._kind.header
        number = self.packets + len(offsets) + 1
        if after + size > high:
            if final:
                self._notes.add("pcap.truncated", f"the file ends inside the header of packet {number}", number)
                after = high
            return offsets, after, None
        captured = self._header(self._source.base, after)[2]
        damaged = captured > self._layout.most
        if not damaged and not final:
            return offsets, after, None
        self._reach = _NEAR >> 4
        found = self._find_again(offsets, after, high, final)
        if not damaged and not found:
            here = high - after - size
            self._notes.add(
                "pcap.truncated", f"the file ends inside packet {number}: {here} of {captured} bytes are there", number
            )
            return np.append(offsets, after), high, (len(offsets), here)
        if not found and not final:
            self._lost = True
            self._notes.add("pcap.damaged", f"no sound record at packet {number}", number)
            return offsets, max(after, high - _NEAR), None
        return self._continue_at(offsets, after, found, high, number)

    def _find_again(self, offsets: Offsets, after: int, high: int, final: bool) -> int:
        """Where a certain run of records begins after the damage; 0 when nowhere."""
        low = int(offsets[-1]) + self._kind.header if len(offsets) else after + 1
        if len(offsets):
            self._top = self._header(self._source.base, int(offsets[-1]))[0] >> 16
        elif self._last_s:
            self._top = self._last_s >> 16
        return self._search(low, high, high, _CERTAIN, final)

    def _continue_at(
        self, offsets: Offsets, after: int, found: int, high: int, number: int
    ) -> tuple[Offsets, int, tuple[int, int] | None]:
        if not found:
            self._notes.add(
                "pcap.damaged",
                f"no sound record at packet {number}, and none after it: {high - after} bytes could not be read",
                number,
            )
            return offsets, high, None
        last = int(offsets[-1]) if len(offsets) else 0
        if len(offsets) and found < after:
            here = found - last - self._kind.header
            text = f"packet {number - 1} says it is longer than it is: the next one begins after {here} bytes"
            self._notes.add("pcap.damaged", text, number - 1)
            return offsets, found, (len(offsets) - 1, here)
        text = f"no sound record at packet {number}: {found - after} bytes were passed over"
        self._notes.add("pcap.damaged", text, number)
        return offsets, found, None

    # -- single frames

    @property
    def state(self) -> None:
        """Nothing has to be remembered to read a record again."""

    def locate(self, low: int, high: int, state: None) -> tuple[Offsets, int]:  # noqa: ARG002
        """Offsets of the whole records in a range that `read` went through, and where the last of them ends."""
        self._top = self._header(self._source.base, low)[0] >> 16
        return walk(self._view, self._layout, low, high, self._guess)

    def record(self, offset: int, number: int, high: int, state: None) -> Record:  # noqa: ARG002
        """The frame whose record begins at `offset`, no further than `high`."""
        seconds, fraction, captured, original = self._header(self._source.base, offset)
        start = offset + self._kind.header
        data = bytes(self._source.base[start : min(start + captured, high)])
        time_ns = seconds * 10**9 + fraction * (10**9 // self._kind.fraction)
        return Record(number, time_ns, data, original, self.interfaces[0])
