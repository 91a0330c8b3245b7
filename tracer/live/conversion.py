"""Records of the journal -> the values of a trace, in order; the same records make the same values with the same ids.

`e<n>` is the n-th exchange that was handed over, `c<n>` and `t<n>` the n-th connection of the proxy and its handshake.
The two sides of the proxy are connections and handshakes of their own: the exchange names those towards the server,
its facts `mitm.client-tls.handshake` and `mitm.client-connection` those towards the client.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable

import msgspec

from tracer.formats.mitm_flow import agreed, exchange_of, facts_of, name_of, nanoseconds, treated
from tracer.model.connection import Connection
from tracer.model.http import Event, Exchange, Response
from tracer.model.problem import Problem, Severity
from tracer.transport.conversation import Sink

from .handshakes import handshake_of
from .records import Closed, Digest, Flow, Frame, Note, Record, Side

NAME = "live"
"""of the source that a recording is"""
_SIDES = 2048
_SOCKETS = 1024
_EVENTS = 5000
_EVENT_BYTES = 4 << 20
_REFUSED = re.compile(r"refused HTTP CONNECT request: (\d{3})(?: (.*))?$")
"""how mitmproxy words the answer of an upstream proxy"""
_OPCODES = {1: "text", 2: "binary"}


class Conversion:
    """Takes records, reports values into `sink`; `stored` gives back an exchange by its id."""

    def __init__(self, sink: Sink, stored: Callable[[str], Exchange | None], prefix: str = "") -> None:
        self._sink = sink
        self._stored = stored
        self._prefix = prefix
        self._sides: OrderedDict[int, _Known] = OrderedDict()
        self._sockets: OrderedDict[int, _Socket] = OrderedDict()
        self.ended = False

    def take(self, record: Record) -> Exchange | None:
        """Convert one record; the exchange, where it was one."""
        if isinstance(record, Flow):
            return self._flow(record)
        if isinstance(record, Side):
            self._side(record)
        elif isinstance(record, Frame):
            self._frame(record)
        elif isinstance(record, Closed):
            self._closed(record)
        elif isinstance(record, Digest):
            self._digest(record)
        elif isinstance(record, Note):
            severity = Severity.WARN if record.warn else Severity.NOTE
            self._sink.problem(Problem(code=record.code, severity=severity, text=record.text, source=NAME))
        return None

    def settle(self) -> None:
        """Put WebSocket messages that came since into their exchanges."""
        for socket in self._sockets.values():
            if socket.changed:
                socket.changed = False
                self._sink.exchange(msgspec.structs.replace(socket.exchange, events=tuple(socket.events)))

    # -- records

    def _flow(self, record: Flow) -> Exchange:
        outer = self._sides.get(record.client) or _Known(Side(record.client, True))
        inner = (self._sides.get(record.server) if record.server is not None else None) or _Known(Side(0, False))
        flow = _Recorded(record, outer.side, inner.side)
        facts = outer.facts(inner) | treated(flow)
        facts["mitm.flow"] = record.id
        if record.answered:
            facts["mitm.answered-by"] = "proxy"
        if outer.side.number:
            facts["mitm.client-connection"] = f"{self._prefix}c{outer.side.number}"
        if outer.handshake:
            facts["mitm.client-tls.handshake"] = outer.handshake
        exchange = exchange_of(
            flow,
            f"{self._prefix}e{record.number}",
            NAME,
            record.number,
            connection=f"{self._prefix}c{inner.side.number}" if inner.side.number else None,
            tls=inner.handshake,
            tunnel=f"{self._prefix}e{record.tunnel}" if record.tunnel else None,
            extra=facts,
        )
        if record.request.method_ == b"CONNECT":
            exchange = _connect(exchange, record, inner.side)
        elif exchange.response is None and exchange.aborted and (found := _REFUSED.search(exchange.aborted)):
            exchange = _refused(exchange, found, inner.side)
        self._sink.exchange(exchange)
        if exchange.response is not None and exchange.response.status == 101:
            self._sockets[record.number] = _Socket(exchange)
            if len(self._sockets) > _SOCKETS:
                self.settle()
                self._sockets.popitem(last=False)
        return exchange

    def _side(self, side: Side) -> None:
        known = self._sides[side.number] = _Known(side)
        if len(self._sides) > _SIDES:
            self._sides.popitem(last=False)
        own, peer = name_of(side.sockname), name_of(side.peername) or name_of(side.address)
        client, server = (peer, own) if side.outer else (own, peer)
        self._sink.connection(
            Connection(
                id=f"{self._prefix}c{side.number}",
                source=NAME,
                transport="quic" if side.transport_protocol == "udp" else "tcp",
                client=client or "",
                server=server or "",
                start_ns=nanoseconds(side.timestamp_start) or 0,
                end_ns=nanoseconds(side.timestamp_end) or 0,
                protocol="tls" if side.tls else None,
            )
        )
        handshake = handshake_of(side, f"{self._prefix}t{side.number}", f"{self._prefix}c{side.number}", NAME)
        if handshake is not None:
            known.handshake = handshake.id
            self._sink.handshake(handshake)

    def _frame(self, frame: Frame) -> None:
        event = Event(
            kind=_OPCODES.get(frame.opcode, "binary"),
            client=frame.from_client,
            time_ns=nanoseconds(frame.timestamp),
            data=frame.content,
            size=frame.size,
        )
        self._event(frame.number, event)

    def _closed(self, closed: Closed) -> None:
        reason = closed.close_reason.encode()
        event = Event(
            kind="close",
            client=closed.closed_by_client,
            time_ns=nanoseconds(closed.timestamp),
            data=reason,
            size=len(reason),
            code=closed.close_code,
        )
        self._event(closed.number, event)
        self.settle()
        self._sockets.pop(closed.number, None)

    def _event(self, number: int, event: Event) -> None:
        socket = self._sockets.get(number)
        if socket is None:
            exchange = self._stored(f"{self._prefix}e{number}")
            if exchange is None:
                return
            socket = self._sockets[number] = _Socket(exchange)
        socket.add(event)

    def _digest(self, digest: Digest) -> None:
        exchange = self._stored(f"{self._prefix}e{digest.number}")
        if exchange is not None:
            name = f"mitm.{'request' if digest.of_request else 'response'}-sha256"
            changed = msgspec.structs.replace(exchange, extra=exchange.extra | {name: digest.sha256})
            if digest.number in self._sockets:
                self._sockets[digest.number].exchange = changed
            self._sink.exchange(changed)


class _Known:
    """A side, what was agreed on it, and the id of its handshake."""

    __slots__ = ("_facts", "_with", "agreed", "handshake", "side")

    def __init__(self, side: Side) -> None:
        self.side = side
        self.agreed = agreed(side)
        self.handshake: str | None = None
        self._with: _Known | None = None
        self._facts: dict[str, str] = {}

    def facts(self, server: _Known) -> dict[str, str]:
        """What the exchanges between this side and the server's have in common."""
        if self._with is not server:
            self._with = server
            self._facts = facts_of(self.side, server.side, self.agreed, server.agreed)
        return self._facts


