"""Refused handshakes of which a source keeps only what the client said: the error of a HAR entry, curl's last line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from tracer.model.http import Exchange
from tracer.model.tls import Alert, Handshake

from .refused import Refusal

ALERTS = {
    "bad_certificate": 42,
    "unsupported_certificate": 43,
    "certificate_revoked": 44,
    "certificate_expired": 45,
    "certificate_unknown": 46,
    "unknown_ca": 48,
    "access_denied": 49,
    "unrecognized_name": 112,
    "certificate_required": 116,
}
"""RFC 8446 section 6.2; handshake_failure is left out: alone it says nothing of certificate or name"""
RECEIVED = re.compile(
    rf"\b(?:sslv3|tlsv1(?:[.\d]*)|tls) alert:? ({'|'.join(n.replace('_', '[ _]') for n in ALERTS)})\b", re.IGNORECASE
)
"""OpenSSL and those that quote it say `tlsv1 alert unknown ca` of an alert that the peer sent"""
NAMED = {
    "SSL_ERROR_UNKNOWN_CA_ALERT": "unknown_ca",
    "SSL_ERROR_BAD_CERT_ALERT": "bad_certificate",
    "SSL_ERROR_EXPIRED_CERT_ALERT": "certificate_expired",
    "SSL_ERROR_REVOKED_CERT_ALERT": "certificate_revoked",
    "SSL_ERROR_CERTIFICATE_UNKNOWN_ALERT": "certificate_unknown",
    "SSL_ERROR_RX_CERTIFICATE_REQUIRED_ALERT": "certificate_required",
    "ERR_SSL_CLIENT_AUTH_CERT_NEEDED": "certificate_required",
    "ERR_BAD_SSL_CLIENT_AUTH_CERT": "bad_certificate",
    "ERR_SSL_UNRECOGNIZED_NAME_ALERT": "unrecognized_name",
}
"""names that browsers give to alerts of the server"""
ABSENT = frozenset({"certificate_required"})
READ = 2000
"""characters of a comment that are looked at"""


def alert_in(text: str) -> str | None:
    """The name of the alert that a client says it got from the server, when it is about certificate or name."""
    text = text[:READ]
    if (hit := RECEIVED.search(text)) is not None:
        return hit[1].lower().replace(" ", "_")
    return next((alert for name, alert in NAMED.items() if name in text), None)


def told(exchanges: Iterable[Exchange]) -> Iterator[tuple[Handshake, Refusal]]:
    """Exchanges without an answer whose client tells of such an alert, as the handshake that it must have been."""
    for exchange in exchanges:
        if exchange.response is not None or exchange.tls is not None or not exchange.comment:
            continue
        name = alert_in(exchange.comment)
        if name is None:
            continue
        about_name = name == "unrecognized_name"
        alert = Alert(client=False, level=2, code=ALERTS[name], name=name, time_ns=exchange.timing.start_ns)
        handshake = Handshake(
            id=exchange.id,
            source=exchange.source,
            client=exchange.client or "",
            server=exchange.server or "",
            sni=_host(exchange),
            client_cert_requested=None if about_name else True,
            client_cert_sent=None if about_name else name not in ABSENT,
            alerts=(alert,),
            start_ns=exchange.timing.start_ns,
            end_ns=exchange.timing.start_ns,
        )
        yield handshake, Refusal(name, alert)


def _host(exchange: Exchange) -> str | None:
    try:
        return urlsplit(exchange.request.url).hostname if exchange.request else None
    except ValueError:
        return None
