"""The sentence that says it."""

from __future__ import annotations

from tracer.model.verdict import Cause, Layer

from .steps import causes

LAYER_NAME = {
    Layer.CLIENT: "the client itself",
    Layer.FORWARD_PROXY: "a forward proxy",
    Layer.CDN: "the CDN",
    Layer.WAF: "a web application firewall",
    Layer.GATEWAY: "the gateway",
    Layer.ORIGIN: "the origin server",
    Layer.APP: "the application",
    Layer.UNKNOWN: "an unknown hop",
}


SURE, LIKELY = 0.75, 0.4
"""confidences from which a layer is named without doubt, or at all"""
SURE_WHY, LIKELY_WHY = 0.75, 0.5
"""the same for the cause: likelier than not, it is said to be probable"""


def headline(
    status: int | None,
    layer: Layer,
    product: str | None,
    cause: Cause,
    confidence: float,
    cause_confidence: float,
    proven: str | None = None,
) -> str:
    """`403 was said by nginx (origin): probably a rule denies this path.`: as sure of who and of why as the judge is.

    `proven`: the address that the denial was captured to come from. Who is there may be doubtful, where is not.
    """
    who = f"{product} ({layer})" if product else LAYER_NAME[layer]
    said, verb = (f"{status}", "said") if status is not None else ("The TLS handshake", "refused")
    why = _why(cause, cause_confidence)
    if confidence >= SURE:
        return f"{said} was {verb} by {who}{why}."
    if proven:
        return f"{said} was {verb} at {proven}, probably by {who}{why}."
    if confidence >= LIKELY:
        return f"{said} was probably {verb} by {who}{why}."
    why = why.lstrip(":; ")
    return f"{said}: cannot tell who {verb} it; {LAYER_NAME[layer]} is the likeliest. {why[0].upper()}{why[1:]}."


def _why(cause: Cause, confidence: float) -> str:
    """The end of the sentence, with the sign that joins it to what stands before."""
    says = causes()[cause].says
    if cause is Cause.UNKNOWN or confidence >= SURE_WHY:
        return f": {says}"
    if confidence >= LIKELY_WHY:
        return f": probably {says}"
    return f"; why is not certain, perhaps {says}"
