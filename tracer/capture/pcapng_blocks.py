"""What the blocks of a pcapng file say, apart from frames (draft-ietf-opsawg-pcapng)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from struct import Struct

from .records import Interface

SECTION = 0x0A0D0D0A
INTERFACE = 1
OLD_PACKET = 2
SIMPLE_PACKET = 3
NAMES = 4
PACKET = 6
SECRETS = 10

BYTE_ORDER = 0x1A2B3C4D
KEY_LOG = 0x544C534B
"""secrets type of an NSS key log (section 4.7)"""
COMMENT = 1
_IF_NAME, _IF_TSRESOL, _IF_FCSLEN, _IF_TSOFFSET = 2, 9, 13, 14
_MOST_NAMES = 100_000


def read_options(data: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    """(code, value) of each option; stops at the end mark and at the first one that does not fit."""
    header = Struct(order + "HH").unpack_from
    at = 0
    while at + 4 <= len(data):
        code, length = header(data, at)
        at += 4
        if code == 0 or at + length > len(data):
            return
        yield code, data[at : at + length]
        at += length + (-length & 3)


def read_interface(body: bytes, order: str) -> Interface:
    """The Interface Description Block with this body (section 4.2)."""
    link, _, snaplen = Struct(order + "HHI").unpack_from(body.ljust(8, b"\0"))
    name, resolution, offset, fcs = "", 6, 0, 0
    for code, value in read_options(body[8:], order):
        if code == _IF_NAME:
            name = value.decode("utf-8", "replace")
        elif code == _IF_TSRESOL and value:
            resolution = value[0]
        elif code == _IF_TSOFFSET and len(value) == 8:
            offset = Struct(order + "q").unpack(value)[0]
        elif code == _IF_FCSLEN and value:
            fcs = value[0]
    return Interface(link, snaplen, name, fcs, resolution, offset)


def read_secrets(body: bytes, order: str) -> tuple[int, bytes] | None:
    """(secrets type, secrets) of a Decryption Secrets Block (section 4.7); None when it is too short."""
    if len(body) < 8:
        return None
    kind, length = Struct(order + "II").unpack_from(body)
    return kind, body[8 : 8 + length]


def read_names(body: bytes, order: str, names: dict[str, str]) -> None:
    """Add address -> name of a Name Resolution Block (section 4.5); the first name of each address counts."""
    for code, value in read_options(body, order):
        size = {1: 4, 2: 16}.get(code)
        if size is None or len(value) <= size or len(names) >= _MOST_NAMES:
            continue
        name = value[size:].split(b"\0", 1)[0].decode("utf-8", "replace")
        if name:
            names.setdefault(str(ipaddress.ip_address(value[:size])), name)


def read_comment(options: bytes, order: str) -> str:
    """The comments among these options, one a line."""
    return "\n".join(v.decode("utf-8", "replace") for code, v in read_options(options, order) if code == COMMENT)
