"""What one entry of a server's log says of one request."""

from __future__ import annotations

import msgspec


class LogLine(msgspec.Struct, frozen=True, kw_only=True):
    """One entry: a line, or a block of lines for audit logs. None and empty mean: the entry does not say."""

    format: str
    """`access`, `nginx-error`, `apache-error`, `modsecurity`, `haproxy`, `envoy`, `w3c`, `json`, …"""
    product: str | None = None
    """id of the product that wrote it, where the format tells"""
    source: str = ""
    """name of the log"""
    number: int = 0
    """of its first line, from 1"""
    time_ns: int | None = None
    """nanoseconds since the epoch; without a zone in the entry, as if it were UTC"""
    resolution_ns: int = 1_000_000_000
    """the finest step of its clock"""
    zoned: bool = True
    """the entry names the zone of its time"""
    client: str | None = None
    """address of the client without a port"""
    client_port: int | None = None
    method: str | None = None
    target: str | None = None
    """request target as logged: origin form, absolute form, or only a path"""
    status: int | None = None
    host: str | None = None
    """Host, `:authority` or SNI"""
    ids: tuple[str, ...] = ()
    """what identifies this very request: request id, trace id, unique_id"""
    message: str = ""
    """what the server says in words"""
    facts: tuple[tuple[str, str], ...] = ()
    """(name, value) of what tells about the cause: `rule-id`, `termination`, `response-flags`, `sub-status`, …"""
    upstream: str | None = None
    """address of the server that it asked"""
    upstream_status: int | None = None
    asked_nobody: bool = False
    """the entry has a place for the server that was asked, and says that there was none"""
    server: str | None = None
    """address that received the request"""
    size: int | None = None
    """bytes sent, of the body or of the whole"""
    agent: str | None = None
    raw: str = ""
    """the entry as it stands in the log, cut at a bound"""

    def fact(self, name: str) -> str | None:
        """The first fact of that name."""
        return next((v for n, v in self.facts if n == name), None)
