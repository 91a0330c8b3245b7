"""The database: its tables, its version, and how it is opened without trusting what it holds.

Every table has the columns that listing, filtering and ordering need; the whole value is beside them as MessagePack.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

APPLICATION_ID = 0x74726365
"""`trce`, in the database header, where file(1) and we look for it"""
VERSION = 1
MAGIC = b"SQLite format 3\0"

TABLES = {
    "source": "CREATE TABLE source (n INTEGER PRIMARY KEY, name TEXT UNIQUE, value BLOB) STRICT",
    "problem": "CREATE TABLE problem (n INTEGER PRIMARY KEY, source TEXT, code TEXT, severity INTEGER,"
    " value BLOB) STRICT",
    "connection": "CREATE TABLE connection (n INTEGER PRIMARY KEY, id TEXT UNIQUE, time_ns INTEGER, source TEXT,"
    " client TEXT, server TEXT, value BLOB) STRICT",
    "handshake": "CREATE TABLE handshake (n INTEGER PRIMARY KEY, id TEXT UNIQUE, time_ns INTEGER, source TEXT,"
    " client TEXT, server TEXT, sni TEXT, severity INTEGER, value BLOB) STRICT",
    "exchange": "CREATE TABLE exchange (n INTEGER PRIMARY KEY, id TEXT UNIQUE, time_ns INTEGER, source TEXT,"
    " method TEXT, host TEXT, target TEXT, url TEXT, status INTEGER, client TEXT, server TEXT, protocol TEXT,"
    " start_ns INTEGER, response_ns INTEGER, end_ns INTEGER, size INTEGER, packet INTEGER, denied INTEGER,"
    " severity INTEGER, value BLOB) STRICT",
    "verdict": "CREATE TABLE verdict (n INTEGER PRIMARY KEY, id TEXT UNIQUE, time_ns INTEGER, source TEXT, layer TEXT,"
    " cause TEXT, product TEXT, value BLOB) STRICT",
    "blob": "CREATE TABLE blob (n INTEGER PRIMARY KEY, hash BLOB UNIQUE, size INTEGER, packed INTEGER,"
    " bytes BLOB) STRICT",
    "mark": "CREATE TABLE mark (id TEXT PRIMARY KEY, mark TEXT, note TEXT) STRICT",
}
INDEXES = {
    f"{table}_time": f"CREATE INDEX {table}_time ON {table} (time_ns)"
    for table in ("connection", "handshake", "exchange", "verdict")
} | {"exchange_denied": "CREATE INDEX exchange_denied ON exchange (time_ns) WHERE denied"}


class NotATrace(ValueError):  # noqa: N818
    """The file is not a trace that this version can open; the message says why."""


def create(path: str | os.PathLike[str] | None) -> sqlite3.Connection:
    """A new, empty database: temporary and private (spills to disk when large), or a file in WAL mode, mode 0600."""
    if path is not None:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    db = sqlite3.connect(path or "", isolation_level=None, check_same_thread=False)
    harden(db)
    db.execute("PRAGMA cache_size = -32768")
    if path is None:
        db.execute("PRAGMA journal_mode = OFF")
        db.execute("PRAGMA synchronous = OFF")
    else:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
    db.execute("BEGIN")  # who looks meanwhile sees all of it or nothing
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute(f"PRAGMA user_version = {VERSION}")
    for sql in (*TABLES.values(), *INDEXES.values()):
        db.execute(sql)
    db.execute("COMMIT")
    return db


def open_existing(path: str | os.PathLike[str], write: bool = False) -> sqlite3.Connection:
    """A trace file, checked. Raises NotATrace with the reason, OSError when it cannot be read at all."""
    with open(path, "rb") as file:
        if file.read(16) != MAGIC:
            raise NotATrace("it is not a SQLite database")
    try:
        db = _connect(path, write)
        _check(db)
    except sqlite3.DatabaseError as error:
        raise NotATrace(f"the database is damaged: {error}") from None
    return db


def _connect(path: str | os.PathLike[str], write: bool) -> sqlite3.Connection:
    """Read-only unless asked; immutable where not even the index of the write-ahead log can be made."""
    address = Path(path).absolute().as_uri()
    modes = ("rw",) if write else ("ro", "ro&immutable=1")
    for mode in modes:
        db = sqlite3.connect(f"{address}?mode={mode}", uri=True, isolation_level=None, check_same_thread=False)
        harden(db)
        try:
            db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        except sqlite3.OperationalError:
            db.close()
            if mode == modes[-1]:
                raise
        else:
            return db
    raise NotATrace("it cannot be opened")


def harden(db: sqlite3.Connection) -> None:
    """Take from the schema every right to act: no triggers, views, functions or writes behind our back."""
    for option, value in (
        (sqlite3.SQLITE_DBCONFIG_DEFENSIVE, True),
        (sqlite3.SQLITE_DBCONFIG_TRUSTED_SCHEMA, False),
        (sqlite3.SQLITE_DBCONFIG_ENABLE_TRIGGER, False),
        (sqlite3.SQLITE_DBCONFIG_ENABLE_VIEW, False),
    ):
        db.setconfig(option, value)
    db.execute("PRAGMA cell_size_check = ON")
    db.execute("PRAGMA mmap_size = 0")
    db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 1 << 30)
    db.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)


def _check(db: sqlite3.Connection) -> None:
    (found,) = db.execute("PRAGMA application_id").fetchone()
    if found != APPLICATION_ID:
        raise NotATrace("it is a SQLite database, but not a trace")
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version != VERSION:
        raise NotATrace(f"it is a trace of format {version}; this tracer reads format {VERSION}")
    expected = TABLES | INDEXES
    for kind, name, sql in db.execute("SELECT type, name, sql FROM sqlite_schema"):
        if str(name).startswith("sqlite_"):
            continue
        if kind not in ("table", "index") or expected.get(name) != sql:
            raise NotATrace(f"its {kind} {str(name)[:40]!r} is not one of a trace")
    missing = set(TABLES) - {row[0] for row in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    if missing:
        raise NotATrace(f"its table {min(missing)!r} is missing")
