"""One transport connection as the capture shows it."""

from __future__ import annotations

import msgspec


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    """`c12`: the connection whose first packet is number 12"""
    source: str
    transport: str = "tcp"
    """`tcp` or `quic`"""
    client: str = ""
    server: str = ""
    announced: str | None = None
    """the endpoints that a PROXY header in front of everything claims: `client>server`"""
    start_ns: int = 0
    end_ns: int = 0
    rtt_ns: int | None = None
    """SYN to SYN-ACK as seen at the point of capture (server side of the path)"""
    client_rtt_ns: int | None = None
    """SYN-ACK to ACK as seen at the point of capture (client side of the path)"""
    client_ttl: int | None = None
    server_ttl: int | None = None
    """of the first packet"""
    server_ttls: tuple[tuple[int, int], ...] = ()
    """(packet, TTL of the server's packets that carry bytes or a reset, from that one on), where it was not always
    that of the first packet; the first few changes"""
    client_bytes: int = 0
    """payload bytes seen, retransmissions not counted"""
    server_bytes: int = 0
    packets: int = 0
    lost: int = 0
    """bytes sent but not captured, both directions"""
    joined_late: bool = False
    """the capture has no SYN of it"""
    closed: str | None = None
    """`client-fin`, `server-fin`, `client-rst`, `server-rst`; None when the capture ends first"""
    protocol: str | None = None
    """what it carried, outermost first: `tls/h2`, `http/1`, `proxy/tls/http/1`, `unknown`"""
