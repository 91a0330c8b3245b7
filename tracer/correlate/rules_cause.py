"""Rules that say what is wrong: what the answer states, what the request carried, what its siblings tell."""

from __future__ import annotations

import base64
import binascii
import json
import re
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from tracer.model.http import Exchange, Request
from tracer.model.verdict import Cause

from .cues import stated
from .evidence import Collection
from .scene import Scene

CREDENTIAL_FIELDS = ("authorization", "cookie", "x-api-key", "api-key", "apikey", "x-auth-token", "x-access-token",
                     "ocp-apim-subscription-key", "private-token", "x-goog-api-key", "x-amz-security-token")  # fmt: skip
SIGNED = re.compile(r"[?&](X-Amz-Signature|Signature|sig|X-Goog-Signature|hmac|token)=", re.IGNORECASE)


def collect(scene: Scene, found: Collection) -> None:
    """All evidence about the cause."""
    exchange = scene.exchange
    assert exchange.response is not None
    for cue in stated(exchange, scene.body):
        found.add(cue.says, f"cause:{cue.cause}", cue.weight, exchange=exchange, where=cue.where, value=cue.value)
    _status(scene, found)
    if exchange.request is not None:
        _credentials(exchange, exchange.request, found)
        _oddities(scene, exchange.request, found)
    _page_only(scene, found)


def _status(scene: Scene, found: Collection) -> None:
    exchange = scene.exchange
    assert exchange.response is not None
    status = exchange.response.status
    meaning = {
        405: (Cause.METHOD_DENIED, 4.0, "RFC 9110 section 15.5.6"),
        407: (Cause.CREDENTIALS_MISSING, 3.0, "RFC 9110 section 15.5.8"),
        421: (Cause.HOST_DENIED, 3.5, "RFC 9110 section 15.5.20"),
        429: (Cause.RATE_LIMITED, 4.0, "RFC 6585 section 4"),
        451: (Cause.GEO_DENIED, 2.0, "RFC 7725"),
        495: (Cause.CLIENT_CERT_REJECTED, 5.0, "nginx, ngx_http_ssl_module"),
        496: (Cause.CLIENT_CERT_MISSING, 5.0, "nginx, ngx_http_ssl_module"),
    }.get(status)
    if meaning:
        cause, weight, reference = meaning
        found.add(f"that is what {status} means", f"cause:{cause}", weight, exchange=exchange,
                  where="response status line", value=str(status), reference=reference)  # fmt: skip
    if status == 401 or status == 407:
        carried = "proxy-authorization" if status == 407 else "authorization"
        request = exchange.request
        has = request is not None and (request.get(carried) is not None or (status == 401 and _identified(request)))
        cause = Cause.CREDENTIALS_INVALID if has else Cause.CREDENTIALS_MISSING
        says = "credentials were sent and not accepted" if has else "no credentials were sent"
        found.add(says, f"cause:{cause}", 2.6, exchange=exchange, where=f"request header {carried}",
                  value="present" if has else "absent", reference="RFC 9110 section 15.5.2")  # fmt: skip
    if exchange.request and exchange.request.method == "CONNECT" and status != 407:
        found.add("a refused CONNECT is the proxy's policy about the destination", f"cause:{Cause.DESTINATION_DENIED}", 4.0,
                  exchange=exchange, where="request target", value=exchange.request.target)  # fmt: skip
    if exchange.response.get("cf-mitigated") == "challenge":
        found.add("Cloudflare answers with a challenge", f"cause:{Cause.BOT_CHALLENGE}", 5.0, exchange=exchange,
                  where="response header cf-mitigated", value="challenge")  # fmt: skip


def _identified(request: Request) -> bool:
    return any(request.get(n) for n in CREDENTIAL_FIELDS) or bool(SIGNED.search(request.target))


