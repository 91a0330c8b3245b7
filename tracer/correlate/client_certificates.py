"""What a handshake says against the client's certificate, as evidence."""

from __future__ import annotations

from tracer.model.tls import Handshake
from tracer.model.verdict import Cause
from tracer.tls.client_auth import Bearing, client_auth

from .evidence import Collection


def stands_against(handshake: Handshake) -> str | None:
    """The first thing that speaks against the certificate that was sent, besides what the server said."""
    answer = client_auth(handshake) if handshake.client_certs else None
    reasons = answer.reasons if answer is not None else ()
    return next((r.text for r in reasons if r.bearing is Bearing.AGAINST and not r.code.startswith("alert-")), None)


def add_reasons(handshake: Handshake, found: Collection, weight: float) -> None:
    """What speaks against the certificate that was sent, besides what the server said."""
    answer = client_auth(handshake)
    for reason in answer.reasons if answer is not None and handshake.client_certs else ():
        if reason.bearing is Bearing.AGAINST and not reason.code.startswith("alert-"):
            found.add(
                f"the client's certificate: {reason.text}",
                f"cause:{Cause.CLIENT_CERT_REJECTED}",
                weight,
                id_seen=handshake.id,
                where="tls handshake",
                value=reason.code,
                packet=reason.packet,
                reference=reason.reference,
            )
