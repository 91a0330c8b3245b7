"""Exchanges as the correlator keeps them all at once: without what no rule reads, equal fields held once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from tracer.model.http import Exchange, Headers, Message

KNOWN = 50_000
"""fields that are remembered to be shared"""
LONGEST = 300
"""bytes of a field that may be said again"""


def lean(exchanges: Iterable[Exchange]) -> Iterator[Exchange]:
    """The same exchanges without heads, events, interim responses and the packets of their parts."""
    known: dict[tuple[bytes, bytes], tuple[bytes, bytes]] = {}

    def shared(headers: Headers) -> Headers:
        if len(known) >= KNOWN:
            known.clear()
        return tuple(known.setdefault(h, h) if len(h[1]) <= LONGEST else h for h in headers)

    def half[M: Message](message: M | None) -> M | None:
        if message is None:
            return None
        return msgspec.structs.replace(message, head=b"", trailers=(), headers=shared(message.headers))

    for e in exchanges:
        yield msgspec.structs.replace(
            e, request=half(e.request), response=half(e.response), events=(), interim=(), packets=()
        )
