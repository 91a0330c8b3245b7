"""A capture's packets to conversations: every TCP connection is put in order, and read by whoever speaks it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from tracer.capture.packets import Packets

from .conversation import Context, Conversation, Sink
from .stream import Buffer, Stream
from .tcp import Flow, Tracker, connection_of

Converse = Callable[[Context, Stream, Stream], Conversation]


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
    """Report what the connections in `blocks` carried, and the connections themselves, into `sink`.

    `base` is the buffer that payload offsets point into; `converse` chooses the reader of a connection by what
    its streams hold. State is held for open connections only.
    """
    used: dict[tuple[str, int], int] = {}

    def begin(flow: Flow) -> Conversation:
        client, server = flow.ends[::-1] if flow.swapped else flow.ends
        context = Context(
            sink=sink,
            source=source,
            connection=None,
            client=client,
            server=server,
            keys=keys,
            prefix=prefix,
            used=used,
        )
        context.connection = flow.id
        return converse(context, flow.client.stream, flow.server.stream)

    def end(flow: Flow) -> None:
        sink.connection(connection_of(flow, source, getattr(flow.conversation, "protocol", None)))

    tracker = Tracker(base, prefix, begin, end)
    try:
        for packets in blocks:
            tracker.feed(packets)
            tracker.sweep()
    finally:
        tracker.finish()