class _Socket:
    """The messages of one WebSocket, a bounded number of them."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.events: list[Event] = list(exchange.events)
        self._bytes = sum(len(e.data) for e in self.events)
        self.changed = False

    def add(self, event: Event) -> None:
        self.changed = True
        if len(self.events) < _EVENTS and self._bytes + len(event.data) <= _EVENT_BYTES:
            self.events.append(event)
            self._bytes += len(event.data)
            return
        self.events[-1] = event  # the last word of a long talk is worth more than one in the middle
        if not any(p.code == "live.messages-left-out" for p in self.exchange.problems):
            text = f"only the first {len(self.events) - 1} WebSocket messages and the last one are kept"
            problem = Problem(code="live.messages-left-out", severity=Severity.NOTE, text=text, source=NAME)
            self.exchange = msgspec.structs.replace(self.exchange, problems=(*self.exchange.problems, problem))


class _Recorded:
    """A recorded flow with its two sides, as `formats.mitm_flow` reads flows."""

    type = "http"
    websocket = None

    def __init__(self, record: Flow, client: Side, server: Side) -> None:
        self.request, self.response, self.error = record.request, record.response, record.error
        self.comment, self.marked, self.is_replay = record.comment, record.marked, record.is_replay
        self.client_conn, self.server_conn = client, server
        self._changed = record.changed

    def modified(self) -> bool:
        return self._changed


def _connect(exchange: Exchange, record: Flow, server: Side) -> Exchange:
    """A CONNECT. Where an upstream proxy refused it, the answer is that one's; a refusal of our own is none."""
    if exchange.response is None or exchange.response.status < 400:
        return exchange
    content = record.response.raw_content if record.response else None
    said = server.error or (content or b"").decode("utf-8", "replace")
    found = _REFUSED.search(said)
    if found is None:
        return msgspec.structs.replace(exchange, response=None, aborted=said[:400] or "refused by the proxy itself")
    return _refused(exchange, found, server)


def _refused(exchange: Exchange, found: re.Match[str], server: Side) -> Exchange:
    """The CONNECT that an upstream proxy refused, in place of the request that was to go through it."""
    request = exchange.request
    assert request is not None
    place = name_of(server.address) or request.authority or request.target
    comment = "" if request.method == "CONNECT" else f"the proxy asked for it to send {request.method} {request.url}"
    asked = msgspec.structs.replace(
        request, method="CONNECT", target=place, authority=place, url=place, scheme=None, version="HTTP/1.1", head=b""
    )
    return msgspec.structs.replace(
        exchange,
        protocol="HTTP/1.1",
        server=(name_of(server.via[1]) if server.via else None) or exchange.server,
        request=asked,
        response=Response(status=int(found[1]), reason=found[2] or "", packet=request.packet),
        comment=comment,
        extra={k: v for k, v in exchange.extra.items() if k != "mitm.answered-by"},
    )
