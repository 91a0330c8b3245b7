"""Alternative services (RFC 7838): which exchange told its client that HTTP/3 is spoken there."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from tracer.model.http import Exchange

_ENTRY = re.compile(
    r"\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)=\"((?:[^\"\\]|\\.)*)\"((?:\s*;\s*[\w-]+=(?:\"[^\"]*\"|[^\s;,\"]*))*)\s*(?:,|$)"
)
"""protocol-id="authority" and parameters (RFC 7838 section 3)"""
DAY = 24 * 3600
MOST = 10_000
"""origins remembered"""


class Alternative(NamedTuple):
    protocol: str
    """`h3`, percent-encoding left as it is"""
    host: str
    """empty: that of the origin"""
    port: int
    max_age: int
    """seconds"""


def read_alternatives(value: str) -> tuple[Alternative, ...]:
    """The entries of an Alt-Svc field, up to the first that cannot be read; () for `clear`."""
    found: list[Alternative] = []
    at = 0
    while (hit := _ENTRY.match(value, at)) and hit.end() > at and len(found) < 32:
        at = hit.end()
        host, _, port = hit[2].rpartition(":")
        age = re.search(r'\bma="?(\d{1,10})\b', hit[3])
        if port.isascii() and port.isdigit() and len(port) < 6:
            found.append(Alternative(hit[1], host, int(port), int(age[1]) if age else DAY))
    return tuple(found)


class Advertised(NamedTuple):
    """What an exchange told."""

    exchange: str
    time_ns: int
    alternatives: tuple[Alternative, ...]


class Alternatives:
    """What servers advertised so far, exchange by exchange in the order of time."""

    def __init__(self) -> None:
        self._known: dict[str, Advertised] = {}

    def note(self, exchange: Exchange) -> None:
        """Remember what its response advertises; a later field replaces an earlier one (section 3.1)."""
        value = exchange.response.get("alt-svc") if exchange.response else None
        origin = _origin(exchange)
        if value is None or origin is None:
            return
        time = exchange.timing.response_start_ns or 0
        self._known[origin] = Advertised(exchange.id, time, read_alternatives(value))
        if len(self._known) > MOST:
            del self._known[next(iter(self._known))]

    def advertiser(self, exchange: Exchange) -> str | None:
        """The exchange that told the client of the server that this exchange of HTTP/3 went to."""
        known = self._known.get(_origin(exchange) or "")
        if known is None or exchange.protocol != "HTTP/3" or exchange.server is None:
            return None
        age = ((exchange.timing.start_ns or 0) - known.time_ns) / 1e9
        port = int(exchange.server.rpartition(":")[2] or 0)
        fits = (
            a for a in known.alternatives if a.protocol.startswith("h3") and a.port == port and 0 <= age <= a.max_age
        )
        return known.exchange if any(fits) else None


def _origin(exchange: Exchange) -> str | None:
    """Scheme and authority, the scheme's own port left out."""
    if exchange.request is None:
        return None
    scheme, found, rest = exchange.request.url.partition("://")
    authority = re.split("[/?#]", rest, maxsplit=1)[0].rpartition("@")[2].lower() if found else ""
    return f"{scheme.lower()}://{authority.removesuffix(':443' if scheme == 'https' else ':80')}" if authority else None


def advertiser(exchange: Exchange, others: Iterable[Exchange]) -> str | None:
    """The one of `others`, in time order, that told the client of this exchange's server."""
    known = Alternatives()
    for other in others if exchange.protocol == "HTTP/3" else ():
        if other.id == exchange.id:
            break
        known.note(other)
    return known.advertiser(exchange)
