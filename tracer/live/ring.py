"""The packets that are kept: one file, or a ring of files of a size, each whole in itself, keys at its end.

pcapng is cut between blocks (draft-ietf-opsawg-pcapng section 3.1), pcap between records; every file begins with the
headers of the first. TLS keys go into a Decryption Secrets Block (section 4.7) before a file is closed; in pcap they
have no place.
"""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Callable
from pathlib import Path
from struct import unpack_from
from typing import BinaryIO

from tracer.capture.pcapng_writer import secrets_block

_SECTION, _PACKETS = 0x0A0D0D0A, frozenset({2, 3, 6})
_LARGEST = 1 << 26
_SIZE = re.compile(r"(\d+)([kmg]?)b?", re.IGNORECASE)


def size_of(text: str) -> int:
    """`100M` in bytes. Raises ValueError."""
    found = _SIZE.fullmatch(text.strip())
    if found is None or not int(found[1]):
        raise ValueError(f"{text!r} is no size; 100M is one")
    return int(found[1]) << {"": 0, "k": 10, "m": 20, "g": 30}[found[2].lower()]


class Ring:
    """Takes the bytes of a capture in pieces of any length; writes them to `path`, or to numbered files beside it."""

    def __init__(self, path: Path, size: int | None, files: int, keys: Callable[[], bytes]) -> None:
        self._path, self._size, self._files, self._keys = path, size, files, keys
        self._held = b""
        self._head = b""
        """headers that every file begins with"""
        self._kind: str | None = None
        self._order = "<"
        self._file: BinaryIO | None = None
        self._written = self._count = 0
        self._past: deque[Path] = deque()

    def write(self, data: bytes) -> None:
        """Take a piece. Raises OSError."""
        self._held += data
        if self._kind is None and not self._begin():
            return
        at = 0
        while (length := self._next(at)) is not None:
            block = self._held[at : at + length]
            at += length
            if self._kind == "pcapng" and unpack_from(self._order + "I", block)[0] not in _PACKETS:
                if unpack_from("<I", block)[0] == _SECTION:
                    self._head = b""
                self._head += block if len(self._head) < _LARGEST else b""
            elif self._size is not None and self._file is not None and self._written + length > self._size:
                self._roll()
            self._put(block)
        self._held = self._held[at:]

    def _begin(self) -> bool:
        if len(self._held) < 24:
            return False
        magic = self._held[:4]
        if magic == b"\n\r\r\n":
            self._kind, self._order = "pcapng", "<" if self._held[8:12] == b"\x4d\x3c\x2b\x1a" else ">"
        else:
            self._kind, self._order = "pcap", "<" if magic[0] in (0xD4, 0x4D) else ">"
            self._head, self._held = self._held[:24], self._held[24:]
            self._put(self._head)
        return True

    def _next(self, at: int) -> int | None:
        """Length of the block or record at `at`; None when it is not whole yet."""
        left = len(self._held) - at
        if self._kind == "pcapng":
            if left < 12:
                return None
            length = int(unpack_from(self._order + "I", self._held, at + 4)[0])
        else:
            if left < 16:
                return None
            length = 16 + int(unpack_from(self._order + "I", self._held, at + 8)[0])
        if not 12 <= length <= _LARGEST:  # what a program of ours never writes: keep it as it is
            return left
        return length if length <= left else None

    def _put(self, block: bytes) -> None:
        if self._file is None:
            self._open()
        assert self._file is not None
        self._file.write(block)
        self._written += len(block)

    def _open(self) -> None:
        self._count += 1
        path = self._path if self._size is None else self._numbered()
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        self._file, self._written = os.fdopen(handle, "wb", buffering=0), 0
        self._past.append(path)
        while len(self._past) > self._files > 0 and self._size is not None:
            self._past.popleft().unlink(missing_ok=True)

    def _numbered(self) -> Path:
        return self._path.with_name(f"{self._path.stem}-{self._count:05}{self._path.suffix}")

    def _roll(self) -> None:
        self.close()
        self._put(self._head)

    def close(self) -> None:
        """End the current file, the keys known by now in it."""
        file, self._file = self._file, None
        if file is None:
            return
        with file:
            lines = self._keys() if self._kind == "pcapng" and self._order == "<" else b""
            if lines:
                file.write(secrets_block(lines))
