"""What a text must hold for a regular expression to be found in it: plain words, that are looked for much faster.

Thousands of denials are searched for hundreds of expressions each; nearly none of them is there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, cached_property
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .trigrams import Trigrams

parser: ModuleType | None
try:  # not promised by the library: without it every expression is tried, slowly
    from re import _parser as parser  # type: ignore[attr-defined,no-redef]
except ImportError:  # pragma: no cover
    parser = None

SHORTEST = 3
"""bytes in UTF-8: shorter words are in every text"""
LONG = 512
"""characters of a text in which many words are not looked for one by one"""
REMEMBERED = 256 * 1024
"""characters of texts of which it is remembered what was found there: a server that denies says the same again"""
SPENT = 20_000_000
"""characters times words, about a nanosecond each, that are gone through before numpy is worth loading"""
_ENTRY = 64
"""characters that a text counts for beside its own"""
_PLAIN = re.compile(r"(?:[a-zA-Z0-9 _:;,=<>/'\"!@&%~-]|\\[!-/:-@\[\]^`{-~])+")
"""expressions that are nothing but a word, with signs escaped: reading them is much of what starting costs"""


@cache  # when it is first needed: most expressions never are
def _compiled(expression: str) -> re.Pattern[str]:
    return re.compile(expression, re.IGNORECASE | re.DOTALL)


class Index[T]:
    """Many expressions, each for something, that are looked for in one text together.

    `known`: words of some of them, as `words_by_expression` gave them, which need not be thought of again.
    """

    def __init__(self, entries: Iterable[tuple[str, T]], known: Mapping[str, tuple[str, ...]] | None = None) -> None:
        self._entries = list(entries)
        self._always: list[int] = []
        self._by_word: dict[str, list[int]] = {}
        for position, (expression, _) in enumerate(self._entries):
            words = known[expression] if known and expression in known else words_of(expression)
            for word in words:
                self._by_word.setdefault(word, []).append(position)
            if not words:
                self._always.append(position)
        self._words = tuple(self._by_word)
        self._spent = 0
        self._known: dict[str, tuple[tuple[T, re.Match[str]], ...]] = {}
        self._kept = 0
        """characters of the texts in `_known`"""

    def matches(self, text: str) -> tuple[tuple[T, re.Match[str]], ...]:
        """(what, its first match) for each expression that is found, in the order they were given."""
        found = self._known.get(text)
        if found is None:
            found = tuple(self._search(text))
            self._kept += len(text) + _ENTRY
            if self._kept > REMEMBERED:
                self._known.clear()
                self._kept = len(text) + _ENTRY
            self._known[text] = found
        return found

    def _search(self, text: str) -> Iterator[tuple[T, re.Match[str]]]:
        lower = text.lower()
        possible = {p for word in self._worth_looking(lower) if word in lower for p in self._by_word[word]}
        for position in sorted(possible.union(self._always)):
            expression, what = self._entries[position]
            if (hit := _compiled(expression).search(text)) is not None:
                yield what, hit

    def first(self, text: str) -> dict[T, re.Match[str]]:
        """What is found by any of its expressions, in the order they were given, and where it begins first."""
        found: dict[T, re.Match[str]] = {}
        for what, hit in self.matches(text):
            if what not in found or hit.start() < found[what].start():
                found[what] = hit
        return found

    def _worth_looking(self, lower: str) -> Iterable[str]:
        """The words that a look for them can find."""
        if len(lower) < LONG or self._spent < SPENT:
            self._spent += len(lower) * len(self._words)
            return self._words
        return (self._words[position] for position in self._trigrams.possible(lower))

    @cached_property
    def _trigrams(self) -> Trigrams:
        from .trigrams import Trigrams

        return Trigrams(self._words)


def whole(expression: str) -> str:
    """An expression that finds a text which is all that the given one says."""
    return rf"^(?:{expression})\Z"


def words_by_expression(expressions: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Words of those that are more than a word."""
    return {e: words_of(e) for e in expressions if not _PLAIN.fullmatch(e)}


def words_of(expression: str) -> tuple[str, ...]:
    """Words in lower case, one of which is in every match; empty when none can be named."""
    if _PLAIN.fullmatch(expression):
        word = expression.replace("\\", "").lower()
        return (word,) if len(word) >= SHORTEST else ()
    if parser is None:  # pragma: no cover
        return ()
    try:
        return _of_sequence(parser.parse(expression, re.IGNORECASE | re.DOTALL)) or ()
    except (re.error, RecursionError):
        return ()


def _of_sequence(items: Iterable[tuple[Any, Any]]) -> tuple[str, ...] | None:
    """The best words of parts that follow each other: the set whose shortest word is longest."""
    best: tuple[str, ...] | None = None
    run = ""
    for op, value in [*items, (None, None)]:
        if str(op) == "LITERAL" and len(chr(value).lower()) == 1:
            run += chr(value).lower()
            continue
        if len(run.encode()) >= SHORTEST:  # one sign of Chinese tells as much as three letters
            best = _better(best, (run,))
        run = ""
        best = _better(best, _of_part(str(op), value))
    return best


def _of_part(name: str, value: Any) -> tuple[str, ...] | None:
    if name == "SUBPATTERN":
        return _of_sequence(value[3])
    if name in ("MAX_REPEAT", "MIN_REPEAT") and value[0] > 0:
        return _of_sequence(value[2])
    if name == "BRANCH":
        branches = [_of_sequence(branch) for branch in value[1]]
        if all(branches):
            return tuple(word for branch in branches if branch for word in branch)
    return None


def _better(a: tuple[str, ...] | None, b: tuple[str, ...] | None) -> tuple[str, ...] | None:
    if a is None or b is None:
        return a or b
    return max(a, b, key=lambda words: (min(map(len, words)), -len(words)))
