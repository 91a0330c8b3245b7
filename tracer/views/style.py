"""Colour as an addition: every sign it gives is also a word or a symbol."""

from __future__ import annotations

from tracer.model.problem import Severity
from tracer.model.verdict import Layer

_CODES = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "magenta": "35",
    "cyan": "36",
}
_LAYERS = {
    Layer.CLIENT: "blue",
    Layer.FORWARD_PROXY: "magenta",
    Layer.CDN: "cyan",
    Layer.WAF: "red",
    Layer.GATEWAY: "yellow",
    Layer.ORIGIN: "green",
    Layer.APP: "green",
}
_SEVERITIES = {Severity.WARN: "yellow", Severity.ERROR: "red", Severity.BUG: "red", Severity.NOTE: "dim"}


_SIGNS = {
    "no": ("✗", "x"),
    "arrow": ("→", "->"),
    "yes": ("✓", "+"),
    "bar": ("█", "#"),
    "out": ("→", ">"),
    "in": ("←", "<"),
}


class Style:
    """Paints text, or leaves it as it is."""

    def __init__(self, colour: bool, unicode: bool = True) -> None:
        self.colour = colour
        self.unicode = unicode

    def sign(self, name: str) -> str:
        """A symbol, or its stand-in where only ASCII can be written."""
        return _SIGNS[name][0 if self.unicode else 1]

    def paint(self, text: str, *names: str) -> str:
        """The text in these colours; what is painted must be safe already."""
        if not self.colour or not text:
            return text
        return f"\x1b[{';'.join(_CODES[n] for n in names)}m{text}\x1b[0m"

    def bold(self, text: str) -> str:
        return self.paint(text, "bold")

    def dim(self, text: str) -> str:
        return self.paint(text, "dim")

    def layer(self, layer: Layer, text: str | None = None) -> str:
        """The layer's name, or `text`, in the layer's colour."""
        return self.paint(text or layer.value, _LAYERS.get(layer, "dim"))

    def status(self, status: int | None, text: str | None = None) -> str:
        """A status code: 2xx green, 3xx blue, 4xx and 5xx red."""
        name = {2: "green", 3: "blue", 4: "red", 5: "red"}.get((status or 0) // 100, "dim")
        return self.paint(text or (str(status) if status is not None else "-"), name)

    def severity(self, severity: Severity) -> str:
        words = {Severity.WARN: "warning"}.get(severity, severity.value)
        return self.paint(words, _SEVERITIES[severity])
