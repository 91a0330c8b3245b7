"""Verdicts on refused TLS handshakes: for the client's certificate, or for the name that was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tracer.model.tls import Alert, Handshake
from tracer.model.verdict import Alternative, Cause, Hop, Layer, PathEntry, Said, Verdict

from . import judge, steps, words
from .client_certificates import add_reasons
from .evidence import Collection

if TYPE_CHECKING:
    from .logs import Logs

SUREST = 0.9
"""an alert names no product, nor whether its server passes requests on: how sure a layer can be at most"""
SILENT, SILENT_WHY = 0.55, 0.7
"""the same of a layer, and of a cause, where there was no alert either"""


class Refusal(NamedTuple):
    """How a server refused a handshake."""

    name: str
    """of the alert; `closed` when it only ended the connection"""
    alert: Alert | None


def verdict(
    handshake: Handshake, refusal: Refusal, server: str, *, passes_on: bool, logs: Logs | None = None
) -> Verdict:
    """The verdict; `server` is the address that the packets show."""
    found = Collection()
    found.kind = "handshake"
    layer = Layer.GATEWAY if passes_on else Layer.ORIGIN
    cause = _cause(handshake, refusal)
    _collect(handshake, refusal, cause, layer, found)
    told = len(found.items)
    if logs is not None:
        logs.collect(handshake.id, found)
    told = len(found.items) - told
    scales = judge.weigh(found.items)
    ranked = judge.posterior(scales)
    layer = next(iter(ranked))
    product = judge.choose_product(scales, layer)
    cause, cause_confidence = judge.choose_cause(scales)
    if not (refusal.alert or told):
        cause_confidence = min(cause_confidence, SILENT_WHY)
    confidence = min(judge.CALIBRATION.ceiling if told else SUREST if refusal.alert else SILENT, ranked[layer])
    case = steps.Case(layer, product, cause, refusal.name, confidence, cause_confidence)
    asked = {"url": f"https://{handshake.name}/", "host": handshake.name} if handshake.name else {}
    return Verdict(
        source=handshake.source,
        exchange=handshake.id,
        url=f"https://{handshake.name}/" if handshake.name else None,
        time_ns=refusal.alert.time_ns if refusal.alert else handshake.end_ns,
        layer=layer,
        product=product,
        cause=cause,
        cause_detail=found.details.get(cause, refusal.name.replace("_", "-")),
        confidence=round(confidence, 3),
        cause_confidence=round(cause_confidence, 3),
        hop=Hop(name=product or str(layer), address=server or None),
        alternatives=tuple(
            Alternative(layer=k, cause=cause, confidence=round(p, 3)) for k, p in list(ranked.items())[1:3]
        ),
        path=(PathEntry(layer=layer, product=product, address=server or None, said=Said.GENERATED, evidence=("v1",)),),
        evidence=tuple(found.items),
        chain=(handshake.id,),
        headline=words.headline(None, layer, product, cause, confidence, cause_confidence),
        next_steps=tuple(steps.next_steps(case, {**found.values, **asked})),
    )


def _cause(handshake: Handshake, refusal: Refusal) -> Cause:
    if refusal.name == "unrecognized_name":
        return Cause.HOST_DENIED
    if handshake.client_cert_sent is False or refusal.name in ("certificate_required", "no_certificate", "closed"):
        return Cause.CLIENT_CERT_MISSING
    return Cause.CLIENT_CERT_REJECTED


def _collect(handshake: Handshake, refusal: Refusal, cause: Cause, layer: Layer, found: Collection) -> None:
    packet = refusal.alert.packet if refusal.alert else None
    ended = f"with {refusal.name}" if refusal.alert else "by closing the connection, without an alert"
    where = "tls alert" if refusal.alert else "connection end"
    found.add(
        f"the server ended the handshake {ended}",
        f"generated:{layer}",
        2.2 if refusal.alert else 1.4,
        id_seen=handshake.id,
        where=where,
        value=refusal.name,
        packet=packet,
        reference="RFC 8446 section 6.2" if refusal.alert else "",
    )
    if handshake.client_cert_requested and cause is not Cause.HOST_DENIED:
        sent = "none was sent" if cause is Cause.CLIENT_CERT_MISSING else "one was sent"
        says, weight, where, value = (
            f"it had asked for a client certificate; {sent}",
            4.0,
            "tls handshake",
            "CertificateRequest",
        )
    else:
        says, weight, value = f"{refusal.name} is what is said then", 2.5, refusal.name
    found.add(
        says,
        f"cause:{cause}",
        weight,
        id_seen=handshake.id,
        where=where,
        value=value,
        packet=packet,
        reference="RFC 8446 section 4.3.2",
    )
    if cause is Cause.CLIENT_CERT_REJECTED:
        add_reasons(handshake, found, 0.5)
