"""A denial with its surroundings: what the rules look at."""

from __future__ import annotations

from dataclasses import dataclass, field

from tracer.model.http import Exchange
from tracer.model.tls import Handshake


@dataclass(frozen=True, slots=True)
class Scene:
    """One denied exchange and what was around it."""

    exchange: Exchange
    server: str
    """address of the server that received it, as the packets say"""
    body: str
    """decoded text of the answer, cut at a bound"""
    copies: tuple[Exchange, ...] = ()
    """the same request one hop deeper, two hops deeper, …: the last one is the deepest that was captured"""
    handshake: Handshake | None = None
    siblings: tuple[Exchange, ...] = ()
    """other exchanges with the same host, in time order, a bounded number"""
    proxies: frozenset[str] = frozenset()
    """addresses that also act as clients in this trace: intermediaries"""
    many_seen: bool = field(default=False)
    """the trace shows more than one vantage point"""
