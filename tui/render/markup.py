"""HTML and XML as an outline: one element or piece of text a line, indented. A reading aid, not a browser."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser

_VOID = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr")
)
"""HTML section 13.1.2"""
_INLINE = frozenset(("a", "abbr", "b", "code", "em", "i", "small", "span", "strong", "sub", "sup", "u"))
_LINES = 20_000


class _Reader(HTMLParser):
    def __init__(self, html: bool) -> None:
        super().__init__(convert_charrefs=True)
        self.html = html
        self.depth = 0
        self.open: list[str] = []
        self.lines: list[tuple[int, str, str]] = []

    def _say(self, style: str, words: str) -> None:
        if len(self.lines) < _LINES:
            self.lines.append((self.depth, style, words))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self._say("name", self.get_starttag_text() or f"<{tag}>")
        if not (self.html and tag in _VOID):
            self.open.append(tag)
            self.depth += 1

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self._say("name", self.get_starttag_text() or f"<{tag}/>")

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open[-64:]:
            while self.open.pop() != tag:
                self.depth -= 1
            self.depth -= 1
            if not (self.html and tag in _INLINE):
                self._say("faint", f"</{tag}>")

    def handle_data(self, data: str) -> None:
        raw = bool(self.open) and self.open[-1] in ("script", "style", "pre", "textarea")
        for line in data.split("\n") if raw else [" ".join(data.split())]:
            if line.strip():
                self._say("", line.rstrip())

    def handle_comment(self, data: str) -> None:
        for line in f"<!--{data}-->".split("\n"):
            self._say("note", line.strip())

    def handle_decl(self, decl: str) -> None:
        self._say("faint", f"<!{decl}>")

    def handle_pi(self, data: str) -> None:
        self._say("faint", f"<?{data}>")


def outline(words: str, html: bool) -> Iterator[tuple[int, str, str]]:
    """(depth, style, text) of each line; what cannot be parsed ends it."""
    reader = _Reader(html)
    try:
        reader.feed(words)
        reader.close()
    except (AssertionError, ValueError):  # the parser's answers to some malformed declarations
        reader._say("warn", "(the rest cannot be parsed: r shows it as it is)")
    yield from reader.lines