def _credentials(exchange: Exchange, request: Request, found: Collection) -> None:
    """Tokens and signed links, against the time of the answer."""
    now = _now(exchange)
    bearer = re.match(r"(?i)bearer\s+([\w-]+\.([\w-]+)\.[\w-]*)", request.get("authorization") or "")
    if bearer and (claims := _claims(bearer[2])) and now is not None:
        expires, begins = claims.get("exp"), claims.get("nbf")
        if isinstance(expires, (int, float)) and expires < now:
            found.add(f"the token in Authorization ended {round(now - expires)} s before this", f"cause:{Cause.CREDENTIALS_EXPIRED}", 5.0,
                      exchange=exchange, where="request header authorization", value="claim exp", reference="RFC 7519 section 4.1.4")  # fmt: skip
        if isinstance(begins, (int, float)) and begins > now + 1:
            found.add("the token in Authorization is not valid yet", f"cause:{Cause.CLOCK_SKEW}", 4.5, exchange=exchange,
                      where="request header authorization", value="claim nbf", reference="RFC 7519 section 4.1.5")  # fmt: skip
    expires_at = re.search(r"[?&]Expires=(\d{9,11})\b", request.target)
    if expires_at and now is not None and int(expires_at[1]) < now:
        found.add("the signed link is past its Expires", f"cause:{Cause.CREDENTIALS_EXPIRED}", 5.0, exchange=exchange,
                  where="request target", value="Expires")  # fmt: skip


def _claims(part: str) -> dict[str, object]:
    try:
        value = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _now(exchange: Exchange) -> float | None:
    """The time of the answer: its Date, else that of the capture."""
    date = exchange.response.get("date") if exchange.response else None
    if date:
        try:
            return parsedate_to_datetime(date).timestamp()
        except (ValueError, TypeError, OverflowError):
            pass
    start = exchange.timing.response_start_ns
    return start / 1e9 if start else None


def _oddities(scene: Scene, request: Request, found: Collection) -> None:
    exchange = scene.exchange
    if request.method == "OPTIONS" and request.get("access-control-request-method"):
        found.add("the request is a CORS preflight", f"cause:{Cause.CORS_DENIED}", 3.2, exchange=exchange,
                  where="request header access-control-request-method",
                  value=request.get("access-control-request-method") or "", reference="Fetch standard, CORS-preflight")  # fmt: skip
    referer, host = request.get("referer"), request.get("host") or request.authority or ""
    path = urlsplit(request.url).path.lower()
    if (
        referer
        and urlsplit(referer).hostname not in (None, host.partition(":")[0])
        and re.search(r"\.(png|jpe?g|gif|webp|svg|mp4|webm|mp3|pdf|zip|css|woff2?)$", path)
    ):
        found.add("a file for embedding, asked for from another site's page", f"cause:{Cause.REFERER_DENIED}", 2.2,
                  exchange=exchange, where="request header referer", value=referer)  # fmt: skip
    sni = scene.handshake.sni if scene.handshake else None
    if sni and host and sni.lower() != host.rpartition(":")[0].lower() and sni.lower() != host.lower():
        found.add(f"TLS was set up for {sni}, the request is for {host}", f"cause:{Cause.HOST_DENIED}", 2.0,
                  exchange=exchange, where="request header host", value=host, reference="RFC 9110 section 7.4")  # fmt: skip
    if (
        scene.handshake is not None
        and scene.handshake.client_cert_requested
        and scene.handshake.client_cert_sent is False
    ):
        found.add("the server asked for a client certificate and got none", f"cause:{Cause.CLIENT_CERT_MISSING}", 3.0,
                  exchange=exchange, where="tls handshake", value="no client certificate")  # fmt: skip
    age = exchange.response.get("age") if exchange.response else None
    if age and age.strip().isdigit() and int(age) > 0:
        found.add(f"the answer is {age.strip()} s old: a cache serves an old denial", f"cause:{Cause.STALE_DENIAL}", 3.0,
                  exchange=exchange, where="response header age", value=age, reference="RFC 9111 section 5.1")  # fmt: skip


def _page_only(scene: Scene, found: Collection) -> None:
    """A web server's own page says nothing; the path is what is left to go by."""
    exchange = scene.exchange
    if exchange.response is None or exchange.response.status != 403 or exchange.request is None:
        return
    path = urlsplit(exchange.request.url).path
    if (
        path.endswith("/")
        and re.search(r"<center>nginx|You don't have permission to access", scene.body)
        and path != "/"
    ):
        found.add("a directory was asked for, and the server's own page came back", f"cause:{Cause.DIRECTORY_INDEX}", 1.6,
                  exchange=exchange, where="request target", value=path)  # fmt: skip
    found.add("a plain refusal of this path", f"cause:{Cause.PATH_DENIED}", 0.9, exchange=exchange,
              where="request target", value=path)  # fmt: skip
