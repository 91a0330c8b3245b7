"""How times, sizes, statuses and layers are written and coloured everywhere in the interface."""

from __future__ import annotations

from tracer.model.verdict import Layer

LAYER_STYLE = {
    Layer.CLIENT: "cyan",
    Layer.FORWARD_PROXY: "magenta",
    Layer.CDN: "blue",
    Layer.WAF: "red",
    Layer.GATEWAY: "yellow",
    Layer.ORIGIN: "green",
    Layer.APP: "bright_cyan",
    Layer.UNKNOWN: "dim",
}


def status_style(status: int | None) -> str:
    """A style for a status code; the number itself is always shown, colour only helps."""
    if status is None:
        return "dim"
    if status >= 500:
        return "bold magenta"
    if status >= 400:
        return "bold red"
    if status >= 300:
        return "yellow"
    return "green" if status >= 200 else "dim"


def duration(ns: int | None) -> str:
    """`87 µs`, `12.3 ms`, `1.20 s`, `2 m 5 s`; `-` when unknown."""
    if ns is None:
        return "-"
    if ns < 1_000_000:
        return f"{ns / 1e3:.0f} µs"
    if ns < 1_000_000_000:
        return f"{ns / 1e6:.1f} ms"
    if ns < 60_000_000_000:
        return f"{ns / 1e9:.2f} s"
    minutes, seconds = divmod(ns // 1_000_000_000, 60)
    return f"{minutes} m {seconds} s"


def size(n: int | None) -> str:
    """`0 B`, `1.2 kB`, `3.4 MB`; `-` when unknown."""
    if n is None:
        return "-"
    value = float(n)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    raise AssertionError


def percent(p: float) -> str:
    """`93 %`; never 100 % and never 0 %, since no verdict is certain."""
    return f"{min(99, max(1, round(p * 100)))} %"
