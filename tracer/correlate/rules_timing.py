"""How long the answer took, against the connection's own round trip and against good answers: near, or deep behind."""

from __future__ import annotations

from tracer.model.verdict import Layer

from .columns import waited_ns
from .evidence import Collection
from .scene import Scene

MILLISECOND = 1_000_000
FEWEST = 2
"""good answers that make a measure"""


def collect(scene: Scene, found: Collection) -> None:
    """Evidence from the time to the first byte; the wait of other answers says what a way to the end costs."""
    waited = waited_ns(scene.exchange.timing)
    if waited is None:
        return
    good = [w for s in scene.answers if s.status < 400 and (w := s.waited_ns) is not None]
    if len(good) < FEWEST:
        return
    against: tuple[tuple[Layer, float], ...]
    usual, trip = sorted(good)[len(good) // 2], scene.round_trip_ns or 0
    value = f"{_ms(waited)} ms; good answers {_ms(usual)} ms" + (f"; round trip {_ms(trip)} ms" if trip else "")
    if waited <= 1.5 * trip + 3 * MILLISECOND and usual >= 3 * waited + 5 * MILLISECOND:
        says = "it came much sooner than good answers of this host do: it was made before the way to the end"
        against = ((Layer.APP, 0.9), (Layer.ORIGIN, 0.6))
    elif waited >= 0.6 * usual and waited >= 3 * trip + 20 * MILLISECOND:
        says = "it took as long as good answers of this host do: it was made behind the edge"
        against = ((Layer.CDN, 0.7), (Layer.WAF, 0.4), (Layer.FORWARD_PROXY, 0.4))
    else:
        return
    for layer, weight in against:
        found.add(says, f"against:{layer}", weight, exchange=scene.exchange, where="timing", value=value)


def _ms(ns: float) -> str:
    return f"{ns / MILLISECOND:.1f}"
