"""Which exchange led to which other one of the same client, and what the client lost or gained on the way.

Links go across connections, hosts and protocols: by Location, Refresh, meta refresh and plain script; by the same
request asked again, with credentials or without; from a preflight to what it asked for; from CONNECT to what ran in it.
"""

from __future__ import annotations

import html
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import lru_cache
from urllib.parse import urljoin, urlsplit

from tracer.model.http import Exchange, Request
from tracer.model.verdict import Link

from .cookies import Cookie, is_expected, names_in, set_by, why_not_sent
from .vantage import host_of

LONGEST = 12
LOOK_BACK = 48
"""exchanges of the same client that are looked through for each step"""
WITHIN_NS = 120 * 10**9
SMALL = 16 * 1024
"""bytes of a page that is read for where it sends a browser"""
REDIRECTS = frozenset({301, 302, 303, 307, 308})
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

    def __init__(self, exchanges: Iterable[Exchange], page: Callable[[Exchange], str]) -> None:
        self._page = page
        """decoded text of an answer"""
        self._by_client: dict[tuple[str, str], list[Exchange]] = defaultdict(list)
        self._at: dict[str, int] = {}
        self._to: dict[str, tuple[tuple[str, str], ...]] = {}
        """where the answers send their client that were looked at"""
        for exchange in exchanges:
            group = self._by_client[exchange.source, host_of(exchange.client)]
            self._at[exchange.id] = len(group)
            group.append(exchange)

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
        group = self._by_client[exchange.source, host_of(exchange.client)]
        at = self._at.get(exchange.id, 0)
        again: tuple[Exchange, str] | None = None
        for earlier in reversed(group[max(0, at - LOOK_BACK) : at]):
            if not _precedes(earlier, exchange) or earlier.request is None or earlier in known:
                continue
            if (kind := self._leads(earlier, exchange)) in FOLLOWED:
                return earlier, kind
            if kind and again is None:
                again = earlier, kind
        return again

    def _leads(self, first: Exchange, then: Exchange) -> str:
        """The kind of link between the two, or nothing."""
        assert first.request is not None
        assert then.request is not None
        if (targets := self._to.get(first.id)) is None:
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
        if response.status in REDIRECTS:
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
                    yield kind, plain(urljoin(request.url, to))
                except ValueError:
                    continue


def _first(pattern: re.Pattern[str], text: str) -> str | None:
    hit = pattern.search(text)
    return next((g for g in hit.groups() if g), None) if hit else None


@lru_cache(65_536)  # neighbours are asked again and again
def plain(url: str) -> str:
    """Without fragment and default port, so that two spellings of one URL are equal."""
    url = url.partition("#")[0]
    return url.replace(":443/", "/", 1) if url.startswith("https:") else url.replace(":80/", "/", 1)


def _precedes(first: Exchange, second: Exchange) -> bool:
    a, b = first.timing.start_ns, second.timing.start_ns
    return first.id != second.id and (a is None or b is None or 0 <= b - a <= WITHIN_NS)


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
