"""Nothing from outside reaches a terminal with its control characters."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from tracer.views.safe import TYPEWRITTEN, safe, safe_block

_ANY = st.text(alphabet=st.characters(exclude_categories=()))


@given(_ANY)
def test_no_control_format_or_surrogate_character_passes(text: str) -> None:
    acting = {"Cc", "Cs", "Zl", "Zp"}
    assert not [c for c in safe(text) if unicodedata.category(c) in acting]
    assert not [c for c in safe_block(text) if unicodedata.category(c) in acting and c not in "\n\t"]


def test_bidirectional_and_invisible_characters_become_visible() -> None:
    assert safe("a\u202eb\u2066c\u200bd\ufeff") == "a\\u202eb\\u2066c\\u200bd\\ufeff"


def test_escape_sequences_become_visible() -> None:
    assert safe("\x1b]52;c;aGk=\x1b\\\x07\x9b2J\r\n") == "\\e]52;c;aGk=\\e\\\\x07\\x9b2J\\r\\n"


def test_plain_text_of_any_language_stays() -> None:
    assert safe("GET /straße/日本語?q=é – 403") == "GET /straße/日本語?q=é – 403"


def test_long_text_is_cut_at_the_limit() -> None:
    assert safe("a" * 100, 10) == "a" * 9 + "…"


def test_blocks_keep_their_lines() -> None:
    assert safe_block("a\r\n\tb\x1b[2J\rc") == "a\n\tb\\e[2J\\rc"


def test_a_terminal_without_quotes_and_arrows_gets_what_a_typewriter_has() -> None:
    words = "\u201cno\u201d \u2192 \u2026 \u65e5"
    assert words.encode("ascii", TYPEWRITTEN) == b'"no" -> ... \\u65e5'
    assert "\u201cf\u00fcr\u201d".encode("latin-1", TYPEWRITTEN) == b'"f\xfcr"'
