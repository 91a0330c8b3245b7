"""Which exchange led to which other one of the same client, and what the client lost or gained on the way.

Links go across connections, hosts and protocols: by Location, Refresh, meta refresh and plain script; by the same
request asked again, with credentials or without; from a preflight to what it asked for; from CONNECT to what ran in it.
"""

from __future__ import annotations

import html
import re
from bisect import bisect_left
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from tracer.model.http import Exchange, Request
from tracer.model.verdict import Link

from .columns import NEVER, REDIRECTING, SENDS_ON, SMALL
from .cookies import Cookie, is_expected, names_in, set_by, why_not_sent
from .exchanges import Exchanges
from .locations import joined, plain

LONGEST = 12
LOOK_BACK = 48
"""exchanges of the same client that are looked through for each step"""
WITHIN_NS = 120 * 10**9
REMEMBERED = 4096
"""answers of which it is remembered where they send their client"""
REFRESH = re.compile(r"^\s*\d+(?:\.\d*)?\s*[;,]\s*(?:url\s*=\s*)?[\"']?([^\"'\s]+)", re.IGNORECASE)
META = re.compile(
    r"<meta[^>]{0,80}http-equiv=[\"']?refresh[\"']?[^>]{0,80}content=(?:\"([^\"]{1,2000})|'([^']{1,2000}))",
    re.IGNORECASE,
)
SCRIPT = re.compile(
    r"(?:window\.|document\.|self\.|top\.)?location(?:\.href)?\s*=\s*[\"']([^\"']{1,2000})[\"']"
    r"|location\.(?:replace|assign)\(\s*[\"']([^\"']{1,2000})[\"']",
    re.IGNORECASE,
)
FOLLOWED = frozenset({"redirect", "refresh", "script"})
"""links by which an answer sends its client on"""


class Links:
    """The exchanges of each client in time order, and the links between them."""

    def __init__(self, exchanges: Exchanges, page: Callable[[Exchange], str]) -> None:
        self._exchanges = exchanges
        self._page = page
        """decoded text of an answer"""
        self._to: dict[str, tuple[tuple[str, str], ...]] = {}
        """where the answers send their client that were looked at"""

    def chain(self, exchange: Exchange) -> tuple[tuple[Exchange, ...], tuple[Link, ...]]:
        """(the exchanges that led here, the first one first; how each led to the next)."""
        steps: list[Exchange] = [exchange]
        kinds: list[str] = []
        while len(steps) <= LONGEST and (found := self._before(steps[-1], steps)) is not None:
            steps.append(found[0])
            kinds.append(found[1])
        steps.reverse()
        kinds.reverse()
        return tuple(steps[:-1]), tuple(_links(steps, kinds))

    def _before(self, exchange: Exchange, known: list[Exchange]) -> tuple[Exchange, str] | None:
        if exchange.request is None:
            return None
        again: tuple[Exchange, str] | None = None
        possible = self._possible(exchange)
        self._exchanges.fetch(possible)
        for position in possible:
            earlier = self._exchanges[position]
            if earlier.request is None or any(earlier.id == e.id for e in known):
                continue
            if (kind := self._leads(earlier, exchange)) in FOLLOWED:
                return earlier, kind
            if kind and again is None:
                again = earlier, kind
        return again

    def _possible(self, exchange: Exchange) -> list[int]:
        """Positions of what the same client asked before, the latest first, as far as columns let it lead here."""
        known = self._exchanges
        here = known.position(exchange)
        group = known.by_asker[known.asker[here]]
        at = bisect_left(group, here)
        flags, urls, start, tunnel = known.flags, known.url, known.start[here], exchange.tunnel
        url = urls[here]
        return [
            p
            for p in reversed(group[max(0, at - LOOK_BACK) : at])
            if (
                urls[p] == url
                or (flags[p] & SENDS_ON and known.leads(p, here))
                or (tunnel is not None and known.name(p) == tunnel)
            )
            and (start == NEVER or known.start[p] == NEVER or 0 <= start - known.start[p] <= WITHIN_NS)
        ]

    def _leads(self, first: Exchange, then: Exchange) -> str:
        """The kind of link between the two, or nothing."""
        assert first.request is not None
        assert then.request is not None
        if (targets := self._to.get(first.id)) is None:
            if len(self._to) >= REMEMBERED:
                self._to.clear()
            targets = self._to[first.id] = tuple(self._targets(first))
        asked = plain(then.request.url) if targets else ""
        for kind, to in targets:
            if to == asked:
                return kind
        if then.tunnel is not None and first.id == then.tunnel:
            return "tunnel"
        if plain(first.request.url) != plain(then.request.url):
            return ""
        asked_for = first.request.get("access-control-request-method")
        if first.request.method == "OPTIONS" and asked_for == then.request.method:
            return "preflight"
        if first.request.method != then.request.method or (first.response and first.response.status < 400):
            return ""
        status = first.response.status if first.response else 0
        credentials = "proxy-authorization" if status == 407 else "authorization"
        gained = then.request.get(credentials) is not None and first.request.get(credentials) is None
        return "authenticate" if gained and status in (401, 407) else "retry"

    def _targets(self, exchange: Exchange) -> Iterable[tuple[str, str]]:
        """Where an answer sends its client."""
        response, request = exchange.response, exchange.request
        if response is None or request is None:
            return
        if response.status in REDIRECTING:
            found = [("redirect", response.get("location"))]
        else:
            found = [("refresh", _first(REFRESH, response.get("refresh") or ""))]
            if "html" in (response.get("content-type") or "") and 0 < response.body.size <= SMALL:
                page = self._page(exchange)
                lower = page.lower()
                if "http-equiv" in lower:
                    found.append(("refresh", _first(REFRESH, html.unescape(_first(META, page) or ""))))
                if "location" in lower:
                    found.append(("script", _first(SCRIPT, page)))
        for kind, to in found:
            if to:
                try:
                    yield kind, plain(joined(request.url, to))
                except ValueError:
                    continue


