"""Compressed input, piece by piece: gzip members and zstd frames, with a bound on what comes out."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Any, Protocol

STEP = 1 << 20
"""most bytes one step puts out"""
FLOOR = 64 << 20
RATIO = 250
"""output is bounded by FLOOR + RATIO x input: captures seldom shrink more than 30-fold, bombs 1,000-fold and more"""


class Decompressor(Protocol):
    """What bz2, lzma and zstd decompressor objects share."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = ...) -> bytes: ...


class _Gzip:
    """One gzip member (RFC 1952) behind the common interface."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(31)
        self._broken: zlib.error | None = None

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def needs_input(self) -> bool:
        return not self._zlib.unconsumed_tail and self._broken is None

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int = 0) -> bytes:
        if self._broken is not None:
            raise self._broken
        data = self._zlib.unconsumed_tail + data
        before = self._zlib.copy()
        try:
            return self._zlib.decompress(data, max_length)
        except zlib.error as error:
            self._broken = error
        return self._salvage(before, data, max_length)

    def _salvage(self, before: Any, data: bytes, max_length: int) -> bytes:
        """What comes out before the damage: zlib keeps that to itself unless it is fed byte by byte."""
        parts: list[bytes] = []
        size = 0
        try:
            for at in range(len(data)):
                parts.append(before.decompress(data[at : at + 1], max_length))
                size += len(parts[-1])
                if size > max_length:
                    break
        except zlib.error:
            pass
        return b"".join(parts)


def _open_zstd() -> Decompressor:
    try:
        from compression.zstd import ZstdDecompressor  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        from backports.zstd import ZstdDecompressor
    decompressor: Decompressor = ZstdDecompressor()
    return decompressor


def sniff(head: bytes) -> str | None:
    """Name of the compression these first bytes announce."""
    if head[:3] == b"\x1f\x8b\x08":
        return "gzip"
    if head[:4] == b"\x28\xb5\x2f\xfd" or (head[1:4] == b"\x2a\x4d\x18" and head[0] & 0xF0 == 0x50):
        return "zstd"
    return None


_OPEN: dict[str, Callable[[], Decompressor]] = {"gzip": _Gzip, "zstd": _open_zstd}


class Expander:
    """All members or frames of one compressed input, as one run of bytes.

    `problem` holds (code, sentence) once something stopped it: `source.damaged`, `source.trailing`,
    `source.expansion`, `source.truncated`. What came out before stays valid.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.problem: tuple[str, str] | None = None
        self._open = _OPEN[name]
        self._inner: Decompressor | None = self._open()
        self._taken = 0
        self._given = 0

    def expand(self, data: bytes) -> Iterator[bytes]:
        """The bytes that `data` expands to, in pieces of at most STEP."""
        self._taken += len(data)
        while data and self.problem is None:
            if self._inner is None and not (data := self._begin(data)):
                return
            yield from self._drain(data)
            if self._inner is None or not self._inner.eof:
                return
            data, self._inner = self._inner.unused_data, None

    def close(self) -> None:
        """Note a member that never ended."""
        if self.problem is None and self._inner is not None and not self._inner.eof:
            self.problem = ("source.truncated", f"the {self.name} data end in the middle")

    def _begin(self, data: bytes) -> bytes:
        """Start the next member; padding zeros between members are passed over as gzip(1) does."""
        data = data.lstrip(b"\0")
        if not data:
            return b""
        known = sniff(data) if len(data) >= 4 else self.name
        if known != self.name:
            self.problem = ("source.trailing", f"bytes that are not {self.name} follow the compressed data; left out")
            return b""
        self._inner = self._open()
        return data

    def _drain(self, data: bytes) -> Iterator[bytes]:
        inner = self._inner
        assert inner is not None
        while True:
            try:
                out = inner.decompress(data, STEP)
            except Exception as error:  # each library has an error type of its own
                self.problem = ("source.damaged", f"the {self.name} data are damaged: {type(error).__name__}")
                return
            data = b""
            self._given += len(out)
            if out:
                yield out
            if self._given > FLOOR + RATIO * self._taken:
                self.problem = (
                    "source.expansion",
                    f"the {self.name} data expand more than {RATIO}-fold; reading stopped after {self._given} bytes",
                )
                return
            if inner.eof or inner.needs_input:
                return
