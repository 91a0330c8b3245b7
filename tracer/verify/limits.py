"""What tshark is known not to show, told by the exchange or connection at hand: a difference that one of these
explains is named so, never left out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from tracer.model.connection import Connection
from tracer.model.http import Exchange, Response
from tracer.model.tls import Handshake

from .opinion import Difference, Opinion

LIMITS = {
    "until-close-in-tls": "a response that ends with its TLS connection is not shown by tshark",
    "response-cut": "a response that the capture holds only in part is not shown by tshark",
    "encrypted-hello": "tshark opens what an encrypted ClientHello began by ECH_SECRET only, if at all",
    "h2-header-block": "tshark did not put together or decompress a header block of HTTP/2",
    "qpack": "this tshark does not decompress the header sections of HTTP/3",
    "h3-header-block": "tshark did not decompress a header section of HTTP/3",
    "h2-behind-proxy-protocol": "tshark does not look for HTTP/2 behind a PROXY protocol header",
    "h2-prior-knowledge": "tshark does not look for HTTP/2 that began without TLS or upgrade on this port",
    "joined-late": "tshark decodes header blocks and sealed records from a connection's start only",
    "bytes-missing": "tshark does not find the next message or record behind bytes that were not captured",
}
"""name -> sentence"""


class Facts(NamedTuple):
    """What is known of the reading beside its opinion."""

    exchanges: dict[str, Exchange]
    connections: dict[str, Connection]
    handshakes: dict[str, Handshake]
    theirs: Opinion


def facts(
    exchanges: Iterable[Exchange], connections: Iterable[Connection], handshakes: Iterable[Handshake], theirs: Opinion
) -> Facts:
    return Facts({e.id: e for e in exchanges}, {c.id: c for c in connections}, {h.id: h for h in handshakes}, theirs)


def limit_of(difference: Difference, known: Facts) -> str | None:
    """The name of the limit that explains a difference; None when it is to be looked into."""
    exchange = known.exchanges.get(difference.id or "")
    if exchange is None or not (difference.kind == "only-tracer" or difference.theirs is None):
        return None
    connection = known.connections.get(exchange.connection or "")
    handshake = known.handshakes.get(exchange.tls or "")
    if handshake is not None and handshake.ech_accepted:
        return "encrypted-hello"
    layers = (connection.protocol or "").split("/") if connection is not None else []
    if exchange.protocol == "HTTP/3" and not any(c.protocol == "HTTP/3" for c in known.theirs.calls):
        return "qpack"
    if exchange.protocol == "HTTP/2" and exchange.tls is None:
        if any(layer.startswith("proxy") for layer in layers):
            return "h2-behind-proxy-protocol"
        if not any(c.protocol == "HTTP/2" and c.server == exchange.server for c in known.theirs.calls):
            return "h2-prior-knowledge"
    if exchange.protocol.startswith("HTTP/1") and exchange.response is not None:
        if exchange.tls is not None and not _is_framed(exchange.response):
            return "until-close-in-tls"
        if not exchange.response.body.complete:
            return "response-cut"
    if connection is not None and connection.joined_late:
        return "joined-late"
    if connection is not None and connection.lost:
        return "bytes-missing"
    # their stream is there, and lacks what its header block says
    lacking = {"HTTP/2": "h2-header-block", "HTTP/3": "h3-header-block"}
    return lacking.get(exchange.protocol) if difference.kind != "only-tracer" else None


def _is_framed(response: Response) -> bool:
    """Something else than the connection's end tells where the response ends."""
    return response.get("content-length") is not None or "chunked" in (response.get("transfer-encoding") or "")
