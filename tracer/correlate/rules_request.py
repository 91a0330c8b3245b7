"""Rules that say what is wrong by what the request carried, and what it lacked."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

from tracer.model.http import SANITIZED, Exchange, Request
from tracer.model.verdict import Cause

from .cues import OWN_PAGE
from .evidence import Collection
from .request_fields import identified, left_out, logs_in
from .scene import Scene

COOKIE = "request header cookie"


def credentials_asked(scene: Scene, found: Collection) -> Cause | None:
    """401 and 407: what the request carried tells missing from invalid; returns the one that it cannot be.

    Servers' own pages name both possibilities, whatever was sent.
    """
    exchange = scene.exchange
    request, response = exchange.request, exchange.response
    assert response is not None
    if response.status not in (401, 407) or request is None:
        return None
    field = "proxy-authorization" if response.status == 407 else "authorization"
    scheme = (response.get("www-authenticate") or response.get("proxy-authenticate") or "").partition(" ")[0].lower()
    sent = request.get(field)
    other = response.status == 401 and sent is None and scheme not in ("basic", "digest", "negotiate", "ntlm")
    if other and logs_in(request, scene.request_body):
        found.add(
            "the request is a log-in: what it carries to prove who asks was not accepted",
            f"cause:{Cause.CREDENTIALS_INVALID}",
            3.4,
            exchange=exchange,
            where="request target",
            value=urlsplit(request.url).path,
        )
        return None
    loosely = identified(request) if other else None
    cause = Cause.CREDENTIALS_INVALID if sent or loosely else Cause.CREDENTIALS_MISSING
    says = "credentials were sent and not accepted" if sent or loosely else "no credentials were sent"
    unsure = loosely is not None or (sent is None and left_out(exchange))
    if SANITIZED in exchange.extra and not sent and not loosely:
        _not_recorded(exchange, field, found)
        return None
    found.add(
        says,
        f"cause:{cause}",
        1.6 if unsure else 4.2,
        exchange=exchange,
        where=loosely or f"request header {field}",
        value="present" if sent or loosely else "absent",
        reference="RFC 9110 section 15.5.2",
    )
    if loosely == COOKIE and OWN_PAGE.search(scene.body):
        _own_page(exchange, field, found)
    if unsure:
        return None
    barred = Cause.CREDENTIALS_MISSING if sent else Cause.CREDENTIALS_INVALID
    found.add(
        f"so it cannot be {barred}, whatever a page says",
        f"cause:{barred}",
        -5.0,
        exchange=exchange,
        where=f"request header {field}",
        value="present" if sent else "absent",
    )
    return barred


def _own_page(exchange: Exchange, field: str, found: Collection) -> None:
    found.add(
        "a web server refuses by its own page, and knows nothing of sessions: it looks for another field",
        f"cause:{Cause.CREDENTIALS_MISSING}",
        2.0,
        exchange=exchange,
        where=f"request header {field}",
        value="absent",
    )


def _not_recorded(exchange: Exchange, field: str, found: Collection) -> None:
    """It may be missing as well as invalid, for all that can be known."""
    for cause, weight in ((Cause.CREDENTIALS_MISSING, 0.9), (Cause.CREDENTIALS_INVALID, 0.8)):
        found.details.setdefault(cause, "not-recorded")
        found.add(
            "no credentials are in the recording, but browsers leave them out of it unless told otherwise",
            f"cause:{cause}",
            weight,
            exchange=exchange,
            where=f"request header {field}",
            value="absent",
            reference="https://goo.gle/devtools-har-exclude-cookies-design",
        )


def oddities(scene: Scene, request: Request, found: Collection) -> None:
    _odd_origin(scene, request, found)
    _odd_host(scene, request, found)
    _lost_between_hops(scene, found)
    _age(scene, found)
    _state(scene, request, found)


def _state(scene: Scene, request: Request, found: Collection) -> None:
    """What comes back from a log-in must be what this browser began (RFC 6749 section 10.12)."""
    query = parse_qs(urlsplit(request.url).query)
    given = query.get("state", [""])[0]
    if not given or "code" not in query:
        return
    kept = [pair for pair in (request.get("cookie") or "").split(";") if "state" in pair.partition("=")[0].lower()]
    if not any(given in pair for pair in kept):
        other = "the state in the address is not the one in the cookie"
        found.add(
            other if kept else "a log-in came back with code and state: state that nobody kept is refused",
            f"cause:{Cause.CSRF_FAILED}",
            3.2 if kept else 1.8,
            exchange=scene.exchange,
            where="request target",
            value="state",
            reference="RFC 6749 section 10.12",
        )


def _odd_origin(scene: Scene, request: Request, found: Collection) -> None:
    """A preflight; a file for embedding that another site's page asked for."""
    exchange = scene.exchange
    if request.method == "OPTIONS" and request.get("access-control-request-method"):
        found.add(
            "the request is a CORS preflight",
            f"cause:{Cause.CORS_DENIED}",
            3.2,
            exchange=exchange,
            where="request header access-control-request-method",
            value=request.get("access-control-request-method") or "",
            reference="Fetch standard, CORS-preflight",
        )
    referer, host = request.get("referer"), _host(request)
    path = urlsplit(request.url).path.lower()
    if (
        referer
        and urlsplit(referer).hostname not in (None, host.partition(":")[0])
        and re.search(r"\.(png|jpe?g|gif|webp|svg|mp4|webm|mp3|pdf|zip|css|woff2?)$", path)
    ):
        found.add(
            "a file for embedding, asked for from another site's page",
            f"cause:{Cause.REFERER_DENIED}",
            2.2,
            exchange=exchange,
            where="request header referer",
            value=referer,
        )


