"""What the other vantage points prove: how deep the denial went, and what stands there."""

from __future__ import annotations

from tracer.model.verdict import Layer

from .evidence import Collection
from .scene import Scene

BEHIND = (Layer.ORIGIN, Layer.APP)
BEFORE = (Layer.CLIENT, Layer.FORWARD_PROXY, Layer.CDN, Layer.WAF, Layer.GATEWAY)


def collect(scene: Scene, found: Collection) -> None:
    """Evidence from the place of the deciding server in the trace."""
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
