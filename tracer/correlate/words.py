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


def headline(status: int | None, layer: Layer, product: str | None, cause: Cause, confidence: float) -> str:
    """`403 was said by nginx (origin): this path is denied by a rule`."""
    said = f"{status}" if status is not None else "The TLS handshake"
    verb = "was said by" if status is not None else "was refused by"
    if confidence < 0.4:
        why = causes()[cause].says.capitalize()
        return f"{said}: cannot tell who said it; {LAYER_NAME[layer]} is the likeliest. {why}."
    who = f"{product} ({layer})" if product else LAYER_NAME[layer]
    hedge = "probably " if confidence < 0.75 else ""
    return f"{said} {verb.replace('was ', 'was ' + hedge)} {who}: {causes()[cause].says}."
