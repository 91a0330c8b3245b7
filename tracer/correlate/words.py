"""The sentence, and what to do next: what each cause means to a person, as data."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

import msgspec

from tracer.model.verdict import Cause, Layer


class CauseText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One cause in words."""

    says: str
    """finishes the sentence `nginx (origin) said 403: …`"""
    check: tuple[str, ...]
    """what tells whether it is so, and the fix"""
    product: dict[str, tuple[str, ...]] = {}
    """steps for one product, before the general ones"""


@cache
def causes() -> dict[str, CauseText]:
    """Every cause of the vocabulary."""
    raw = tomllib.loads(Path(__file__).with_name("causes.toml").read_text("utf-8"))
    return msgspec.convert(raw, dict[str, CauseText])


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
CAPTURE_NEXT = {
    Layer.CDN: "capture between the CDN and the server behind it, or ask it for a request id in its log",
    Layer.WAF: "look it up in the firewall's audit log by time and path: its page often equals the server's own",
    Layer.GATEWAY: "capture behind the gateway too: a request that never arrives there was refused by the gateway",
    Layer.ORIGIN: "read the server's error log at the time of the answer",
    Layer.APP: "read the application's log at the time of the answer",
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


def next_steps(
    layer: Layer, product: str | None, cause: Cause, confidence: float, cause_confidence: float
) -> list[str]:
    """What to check and change, the likeliest first; what to capture when it cannot be told."""
    text = causes()[cause]
    steps = list(text.product.get(product or "", ())) + list(text.check)
    if (confidence < 0.7 or cause_confidence < 0.5) and layer in CAPTURE_NEXT:
        steps.append("to be sure: " + CAPTURE_NEXT[layer])
    return steps
