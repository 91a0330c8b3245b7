"""Our own reading, reduced to an opinion."""

from __future__ import annotations

from collections.abc import Iterable

from tracer.model.http import Exchange
from tracer.model.tls import Handshake

from .opinion import Call, Greeting, Opinion


def reduce(exchanges: Iterable[Exchange], handshakes: Iterable[Handshake]) -> Opinion:
    """What of these values tshark has an opinion about as well."""
    return Opinion(tuple(map(call_of, exchanges)), tuple(map(greeting_of, handshakes)))


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
