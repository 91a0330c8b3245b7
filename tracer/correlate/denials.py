"""Which exchanges and handshakes are denials at all."""

from __future__ import annotations

import re
from collections.abc import Callable

from tracer.model.connection import Connection
from tracer.model.http import Exchange
from tracer.model.tls import Handshake

from .refused import Refusal

REFUSES = 400
"""statuses from which on an answer may be a denial"""
ALWAYS = frozenset({401, 403, 405, 407, 421, 429, 451, 495, 496, 511})
SOMETIMES = frozenset({400, 503})
EVIDENCE = re.compile(
    r"no required ssl certificate|ssl certificate error|client certificate|certificate required|"
    r"captcha|challenge|bot detect|access denied|request blocked|forbidden|not authori[sz]ed|permission|"
    r"host (header )?(is )?(not allowed|invalid)|invalid host(name)? header|disallowedhost|unknown host|"
    r"bad request.*host|attention required|checking your browser|request rejected|security|"
    r"plain http request was sent to https|rate limit|slow ?down|too many requests|signature|expired",
    re.IGNORECASE | re.DOTALL,
)
REFUSED_CLIENT = {
    40: "handshake_failure",
    41: "no_certificate",
    42: "bad_certificate",
    43: "unsupported_certificate",
    44: "certificate_revoked",
    45: "certificate_expired",
    46: "certificate_unknown",
    48: "unknown_ca",
    49: "access_denied",
    112: "unrecognized_name",
    115: "unknown_psk_identity",
    116: "certificate_required",
}


def is_denial(exchange: Exchange, body: Callable[[], str]) -> bool:
    """A final response that refuses; `body` gives its decoded text, asked for where the status alone tells little."""
    response = exchange.response
    if response is None or response.status < REFUSES:
        return False
    if exchange.extra.get("mitm.answered-by"):  # a recording proxy that answers itself says so
        return False
    if response.status in ALWAYS:
        return True
    method = exchange.request.method if exchange.request else ""
    if method == "CONNECT" and response.status >= 400:
        return True
    if exchange.request and exchange.request.get("upgrade") and response.status >= 400 and response.status < 500:
        return response.status not in (404, 426)
    return response.status in SOMETIMES and bool(EVIDENCE.search(body()) or response.get("cf-mitigated"))


def refusal(handshake: Handshake) -> Refusal | None:
    """The alert with which the server refused this handshake for certificate or name; else None.

    A fatal alert long after a completed handshake (decode_error at close, say) is no refusal.
    """
    for alert in handshake.alerts:
        if alert.client or alert.level != 2 or alert.code not in REFUSED_CLIENT:
            continue
        if alert.code == 40 and not handshake.client_cert_requested and handshake.version is not None:
            continue
        if alert.code == 112 or handshake.client_cert_requested is not False:
            return Refusal(alert.name, alert)
    return None


def is_silent(handshake: Handshake) -> bool:
    """A certificate was asked for and none was sent: the server may end such a connection without a word."""
    return bool(handshake.client_cert_requested) and handshake.client_cert_sent is False


def silent_refusal(handshake: Handshake, connection: Connection | None, *, unanswered: bool) -> Refusal | None:
    """A server that asked for a certificate, got none, and closed without a word; `unanswered`: a request was sent."""
    if not is_silent(handshake) or connection is None:
        return None
    ended = connection.closed in ("server-fin", "server-rst")
    return Refusal("closed", None) if ended and (unanswered or handshake.complete is False) else None
