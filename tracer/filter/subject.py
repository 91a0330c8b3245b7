"""What a filter looks at: one exchange, or its row in a listing, each part fetched only when a term asks."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from tracer.model.http import Body, Exchange, Message
from tracer.model.tls import Handshake
from tracer.model.verdict import Verdict

LIMIT = 16 << 20
"""decoded bytes of a body that are searched"""


class Subject:
    """An exchange with its verdict, mark and bodies."""

    def __init__(
        self,
        exchange: Exchange,
        content: Callable[[str, Body], bytes] | None = None,
        verdict: Callable[[str], Verdict | None] | None = None,
        mark: Callable[[str], tuple[str, str]] | None = None,
        denied: bool | None = None,
    ) -> None:
        self.exchange = exchange
        self._content = content
        self._verdict = verdict
        self._mark = mark
        self._denied = denied

    @property
    def url(self) -> str | None:
        return self.exchange.request.url if self.exchange.request else None

    @property
    def method(self) -> str | None:
        return self.exchange.request.method if self.exchange.request else None

    @property
    def status(self) -> int | None:
        return self.exchange.response.status if self.exchange.response else None

    @property
    def client(self) -> str | None:
        return self.exchange.client

    @property
    def server(self) -> str | None:
        return self.exchange.extra.get("mitm.server-address") or self.exchange.server

    @property
    def hosts(self) -> tuple[str, ...]:
        """The host the request is for: of its URL, and of its Host field."""
        request = self.exchange.request
        if request is None:
            return ()
        names = (request.authority, host_of(request.url), request.get("host"))
        return tuple(dict.fromkeys(without_port(n) for n in names if n))

    @cached_property
    def verdict(self) -> Verdict | None:
        return self._verdict(self.exchange.id) if self._verdict else None

    @property
    def denied(self) -> bool:
        return self._denied if self._denied is not None else self.verdict is not None

    @cached_property
    def marked(self) -> tuple[str, str]:
        """Mark and note, the user's own or the source's."""
        mark, note = self._mark(self.exchange.id) if self._mark else ("", "")
        return mark or self.exchange.extra.get("mitm.marked", ""), note or self.exchange.comment

    def body(self, message: Message | None) -> bytes | None:
        """The decoded body, as far as it decodes; None when there is no message or its body was not kept."""
        if message is None:
            return None
        body = message.body
        kept = body.data is not None or body.spans or body.blob is not None
        if body.size and not kept:
            return None
        raw = (
            body.data if body.data is not None else self._content(self.exchange.source, body) if self._content else b""
        )
        if not body.codings or not raw:
            return raw
        from tracer.http.body import decode

        found = decode(raw, body.codings, LIMIT)
        return found.data if found.complete or found.data else raw


class HandshakeSubject(Subject):
    """A refused handshake with its verdict: nothing was asked, so only addresses, name and verdict can match."""

    def __init__(self, handshake: Handshake, verdict: Verdict) -> None:
        nothing = Exchange(
            id=handshake.id,
            source=handshake.source,
            protocol="",
            client=handshake.client,
            server=handshake.server,
            tls=handshake.id,
        )
        super().__init__(nothing, verdict=lambda _: verdict, denied=True)
        self._sni = handshake.name

    @property
    def url(self) -> str | None:
        return f"https://{self._sni}/" if self._sni else None

    @property
    def hosts(self) -> tuple[str, ...]:
        return (self._sni,) if self._sni else ()


class RowSubject:
    """A row of a listing, for filters that ask for nothing else."""

    def __init__(
        self,
        method: str | None,
        url: str | None,
        host: str | None,
        status: int | None,
        client: str | None,
        server: str | None,
        denied: bool,
    ) -> None:
        self.method, self.url, self.status, self.client, self.server = method, url, status, client, server
        self.denied = denied
        self.hosts = (host,) if host else ()


def host_of(url: str) -> str:
    """Host (and port) of an absolute URL; empty for anything else."""
    _, found, rest = url.partition("://")
    if not found:
        return ""
    for end in "/?#":
        rest = rest.partition(end)[0]
    return rest.rpartition("@")[2]


def without_port(authority: str) -> str:
    """The host of `host:port`; `[::1]:443` gives `::1`."""
    if authority.startswith("["):
        return authority[1:].partition("]")[0]
    host, _, port = authority.rpartition(":")
    return host if host and port.isdecimal() and ":" not in host else authority


def header_bytes(message: Message | None) -> bytes:
    """The header section as lines `Name: value`, each with CRLF; empty without fields."""
    if message is None:
        return b""
    return b"".join(name + b": " + value + b"\r\n" for name, value in message.headers)


def content_types(message: Message | None) -> list[bytes]:
    """Values of the Content-Type fields."""
    return [] if message is None else [value for name, value in message.headers if name.lower() == b"content-type"]


def extra_lines(exchange: Exchange) -> str:
    """The facts only this source knows, one a line, `name: value`."""
    return "\n".join(f"{name}: {value}" for name, value in exchange.extra.items())
