"""Rules that say what is wrong: what the answer states, by words, codes and fields."""

from __future__ import annotations

import re

from tracer.model.http import Exchange
from tracer.model.verdict import Cause, Evidence, Layer

from . import client_certificates
from .cues import CODE, Cue, stated
from .error_codes import codes_in, plain
from .evidence import Collection
from .marks import Strength
from .request_fields import SIGNED, identified, left_out, logs_in
from .rules_marks import MEANT
from .rules_request import credentials_asked, oddities
from .scene import Scene

MARKS = "marks"
"""kind of the evidence that comes from the marks of products"""
SPEAKERS = {
    Cause.DESTINATION_DENIED: (Layer.FORWARD_PROXY, 2.0),
    Cause.WAF_RULE: (Layer.WAF, 1.3),
    Cause.BOT_CHALLENGE: (Layer.WAF, 1.5),
}
"""causes that one layer alone has much to say of, and how much the words weigh for it"""
OF_CALLERS = frozenset({
    Cause.INSUFFICIENT_SCOPE, Cause.NOT_OWNER, Cause.ACCOUNT_RESTRICTED, Cause.PLAN_OR_SUBSCRIPTION, Cause.CSRF_FAILED,
    Cause.CREDENTIALS_EXPIRED, Cause.QUOTA_EXCEEDED,
})  # fmt: skip
"""a bare web server knows nothing of roles, plans and sessions"""


OF_SOMEBODY = re.compile(r"rbac|\b(roles?|member|scopes?|groups?|team|owner)\b", re.IGNORECASE)
"""words that are said of a caller who is known, if only to a mesh: what he lacks has a name"""


BEARER_JWT = re.compile(r"bearer\s+[\w-]{4,}\.[\w-]{4,}\.[\w-]+\s*$", re.IGNORECASE)
"""RFC 7519 section 3.1: header, claims and signature"""
OF_REQUEST = re.compile(r"hmac|request|payload|webhook|SignatureDoesNotMatch", re.IGNORECASE)
"""words that say that the signature is not a token's"""


def collect(scene: Scene, found: Collection) -> None:
    """All evidence about the cause."""
    exchange = scene.exchange
    assert exchange.response is not None
    barred = credentials_asked(scene, found)
    meant = _meant(found)
    said = (_whose_signature(exchange, cue) for cue in stated(exchange, scene.body))
    cues = [c for c in said if c.cause is not barred and not _means_another(c, meant)]
    plainest = max((cue.weight for cue in cues), default=0.0)
    for cue in cues:
        found.details.setdefault(cue.cause, cue.detail)
        if cue.weight >= plainest or plainest < CODE:  # beside an error code words of another cause are in passing
            _speaker(exchange, cue, found)
        found.add(cue.says, f"cause:{cue.cause}", cue.weight, exchange=exchange, where=cue.where, value=cue.value)
        said_to_anybody = cue.weight < CODE and not OF_SOMEBODY.search(cue.value)
        if cue.cause is Cause.INSUFFICIENT_SCOPE and said_to_anybody:
            _of_nobody(scene, found)
    if barred is None and any("unauthorized" in plain(code) for code in codes_in(scene.body)):
        _of_nobody(scene, found)
    _status(scene, found)
    if exchange.request is not None:
        oddities(scene, exchange.request, found)
        client_certificates.collect(scene, found)


def _whose_signature(exchange: Exchange, cue: Cue) -> Cue:
    """A token bears a signature as well: where the request signs nothing else, it is the token that is not believed."""
    request = exchange.request
    if cue.cause is not Cause.SIGNATURE_MISMATCH or request is None or OF_REQUEST.search(cue.value):
        return cue
    signs = any(b"signature" in name.lower() or b"hmac" in name.lower() for name, _ in request.headers)
    if signs or SIGNED.search(request.target) or not BEARER_JWT.match(request.get("authorization") or ""):
        return cue
    return cue._replace(cause=Cause.CREDENTIALS_INVALID, says=f"{cue.says}, and what is signed here is the token")


