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


def headline(
    status: int | None,
    layer: Layer,
    product: str | None,
    cause: Cause,
    confidence: float,
    proven: str | None = None,
) -> str:
    """`403 was said by nginx (origin): this path is denied by a rule`.

    `proven`: the address that the denial was captured to come from. Who is there may be doubtful, where is not.
    """
    said = f"{status}" if status is not None else "The TLS handshake"
    verb = "was said" if status is not None else "was refused"
    why = causes()[cause].says
    who = f"{product} ({layer})" if product else LAYER_NAME[layer]
    if proven and confidence < SURE:
        return f"{said} {verb} at {proven}, probably by {who}: {why}."
    if confidence < LIKELY:
        return f"{said}: cannot tell who said it; {LAYER_NAME[layer]} is the likeliest. {why.capitalize()}."
    hedge = "" if confidence >= SURE else "probably "
    return f"{said} {verb.replace(' ', f' {hedge}', 1)} by {who}: {why}."
