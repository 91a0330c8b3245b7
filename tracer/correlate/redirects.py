"""Redirects that led to a request, and what they took from it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from urllib.parse import urljoin, urlsplit

from tracer.model.http import Exchange
from tracer.model.verdict import Cause

from .evidence import Collection
from .scene import Scene
from .vantage import host_of

LONGEST = 12
WITHIN_NS = 120 * 10**9


class Redirects:
    """Which redirect a request followed: the last one of the same client that points to its URL."""

    def __init__(self, exchanges: Iterable[Exchange]) -> None:
        self._pointing: dict[tuple[str, str, str], list[Exchange]] = defaultdict(list)
        for exchange in exchanges:
            if (to := _target(exchange)) is not None:
                self._pointing[exchange.source, host_of(exchange.client), to].append(exchange)

    def before(self, exchange: Exchange) -> tuple[Exchange, ...]:
        """The redirects that led to this exchange, the first one first."""
        chain: list[Exchange] = []
        here = exchange
        while here.request is not None and len(chain) < LONGEST:
            key = here.source, host_of(here.client), _plain(here.request.url)
            earlier = [e for e in self._pointing.get(key, ()) if _precedes(e, here) and e not in chain]
            if not earlier:
                break
            here = earlier[-1]
            chain.append(here)
        return tuple(reversed(chain))


def _target(exchange: Exchange) -> str | None:
    """The URL that a redirect points to."""
    response, request = exchange.response, exchange.request
    if response is None or request is None or response.status not in (301, 302, 303, 307, 308):
        return None
    location = response.get("location")
    try:
        return _plain(urljoin(request.url, location)) if location else None
    except ValueError:
        return None


def _plain(url: str) -> str:
    """Without fragment and default port, so that two spellings of one URL are equal."""
    url = url.partition("#")[0]
    return url.replace(":443/", "/", 1) if url.startswith("https:") else url.replace(":80/", "/", 1)


def _precedes(first: Exchange, second: Exchange) -> bool:
    a, b = first.timing.start_ns, second.timing.start_ns
    return first.id != second.id and (a is None or b is None or 0 <= b - a <= WITHIN_NS)


def collect(scene: Scene, found: Collection) -> None:
    """Evidence that a redirect lost credentials, method or body, or carried credentials where they do harm."""
    last, chain = scene.seen or scene.exchange, scene.chain
    if not chain or last.request is None or last.response is None:
        return
    for step in chain:
        assert step.request is not None
        elsewhere = _host(step) != _host(last)
        had, has = step.request.get("authorization"), last.request.get("authorization")
        if had and not has and elsewhere:
            _add(
                found,
                step,
                f"Authorization was sent to {_host(step)}, and not to {_host(last)} after the redirect",
                5.5,
                "request header authorization",
            )
            return
        signed = "X-Amz-Signature=" in last.request.target or "Signature=" in last.request.target
        if had and has and elsewhere and (signed or had == has):
            _add(
                found,
                step,
                f"Authorization for {_host(step)} was sent on to {_host(last)}, which did not ask for it",
                5.5 if signed else 3.0,
                "request header authorization",
            )
            return
        if step.request.method == "POST" and last.request.method in ("GET", "HEAD"):
            status = step.response.status if step.response else 302
            if step.request.body.size and _after_login(step):
                continue
            _add(
                found,
                step,
                f"the redirect with {status} turned POST into {last.request.method}; the body was lost",
                3.4,
                "request method",
            )
            return


def _after_login(step: Exchange) -> bool:
    """A form that answers with a cookie and sends the browser on: POST into GET is meant there."""
    return step.response is not None and bool(step.response.get("set-cookie"))


def _add(found: Collection, step: Exchange, says: str, weight: float, where: str) -> None:
    found.add(
        says,
        f"cause:{Cause.CREDENTIALS_LOST_IN_REDIRECT}",
        weight,
        exchange=step,
        where=where,
        value=step.request.method if step.request and where == "request method" else "",
        reference="RFC 9110 section 15.4",
    )


def _host(exchange: Exchange) -> str:
    assert exchange.request is not None
    try:
        return urlsplit(exchange.request.url).hostname or ""
    except ValueError:
        return ""
