"""Denials that exist only because this proxy stands between client and server."""

from __future__ import annotations

from tracer.model.tls import Handshake
from tracer.model.verdict import Cause, Evidence, Hop, Layer, PathEntry, Said, Seen, Verdict

_DISTRUST = {42: "bad_certificate", 45: "certificate_expired", 46: "certificate_unknown", 48: "unknown_ca"}
"""alerts with which a client refuses the certificate that it is shown (RFC 8446 section 6.2)"""


def refused_by_client(handshake: Handshake) -> Verdict | None:
    """The verdict on a client that refused the proxy's own certificate; None for any other handshake."""
    said = next((a for a in handshake.alerts if a.client and a.code in _DISTRUST), None)
    if said is None or handshake.client_random is None:  # without a hello, the proxy itself was the client
        return None
    host = handshake.sni or "this host"
    return Verdict(
        source=handshake.source,
        exchange=handshake.id,
        url=f"https://{handshake.sni}/" if handshake.sni else None,
        time_ns=handshake.end_ns or handshake.start_ns,
        layer=Layer.CLIENT,
        cause=Cause.INTERCEPTION,
        cause_detail=said.name.replace("_", "-"),
        confidence=0.95,
        cause_confidence=0.9,
        hop=Hop(name="client"),
        path=(PathEntry(layer=Layer.CLIENT, said=Said.GENERATED, evidence=("v1",)),),
        evidence=(
            Evidence(
                id="v1",
                says=f"the client ended the handshake with {said.name} when it saw the proxy's certificate",
                supports="cause:interception",
                weight=3.0,
                seen=Seen(exchange=handshake.id, where="tls alert", value=said.name),
                reference="RFC 8446 section 6.2",
            ),
        ),
        chain=(handshake.id,),
        headline=f"The client refused the proxy's certificate for {host}: "
        "it does not trust the proxy's CA, or pins the server's own certificate.",
        next_steps=(
            "does it trust the CA? `tracer doctor` tells for the system, Python, Node, Java, curl and Firefox",
            f"if it pins: let {host} through untouched with --pass {host}",
        ),
    )
