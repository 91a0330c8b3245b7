"""What a handshake says against the client's certificate, as evidence."""

from __future__ import annotations

from tracer.model.tls import Handshake
from tracer.model.verdict import Cause
from tracer.tls.client_auth import Bearing, client_auth

from .cues import OWN_PAGE
from .evidence import Collection
from .scene import Scene
from .siblings import is_good

REFUSES_WHO = (400, 401, 403, 495)
UNWANTED = 1.3
"""weight of a certificate that a server took, against all that may be wrong behind it"""


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


def collect(scene: Scene, found: Collection) -> None:
    """What the handshake tells of a refusal by page: one was sent, or asked for and not sent."""
    handshake = scene.handshake
    if handshake is None:
        return
    if handshake.client_cert_requested and handshake.client_cert_sent is False:
        _none_sent(scene, found)
    elif handshake.client_cert_sent and scene.is_front:
        _sent(scene, handshake, found)


def _none_sent(scene: Scene, found: Collection) -> None:
    for says, cause, weight in (
        ("the server asked for a client certificate and got none", Cause.CLIENT_CERT_MISSING, 3.0),
        ("none was sent, so none was rejected", Cause.CLIENT_CERT_REJECTED, -7.0),
    ):
        found.add(
            says,
            f"cause:{cause}",
            weight,
            exchange=scene.exchange,
            where="tls handshake",
            value="no client certificate",
        )


def _sent(scene: Scene, handshake: Handshake, found: Collection) -> None:
    """A page refuses: for the certificate where something speaks against it, else most often for another reason."""
    response = scene.exchange.response
    own_page = OWN_PAGE.search(scene.body) is not None
    if stands_against(handshake) is not None:
        if own_page:
            add_reasons(handshake, found, 2.5)
        elif not scene.passes_on and response is not None and response.status in REFUSES_WHO:
            add_reasons(handshake, found, 4.6)  # in the server's own words, which may name another reason
    elif _let_in(scene):
        found.add(
            "the client's certificate was taken, and another request of the same client answered",
            f"cause:{Cause.CLIENT_CERT_REJECTED}",
            -3.0,
            exchange=scene.exchange,
            where="tls handshake",
            value="client certificate",
        )


def _let_in(scene: Scene) -> bool:
    """The same certificate got a good answer: on the same handshake, or on another of the same client."""
    mine = scene.handshake
    if mine is None:
        return False
    handshakes = {s.whole.tls for s in scene.answers if is_good(s.status)} - {None}
    shown = (scene.handshakes.get(name) for name in handshakes if name)
    return mine.id in handshakes or any(h and h.client_certs and h.client_certs == mine.client_certs for h in shown)


def holder_unwanted(scene: Scene, found: Collection) -> bool:
    """A server that took a certificate refuses by its own page: most often its holder is not wanted there."""
    sent = scene.handshake is not None and scene.handshake.client_cert_sent and scene.is_front
    if not sent or not OWN_PAGE.search(scene.body) or _let_in(scene):
        return False
    found.add(
        "a client certificate was taken, and a page refuses: its holder may not be wanted here",
        f"cause:{Cause.CLIENT_CERT_REJECTED}",
        UNWANTED,
        exchange=scene.exchange,
        where="tls handshake",
        value="client certificate",
    )
    return True
