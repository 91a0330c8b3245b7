"""Writing pcapng: one section, little-endian, time in nanoseconds (draft-ietf-opsawg-pcapng)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from struct import pack
from typing import BinaryIO

from . import pcapng_blocks as blocks

_IF_NAME, _IF_TSRESOL = 2, 9
_SHB_APPLICATION = 4
_LONGEST = 0xFFFF
_NANOSECONDS = 9


class PcapngWriter:
    """Writes the section header at once, then whatever it is given, block by block."""

    def __init__(self, stream: BinaryIO, application: str = "tracer", comment: str = "") -> None:
        self._stream = stream
        self._interfaces = 0
        options = [(_SHB_APPLICATION, _bytes(application))]
        if comment:
            options.insert(0, (blocks.COMMENT, _bytes(comment)))
        body = pack("<IHHq", blocks.BYTE_ORDER, 1, 0, -1) + _pack_options(options)
        self._write(blocks.SECTION, body)

    def interface(self, link: int, snaplen: int = 0, name: str = "") -> int:
        """Describe an interface; its index for `packet`."""
        options = [(_IF_TSRESOL, bytes([_NANOSECONDS]))]
        if name:
            options.append((_IF_NAME, _bytes(name)))
        self._write(blocks.INTERFACE, pack("<HHI", link, 0, snaplen & 0xFFFFFFFF) + _pack_options(options))
        self._interfaces += 1
        return self._interfaces - 1

    def packet(self, interface: int, time_ns: int, data: bytes, original: int | None = None, comment: str = "") -> None:
        """One frame; `original` is its length on the wire where that was more."""
        if not 0 <= interface < self._interfaces:
            raise ValueError(f"no interface {interface}")
        length = len(data) if original is None else original
        head = pack("<IIIII", interface, time_ns >> 32 & 0xFFFFFFFF, time_ns & 0xFFFFFFFF, len(data), length)
        options = _pack_options([(blocks.COMMENT, _bytes(comment))]) if comment else b""
        self._write(blocks.PACKET, head + _pad(data) + options)

    def secrets(self, data: bytes, kind: int = blocks.KEY_LOG) -> None:
        """Decryption secrets for the packets that follow. Only ever what the user asked to write out."""
        self._stream.write(secrets_block(data, kind))

    def names(self, entries: Iterable[tuple[str, str]]) -> None:
        """Host names of addresses."""
        records = []
        for address, name in entries:
            packed = ipaddress.ip_address(address).packed
            records.append((1 if len(packed) == 4 else 2, packed + _bytes(name) + b"\0"))
        self._write(blocks.NAMES, _pack_options(records))

    def _write(self, kind: int, body: bytes) -> None:
        self._stream.write(_block(kind, body))


def secrets_block(data: bytes, kind: int = blocks.KEY_LOG) -> bytes:
    """A Decryption Secrets Block, for a little-endian section."""
    return _block(blocks.SECRETS, pack("<II", kind, len(data)) + _pad(data))


def _bytes(words: str) -> bytes:
    """UTF-8, with a question mark for what no text can hold."""
    return words.encode("utf-8", "replace")


def _block(kind: int, body: bytes) -> bytes:
    length = len(body) + 12
    return pack("<II", kind, length) + body + pack("<I", length)


def _pad(data: bytes) -> bytes:
    return data + bytes(-len(data) & 3)


def _pack_options(options: Iterable[tuple[int, bytes]]) -> bytes:
    """The options and the mark that ends them; a value that is too long for its field is cut."""
    packed = b"".join(
        pack("<HH", code, len(value)) + _pad(value) for code, value in ((c, v[:_LONGEST]) for c, v in options)
    )
    return packed + bytes(4) if packed else b""
