"""TLS between two ends of the standard library in memory, and the reading of what they exchanged."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.whole import compare
from tracer.listing_whole import read_rows
from tracer.model.connection import Connection
from tracer.model.http import Exchange
from tracer.model.problem import Problem
from tracer.model.tls import Handshake
from tracer.tls.conversation import TlsConversation
from tracer.tls.keys import Keys
from tracer.transport.conversation import Context
from tracer.transport.stream import Mark, Stream

REQUEST = b"GET /secret HTTP/1.1\r\nHost: a.example\r\n\r\n"
RESPONSE = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"
SECOND_NS = 1_000_000_000
Sent = list[tuple[bool, bytes]]
"""(by the client, bytes) in the order of sending"""


class Kept:
    """A sink that keeps what it gets."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []
        self.handshakes: list[Handshake] = []

    def exchange(self, exchange: Exchange) -> None:
        self.exchanges.append(exchange)

    def handshake(self, handshake: Handshake) -> None:
        self.handshakes.append(handshake)

    def connection(self, connection: Connection) -> None: ...
    def problem(self, problem: Problem) -> None: ...


@dataclass
class Ends:
    """Client and server, and what they sent."""

    client: ssl.SSLObject
    server: ssl.SSLObject
    up: ssl.MemoryBIO
    down: ssl.MemoryBIO
    sent: Sent = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def step(self, is_client: bool, act: str, *values: bytes | int) -> bool:
        """Run one call and note what it sent; False when it waits for the other end."""
        end, out = (self.client, self.up) if is_client else (self.server, self.down)
        before = out.read()
        done = True
        try:
            getattr(end, act)(*values)
        except ssl.SSLWantReadError:
            done = False
        except ssl.SSLError as error:
            self.errors.append(error.reason or str(error))
        fresh = out.read()
        out.write(before + fresh)
        if fresh:
            self.sent.append((is_client, fresh))
        return done

    def shake(self) -> None:
        for _ in range(8):
            ready = [self.step(True, "do_handshake"), self.step(False, "do_handshake")]
            if all(ready) or self.errors:
                return

    def exchange(self, request: bytes = REQUEST, response: bytes = RESPONSE) -> None:
        self.step(True, "write", request)
        self.step(False, "read", 65536)
        if not self.errors:
            self.step(False, "write", response)
            self.step(True, "read", 65536)

    def close(self) -> None:
        if not self.errors:
            self.step(False, "unwrap")
            self.step(True, "unwrap")


def near(
    log: Path | None = None,
    version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
    ciphers: str = "DEFAULT",
    identity: Path | None = None,
) -> ssl.SSLContext:
    """A client that trusts everybody."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if log is not None:
        context.keylog_filename = str(log)
    context.set_ciphers(ciphers)
    context.minimum_version = context.maximum_version = version
    context.set_alpn_protocols(["http/1.1"])
    if identity is not None:
        context.load_cert_chain(identity)
    return context


def far(identity: Path, ciphers: str = "DEFAULT", trusts: Path | None = None, required: bool = True) -> ssl.SSLContext:
    """A server; with `trusts` it wants a client certificate of one of those authorities."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.load_cert_chain(identity)
    context.set_ciphers(ciphers)
    context.set_alpn_protocols(["http/1.1"])
    if trusts is not None:
        context.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL
        context.load_verify_locations(trusts)
    return context


def meet(client: ssl.SSLContext, server: ssl.SSLContext, session: ssl.SSLSession | None = None) -> Ends:
    """Two ends that have said nothing yet."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    first = client.wrap_bio(down, up, server_hostname="a.example", session=session)
    return Ends(first, server.wrap_bio(up, down, server_side=True), up, down)


def talk(client: ssl.SSLContext, server: ssl.SSLContext, session: ssl.SSLSession | None = None) -> Ends:
    """A whole conversation: handshake, one exchange, close_notify."""
    ends = meet(client, server, session)
    ends.shake()
    if not ends.errors:
        ends.exchange()
    ends.close()
    return ends


def read(
    sent: Sent,
    keys: Keys | None = None,
    piece: int = 1 << 20,
    gaps: dict[int, int] | None = None,
    start_ns: int = 0,
    arrived: Callable[[int], None] | None = None,
    together: bool = False,
) -> Kept:
    """The conversation over those bytes, delivered in pieces; `gaps`: bytes missing before the piece of a number;
    `arrived` is called before each piece with its number; `together`: nothing is read before all of it is there."""
    kept = Kept()
    here, there = "10.0.0.1:1", "10.0.0.2:443"
    context = Context(sink=kept, source="x", connection="c1", client=here, server=there, keys=keys)
    streams = {True: Stream(), False: Stream()}
    conversation = TlsConversation(context, streams[True], streams[False])
    pieces: list[tuple[bool, bytes, int, int]] = []
    packet = 0
    for client, data in sent:
        for at in range(0, len(data), piece):
            packet += 1
            if arrived is not None:
                arrived(packet)
            mark = Mark(packet, start_ns + packet * 1000)
            pieces.append((client, data[at : at + piece], *mark))
            streams[client].push(data[at : at + piece], mark, (gaps or {}).get(packet, 0))
            if not together:
                conversation.advance()
    streams[True].closed = streams[False].closed = True
    conversation.advance()
    if keys is not None and not gaps and arrived is None:
        other = Context(sink=kept, source="x", connection="c1", client=here, server=there)
        compare(pieces, lambda one, two: read_rows(other, one, two, keys), kept.exchanges)
    return kept


def logged(log: Path) -> Keys:
    """The keys of that key log."""
    keys = Keys()
    keys.add(log.read_bytes(), "keys")
    return keys
