"""What goes over one connection, given to the readers of captures as it happens: bytes in, values out.

The plain bytes give the exchange; the bytes on the wire give the TLS handshake with certificates and alerts. Each
piece counts as one packet. No socket here.
"""

from __future__ import annotations

import msgspec

from tracer.http.detect import conversation
from tracer.model.connection import Connection
from tracer.model.http import Exchange
from tracer.model.problem import Problem
from tracer.model.tls import Handshake
from tracer.tls.keys import Keys
from tracer.transport.conversation import Context
from tracer.transport.stream import Mark, Stream


class _Heard:
    """A sink that keeps what is reported."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []
        self.handshakes: list[Handshake] = []
        self.problems: list[Problem] = []

    def exchange(self, exchange: Exchange) -> None:
        self.exchanges.append(exchange)

    def handshake(self, handshake: Handshake) -> None:
        self.handshakes.append(handshake)

    def connection(self, connection: Connection) -> None:
        pass

    def problem(self, problem: Problem) -> None:
        self.problems.append(problem)


class Pair:
    """Both directions of one layer, and who reads them."""

    def __init__(self, context: Context) -> None:
        self.client, self.server = Stream(), Stream()
        self.reader = conversation(context, self.client, self.server)

    def push(self, from_client: bool, data: bytes, mark: Mark) -> None:
        (self.client if from_client else self.server).push(data, mark)
        self.reader.advance()

    def close(self) -> None:
        self.client.closed = self.server.closed = True
        self.reader.advance()


class Tape:
    """One connection, from its first byte to its end."""

    def __init__(self, source: str, prefix: str, client: str, server: str, scheme: str, keys: Keys) -> None:
        self.heard, self.shaken = _Heard(), _Heard()
        self.id = f"{prefix}c1"
        context = Context(
            sink=self.heard, source=source, connection=self.id, client=client, server=server, prefix=prefix
        )
        self.plain = Pair(context.inner(scheme=scheme))
        self.wire = Pair(context.inner(sink=self.shaken, keys=keys)) if scheme == "https" else None
        self._packet = 0
        self._ends = client, server
        self._source = source
        self._times: list[int] = []

    def say(self, from_client: bool, data: bytes, time_ns: int) -> None:
        """Plain bytes of HTTP."""
        if data:
            self.plain.push(from_client, data, self._mark(time_ns))

    def say_sealed(self, from_client: bool, data: bytes, time_ns: int) -> None:
        """Bytes of TLS."""
        if data and self.wire:
            self.wire.push(from_client, data, self._mark(time_ns))

    def _mark(self, time_ns: int) -> Mark:
        self._packet += 1
        self._times.append(time_ns)
        return Mark(self._packet, time_ns)

    @property
    def exchange(self) -> Exchange | None:
        """The exchange, once it is whole."""
        return self.heard.exchanges[0] if self.heard.exchanges else None

    @property
    def switched(self) -> bool:
        """The server switched to another protocol: nothing more of HTTP will come."""
        reading = getattr(self.plain.reader, "inner", None)
        return getattr(reading, "inner", None) is not None

    def end(self, closed: str | None) -> tuple[Exchange | None, Handshake | None, Connection]:
        """Everything that came of it; what is not whole is reported as it is."""
        self.plain.close()
        if self.wire:
            self.wire.close()
        handshake = self.shaken.handshakes[0] if self.shaken.handshakes else None
        exchange = self.exchange
        if exchange is not None and handshake is not None:
            exchange = msgspec.structs.replace(exchange, tls=handshake.id)
        times = self._times or [0]
        connection = Connection(
            id=self.id,
            source=self._source,
            client=self._ends[0],
            server=self._ends[1],
            start_ns=times[0],
            end_ns=times[-1],
            packets=self._packet,
            closed=closed,
            protocol=("tls/" if self.wire else "") + ("h2" if exchange and exchange.protocol == "HTTP/2" else "http/1"),
        )
        return exchange, handshake, connection
