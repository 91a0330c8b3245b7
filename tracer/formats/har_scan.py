"""Cutting a HAR into its entries without reading it whole.

A HAR is one JSON document that can be larger than memory; its entries are small. `Scanner` is fed blocks and hands
out the text of each element of `log.entries`, and of each other member of `log`, one at a time. It knows only
strings and brackets; whoever decodes a piece finds what is wrong inside it. Work is linear in the input, memory is
bounded by one piece.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_PLAIN = re.compile(rb'[^"{}\[\]]*+(?:"[^"\\]{0,250}+"[^"{}\[\]]*+)*+')
"""everything up to the next bracket, or to a string that is long, has an escape or has not arrived whole"""
_IN_STRING = re.compile(rb"(?:[^\"\\]++|\\.)*+", re.DOTALL)
_SPACE = re.compile(rb"[\s\xef\xbb\xbf,:]*+")
_SCALAR = re.compile(rb"[^\s,\]}]*+")
_OPEN, _CLOSE = b"{[", b"}]"
_BOM = b"\xef\xbb\xbf"

LARGEST = 128 << 20
"""bytes of one piece; longer ones are passed over"""


class Piece(NamedTuple):
    """One element of `log.entries` (`key` is "entries") or another member of `log`."""

    key: str
    text: bytes | None
    """None: longer than `LARGEST`, not kept"""
    array: bool = False
    """the key's array or object is entered, not cut whole: its elements follow as pieces"""


class Scanner:
    """Feed blocks, iterate pieces; `finished` and `fault` tell how the document ended."""

    def __init__(self, largest: int = LARGEST) -> None:
        self.finished = False
        """the log object was closed"""
        self.has_log = False
        self.has_entries = False
        self.fault: str | None = None
        """what made further reading senseless, in words"""
        self._largest = largest
        self._data = bytearray()
        self._at = 0
        self._place = "start"
        self._key: str | None = None
        self._depth = 0
        self._begin = 0
        self._string = False
        self._dropped = False
        self._cut: str | None = None

    @property
    def inside(self) -> bool:
        """A piece has begun and not ended."""
        return self._cut is not None

    def feed(self, block: bytes) -> Iterator[Piece]:
        """The pieces that are complete once `block` has arrived."""
        self._release()
        self._data += block
        yield from self._advance(last=False)

    def close(self) -> Iterator[Piece]:
        """What can still be told now that nothing follows."""
        yield from self._advance(last=True)

    def _release(self) -> None:
        keep = self._at if self._cut is None or self._dropped else self._begin
        if keep:
            del self._data[:keep]
            self._at -= keep
            self._begin -= keep
        if self._cut is not None and not self._dropped and len(self._data) > self._largest:
            self._dropped = True

    def _advance(self, last: bool) -> Iterator[Piece]:
        while not self.fault and not self.finished:
            if self._cut is not None:
                if not self._finish_value():
                    return
                yield self._take()
                continue
            piece = self._step(last)
            if piece is None:
                return
            if piece is not _MORE:
                yield piece

    # -- between values: a member name, a bracket, or the start of a value

    def _step(self, last: bool) -> Piece | None:
        found = _SPACE.match(self._data, self._at)
        self._at = found.end() if found else self._at
        if self._at >= len(self._data):
            return None
        if self._key is None and self._place != "entries":
            return self._read_name(last)
        return self._enter_value(last)

    def _read_name(self, last: bool) -> Piece | None:
        char = bytes(self._data[self._at : self._at + 1])
        if char == b"{" and self._place == "start":
            self._place, self._at = "root", self._at + 1
        elif char == b"}" and self._place in ("root", "log"):
            self._at += 1
            self.finished = True
        elif char == b'"' and self._place in ("root", "log"):
            return self._read_string(last)
        else:
            self._stop(char)
        return _MORE

    def _read_string(self, last: bool) -> Piece | None:
        found = _IN_STRING.match(self._data, self._at + 1)
        end = found.end() if found else self._at
        if end >= len(self._data) or self._data[end : end + 1] != b'"':
            if last or end - self._at > 1 << 16:
                self.fault = "a member name does not end"
            return None
        self._key = self._data[self._at + 1 : end].decode("utf-8", "replace")
        self._at = end + 1
        return _MORE

    def _enter_value(self, last: bool) -> Piece | None:
        char = bytes(self._data[self._at : self._at + 1])
        if self._place == "root" and self._key == "log" and char == b"{":
            self._place, self._key, self.has_log = "log", None, True
            self._at += 1
        elif self._place == "log" and self._key == "entries" and char == b"[":
            self._place, self._key, self.has_entries = "entries", None, True
            self._at += 1
        elif self._place == "entries" and char == b"]":
            self._place, self._key = "log", None
            self._at += 1
        elif char in (b"{", b"[", b'"'):
            self._begin, self._depth, self._string = self._at, 0, False
            self._cut = "entries" if self._place == "entries" else (self._key or "")
        else:
            return self._read_scalar(last)
        return _MORE

    def _read_scalar(self, last: bool) -> Piece | None:
        found = _SCALAR.match(self._data, self._at)
        end = found.end() if found else self._at
        if end == self._at:
            self._stop(bytes(self._data[self._at : self._at + 1]))
            return _MORE
        if end >= len(self._data) and not last:
            return None
        text = bytes(self._data[self._at : end])
        self._at = end
        return self._give("entries" if self._place == "entries" else (self._key or ""), text)

    def _stop(self, char: bytes) -> None:
        if self.has_entries and self._place == "log":
            self.finished = True
        self.fault = f"unexpected {char.decode('latin-1')!r} in the JSON"

    # -- inside a value: only brackets and strings matter

    def _finish_value(self) -> bool:
        data = self._data
        size = len(data)
        while self._at < size:
            if self._string:
                end = data.find(b'"', self._at)
                if end <= self._at or data[end - 1] == 0x5C:  # most strings hold no escape, and long ones are most
                    found = _IN_STRING.match(data, self._at)
                    end = found.end() if found else self._at
                if end >= size or data[end] != 0x22:
                    self._at = end
                    return False
                self._at = end + 1
                self._string = False
                if self._depth == 0:
                    return True
            found = _PLAIN.match(data, self._at) if self._depth else None
            self._at = found.end() if found else self._at
            if self._at >= size:
                return False
            char = data[self._at]
            self._at += 1
            if char == 0x22:
                self._string = True
            elif char in _OPEN:
                self._depth += 1
            else:
                self._depth -= 1
                if self._depth <= 0:
                    return True
        return False

    def _take(self) -> Piece:
        text = None if self._dropped else bytes(self._data[self._begin : self._at])
        key, self._cut, self._dropped = self._cut or "", None, False
        return self._give(key, text)

    def _give(self, key: str, text: bytes | None) -> Piece:
        if self._place != "entries":
            self._key = None
            if self._place == "root":
                return _MORE
        return Piece(key, text)


_MORE = Piece("", None, True)
"""not a piece: go on"""
