"""How statuses and shares are written and styled everywhere in the interface."""

from __future__ import annotations

from tracer.model.verdict import Layer
from tracer.views.words import duration, size

__all__ = ["duration", "layer_style", "percent", "size", "status_style"]


def layer_style(layer: Layer) -> str:
    return f"layer.{layer}"


def status_style(status: int | None) -> str:
    """A style for a status code; the number itself is always shown, colour only helps."""
    if status is None:
        return "faint"
    if status >= 500:
        return "fault"
    if status >= 400:
        return "denied"
    if status >= 300:
        return "redirect"
    return "ok" if status >= 200 else "faint"


def percent(p: float) -> str:
    """`93 %`; never 100 % and never 0 %, since no verdict is certain."""
    return f"{min(99, max(1, round(p * 100)))} %"
