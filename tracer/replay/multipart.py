"""A body of parts taken apart and put together again, every other byte as it was (RFC 2046 section 5.1.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

_NAME = re.compile(rb'content-disposition:[^\r\n]*?[;\s]name="?([^";\r\n]*)', re.IGNORECASE)
_LONGEST = 74
"""of a delimiter: two hyphens, a boundary of at most 70 bytes, and what an end may have"""


class Parts(NamedTuple):
    """`delimiter` is the line that parts are separated by; each piece is what follows it."""

    delimiter: bytes
    pieces: tuple[bytes, ...]
    """line end, fields, empty line, content of each part"""
    rest: bytes
    """what follows the last part, its delimiter left out"""


def take_apart(body: bytes) -> Parts | None:
    """The parts; None when the body is not made of whole ones."""
    delimiter = body.partition(b"\r\n")[0].rstrip(b" \t")
    if not delimiter.startswith(b"--") or not 2 < len(delimiter) <= _LONGEST:
        return None
    before, *pieces = (b"\r\n" + body).split(b"\r\n" + delimiter)
    if before or len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        return None
    if not all(b"\r\n\r\n" in piece for piece in pieces[:-1]):
        return None
    return Parts(delimiter, tuple(pieces[:-1]), pieces[-1])


def name_of(piece: bytes) -> str:
    """The field that the part is."""
    found = _NAME.search(piece.partition(b"\r\n\r\n")[0])
    return found[1].decode("utf-8", "replace") if found else ""


def content_of(piece: bytes) -> bytes:
    return piece.partition(b"\r\n\r\n")[2]


def put_together(parts: Parts, changed: Mapping[int, bytes | None]) -> bytes:
    """The body with other contents for some parts; None leaves a part out."""
    out = []
    for number, piece in enumerate(parts.pieces):
        if number in changed:
            content = changed[number]
            if content is None:
                continue
            head, empty, _ = piece.partition(b"\r\n\r\n")
            piece = head + empty + content
        out.append(b"\r\n" + parts.delimiter + piece)
    return b"".join([*out, b"\r\n" + parts.delimiter + parts.rest])[2:]
