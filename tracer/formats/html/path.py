"""The path of hops as a drawing: the client, each hop, and the way the refusal took back."""

from __future__ import annotations

from tracer.model.verdict import PathEntry, Said, Verdict

from .markup import text

_STEP, _TOP, _LEFT = 178, 96, 72
_ROW = 84
_WIDEST = 5
"""hops that fit side by side"""
_SAID = {Said.GENERATED: "said no", Said.FORWARDED: "passed it on", Said.PRESENT: "on the path, role unknown"}
_LAYERS = {
    "client": "client",
    "forward-proxy": "forward proxy",
    "cdn": "CDN",
    "waf": "firewall (WAF)",
    "gateway": "gateway",
    "origin": "origin server",
    "app": "application",
    "unknown": "unknown",
}


def layer_name(layer: str) -> str:
    """The layer in the reader's words."""
    return _LAYERS.get(layer, layer)


def draw(verdict: Verdict) -> str:
    """Two drawings of one path, side by side and downward; the style sheet shows the one that fits."""
    hops = verdict.path or (PathEntry(layer=verdict.layer, product=verdict.product, said=Said.GENERATED),)
    accused = next((i for i, h in enumerate(hops) if h.said is Said.GENERATED), len(hops) - 1)
    said = str(verdict.status) if verdict.status is not None else "TLS alert"
    label = "Path: client, " + ", ".join(
        f"{layer_name(h.layer)}{f' ({h.product})' if h.product else ''} {_SAID[h.said]}" for h in hops
    )
    down = _down(hops, accused, said, label)
    return _across(hops, accused, said, label) + down if len(hops) <= _WIDEST else f'<div class="tall">{down}</div>'


def _across(hops: tuple[PathEntry, ...], accused: int, said: str, label: str) -> str:
    at = [_LEFT + _STEP * i for i in range(len(hops) + 1)]
    width = at[-1] + 92
    end = at[accused + 1]
    parts = [f'<line class="way" x1="{at[0]}" y1="{_TOP}" x2="{end}" y2="{_TOP}"/>']
    if end < at[-1]:
        parts.append(f'<line class="way beyond" x1="{end}" y1="{_TOP}" x2="{at[-1]}" y2="{_TOP}"/>')
    middle, half = (at[0] + end) / 2, 16 + 4.5 * len(said)
    parts.append(
        f'<path class="back" d="M{end} {_TOP - 24} C{end} 18 {at[0]} 18 {at[0]} {_TOP - 28}"/>'
        f'<path class="tip" d="M{at[0]} {_TOP - 20} l-6 -11 l12 0 z"/>'
        f'<rect class="tag" x="{middle - half}" y="20" width="{2 * half}" height="26" rx="13"/>'
        f'<text class="status" x="{middle}" y="38">{text(said)}</text>'
    )
    parts.append(_client(at[0], _TOP) + _words(at[0], _TOP + 40, ["client"], "middle"))
    for index, hop in enumerate(hops):
        x = at[index + 1]
        parts.append(_node(hop, x, _TOP) + _words(x, _TOP + 40, _labels(hop), "middle", index == accused))
    return (
        f'<svg class="path across" role="img" aria-label="{text(label)}" viewBox="0 0 {width} 196" '
        f'width="{width}" height="196">{"".join(parts)}</svg>'
    )


def _down(hops: tuple[PathEntry, ...], accused: int, said: str, label: str) -> str:
    at = [30 + _ROW * i for i in range(len(hops) + 1)]
    end, height = at[accused + 1], at[-1] + 62
    parts = [f'<line class="way" x1="66" y1="{at[0]}" x2="66" y2="{end}"/>']
    if end < at[-1]:
        parts.append(f'<line class="way beyond" x1="66" y1="{end}" x2="66" y2="{at[-1]}"/>')
    parts.append(
        f'<path class="back" d="M44 {end} C4 {end} 4 {at[0]} 38 {at[0]}"/>'
        f'<path class="tip" d="M46 {at[0]} l-11 -6 l0 12 z"/>'
    )
    parts.append(_client(66, at[0]) + _words(96, at[0] + 5, [f"client got {said}"], "start"))
    for index, hop in enumerate(hops):
        y = at[index + 1]
        parts.append(_node(hop, 66, y) + _words(96, y - 9, _labels(hop), "start", index == accused))
    return (
        f'<svg class="path down" role="img" aria-label="{text(label)}" viewBox="0 0 340 {height}" '
        f'width="340" height="{height}">{"".join(parts)}</svg>'
    )


def _client(x: float, y: float) -> str:
    return f'<circle class="node client" cx="{x}" cy="{y}" r="15"/><circle class="dot" cx="{x}" cy="{y}" r="4"/>'


def _node(hop: PathEntry, x: float, y: float) -> str:
    if hop.said is Said.GENERATED:
        return (
            f'<circle class="halo" cx="{x}" cy="{y}" r="24"/><circle class="node accused" cx="{x}" cy="{y}" r="17"/>'
            f'<path class="cross" d="M{x - 6} {y - 6} l12 12 M{x + 6} {y - 6} l-12 12"/>'
        )
    if hop.said is Said.FORWARDED:
        return (
            f'<circle class="node forwarded" cx="{x}" cy="{y}" r="15"/>'
            f'<path class="chevron" d="M{x + 3} {y - 6} l-6 6 l6 6"/>'
        )
    return f'<circle class="node present" cx="{x}" cy="{y}" r="15"/>'


def _labels(hop: PathEntry) -> list[str]:
    return [layer_name(hop.layer), hop.product or "", _SAID[hop.said], hop.address or ""]


def _words(x: float, y: float, lines: list[str], side: str, accused: bool = False) -> str:
    shown = [_cut(line) for line in lines if line]
    classes = ["name", "product", "said", "address"]
    kinds = [c for c, line in zip(classes, lines, strict=False) if line]
    spans = "".join(
        f'<tspan class="{kind}" x="{x}" dy="{0 if i == 0 else 17}">{text(line)}</tspan>'
        for i, (kind, line) in enumerate(zip(kinds, shown, strict=True))
    )
    return f'<text class="words{" guilty" if accused else ""}" x="{x}" y="{y}" text-anchor="{side}">{spans}</text>'


def _cut(line: str) -> str:
    return line if len(line) <= 26 else line[:25] + "…"
