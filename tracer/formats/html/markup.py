"""Small pieces of HTML from values; everything that comes from outside goes through `text`."""

from __future__ import annotations

import html
import re

from tracer.formats.writing import one_line, sentence

_LINK = re.compile(r"https://[A-Za-z0-9.-]+(?:/[A-Za-z0-9./_~%#?=&:,;+@()!*-]*)?")


def text(value: object, limit: int = 2000) -> str:
    """The value as text inside an element or a quoted attribute; on one line, control characters as spaces."""
    line = one_line(str(value))
    return html.escape(line[:limit] + "…" if len(line) > limit else line, quote=True)


def code(value: object, limit: int = 400) -> str:
    """A code span."""
    shown = text(value, limit)
    return f"<code>{shown}</code>" if shown else ""


def prose(words: str) -> str:
    """A sentence in which what stands between backticks is code."""
    return sentence(words, text, code)


def reference(url: str) -> str:
    """A link to a source, only for plain https addresses; other references (`RFC 9110 section 7.6.3`) as words."""
    if not url:
        return ""
    if _LINK.fullmatch(url):
        return f'<a class="ref" href="{html.escape(url)}" rel="noopener noreferrer" target="_blank">source</a>'
    return f'<span class="ref">{text(url, 120)}</span>'


def jump(name: str, label: str | None = None) -> str:
    """A link to an exchange in this page."""
    return f'<a href="#{anchor(name)}">{text(label or name, 60)}</a>'


def anchor(name: str) -> str:
    """The id as a fragment: only characters that our own ids use."""
    return re.sub(r"[^A-Za-z0-9._-]", "", name)[:80]


def facts(rows: list[tuple[str, str]]) -> str:
    """A definition list of label and ready markup; empty ones left out."""
    shown = "".join(f"<div><dt>{text(label)}</dt><dd>{value}</dd></div>" for label, value in rows if value)
    return f'<dl class="facts">{shown}</dl>' if shown else ""


def percent(share: float) -> str:
    """`93 %`."""
    return f"{max(0.0, min(1.0, share)):.0%}".replace("%", "\N{NO-BREAK SPACE}%")


def spent(nanoseconds: int | None) -> str:
    """A duration as people say it."""
    if nanoseconds is None:
        return ""
    ms = nanoseconds / 1e6
    if ms < 10:
        return f"{ms:.1f}\N{NO-BREAK SPACE}ms"
    return f"{ms:.0f}\N{NO-BREAK SPACE}ms" if ms < 10_000 else f"{ms / 1000:.1f}\N{NO-BREAK SPACE}s"
