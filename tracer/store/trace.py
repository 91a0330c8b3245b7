"""The trace: everything that was read, in one database, whatever it was read from.

It is the sink of every reader, and the source of every view. Values go in as they are finished and come out in time
order. Problem codes: `trace.damaged` (a row of a saved trace that cannot be read).
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Self, overload

import msgspec

from tracer.model.connection import Connection
from tracer.model.http import Body, Exchange, Message
from tracer.model.problem import Problem, Severity
from tracer.model.source import Source
from tracer.model.tls import Handshake
from tracer.model.verdict import Verdict
from tracer.transport.stream import Buffer

from . import bodies
from .coding import SEVERITIES, exchange_row, pack, worst
from .schema import create, open_existing

_BATCH = 2000
_PAGE = 200
_UNREADABLE = (msgspec.MsgspecError, TypeError, ValueError, RecursionError)
_INSERT = {
    table: f"INSERT OR REPLACE INTO {table} ({columns}) VALUES ({','.join('?' * (columns.count(',') + 1))})"
    for table, columns in {
        "source": "name, value",
        "problem": "source, code, severity, value",
        "connection": "id, time_ns, source, client, server, value",
        "handshake": "id, time_ns, source, client, server, sni, severity, value",
        "exchange": "id, time_ns, source, method, host, target, url, status, client, server, protocol, start_ns,"
        " response_ns, end_ns, size, packet, denied, severity, value",
        "verdict": "id, time_ns, source, layer, cause, product, value",
    }.items()
}
_DECODERS: Mapping[str, msgspec.msgpack.Decoder[Any]] = {
    "source": msgspec.msgpack.Decoder(Source),
    "problem": msgspec.msgpack.Decoder(Problem),
    "connection": msgspec.msgpack.Decoder(Connection),
    "handshake": msgspec.msgpack.Decoder(Handshake),
    "exchange": msgspec.msgpack.Decoder(Exchange),
    "verdict": msgspec.msgpack.Decoder(Verdict),
}


class Where(NamedTuple):
    """A condition over the columns of a table, for SQLite to apply before a value is decoded."""

    sql: str
    parameters: tuple[Any, ...] = ()


class Trace:
    """Values in, values out. `Trace()` is private and temporary; `Trace(path)` is a file others can follow."""

    def __init__(self, path: str | os.PathLike[str] | None = None, *, db: sqlite3.Connection | None = None) -> None:
        self._db = db or create(path)
        self._lock = threading.RLock()
        self._waiting: dict[str, list[tuple[Any, ...]]] = {table: [] for table in _INSERT}
        self._count = 0
        self._latest: dict[str, int] = {}
        self._pruned: dict[str, int] = {}
        self._bases: dict[str, Buffer] = {}
        self._damaged: list[Problem] = []
        self._foreign = False
        """made by somebody else, perhaps: the paths in it are not ours to open"""
        self.path = None if path is None else os.fspath(path)
        self._writes = path is not None

    @classmethod
    def open(cls, path: str | os.PathLike[str], write: bool = False) -> Self:
        """A saved trace. Raises NotATrace (a ValueError) or OSError, with a reason a person understands."""
        trace = cls(db=open_existing(path, write))
        trace.path, trace._foreign = os.fspath(path), True
        trace._writes = write
        return trace

    def close(self) -> None:
        """Write what waits and let the database go."""
        self.flush()
        if self._writes:
            try:  # one file, without a log beside it; not while somebody reads
                self._db.execute("PRAGMA journal_mode = DELETE")
            except sqlite3.OperationalError:
                pass
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    # -- in

    def source(self, source: Source) -> None:
        """Add a source, or replace what was known of it."""
        source, value = pack(source)
        self._add("source", (source.name, value))

    def problem(self, problem: Problem) -> None:
        problem, value = pack(problem)
        self._add("problem", (problem.source, problem.code, SEVERITIES[problem.severity], value))

    @overload
    def connection(self, connection: Connection) -> None: ...
    @overload
    def connection(self, connection: str) -> Connection | None: ...
    def connection(self, connection: Connection | str) -> Connection | None:
        """Add a connection; or the one with this id."""
        if isinstance(connection, str):
            found: Connection | None = self._one("connection", connection)
            return found
        c, value = pack(connection)
        self._add("connection", (c.id, c.start_ns, c.source, c.client, c.server, value))
        return None

    @overload
    def handshake(self, handshake: Handshake) -> None: ...
    @overload
    def handshake(self, handshake: str) -> Handshake | None: ...
    def handshake(self, handshake: Handshake | str) -> Handshake | None:
        """Add a handshake; or the one with this id."""
        if isinstance(handshake, str):
            found: Handshake | None = self._one("handshake", handshake)
            return found
        h, value = pack(handshake)
        time_ns = self._time(h.source, h.start_ns)
        self._add("handshake", (h.id, time_ns, h.source, h.client, h.server, h.sni, worst(h.problems), value))
        return None

    @overload
    def exchange(self, exchange: Exchange) -> None: ...
    @overload
    def exchange(self, exchange: str) -> Exchange | None: ...
    def exchange(self, exchange: Exchange | str) -> Exchange | None:
        """Add an exchange (bodies too large to stay inside it go to the store); or the one with this id."""
        if isinstance(exchange, str):
            found: Exchange | None = self._one("exchange", exchange)
            return found
        with self._lock:
            e, value = pack(self._stored(exchange))
            timing = e.timing
            time_ns = self._time(e.source, timing.start_ns if timing.start_ns is not None else timing.response_start_ns)
            self._add("exchange", exchange_row(e, time_ns, value))
        return None

    def verdict(self, *verdicts: Verdict) -> None:
        """Add verdicts; what they judge counts as denied from then on."""
        with self._lock:
            judged = []
            for verdict in verdicts:
                v, value = pack(verdict)
                self._add("verdict", (v.exchange, v.time_ns or 0, v.source, v.layer, v.cause, v.product, value))
                judged.append((v.exchange,))
            self.flush()
            self._db.executemany("UPDATE exchange SET denied = 1 WHERE id = ? AND NOT denied", judged)

    def prune(self, most: int) -> None:
        """Let go of all but about the latest `most` values of each kind: for a trace that has no end."""
        for table in ("exchange", "handshake", "connection", "verdict", "problem", "blob"):
            ((newest,),) = self.select(f"SELECT coalesce(max(n), 0) FROM {table}")
            if newest - self._pruned.get(table, most) > most // 100:
                with self._lock:
                    self._db.execute(f"DELETE FROM {table} WHERE n <= ?", (newest - most,))
                self._pruned[table] = newest

    def attach(self, source: str, base: Buffer) -> None:
        """Where the spans of this source's bodies lie."""
        self._bases[source] = base

    def flush(self) -> None:
        """Make what was added visible to readers, here and in other processes."""
        with self._lock:
            if not self._count:
                return
            try:
                self._db.execute("BEGIN")
                for table, rows in self._waiting.items():
                    if rows:
                        self._db.executemany(_INSERT[table], rows)
                self._db.execute("COMMIT")
            except sqlite3.Error:  # a full disk, say: what waits goes on waiting
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
            for rows in self._waiting.values():
                rows.clear()
            self._count = 0

    def let_go(self) -> None:
        """Forget what was added and not written yet: for who has it elsewhere, when the disk takes no more."""
        with self._lock:
            for rows in self._waiting.values():
                rows.clear()
            self._count = 0

    def _add(self, table: str, row: tuple[Any, ...]) -> None:
        with self._lock:
            self._waiting[table].append(row)
            self._count += 1
            if self._count >= _BATCH:
                self.flush()

    def _time(self, source: str, time_ns: int | None) -> int:
        """The time to order by: for a value without one, that of the latest before it."""
        if time_ns is None:
            return self._latest.get(source, 0)
        self._latest[source] = time_ns
        return time_ns

    def _stored(self, exchange: Exchange) -> Exchange:
        changed: dict[str, Any] = {}
        for half in ("request", "response"):
            message: Message | None = getattr(exchange, half)
            if message is not None and message.body.data is not None and len(message.body.data) > bodies.INLINE:
                body = message.body
                number = bodies.put(self._db, body.data or b"", bool(body.codings))
                body = msgspec.structs.replace(body, data=None, blob=number)
                changed[half] = msgspec.structs.replace(message, body=body)
        return msgspec.structs.replace(exchange, **changed) if changed else exchange

    # -- out

    def sources(self) -> Iterator[Source]:
        """Sources in order of reading. A trace from a file names no paths: a name in it must open no file here."""
        for source in self._read("source", order="n"):
            yield msgspec.structs.replace(source, path=None) if self._foreign else source

    def problems(self) -> Iterator[Problem]:
        """Problems of sources, in order of reading. Those of one exchange or handshake are inside it."""
        yield from self._read("problem", order="n")
        yield from self._damaged

    def exchanges(self, where: Where | None = None) -> Iterator[Exchange]:
        return self._read("exchange", where)

    def exchanges_named(self, names: Sequence[str]) -> Iterator[Exchange]:
        """Those of these ids that are there, in no order: together they cost much less than one by one."""
        return self._named("exchange", names)

    def handshakes_named(self, names: Sequence[str]) -> Iterator[Handshake]:
        return self._named("handshake", names)

    def connections_named(self, names: Sequence[str]) -> Iterator[Connection]:
        return self._named("connection", names)

    def handshakes(self, where: Where | None = None) -> Iterator[Handshake]:
        return self._read("handshake", where)

    def connections(self, where: Where | None = None) -> Iterator[Connection]:
        return self._read("connection", where)

    def verdicts(self, where: Where | None = None) -> Iterator[Verdict]:
        return self._read("verdict", where)

    def verdict_on(self, exchange: str) -> Verdict | None:
        """The verdict on this exchange or handshake."""
        found: Verdict | None = self._one("verdict", exchange)
        return found

    def worst(self) -> int:
        """Rank of the most severe problem anywhere in the trace (2: part of a source could not be read)."""
        tables = ("problem", "handshake", "exchange")
        highest = [self.select(f"SELECT max(severity) FROM {table}")[0][0] or 0 for table in tables]
        return max([*highest, SEVERITIES[Severity.WARN] if self._damaged else 0])

    def count(self, table: str, where: Where | None = None) -> int:
        """Number of `exchange`, `handshake`, `connection`, `verdict` or `problem` rows."""
        if table not in _INSERT:
            raise KeyError(table)
        sql = f"SELECT count(*) FROM {table}" + (f" WHERE {where.sql}" if where else "")
        return int(self.select(sql, where.parameters if where else ())[0][0])

    def select(self, sql: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Rows of a query of ours over the columns; for listings and followers.

        Under the lock, as every read here: threads that ask the same share one prepared statement of the connection,
        and each would step through the other's rows.
        """
        self.flush()
        with self._lock:
            return self._db.execute(sql, parameters).fetchall()

    def value(self, table: str, n: int) -> Any:
        """The value of row `n`; None when there is none or it cannot be read."""
        rows = self.select(f"SELECT value FROM {table} WHERE n = ?", (n,))
        return self._decode(table, rows[0][0]) if rows else None

    def content(self, source: str, body: Body) -> bytes:
        """The body's bytes, content codings still on; empty when they were not kept."""
        if body.data is not None:
            return body.data
        if body.blob is not None:
            with self._lock:
                return bodies.get(self._db, body.blob)
        if not body.spans:
            return b""
        base = self._bases.get(source) or self._reopen(source)
        return b"".join(bytes(base[at : at + length]) for at, length in body.spans if min(at, length) >= 0)

    def _reopen(self, source: str) -> Buffer:
        """The bytes of a source that is no longer attached, from its path; nothing where it is gone."""
        known = next((s for s in self.sources() if s.name == source), None)
        base: Buffer = b""
        if known is not None and known.path is not None:
            from tracer.capture.source import open_source

            try:
                opened = open_source(known.path)
                while not opened.done:
                    opened.grow(opened.ready + (64 << 20))
                base = opened.base
            except OSError:
                base = b""
        self._bases[source] = base
        return base

    # -- marks and notes of the person who reads

    def marks(self) -> dict[str, tuple[str, str]]:
        """Mark and note by exchange id."""
        return {row[0]: (row[1] or "", row[2] or "") for row in self.select("SELECT id, mark, note FROM mark")}

    def mark(self, exchange: str, mark: str = "", note: str = "") -> None:
        """Set mark and note of an exchange; both empty removes them."""
        with self._lock:
            if mark or note:
                self._db.execute("INSERT OR REPLACE INTO mark VALUES (?, ?, ?)", (exchange, mark, note))
            else:
                self._db.execute("DELETE FROM mark WHERE id = ?", (exchange,))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the trace to a file of its own (mode 0600), whole: it opens without the captures it came from."""
        from .saving import save

        save(self, self._db, path)

    # -- reading rows

    def _one(self, table: str, name: str) -> Any:
        rows = self.select(f"SELECT value FROM {table} WHERE id = ?", (name,))
        return self._decode(table, rows[0][0]) if rows else None

    def _named(self, table: str, names: Sequence[str]) -> Iterator[Any]:
        for start in range(0, len(names), _PAGE):
            some = tuple(names[start : start + _PAGE])
            sql = f"SELECT value FROM {table} WHERE id IN ({','.join('?' * len(some))})"
            yield from self._decoded(table, self.select(sql, some))

    def _read(self, table: str, where: Where | None = None, order: str = "time_ns") -> Iterator[Any]:
        """Values page by page, so that others may write meanwhile."""
        condition = f"({where.sql}) AND " if where else ""
        parameters = where.parameters if where else ()
        key = (order,) if order == "n" else (order, "n")
        columns = ", ".join(key)
        sql = f"SELECT value, {columns} FROM {table} WHERE {condition}({columns}) > ({', '.join('?' * len(key))})"
        sql += f" ORDER BY {columns} LIMIT {_PAGE}"
        last: tuple[Any, ...] = (-(2**63),) * len(key)
        while rows := self.select(sql, (*parameters, *last)):
            yield from self._decoded(table, rows)
            last = tuple(rows[-1][1:])

    def _decoded(self, table: str, rows: list[tuple[Any, ...]]) -> Iterator[Any]:
        """Values of rows that begin with one, one by one: many at once are what the collector of garbage walks over."""
        decode = _DECODERS[table].decode
        for row in rows:
            try:
                yield decode(row[0])
            except _UNREADABLE as error:
                self._note_damage(table, error)

    def _decode(self, table: str, value: bytes) -> Any:
        try:
            return _DECODERS[table].decode(value)
        except _UNREADABLE as error:
            self._note_damage(table, error)
            return None

    def _note_damage(self, table: str, error: Exception) -> None:
        text = f"one {table} in the trace cannot be read: {type(error).__name__}"
        name = self.path or ""
        self._damaged.append(Problem(code="trace.damaged", severity=Severity.WARN, text=text, source=name))