def _speaker(exchange: Exchange, cue: Cue, found: Collection) -> None:
    """Who speaks of such a cause at all."""
    if (speaker := SPEAKERS.get(cue.cause)) is not None:
        found.add(
            f"who speaks of {cue.cause} is most often the {speaker[0]}",
            f"generated:{speaker[0]}",
            speaker[1],
            exchange=exchange,
            where=cue.where,
            value=cue.value,
        )
    if cue.cause in OF_CALLERS:
        found.add(
            f"it speaks of {cue.cause}: a bare web server knows nothing of that",
            f"against:{Layer.ORIGIN}",
            0.8,
            exchange=exchange,
            where=cue.where,
            value=cue.value,
        )


def _meant(found: Collection) -> list[Evidence]:
    """What products are known to mean by their words: those do not mean what others mean by them."""
    return [
        e
        for e in found.items
        if e.kind == MARKS and e.supports.startswith("cause:") and e.weight >= MEANT[Strength.STRONG]
    ]


def _means_another(cue: Cue, meant: list[Evidence]) -> bool:
    """It reads the very words, not others beside them, that a product means another cause by."""
    here = [e for e in meant if e.seen.where == cue.where and cue.value in e.seen.value]
    here = [e for e in here if 2 * len(cue.value) > len(e.seen.value)]
    return bool(here) and all(e.supports != f"cause:{cue.cause}" for e in here)


def _of_nobody(scene: Scene, found: Collection) -> None:
    """It speaks of rights, and the request named no caller that could have any: then the credentials are missing.

    Not where the host says so with 401: its 403 means something else.
    """
    exchange, request = scene.exchange, scene.exchange.request
    if request is None or exchange.response is None or exchange.response.status != 403:
        return
    if left_out(exchange) or identified(request) or logs_in(request, scene.request_body):
        return
    asked = (s.whole.request for s in scene.answers if s.status == 401)
    if any(other is not None and identified(other) is None for other in asked):
        return
    found.add(
        "nothing in the request tells who asks, so whoever is refused is nobody in particular",
        f"cause:{Cause.CREDENTIALS_MISSING}",
        2.6,
        exchange=exchange,
        where="request header authorization",
        value="absent",
        reference="RFC 9110 section 15.5.4",
    )


def _status(scene: Scene, found: Collection) -> None:
    exchange = scene.exchange
    assert exchange.response is not None
    status = exchange.response.status
    meaning = {
        405: (Cause.METHOD_DENIED, 4.0, "RFC 9110 section 15.5.6"),
        421: (Cause.HOST_DENIED, 3.5, "RFC 9110 section 15.5.20"),
        511: (Cause.CREDENTIALS_MISSING, 3.0, "RFC 6585 section 6"),
        429: (Cause.RATE_LIMITED, 4.0, "RFC 6585 section 4"),
        451: (Cause.GEO_DENIED, 2.0, "RFC 7725"),
        495: (Cause.CLIENT_CERT_REJECTED, 5.0, "nginx, ngx_http_ssl_module"),
        496: (Cause.CLIENT_CERT_MISSING, 5.0, "nginx, ngx_http_ssl_module"),
    }.get(status)
    if meaning:
        cause, weight, reference = meaning
        found.add(
            f"that is what {status} means",
            f"cause:{cause}",
            weight,
            exchange=exchange,
            where="response status line",
            value=str(status),
            reference=reference,
        )
    if exchange.request and exchange.request.method == "CONNECT" and status != 407:
        found.add(
            "a refused CONNECT is the proxy's policy about the destination",
            f"cause:{Cause.DESTINATION_DENIED}",
            4.0,
            exchange=exchange,
            where="request target",
            value=exchange.request.target,
        )
    for name in ("x-ratelimit-remaining", "ratelimit-remaining", "x-rate-limit-remaining"):
        if (exchange.response.get(name) or "").strip() == "0" and status in (403, 429):
            found.add(
                "no request is left of the allowance",
                f"cause:{Cause.RATE_LIMITED}",
                3.4,
                exchange=exchange,
                where=f"response header {name}",
                value="0",
                reference="draft-ietf-httpapi-ratelimit-headers",
            )
    if exchange.response.get("cf-mitigated") == "challenge":
        found.add(
            "Cloudflare answers with a challenge",
            f"cause:{Cause.BOT_CHALLENGE}",
            5.0,
            exchange=exchange,
            where="response header cf-mitigated",
            value="challenge",
        )
