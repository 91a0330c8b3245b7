"""The contract between whoever has the bytes of a connection and whoever reads a protocol from them.

A connection starts with one conversation, chosen by content. A conversation that finds another protocol inside
(TLS, a CONNECT tunnel, an upgrade) makes that one's conversation over its own inner streams, or over the rest
of these, and drives it. All of them report into one `Sink`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from tracer.model.connection import Connection
from tracer.model.http import Exchange
from tracer.model.problem import Problem
from tracer.model.row import Row
from tracer.model.tls import Handshake

from .given import Given
from .stream import Stream


class Sink(Protocol):
    """Where finished values go; the same value is reported once."""

    def exchange(self, exchange: Exchange) -> None: ...
    def handshake(self, handshake: Handshake) -> None: ...
    def connection(self, connection: Connection) -> None: ...
    def problem(self, problem: Problem) -> None: ...


class Context:
    """What a conversation knows of its surroundings; a copy with changes is handed to inner ones."""

    __slots__ = (
        "announced",
        "client",
        "connection",
        "keys",
        "prefix",
        "rows",
        "scheme",
        "server",
        "sink",
        "source",
        "tls",
        "tunnel",
        "used",
    )

    def __init__(
        self,
        *,
        sink: Sink,
        source: str,
        connection: str | None,
        client: str,
        server: str,
        keys: Any = None,
        prefix: str = "",
        scheme: str = "http",
        tls: str | None = None,
        tunnel: str | None = None,
        used: Given | None = None,
        rows: Callable[[Row], None] | None = None,
        announced: str | None = None,
    ) -> None:
        self.sink = sink
        self.source = source
        self.connection = connection
        self.client = client
        self.server = server
        self.keys = keys
        """the key store (`tracer.tls.keys.Keys`), or None"""
        self.prefix = prefix
        """goes before every id: `s2.` for the second of several sources"""
        self.scheme = scheme
        """`https` inside TLS"""
        self.tls = tls
        """id of the handshake that protects these bytes"""
        self.tunnel = tunnel
        """id of the CONNECT exchange these bytes run inside"""
        self.used = used or Given()
        """ids given out so far, shared over the whole source"""
        self.rows = rows
        """takes exchanges as rows, where a listing is all that is wanted; the sink takes them where this is None"""
        self.announced = announced
        """`client>server` as a PROXY header in front names them"""

    @property
    def brief(self) -> bool:
        """What a listing does not show is not worked out: bodies are measured, handshakes counted."""
        return self.rows is not None

    def inner(self, **changes: Any) -> Context:
        """The same surroundings with some of them changed."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return Context(**(values | changes))

    def new_id(self, kind: str, packet: int) -> str:
        """`e41` for the first exchange that starts in packet 41, then `e41.2`, …"""
        n = self.used.count(kind, packet)
        return f"{self.prefix}{kind}{packet}" if n == 1 else f"{self.prefix}{kind}{packet}.{n}"


class Conversation(Protocol):
    """A protocol reader over both directions of a connection."""

    def __init__(self, context: Context, client: Stream, server: Stream) -> None: ...

    def advance(self) -> None:
        """Read what has arrived. Called again after each growth of either stream; never raises for what the
        wire holds. When both streams are closed, everything unfinished is reported, with what it lacks."""
        ...
