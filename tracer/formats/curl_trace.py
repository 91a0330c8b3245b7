"""`curl --trace` and `--trace-ascii`: blocks of a heading and a dump -> bytes.

The hexadecimal dump gives every byte; the ASCII one loses control characters and splits at line ends, so its
bodies are as shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import NamedTuple

_HEADING = re.compile(
    rb"^(?:(\d\d):(\d\d):(\d\d)\.(\d{1,9}) )?(?:\[\d+-(?:\d+|x)\] )?(?:== (Info): ?(.*)"
    rb"|(=>|<=) (Send|Recv) (header|data|SSL data), (\d+) bytes? \(0x[0-9a-f]+\))\s*$"
)
_HEX = re.compile(rb"^([0-9a-f]{4,8}): ((?:[0-9a-f]{2} ){1,16}) {0,48}")
_ASCII = re.compile(rb"^([0-9a-f]{4,8}): (.*)$")
_TELL = re.compile(rb"(?m)^(?:\d\d:\d\d:\d\d\.\d+ )?(?:\[\d+-(?:\d+|x)\] )?(?:== Info: |=> Send |<= Recv )")
_DATE = re.compile(rb"(?im)^date: ([A-Za-z0-9 ,:]+GMT)")
_DAY = 86_400_000_000_000
_QUARTER = 900_000_000_000


class Block(NamedTuple):
    """`kind`: info, send-header, recv-header, send-data, recv-data, error."""

    kind: str
    data: bytes
    time_ns: int | None = None


def is_trace(data: bytes) -> bool:
    """The text is `--trace` or `--trace-ascii` output."""
    return bool(_TELL.search(data[: 1 << 20]))


def is_hex(data: bytes) -> bool:
    """The dumps show every byte; in `--trace-ascii` control characters are dots."""
    found = re.search(rb"(?m)^0000: .*", data)
    return bool(found and _looks_hex(found[0]))


class Blocks:
    """Iterates the blocks of a trace text."""

    def __init__(self, data: bytes) -> None:
        self._lines = data.splitlines()
        self._shift: int | None = None
        """what turns the trace's time of day into time since the epoch, once the first Date field told the day"""
        self._date: int | None = None
        self._date = next((d for b in self if b.kind == "recv-header" and (d := _date_in(b.data))), None)

    def __iter__(self) -> Iterator[Block]:
        kind, size, clock = "", 0, None
        lines: list[bytes] = []
        for line in self._lines:
            heading = _HEADING.match(line)
            if heading is None and kind and _ASCII.match(line):
                lines.append(line)
                continue
            if kind:
                yield Block(kind, _bytes(lines, size), self._time(clock))
                kind, lines = "", []
            if heading is None:
                if line.startswith(b"curl: ("):
                    yield Block("error", line)
                continue
            clock = _clock(heading)
            if heading[5]:
                yield Block("info", heading[6], self._time(clock))
            else:
                side = "send" if heading[8] == b"Send" else "recv"
                kind, size = f"{side}-{heading[9].decode().lower().replace(' ', '-')}", int(heading[10])
        if kind:
            yield Block(kind, _bytes(lines, size), self._time(clock))

    def _time(self, clock: int | None) -> int | None:
        """The trace gives local time of day; the first Date field gives the day and, to a quarter hour, the zone."""
        if clock is None or self._date is None:
            return None
        if self._shift is None:
            behind = self._date % _DAY - clock
            zone = round(behind / _QUARTER) * _QUARTER
            self._shift = self._date - self._date % _DAY + zone
        return self._shift + clock


def _clock(heading: re.Match[bytes]) -> int | None:
    if not heading[1]:
        return None
    seconds = (int(heading[1]) * 60 + int(heading[2])) * 60 + int(heading[3])
    return seconds * 10**9 + int(heading[4].ljust(9, b"0"))


def _date_in(head: bytes) -> int | None:
    found = _DATE.search(head)
    try:
        return int(parsedate_to_datetime(found[1].decode()).timestamp()) * 10**9 if found else None
    except (ValueError, TypeError, OverflowError):
        return None


def _bytes(lines: list[bytes], size: int) -> bytes:
    """The dumped bytes: from the hexadecimal columns, or from the text with a line end after each short row."""
    if lines and all(_looks_hex(line) for line in lines):
        return b"".join(bytes.fromhex(found[2].decode()) for line in lines if (found := _HEX.match(line)))[:size]
    rows = [found for line in lines if (found := _ASCII.match(line))]
    out = bytearray()
    for index, row in enumerate(rows):
        text = row[2]
        out += text
        after = int(rows[index + 1][1], 16) if index + 1 < len(rows) else size
        gap = after - int(row[1], 16) - len(text)
        out += b"\r\n" if gap == 2 else b"\n" if gap == 1 else b""
    return bytes(out)


def _looks_hex(line: bytes) -> bool:
    found = _HEX.match(line)
    if not found:
        return False
    count = len(found[2]) // 3
    return len(line) == len(found[1]) + 2 + 48 + count or len(line.rstrip()) <= len(found[1]) + 2 + 48 + count