def _odd_host(scene: Scene, request: Request, found: Collection) -> None:
    """Another name in TLS than in the request."""
    host = _host(request)
    sni = scene.handshake.name if scene.handshake and scene.is_front else None
    if sni and host and sni.lower() != host.lower().partition(":")[0]:
        found.add(
            f"TLS was set up for {sni}, the request is for {host}",
            f"cause:{Cause.HOST_DENIED}",
            2.0,
            exchange=scene.exchange,
            where="request header host",
            value=host,
            reference="RFC 9110 section 7.4",
        )


HANDED_ON = ("authorization", "cookie", "x-api-key")
"""what identifies a caller, and hops may keep"""


def _lost_between_hops(scene: Scene, found: Collection) -> None:
    """The client showed who it is, and the request reached the one who refused without that."""
    asked, seen = scene.exchange.request, scene.seen
    if asked is None or seen is None or seen is scene.exchange or seen.request is None:
        return
    status = scene.exchange.response.status if scene.exchange.response else None
    lost = next((n for n in HANDED_ON if seen.request.get(n) and not asked.get(n)), None)
    if lost is None or status not in (401, 403):
        return
    found.add(
        f"the client sent {lost} to {seen.server}, and {scene.server} was asked without it: a hop between kept it",
        f"cause:{Cause.CREDENTIALS_MISSING}",
        5.2 if status == 401 else 1.0,  # a gateway that knows the caller may keep what told it so
        exchange=scene.exchange,
        where=f"request header {lost}",
        value="absent",
        reference="RFC 9110 section 11.6.2",
    )
    if status == 401:
        found.details[Cause.CREDENTIALS_MISSING] = "lost-between-hops"


def _age(scene: Scene, found: Collection) -> None:
    """How long a cache has held the answer."""
    exchange = scene.exchange
    age = exchange.response.get("age") if exchange.response else None
    if age and age.strip().isdigit() and int(age) > 0:
        found.add(
            f"the answer is {age.strip()} s old: a cache serves an old denial",
            f"cause:{Cause.STALE_DENIAL}",
            3.0,
            exchange=exchange,
            where="response header age",
            value=age,
            reference="RFC 9111 section 5.1",
        )


def _host(request: Request) -> str:
    return request.get("host") or request.authority or ""
