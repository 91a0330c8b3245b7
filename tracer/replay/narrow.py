"""A value cut into pieces, and the request with only some of them."""

from __future__ import annotations

import json
import re

import msgspec

from .change import Change, Kind

MOST = 32
_PIECE = re.compile(rb"[A-Za-z0-9_]+|(?:%[0-9A-Fa-f]{2})+|[\x80-\xff]+|[\s+]+|.", re.DOTALL)
_PAIRS = frozenset((Kind.QUERY, Kind.FORM, Kind.COOKIE))


def whole_value(change: Change) -> bytes | None:
    """The value that the change replaced; None where that is none, or was not one of the request's."""
    if change.kind not in (*_PAIRS, Kind.JSON, Kind.PART, Kind.HEADER) or not change.at or not change.was:
        return None
    return change.was.partition(b"=")[2] if change.kind in _PAIRS else change.was


def pieces(value: bytes) -> list[bytes]:
    """Words, escapes, signs: together the value. Neighbours are joined where there are too many."""
    cut = _PIECE.findall(value)
    step = -(-len(cut) // MOST) or 1
    return [b"".join(cut[at : at + step]) for at in range(0, len(cut), step)]


def with_value(change: Change, value: bytes) -> Change:
    """The change that puts this value there."""
    if change.kind is Kind.JSON:
        value = json.dumps(value.decode("utf-8", "replace")).encode()
    return msgspec.structs.replace(change, value=value)
