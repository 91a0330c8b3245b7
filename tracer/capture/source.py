"""Opening a source: everything read is one buffer, addressed by offset.

A plain file is mapped (small ones are read), so its size is the one it had when it was opened. A file that is cut
short afterwards is noticed before each block; a page that goes away in between cannot be guarded against.
Compressed and piped input goes through a spool, which has no such weakness.
"""

from __future__ import annotations

import io
import mmap
import os
import select
import sys
from pathlib import Path
from typing import BinaryIO

from tracer.model.problem import Problem, Severity

from .compression import Expander, sniff
from .spool import Spool

SMALL = 1 << 20
"""files up to this size are read rather than mapped: nothing can pull their bytes away"""
_PIECE = 1 << 20
_DONTNEED = getattr(mmap, "MADV_DONTNEED", None)


class Source:
    """Bytes of one input. `base[:ready]` are there; `grow` asks for more."""

    def __init__(self, name: str, base: bytes | mmap.mmap, ready: int, total: int | None) -> None:
        self.name = name
        self.base: bytes | mmap.mmap = base
        """the bytes, once expanded; it never moves, but may be longer than what is `ready`"""
        self.ready = ready
        self.total = total
        """size of the input before expansion; None for a pipe"""
        self.done = True
        """nothing will be added to `ready`"""
        self.path: str | None = None
        self.compression: str | None = None
        self.problems: list[Problem] = []

    @property
    def spooled(self) -> bool:
        """Offsets in `base` are not offsets in the file."""
        return False

    def position(self, offset: int) -> int:
        """Bytes of the input itself that were read when `base` was read up to `offset`."""
        return offset

    def grow(self, target: int, past: int = 0) -> None:
        """Try to have `target` bytes ready; less when the input pauses or ends. Waits for more than `past`."""

    def head(self, size: int = 65536) -> bytes:
        """The first bytes, as many as are there at once, for finding out what this is."""
        while self.ready < 64 and not self.done:
            self.grow(64, self.ready)
        return bytes(self.base[: min(self.ready, size)])

    def release(self, offset: int) -> None:
        """Give the pages before `offset` back; they come again when they are read again."""
        whole = offset - offset % mmap.PAGESIZE
        if isinstance(self.base, mmap.mmap) and whole and _DONTNEED is not None:
            self.base.madvise(_DONTNEED, 0, whole)

    def discard(self, offset: int) -> None:
        """Nobody will ask for what lies before `offset` again: a capture that runs for days keeps its latest part."""

    def note(self, code: str, text: str) -> None:
        """Add a problem of the source as a whole."""
        self.problems.append(Problem(code=code, severity=Severity.WARN, text=text, source=self.name))


class _Mapped(Source):
    """A plain file."""

    def __init__(self, name: str, file: BinaryIO, size: int) -> None:
        super().__init__(name, mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ), size, size)
        self._fd = os.dup(file.fileno())

    def grow(self, target: int, past: int = 0) -> None:  # noqa: ARG002
        size = os.fstat(self._fd).st_size
        if size < self.ready:
            self.note("source.shrank", f"the file was cut from {self.ready} to {size} bytes while it was read")
            self.ready = size

    def __del__(self) -> None:
        if hasattr(self, "_fd"):
            os.close(self._fd)


class _Spooled(Source):
    """A pipe, or anything compressed."""

    def __init__(self, name: str, stream: BinaryIO, head: bytes, total: int | None) -> None:
        spool = Spool()
        super().__init__(name, spool.map, 0, total)
        self._spool = spool
        self._stream = stream
        self._taken = 0
        self.done = False
        self.compression = sniff(head)
        self._expander = Expander(self.compression) if self.compression else None
        self._feed(head)
        if not head:
            self._finish()

    @property
    def spooled(self) -> bool:
        return True

    def position(self, offset: int) -> int:
        return self._taken if self.compression else offset

    def grow(self, target: int, past: int = 0) -> None:
        while not self.done and self.ready < target:
            if self.ready > past and not _is_waiting(self._stream):
                return
            data = _read_some(self._stream)
            if data is None:
                select.select([self._stream], [], [])
            elif data:
                self._feed(data)
            else:
                self._finish()

    def discard(self, offset: int) -> None:
        self._spool.discard(offset)

    def _feed(self, data: bytes) -> None:
        self._taken += len(data)
        for piece in self._expander.expand(data) if self._expander else (data,):
            if self._spool.append(piece) < len(piece):
                self.note("source.spool-full", f"no room for more than {self._spool.size} bytes of it on this disk")
                self.done = True
                break
        self.ready = self._spool.size
        if self._expander and self._expander.problem:
            self._finish()

    def _finish(self) -> None:
        self.done = True
        if self._expander:
            self._expander.close()
            if self._expander.problem:
                self.note(*self._expander.problem)


def open_source(origin: str | Path | BinaryIO, name: str | None = None) -> Source:
    """The source behind a path, `-` (standard input) or a binary stream. Raises OSError when it cannot be opened."""
    if isinstance(origin, (str, Path)) and str(origin) != "-":
        return _open_path(Path(origin), name or str(origin))
    stream = sys.stdin.buffer if isinstance(origin, (str, Path)) else origin
    return _Spooled(name or "-", stream, _read_head(stream), None)


def _open_path(path: Path, name: str) -> Source:
    file = path.open("rb", buffering=0)
    status = os.fstat(file.fileno())
    regular = os.path.isfile(path)
    head = _read_head(file)
    source: Source
    if not regular or sniff(head):
        source = _Spooled(name, file, head, status.st_size if regular else None)
    elif status.st_size <= SMALL:
        rest = head + file.readall() if isinstance(file, io.FileIO) else head
        source = Source(name, rest, len(rest), len(rest))
    else:
        source = _Mapped(name, file, status.st_size)
    source.path = os.path.abspath(path) if regular else None
    return source


def _read_head(stream: BinaryIO) -> bytes:
    """At least the four bytes that tell compression, unless the input ends before."""
    head = b""
    while len(head) < 4:
        data = _read_some(stream)
        if data is None:
            select.select([stream], [], [])
        elif data:
            head += data
        else:
            break
    return head


def _read_some(stream: BinaryIO) -> bytes | None:
    """What is there now, at least one byte; empty at the end; None when a non-blocking stream has nothing."""
    read = getattr(stream, "read1", None) or stream.read
    data: bytes | None = read(_PIECE)
    return data


def _is_waiting(stream: BinaryIO) -> bool:
    """More can be read at once."""
    try:
        return bool(select.select([stream], [], [], 0)[0])
    except (OSError, ValueError, TypeError):  # no descriptor: bytes in memory, which never wait
        return True
