"""Rules that say what is wrong: what the answer states, what the request carried, what its siblings tell."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

from tracer.model.http import SANITIZED, Exchange, Request
from tracer.model.verdict import Cause, Evidence, Layer

from .client_certificates import add_reasons
from .cues import CODE, Cue, stated
from .error_codes import codes_in, plain
from .evidence import Collection
from .marks import Strength
from .request_fields import identified, left_out, logs_in
from .rules_marks import MEANT
from .scene import Scene

MARKS = "marks"
"""kind of the evidence that comes from the marks of products"""
OWN_PAGE = re.compile(
    r"<center>(nginx|openresty)|You don't have permission to access|<title>403 (- )?Forbidden</title>", re.IGNORECASE
)
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


def collect(scene: Scene, found: Collection) -> None:
    """All evidence about the cause."""
    exchange = scene.exchange
    assert exchange.response is not None
    barred = _credentials_asked(scene, found)
    meant = _meant(found)
    cues = [c for c in stated(exchange, scene.body) if c.cause is not barred and not _means_another(c, meant)]
    plainest = max((cue.weight for cue in cues), default=0.0)
    for cue in cues:
        found.details.setdefault(cue.cause, cue.detail)
        if cue.weight >= plainest or plainest < CODE:  # beside an error code words of another cause are in passing
            _speaker(exchange, cue, found)
        found.add(cue.says, f"cause:{cue.cause}", cue.weight, exchange=exchange, where=cue.where, value=cue.value)
        said_to_anybody = cue.weight < CODE and not OF_SOMEBODY.search(cue.value)
        if cue.cause is Cause.INSUFFICIENT_SCOPE and said_to_anybody:
            _of_nobody(exchange, scene.request_body, found)
    if barred is None and any("unauthorized" in plain(code) for code in codes_in(scene.body)):
        _of_nobody(exchange, scene.request_body, found)
    _status(scene, found)
    if exchange.request is not None:
        _oddities(scene, exchange.request, found)


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


def _of_nobody(exchange: Exchange, body: str, found: Collection) -> None:
    """It speaks of rights, and the request named no caller that could have any: then the credentials are missing."""
    request = exchange.request
    if request is None or exchange.response is None or exchange.response.status != 403:
        return
    if left_out(exchange) or identified(request) or logs_in(request, body):
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


def _credentials_asked(scene: Scene, found: Collection) -> Cause | None:
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


def _oddities(scene: Scene, request: Request, found: Collection) -> None:
    _odd_origin(scene, request, found)
    _odd_host(scene, request, found)
    _lost_between_hops(scene, found)
    _client_certificate(scene, found)
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
    sni = scene.handshake.name if scene.handshake and _is_front(scene) else None
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


def _client_certificate(scene: Scene, found: Collection) -> None:
    """One was sent and a page refuses; one was asked for and none was sent."""
    exchange, handshake = scene.exchange, scene.handshake
    if handshake is None:
        return
    if handshake.client_cert_sent and _is_front(scene) and OWN_PAGE.search(scene.body):
        found.add(
            "a client certificate was sent, and the server refused by page",
            f"cause:{Cause.CLIENT_CERT_REJECTED}",
            1.7,
            exchange=exchange,
            where="tls handshake",
            value="client certificate",
        )
        add_reasons(handshake, found, 0.8)
    elif handshake.client_cert_sent and _is_front(scene) and not scene.passes_on and _refuses_who(exchange):
        add_reasons(handshake, found, 4.6)  # in the server's own words, which may name another reason
    if handshake.client_cert_requested and handshake.client_cert_sent is False:
        found.add(
            "the server asked for a client certificate and got none",
            f"cause:{Cause.CLIENT_CERT_MISSING}",
            3.0,
            exchange=exchange,
            where="tls handshake",
            value="no client certificate",
        )
        found.add(
            "none was sent, so none was rejected",
            f"cause:{Cause.CLIENT_CERT_REJECTED}",
            -7.0,
            exchange=exchange,
            where="tls handshake",
            value="no client certificate",
        )


def _refuses_who(exchange: Exchange) -> bool:
    return exchange.response is not None and exchange.response.status in (400, 401, 403, 495)


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


def _is_front(scene: Scene) -> bool:
    """The exchange that is judged is the one that the client saw."""
    return scene.seen is None or scene.seen is scene.exchange
