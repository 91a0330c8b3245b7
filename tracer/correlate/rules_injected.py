"""From how far the packets of an answer came: one that another machine put into the connection has another TTL."""

from __future__ import annotations

from bisect import bisect_right

from tracer.model.http import Exchange
from tracer.model.verdict import Layer

from .columns import host_of
from .evidence import Collection
from .scene import Scene
from .siblings import wholes

APART = 2
"""hops: routes change by one"""


def collect(scene: Scene, found: Collection) -> None:
    """Evidence that the denial does not come from the machine that good answers of this address come from."""
    here = ttl_of(scene, scene.exchange)
    if here is None:
        return
    end = host_of(scene.server)
    good = wholes(s for s in scene.answers if s.status < 400 and s.server_host == end)
    scene.connections.fetch(e.connection for e in good if e.connection)
    usual = {ttl for e in good if (ttl := ttl_of(scene, e)) is not None}
    connection = scene.connections.get(scene.exchange.connection or "")
    if usual:
        share, than = 1.0, f"good answers of this address come with {min(usual)}"
    elif connection is not None and connection.server_ttl is not None:
        share, than = 0.6, f"the connection was set up with {connection.server_ttl}"
        usual = {connection.server_ttl}  # some that answer a SYN for servers behind them do so too
    if not usual or min(abs(here - ttl) for ttl in usual) < APART:
        return
    says = f"its packets come with TTL {here}, {than}: a machine on the way put the answer into the connection"
    for supports, weight in (
        (f"against:{Layer.APP}", 2.4),
        (f"against:{Layer.ORIGIN}", 2.0),
        (f"generated:{Layer.FORWARD_PROXY}", 1.4),
        (f"generated:{Layer.WAF}", 0.6),
    ):
        found.add(
            says,
            supports,
            weight * share,
            exchange=scene.exchange,
            where="response packets",
            value=f"TTL {here}",
            reference="RFC 791 section 3.2",
        )


def ttl_of(scene: Scene, exchange: Exchange) -> int | None:
    """TTL with which the first packet of the answer came."""
    connection = scene.connections.get(exchange.connection or "")
    packet = exchange.response.packet if exchange.response is not None else None
    if connection is None or packet is None:
        return None
    changes = connection.server_ttls
    at = bisect_right(changes, packet, key=lambda change: change[0])
    return changes[at - 1][1] if at else connection.server_ttl
