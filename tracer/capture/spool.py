"""Bytes that arrive over time, behind one map that never moves."""

from __future__ import annotations

import ctypes
import mmap
import os

_SIZES = (1 << 40, 1 << 36, 1 << 33, 1 << 31, 1 << 29, 1 << 27)


class Spool:
    """An unlinked private temporary file and the read-only map of it.

    The file is made as long as the map at once, sparse, so that the map stays valid while bytes are added and no
    page of it can ever lie behind the end of the file. Where such a length is refused, a smaller one is tried.
    """

    def __init__(self) -> None:
        import tempfile  # loads much, and most sources are files

        self._file = tempfile.TemporaryFile(prefix="tracer-", buffering=0)  # noqa: SIM115
        self.size = 0
        self._discarded = 0
        self.map = self._map()

    def _map(self) -> mmap.mmap:
        fd = self._file.fileno()
        bound = _address_space() // 8
        for size in _SIZES:
            if size > bound and size != _SIZES[-1]:
                continue
            try:
                os.ftruncate(fd, size)
                return mmap.mmap(fd, size, access=mmap.ACCESS_READ)
            except (OSError, ValueError, OverflowError):
                continue
        raise OSError("no room to map a temporary file")

    def append(self, data: bytes) -> int:
        """How many of the bytes were kept: fewer when the map or the disk is full."""
        room = min(len(data), len(self.map) - self.size)
        view = memoryview(data)[:room]
        kept = 0
        while kept < room:
            try:
                kept += os.pwrite(self._file.fileno(), view[kept:], self.size + kept)
            except OSError:
                break
        self.size += kept
        return kept

    def discard(self, offset: int) -> None:
        """Give the disk what lies before `offset` back, where the system can: it reads as zeros from then on."""
        whole = offset - offset % mmap.PAGESIZE
        if whole > self._discarded and _punch(self._file.fileno(), self._discarded, whole - self._discarded):
            self._discarded = whole


def _punch(fd: int, offset: int, length: int) -> bool:
    """fallocate(2) with FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE; Python has no name for it."""
    try:
        allocate = ctypes.CDLL(None, use_errno=True).fallocate
        allocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_longlong, ctypes.c_longlong]
        return int(allocate(fd, 3, offset, length)) == 0
    except (OSError, AttributeError):
        return False


def _address_space() -> int:
    """Bytes of address space this process may have."""
    try:
        import resource
    except ImportError:
        return 1 << 62
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return limit if 0 < limit < 1 << 62 else 1 << 62
