"""A capture's packets to conversations: every TCP connection is put in order, and read by whoever speaks it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from tracer.capture.packets import Packets
from tracer.model.row import Row

from .conversation import Context, Conversation, Sink
from .flow import Flow, connection_of
from .given import Given
from .stream import Buffer, Stream
from .tcp import Resume, Tracker
from .udp import Datagrams

Converse = Callable[[Context, Stream, Stream], Conversation]


class Reader:
    """Blocks of packets in; what connections carried, and the connections themselves, into `sink`.

    `base` is the buffer that payload offsets point into; `converse` chooses the reader of a connection by what
    its streams hold. State is held for open connections, and for a short while for ended ones.
    """

    def __init__(
        self,
        base: Buffer,
        sink: Sink,
        *,
        source: str,
        converse: Converse,
        keys: Any = None,
        prefix: str = "",
        rows: Callable[[Row], None] | None = None,
    ) -> None:
        self.base = base
        self.sink = sink
        self.source = source
        self.converse = converse
        self.secrets = keys
        self.prefix = prefix
        self.rows = rows
        """takes exchanges where rows of a listing are all that is wanted (see `Context`)"""
        self.used = Given()
        self.tcp = Tracker(base, prefix, self._begin, self._end)
        self.udp = Datagrams(base, self.context)

    def context(self, client: str, server: str, connection: str | None) -> Context:
        """What a conversation between these ends knows."""
        return Context(
            sink=self.sink,
            source=self.source,
            connection=connection,
            client=client,
            server=server,
            keys=self.secrets,
            prefix=self.prefix,
            used=self.used,
            rows=self.rows,
        )

    def _begin(self, flow: Flow, converse: Converse | None = None) -> Conversation:
        client, server = flow.ends[::-1] if flow.swapped else flow.ends
        context = self.context(client, server, flow.id)
        return (converse or self.converse)(context, flow.client.stream, flow.server.stream)

    def _end(self, flow: Flow) -> None:
        self.sink.connection(connection_of(flow, self.source, flow.conversation))

    def feed(self, packets: Packets) -> None:
        """Read a block."""
        self.tcp.feed(packets)
        self.udp.feed(packets)

    def resume(self, resume: Resume, converse: Converse) -> None:
        """Go on with a connection that was read so far elsewhere, with that conversation."""
        self.tcp.resume(resume, lambda flow: self._begin(flow, converse))

    def keys(self) -> list[int]:
        """Flow keys of the TCP connections that are in its hands."""
        return self.tcp.keys()

    def sweep(self) -> None:
        """Let go of what was silent for long."""
        self.tcp.sweep()
        self.udp.sweep()

    def finish(self) -> None:
        """The capture is over."""
        self.tcp.finish()
        self.udp.finish()


def read_connections(
    blocks: Iterable[Packets],
    base: Buffer,
    sink: Sink,
    *,
    source: str,
    converse: Converse,
    keys: Any = None,
    prefix: str = "",
) -> None:
    """Report what the connections in `blocks` carried, and the connections themselves, into `sink`."""
    reader = Reader(base, sink, source=source, converse=converse, keys=keys, prefix=prefix)
    try:
        for packets in blocks:
            reader.feed(packets)
            reader.sweep()
    finally:
        reader.finish()
