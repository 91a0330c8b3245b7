"""Text from outside, made safe for a terminal: what could act there is shown as an escape instead."""

from __future__ import annotations

import codecs
import re

TYPEWRITTEN = "tracer.typewritten"
"""error handler for terminals that lack some characters: quotes and dashes as on a typewriter, others as escapes"""
_TYPED = {"\u201c": '"', "\u201d": '"', "\u2018": "'", "\u2019": "'", "\u2026": "...", "\u2013": "-", "\u2014": "-",
          "\u00d7": "x", "\u00b5": "u", "\u2192": "->", "\u2190": "<-", "\u2588": "#", "\u00b7": "."}  # fmt: skip

_ACTING = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # C0, DEL, C1: escape sequences, carriage returns, bells
    "\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # invisible, line, bidirectional
    "\U000e0000-\U000e0fff"  # tags and variation selectors
    "\ud800-\udfff"  # lone surrogates
    "]"
)
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\x1b": "\\e", "\0": "\\0"}
_BLOCK = re.compile(_ACTING.pattern.replace("\x00-\x1f", "\x00-\x08\x0b-\x1f"))


def safe(text: str, limit: int | None = None) -> str:
    """The text on one line, nothing in it that a terminal would obey, at most `limit` characters."""
    if limit is not None and len(text) > limit:
        text = text[: limit - 1] + "…"
    return _ACTING.sub(_escape, text) if not text.isascii() or not text.isprintable() else text


def safe_block(text: str) -> str:
    """Text of several lines: line feeds and tabs stay, everything else that acts becomes visible."""
    return _BLOCK.sub(_escape, text.replace("\r\n", "\n"))


def _typewritten(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    out = "".join(
        _TYPED.get(c) or c.encode("ascii", "backslashreplace").decode() for c in error.object[error.start : error.end]
    )
    return out, error.end


codecs.register_error(TYPEWRITTEN, _typewritten)


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    code = ord(character)
    return _SHORT.get(character) or (
        f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"
    )
