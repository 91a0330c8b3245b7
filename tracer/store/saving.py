"""Saving a trace: one file, private, whole, and put in place only when it is complete."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from tracer.model.http import Exchange, Message

from . import bodies
from .coding import encode
from .schema import harden

if TYPE_CHECKING:
    from .trace import Trace

_PAGE = 500


def save(trace: Trace, db: sqlite3.Connection, path: str | os.PathLike[str]) -> None:
    """Copy the database to `path`, mode 0600, with every body's bytes inside. Raises OSError."""
    trace.flush()
    target = Path(path)
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    os.close(handle)
    try:
        _copy(trace, db, name)
        os.replace(name, target)
    except sqlite3.Error as error:
        raise OSError(f"the trace could not be written: {error}") from error
    finally:
        for left in (name, f"{name}-journal"):
            if os.path.exists(left):
                os.unlink(left)


def _copy(trace: Trace, db: sqlite3.Connection, name: str) -> None:
    copy = sqlite3.connect(name, isolation_level=None)
    try:
        db.backup(copy)
        harden(copy)
        copy.execute("PRAGMA journal_mode = DELETE")
        copy.execute("BEGIN")
        _take_in(trace, copy)
        copy.execute("COMMIT")
    finally:
        copy.close()


def _take_in(trace: Trace, copy: sqlite3.Connection) -> None:
    """Replace references into captures by blobs."""
    decoder = msgspec.msgpack.Decoder(Exchange)
    last = -1
    while rows := copy.execute(
        "SELECT n, value FROM exchange WHERE n > ? ORDER BY n LIMIT ?", (last, _PAGE)
    ).fetchall():
        for n, value in rows:
            last = n
            try:
                exchange = decoder.decode(value)
            except (msgspec.MsgspecError, RecursionError):
                continue
            changed = {
                half: _whole(trace, copy, exchange.source, message)
                for half, message in (("request", exchange.request), ("response", exchange.response))
                if message is not None and message.body.spans
            }
            if changed:
                value = encode(msgspec.structs.replace(exchange, **changed))
                copy.execute("UPDATE exchange SET value = ? WHERE n = ?", (value, n))


def _whole(trace: Trace, copy: sqlite3.Connection, source: str, message: Message) -> Any:
    content = trace.content(source, message.body)
    if len(content) <= bodies.INLINE:
        body = msgspec.structs.replace(message.body, spans=(), data=content)
    else:
        number = bodies.put(copy, content, bool(message.body.codings))
        body = msgspec.structs.replace(message.body, spans=(), blob=number)
    if len(content) < body.size:
        body = msgspec.structs.replace(body, complete=False)
    return msgspec.structs.replace(message, body=body)