def _first(pattern: re.Pattern[str], text: str) -> str | None:
    hit = pattern.search(text)
    return next((g for g in hit.groups() if g), None) if hit else None


def _links(steps: list[Exchange], kinds: list[str]) -> Iterable[Link]:
    jar: dict[str, Cookie] = {}
    seen: list[str] = []
    for first, then, kind in zip(steps, steps[1:], kinds, strict=False):
        jar.update((c.name, c) for c in set_by(first))
        assert first.request is not None
        assert then.request is not None
        seen.append(first.request.url)
        lost = [*_dropped(first.request, then.request, kind), *_cookies(jar, then.request)]
        yield Link(
            first=first.id,
            then=then.id,
            kind=kind,
            lost=tuple(lost),
            gained=tuple(_taken_up(first.request, then.request)),
            notes=tuple(_notes(first.request, then.request, kind, seen)),
        )


def _dropped(first: Request, then: Request, kind: str) -> Iterable[str]:
    if first.get("authorization") and not then.get("authorization"):
        elsewhere = host_and_port(first.url) != host_and_port(then.url)
        yield "Authorization" + (": another host" if elsewhere else "")
    if kind in FOLLOWED and first.method != then.method and first.method not in ("GET", "HEAD"):
        yield f"method {first.method}: it became {then.method}"
        if first.body.size and not then.body.size:
            yield "body"


def _cookies(jar: dict[str, Cookie], then: Request) -> Iterable[str]:
    sent = names_in(then)
    for cookie in jar.values():
        if cookie.name not in sent and not cookie.deleted and is_expected(cookie, then):
            yield f"cookie {cookie.name}: {why_not_sent(cookie, then) or 'nothing in its attributes forbids it'}"


def _taken_up(first: Request, then: Request) -> Iterable[str]:
    if then.get("authorization") and not first.get("authorization"):
        yield "Authorization"
    yield from (f"cookie {name}" for name in sorted(names_in(then) - names_in(first))[:8])


def _notes(first: Request, then: Request, kind: str, seen: list[str]) -> Iterable[str]:
    a, b = scheme_of(first.url), scheme_of(then.url)
    if a != b and {a, b} == {"http", "https"}:
        yield f"{a} to {b}"
    if kind in FOLLOWED and (times := seen.count(then.url)):
        yield "asked before" if times == 1 else "asked again and again: a loop"


def scheme_of(url: str) -> str:
    return url.partition("://")[0]


def host_and_port(url: str) -> str:
    """Host and port of a URL, empty where it has none."""
    try:
        return urlsplit(plain(url)).netloc.rpartition("@")[2].lower()
    except ValueError:
        return ""
