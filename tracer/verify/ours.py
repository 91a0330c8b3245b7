"""Our own reading, reduced to an opinion."""

from __future__ import annotations

from collections.abc import Iterable

from tracer.model.connection import Connection
from tracer.model.http import Exchange
from tracer.model.tls import Handshake

from .opinion import Call, Greeting, Opinion


def reduce(
    exchanges: Iterable[Exchange], handshakes: Iterable[Handshake], connections: Iterable[Connection] = ()
) -> Opinion:
    """What of these values tshark has an opinion about as well, between the ends that packets name."""
    outer = {c.id: c.outer.split(">") for c in connections if c.outer}
    calls = (_between(call_of(e), outer.get(e.connection or "")) for e in exchanges)
    greetings = (_between(greeting_of(h), outer.get(h.connection or "")) for h in handshakes)
    return Opinion(tuple(calls), tuple(greetings))


def _between[T: (Call, Greeting)](value: T, ends: list[str] | None) -> T:
    return value._replace(client=ends[0], server=ends[1]) if ends else value


def call_of(exchange: Exchange) -> Call:
    request, response = exchange.request, exchange.response
    family = exchange.protocol.partition(".")[0] if exchange.protocol.startswith("HTTP/") else exchange.protocol
    first = request or response
    return Call(
        client=exchange.client or "",
        server=exchange.server or "",
        protocol="HTTP/1" if family == "HTTP/0" else family,
        stream=exchange.stream,
        method=request.method if request else None,
        host=(request.get("host") or request.authority) if request else None,
        target=request.target if request else None,
        status=response.status if response else None,
        packet=first.packet if first else None,
        id=exchange.id,
    )


def greeting_of(handshake: Handshake) -> Greeting:
    return Greeting(
        client=handshake.client,
        server=handshake.server,
        sni=handshake.sni,
        version=handshake.version,
        cipher=handshake.cipher,
        ja3=handshake.ja3,
        ja3s=handshake.ja3s,
        ja4=handshake.ja4,
        packet=next(iter(handshake.packets), None),
        id=handshake.id,
    )
