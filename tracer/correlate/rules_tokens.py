"""Tokens that a request carries (RFC 7519), read and never verified: their times and scope against the answer."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from typing import NamedTuple

from tracer.model.http import Request
from tracer.model.verdict import Cause

from .evidence import Collection
from .moments import answered_at
from .request_fields import CREDENTIALS
from .scene import Scene

TOKEN = re.compile(r"\b(eyJ[\w-]{5,2000})\.(eyJ[\w-]{5,8000})\.([\w-]*)")
CARRIERS = frozenset((*CREDENTIALS, "cookie"))
NEEDED = re.compile(
    r"(?:requires?|required|missing|needs?|lacks?)[^.\n]{0,30}\bscopes?\b[^\w]{1,6}([A-Za-z][\w:./-]{2,80}\w)",
    re.IGNORECASE,
)
"""where an answer names the scope in words"""
HOST = re.compile(r"(?:https?://)([\w-]+(?:\.[\w-]+)+)(?::\d+)?(?:/|$)", re.IGNORECASE)
LEEWAY_S = 1
SKEW_S = 60
MILLISECONDS = 1e11
"""an instant from here on was written in milliseconds: as seconds it is in the year 5138"""
MOST = 6


class Token(NamedTuple):
    where: str
    header: dict[str, object]
    claims: dict[str, object]
    signed: bool


def tokens_of(request: Request) -> Iterator[Token]:
    """JSON Web Tokens in credential fields, cookies and the query, at most MOST."""
    texts = [("request target", request.target)]
    for raw, value in request.headers:
        if b"eyJ" in value and (name := raw.decode("latin-1").lower()) in CARRIERS:
            texts.append((f"request header {name}", value.decode("latin-1")))
    left = MOST
    for where, text in texts:
        for hit in TOKEN.finditer(text[:16_384]):
            claims = _json(hit[2])
            if claims and left:
                left -= 1
                yield Token(where, _json(hit[1]), claims, bool(hit[3]))


def _json(part: str) -> dict[str, object]:
    try:
        value = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def collect(scene: Scene, found: Collection) -> None:
    """Evidence from what the tokens claim."""
    request = scene.exchange.request
    if request is None:
        return
    for token in tokens_of(request):
        share = 0.4 if token.where == "request header cookie" else 1.0  # cookies carry tokens for other hosts' purposes
        _times(scene, token, share, found)
        _scopes(scene, token, share, found)
        _audience(scene, token, share, found)
        if str(token.header.get("alg", "")).lower() == "none" or not token.signed:
            _add(scene, found, token, "carries no signature", Cause.CREDENTIALS_INVALID, 2.5 * share, "alg", "7515 3.1")


def _times(scene: Scene, token: Token, share: float, found: Collection) -> None:
    now = answered_at(scene.exchange)
    expires, begins, issued = (_instant(token.claims.get(n)) for n in ("exp", "nbf", "iat"))
    if now is None:
        return
    if expires is not None and expires < now - LEEWAY_S:
        ended = f"ended {_span(now - expires)} before this answer"
        _add(scene, found, token, ended, Cause.CREDENTIALS_EXPIRED, 5.0 * share, "exp", "7519 4.1.4")
    if begins is not None and begins > now + LEEWAY_S:
        begin = f"is not valid for another {_span(begins - now)}"
        _add(scene, found, token, begin, Cause.CLOCK_SKEW, 4.5 * share, "nbf", "7519 4.1.5")
    elif issued is not None and issued > now + SKEW_S:
        early = f"was issued {_span(issued - now)} after this answer: the clocks differ"
        _add(scene, found, token, early, Cause.CLOCK_SKEW, 3.5 * share, "iat", "7519 4.1.6")


def _scopes(scene: Scene, token: Token, share: float, found: Collection) -> None:
    """Scopes that the answer demands (RFC 6750 section 3) and the token lacks."""
    response = scene.exchange.response
    demanded = re.search(r'scope="?([^",]+)', (response.get("www-authenticate") or "") if response else "")
    demanded = demanded or NEEDED.search(scene.body[:4000])
    held = token.claims.get("scope") or token.claims.get("scp") or ()
    have = set(held.split() if isinstance(held, str) else held if isinstance(held, list) else ())
    if demanded and (lacking := sorted(set(demanded[1].split()) - {str(h) for h in have})):
        lacks = f"lacks the scope {' '.join(lacking)} that the answer demands"
        _add(scene, found, token, lacks, Cause.INSUFFICIENT_SCOPE, 3.5 * share, "scope", "6750 3.1")


def _audience(scene: Scene, token: Token, share: float, found: Collection) -> None:
    """The token is made out for another host (RFC 7519 section 4.1.3); names that are no hosts tell nothing."""
    request, response = scene.exchange.request, scene.exchange.response
    claimed = token.claims.get("aud")
    audiences = [str(a) for a in (claimed if isinstance(claimed, list) else [claimed] if claimed else [])][:8]
    hosts = [hit[1].lower() for a in audiences if (hit := HOST.match(a))]
    if request is None or response is None or response.status not in (401, 403) or not hosts:
        return
    asked = ((request.get("host") or request.authority) or "").partition(":")[0].lower()
    if len(hosts) < len(audiences) or "." not in asked or any(_domain(h) == _domain(asked) for h in hosts):
        return
    made = f"is made out for {hosts[0]}, and {asked} was asked"
    _add(scene, found, token, made, Cause.CREDENTIALS_INVALID, 2.2 * share, "aud", "7519 4.1.3")


def _domain(host: str) -> tuple[str, ...]:
    """The last two names: what belongs together stands under them."""
    return tuple(host.split(".")[-2:])


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _instant(value: object) -> float | None:
    """Seconds since 1970, also where an issuer wrote milliseconds, against RFC 7519 section 2."""
    number = _number(value)
    return number / 1000 if number is not None and number >= MILLISECONDS else number


def _span(seconds: float) -> str:
    """`40 s`, `12 min`, `3 h`, `5 days`."""
    for unit, size in (("days", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{round(seconds / size)} {unit}"
    return f"{round(seconds)} s"


def _add(
    scene: Scene, found: Collection, token: Token, says: str, cause: Cause, weight: float, claim: str, rfc: str
) -> None:
    number, _, section = rfc.partition(" ")
    found.add(
        f"the token in {token.where.removeprefix('request ')} {says}",
        f"cause:{cause}",
        weight,
        exchange=scene.exchange,
        where=token.where,
        value=f"claim {claim}",
        reference=f"RFC {number} section {section}",
    )
