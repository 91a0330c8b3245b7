"""What both readings are reduced to, so that they can be compared."""

from __future__ import annotations

from typing import NamedTuple

import msgspec


class Call(NamedTuple):
    """An exchange: what was asked, and the status of the answer. None: that half is not there."""

    client: str
    """`10.0.0.1:40000`"""
    server: str
    protocol: str
    """`HTTP/1`, `HTTP/2`, `HTTP/3`"""
    stream: int | None
    method: str | None
    host: str | None
    target: str | None
    status: int | None
    packet: int | None
    """first packet, as each reading counts it"""
    id: str | None = None
    """ours only: the exchange's name"""


class Greeting(NamedTuple):
    """A handshake: what the hellos of both sides say."""

    client: str
    server: str
    sni: str | None
    version: str | None
    """`TLSv1.3`"""
    cipher: str | None
    ja3: str | None
    ja3s: str | None
    ja4: str | None
    packet: int | None
    id: str | None = None


class Opinion(NamedTuple):
    """One reading of a capture."""

    calls: tuple[Call, ...]
    greetings: tuple[Greeting, ...]


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Something the two readings do not agree about."""

    what: str
    """`exchange` or `handshake`"""
    kind: str
    """`only-tracer`, `only-tshark`, or the name of the field: `method`, `host`, `target`, `status`, `sni`,
    `version`, `cipher`, `ja3`, `ja3s`, `ja4`"""
    client: str
    server: str
    packet: int | None = None
    id: str | None = None
    """our exchange or handshake"""
    ours: str | None = None
    theirs: str | None = None
    limit: str | None = None
    """name of the limit of tshark that explains it (see `limits`); None: one of the two is wrong"""
