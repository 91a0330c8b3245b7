"""Exchanges of one chain over time: one row each, the phases as bars on a common scale."""

from __future__ import annotations

from urllib.parse import urlsplit

from tracer.model.http import Exchange

from .markup import anchor, spent, text

_SCALE = 1000


def waterfall(chain: list[Exchange], accused: str) -> str:
    """An ordered list; each row names the exchange, draws it and says how long it took."""
    starts = [t for e in chain if (t := e.timing.start_ns) is not None]
    ends = [t for e in chain for t in (e.timing.end_ns, e.timing.response_start_ns) if t is not None]
    first, last = (min(starts), max([*ends, max(starts) + 1])) if starts else (0, 1)
    rows = "".join(_row(e, first, max(last - first, 1), e.id == accused) for e in chain)
    phases = '<i class="send"></i>sending <i class="wait"></i>waiting <i class="take"></i>receiving'
    if any(e.id == accused for e in chain):
        phases += ' <i class="refused"></i>waiting for the refusal'
    key = f'<p class="key small soft">{phases}</p>'
    return f'<ol class="waterfall">{rows}</ol>{key if starts else ""}'


def _row(exchange: Exchange, first: int, whole: int, accused: bool) -> str:
    request, response, t = exchange.request, exchange.response, exchange.timing
    status = str(response.status) if response else "none"
    url = request.url if request else ""
    name = f'<a href="#{anchor(exchange.id)}" title="{text(url, 300)}">{_short(url)}</a>'
    bars = "".join(
        _bar(kind, begin, end, first, whole)
        for kind, begin, end in (
            ("send", t.start_ns, t.request_end_ns),
            ("wait", t.request_end_ns, t.response_start_ns),
            ("take", t.response_start_ns, t.end_ns),
        )
    )
    took = spent(t.end_ns - t.start_ns) if t.end_ns is not None and t.start_ns is not None else ""
    drawing = f'<svg viewBox="0 0 {_SCALE} 12" preserveAspectRatio="none" aria-hidden="true">{bars}</svg>'
    to = response.get("location") if response and 300 <= response.status < 400 else None
    goes = f'<span class="goes soft small">→ {text(to, 160)}</span>' if to else ""
    return (
        f'<li class="{"accused" if accused else ""}"><span class="pill {_tone(response.status if response else 0)}">'
        f'{status}</span><span class="what"><b>{text(request.method if request else "?", 20)}</b> {name}{goes}</span>'
        f'<span class="bars">{drawing}</span><span class="took">{took}</span></li>'
    )


def _bar(kind: str, begin: int | None, end: int | None, first: int, whole: int) -> str:
    if begin is None or end is None or end < begin:
        return ""
    x = (begin - first) / whole * _SCALE
    width = max((end - begin) / whole * _SCALE, 2)
    return f'<rect class="{kind}" x="{x:.1f}" y="1" width="{width:.1f}" height="10"/>'


def _tone(status: int) -> str:
    if status in (0, 401, 403, 405, 407, 421, 429, 451, 495, 496, 511):
        return "bad"
    return "good" if status < 300 else "turn" if status < 400 else "warn"


def _short(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return text(url, 80)
    if not parts.netloc:
        return text(url, 80)
    path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    return f'<span class="soft">{text(parts.netloc, 60)}</span>{text(path, 90)}'
