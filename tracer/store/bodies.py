"""Bodies kept in the store: each distinct content once, compressed where that helps."""

from __future__ import annotations

import hashlib
import sqlite3
import zlib

INLINE = 1024
"""bodies up to this size stay inside their exchange"""
LARGEST = 1 << 30
_SAMPLE = 8192


def put(db: sqlite3.Connection, data: bytes, packed: bool) -> int:
    """Number of the blob that holds `data`. `packed`: compressed already, so do not try."""
    digest = hashlib.blake2b(data, digest_size=20).digest()
    row = db.execute("SELECT n FROM blob WHERE hash = ?", (digest,)).fetchone()
    if row:
        return int(row[0])
    smaller = data if packed or not _shrinks(data) else zlib.compress(data, 1)
    if len(smaller) >= len(data):
        smaller, packed = data, True
    row = db.execute(
        "INSERT INTO blob (hash, size, packed, bytes) VALUES (?, ?, ?, ?) RETURNING n",
        (digest, len(data), 0 if packed else 1, smaller),
    ).fetchone()
    return int(row[0])


def _shrinks(data: bytes) -> bool:
    """A piece of it does: images and archives, which are packed already, are told without packing them whole."""
    piece = data[:_SAMPLE]
    return len(piece) < _SAMPLE or len(zlib.compress(piece, 1)) < _SAMPLE * 0.95


def get(db: sqlite3.Connection, number: int) -> bytes:
    """The content of a blob; empty when it is not there or does not unpack to its size."""
    row = db.execute("SELECT size, packed, bytes FROM blob WHERE n = ?", (number,)).fetchone()
    if row is None or not isinstance(row[2], bytes) or not 0 <= row[0] <= LARGEST:
        return b""
    if not row[1]:
        return row[2]
    try:
        return zlib.decompressobj().decompress(row[2], row[0] or 1)
    except zlib.error:
        return b""
