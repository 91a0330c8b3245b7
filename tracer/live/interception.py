"""Denials that exist only because this proxy stands between client and server."""

from __future__ import annotations

import msgspec

from tracer.model.tls import Handshake
from tracer.model.verdict import Alternative, Cause, Evidence, Hop, Layer, PathEntry, Said, Seen, Verdict

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


_BY_FINGERPRINT = frozenset({Cause.CLIENT_DENIED, Cause.BOT_CHALLENGE})
_BY_CERTIFICATE = frozenset({Cause.CLIENT_CERT_MISSING, Cause.CLIENT_CERT_REJECTED})


def through_proxy(verdict: Verdict, client: Handshake | None) -> Verdict:
    """The verdict with what the proxy between may have to do with it: `client` is the handshake on the client's side.

    A server that looks at the TLS fingerprint sees the proxy's; one that asks for a certificate asks the proxy.
    """
    if client is None:
        return verdict
    host = client.sni or "this host"
    if verdict.cause in _BY_FINGERPRINT:
        says = f"the server saw the TLS fingerprint of the proxy, not the client's own ({client.ja4})"
        step = (
            f"find out whether it is the proxy: tracer replay TRACE {verdict.exchange} --prove sends it with and "
            f"without one; or let the host through with --pass {host}"
        )
        verdict = msgspec.structs.replace(verdict, alternatives=(*verdict.alternatives, _OURS))
    elif verdict.cause in _BY_CERTIFICATE:
        says = "the certificate was asked of the proxy: a client cannot send its own through it"
        step = f"give the proxy the client's certificate: --cert client.pem; or let {host} through with --pass {host}"
    else:
        return verdict
    seen = Seen(exchange=client.id, where="tls handshake", value=client.ja4 or "")
    evidence = Evidence(
        id=f"v{len(verdict.evidence) + 1}", says=says, supports="cause:interception", weight=0.0, seen=seen
    )
    return msgspec.structs.replace(
        verdict, evidence=(*verdict.evidence, evidence), next_steps=(step, *verdict.next_steps)
    )


_OURS = Alternative(layer=Layer.CLIENT, cause=Cause.INTERCEPTION, confidence=0.05)
