"""A denial with its surroundings: what the rules look at."""

from __future__ import annotations

import re

import msgspec

from tracer.model.connection import Connection
from tracer.model.http import Exchange, Response
from tracer.model.tls import Handshake
from tracer.model.verdict import Layer, Link

from .exchanges import ById, Kept
from .forms import lower_names, names_of
from .siblings import Sibling


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """One denied exchange, as the server that decided saw it, and what was around it."""

    exchange: Exchange
    server: str
    """address of the server that received it, as the packets say"""
    body: str
    """decoded text of the answer, cut at a bound"""
    request_body: str = ""
    seen: Exchange | None = None
    """the same denial as its client saw it, when that is another exchange"""
    handshake: Handshake | None = None
    chain: tuple[Exchange, ...] = ()
    """the exchanges that led here, in order"""
    links: tuple[Link, ...] = ()
    """how each of them led to the next"""
    connections: ById[Connection] = msgspec.field(default_factory=Kept[Connection])
    """all of the trace, by id"""
    handshakes: ById[Handshake] = msgspec.field(default_factory=Kept[Handshake])
    """all of the trace, by id"""
    answers: tuple[Sibling, ...] = ()
    """other exchanges with the same host, in time order, a bounded number"""
    round_trip_ns: int | None = None
    """of the connection to the server, as its handshake showed it at the point of capture"""
    passes_on: bool = False
    """the server was seen to make requests of its own to answer others"""
    depth: int = 0
    """hops that were seen to pass the request on before it came here"""
    asked_nobody: bool = False
    """the trace shows hops of requests, and none behind this server for this one; no cache answered"""
    answered_behind: bool = False
    """the same was asked behind this server, and what came from there was no denial"""

    @property
    def is_front(self) -> bool:
        """The exchange that is judged is the one that the client saw."""
        return self.seen is None or self.seen is self.exchange


CACHES_SAY = frozenset({"age", "x-cache", "cache-status", "x-varnish"})
"""fields in which a cache says that an answer is its own"""


def from_cache(response: Response | None) -> bool:
    """The answer comes out of a cache: it was made earlier, and further behind."""
    if response is None or CACHES_SAY.isdisjoint(lower_names(names_of(response.headers))):
        return False
    age = (response.get("age") or "").strip()
    if age.isdigit() and int(age) > 0:
        return True
    says = f"{response.get('x-cache') or ''} {response.get('cache-status') or ''}"
    return bool(re.search(r"\bhit\b", says, re.IGNORECASE) or re.fullmatch(r"\d+ \d+", response.get("x-varnish") or ""))


ACCELERATORS = frozenset({"squid"})
"""proxies of clients that also stand before servers, as their cache"""


def asked_as_origin(exchange: Exchange) -> bool:
    """The request is one to the server itself: a client that knows its proxy names the whole URL, asks for a tunnel,
    or says so in a field (RFC 9112 section 3.2.2). Only packets tell; in a tunnel the proxy speaks as the origin."""
    request = exchange.request
    if request is None or not exchange.packets or exchange.tunnel is not None:
        return False
    said = request.get("proxy-authorization") or request.get("proxy-connection")
    return request.target.startswith("/") and not said


def is_cache_here(layer: Layer, product: str | None, exchange: Exchange) -> bool:
    """A product that is usually the clients' proxy stands before servers here, as their cache."""
    return layer is Layer.FORWARD_PROXY and product in ACCELERATORS and asked_as_origin(exchange)


def placed(layer: Layer, scene: Scene, product: str | None = None) -> Layer:
    """Where a product of that layer stands here: a web server that passes requests on is a gateway or a proxy."""
    request = scene.exchange.request
    if request is not None and request.method == "CONNECT":
        return Layer.FORWARD_PROXY
    if is_cache_here(layer, product, scene.exchange):
        return Layer.CDN
    return Layer.GATEWAY if scene.passes_on and layer in (Layer.ORIGIN, Layer.APP) else layer
