"""Random characters, told from words, names and dates: a token gives itself away by being unreadable."""

from __future__ import annotations

import re
from collections.abc import Callable

_LEAST = 20
_RUN = re.compile(rf"[A-Za-z0-9_-]{{{_LEAST},}}")
_PIECE = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
"""a word, an abbreviation or a number"""
_READABLE = 3.0
"""mean length of pieces from which on they are words: names in program code have 3.5 and more, random characters 1.9,
and one token of 20 characters in a hundred more than this"""


def is_random(run: str) -> bool:
    """Both cases are mixed as no words are. Hexadecimal and other runs of one case are identifiers as often as not."""
    if run.islower() or run.isupper():
        return False
    pieces = _PIECE.findall(run)
    return bool(pieces) and sum(map(len, pieces)) < _READABLE * len(pieces)


def replace_random(text: str, mark: Callable[[str], str]) -> str:
    """The text with every run of random characters that is as long as a token replaced."""
    if len(text) < _LEAST:
        return text
    return _RUN.sub(lambda found: mark(found[0]) if is_random(found[0]) else found[0], text)
