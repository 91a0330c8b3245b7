"""The journal: records appended to files before the answer leaves the proxy, read by the recorder behind it.

It lies in a folder beside the trace, `NAME.live`, in numbered segments. A record that `append` took is in the page
cache: killing the proxy or the recorder loses nothing. The recorder deletes a segment when all of it is in the trace.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from .records import LARGEST, Record, from_bytes

SEGMENT = 16 << 20
"""bytes after which a new segment begins"""


def folder_of(trace: str | os.PathLike[str]) -> Path:
    """The folder of the journal of a trace file."""
    return Path(f"{os.fspath(trace)}.live")


def segments(folder: Path) -> list[Path]:
    """The segments there are, oldest first."""
    try:
        return sorted(p for p in folder.iterdir() if p.suffix == ".journal" and p.stem.isdecimal())
    except OSError:
        return []


class Writer:
    """Appends framed records, from any thread. Raises OSError when the disk does not take them."""

    def __init__(self, folder: Path, size: int = SEGMENT) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        self._folder = folder
        self._size = size
        self._number = max((int(p.stem) for p in segments(folder)), default=0)
        self._file = -1
        self._written = 0
        self._lock = threading.Lock()
        self.full = True
        """the next record begins a new segment; what later records refer to has to be in it again"""

    @property
    def waiting(self) -> int:
        """Segments that the recorder has not deleted yet."""
        return len(segments(self._folder))

    def append(self, data: bytes | bytearray) -> None:
        """Append one framed record, whole or not at all."""
        with self._lock:
            if self.full:
                self._next()
            done = os.write(self._file, data)
            if done != len(data):  # a disk that is nearly full takes a part: take it back, so that the rest is readable
                os.ftruncate(self._file, self._written)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self._written += done
            self.full = self._written >= self._size

    def _next(self) -> None:
        path = self._folder / f"{self._number + 1:08}.journal"
        file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC, 0o600)
        if self._file >= 0:
            os.close(self._file)
        self._file, self._written = file, 0
        self._number += 1

    def close(self) -> None:
        with self._lock:
            if self._file >= 0:
                os.close(self._file)
                self._file, self.full = -1, True


class Reader:
    """Reads what writers append, segment after segment, and deletes what is done with."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._done: list[Path] = []
        self._current: Path | None = None
        self._at = 0
        self.more = False
        """`take` ended at its bound"""
        self.broken = 0
        """frames that held no record"""

    def take(self, most: int = 4 << 20) -> Iterator[Record]:
        """The records appended since, up to about `most` bytes of them; take them all before asking again."""
        self.more = True
        while most > 0:
            names = segments(self._folder)
            if self._current is None:
                if not names:
                    self.more = False
                    return
                self._current, self._at = names[0], 0
            later = any(n > self._current for n in names)
            data = self._read(most)
            used = 0
            for record, end in self._frames(data):
                used = end
                if record is None:
                    self.broken += 1
                else:
                    yield record
            self._at += used
            most -= max(used, 1)
            if used == 0:
                if not later:
                    self.more = False
                    return
                self._done.append(self._current)
                self._current, self._at = next(n for n in names if n > self._current), 0

    def forget(self) -> None:
        """Delete the segments that were read whole; call it when their records are safe."""
        for path in self._done:
            path.unlink(missing_ok=True)
        self._done.clear()

    def _read(self, most: int) -> bytes:
        assert self._current is not None
        try:
            with open(self._current, "rb") as file:
                file.seek(self._at)
                data = file.read(max(most, 4))
                while 4 <= len(data) < (need := 4 + int.from_bytes(data[:4], "big")) and need <= LARGEST:
                    more = file.read(need - len(data))
                    if not more:
                        break
                    data += more
                return data
        except OSError:
            return b""

    @staticmethod
    def _frames(data: bytes) -> Iterator[tuple[Record | None, int]]:
        at, view = 0, memoryview(data)
        while at + 4 <= len(data):
            end = at + 4 + int.from_bytes(view[at : at + 4], "big")
            if end > len(data):
                return
            yield from_bytes(view[at + 4 : end]), end
            at = end
