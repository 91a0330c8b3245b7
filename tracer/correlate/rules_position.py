"""What the other vantage points prove: how deep the denial went, and what stands there."""

from __future__ import annotations

from tracer.model.verdict import Layer

from .client_certificates import stands_against
from .evidence import Collection
from .scene import Scene

BEHIND = (Layer.ORIGIN, Layer.APP)
BEFORE = (Layer.CLIENT, Layer.FORWARD_PROXY, Layer.CDN, Layer.WAF, Layer.GATEWAY)


def collect(scene: Scene, found: Collection) -> None:
    """Evidence from the place of the deciding server in the trace."""
    _end_of_tls(scene, found)
    if scene.passes_on:
        for layer, weight in zip(BEHIND, (3.4, 4.0), strict=True):
            found.add(
                "the deciding server passes other requests on: it is no end of the path",
                f"against:{layer}",
                weight,
                exchange=scene.exchange,
                where="packets",
                value=scene.server,
            )
    elif scene.asked_nobody:
        for layer in BEFORE:
            found.add(
                "the deciding server was never seen to pass a request on",
                f"against:{layer}",
                0.5,
                exchange=scene.exchange,
                where="packets",
                value=scene.server,
            )


ABOUT_THE_CALLER = (400, 401, 403, 495, 496)


def _end_of_tls(scene: Scene, found: Collection) -> None:
    """Who asked for a certificate and got none, or a bad one, refuses itself, in whatever words it was told to use."""
    handshake, response = scene.handshake, scene.exchange.response
    if handshake is None or response is None or not handshake.client_cert_requested or scene.passes_on:
        return
    if response.status not in ABOUT_THE_CALLER or scene.seen not in (None, scene.exchange):
        return
    if handshake.client_cert_sent is False:
        says, weight = "the server that ends TLS here had asked for a certificate and got none", 1.2
    elif handshake.client_cert_sent and (reason := stands_against(handshake)):
        says, weight = f"the server that ends TLS here got a certificate that it cannot accept: {reason}", 2.6
    else:
        return
    found.add(
        says,
        f"against:{Layer.APP}",
        weight,
        id_seen=handshake.id,
        where="tls handshake",
        value="CertificateRequest",
        reference="RFC 8446 section 4.3.2",
    )
