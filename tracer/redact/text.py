"""Secrets in text of any kind: URLs, forms, JSON, markup, prose."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from .marks import MARK, Marks
from .named import Found, Named, replace
from .names import Names
from .random import replace_random
from .rules import FIELD_WORDS, MEMBER_WORDS, SHAPES, TOKEN, WEAK_PARAMETER, Shape

if TYPE_CHECKING:
    from .search import Search

_PAIR = re.compile(r"(?P<before>[?&;#]|^)(?P<name>[^=&;?#\s]{1,100})=(?P<value>[^&;#\s]*)")
_ASSET = re.compile(r"\.(?:js|css|map|png|jpe?g|gif|svg|webp|avif|ico|woff2?|ttf)$", re.IGNORECASE)
"""ends paths of what everybody may fetch; they are often named by what they hold"""
_FORM = re.compile(r"[\w.%\[\]-]{1,100}=[^=&\s\"'<>{}]*(?:&[\w.%\[\]-]{1,100}=[^&\s\"'<>{}]*)*\s*\Z")
"""all of it: a form that nothing calls so"""
_QUERY = re.compile(r"(?P<before>[?&])(?P<name>[\w.%\[\]-]{1,100})=(?P<value>[^&;#\s\"'<>\\)]*)")
_INPUT = re.compile(r"<(?:input|meta)\b[^<>]{0,2000}>", re.IGNORECASE)
_INPUT_NAME = re.compile(r"\b(?:name|id)\s*=\s*[\"']?([^\"'\s>]{1,100})", re.IGNORECASE)
_PASSWORD = re.compile(r"\btype\s*=\s*[\"']?password\b", re.IGNORECASE)
_INPUT_VALUE = re.compile(r"(\b(?:value|content)\s*=\s*[\"']?)([^\"'\s>]{4,})", re.IGNORECASE)
_PART = re.compile(
    r"(?P<before>content-disposition:[^\r\n]{0,300}?\bname=\"?(?P<name>[^\";\r\n]{1,100})\"?[^\r\n]*\r?\n(?:[^\r\n]+\r?\n)*\r?\n)"
    r"(?P<value>[^\r\n]+)",
    re.IGNORECASE,
)
_USERINFO = re.compile(r"^([a-z][a-z0-9+.-]*://)([^/?#@]*)@", re.IGNORECASE)
_WORDS: tuple[Iterable[str], ...] = (
    *(shape.words for shape in SHAPES),
    MEMBER_WORDS,
    FIELD_WORDS,
    ("<input", "<meta"),
    ("content-disposition:",),
)
_MEMBER, _FIELD, _TAG, _PART_HEAD = range(len(SHAPES), len(_WORDS))
_NOWHERE: list[list[int]] = [[]] * len(_WORDS)
_SHORT = 1024
"""characters; in shorter texts an expression is quicker at finding that there is nothing"""


def _any_of(words: Iterable[str]) -> re.Pattern[str]:
    """A pattern that finds any of the words; grouped by first letter, which is several times as fast."""
    groups: dict[str, list[str]] = {}
    for word in sorted(set(words)):
        groups.setdefault(word[0], []).append(re.escape(word[1:]))
    return re.compile("|".join(f"{re.escape(first)}(?:{'|'.join(rest)})" for first, rest in groups.items()))


_ANY = _any_of(word for words in _WORDS for word in words)


@cache
def _search() -> Search:
    from .search import Search

    return Search(_WORDS)


class _Searched:
    """A text while it is redacted, and the places in it that are worth a look; they are found again once it changed."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._places = _NOWHERE if len(text) < _SHORT and not _ANY.search(text.lower()) else None

    @property
    def promising(self) -> bool:
        """There may be something in it."""
        return self._places is not _NOWHERE

    def replace(self, group: int, change: Callable[[str, list[int]], str]) -> None:
        """Have the text changed around the places of a group."""
        if self._places is None:
            self._places = _search().places(self.text)
        if self._places[group]:
            changed = change(self.text, self._places[group])
            if changed != self.text:
                self.text, self._places = changed, None


class Texts:
    """Redaction of text with one set of marks; `extra` are the user's own shapes."""

    def __init__(self, marks: Marks, extra: tuple[Shape, ...] = (), names: re.Pattern[str] | None = None) -> None:
        self._marks = marks
        self._extra = extra
        self._names = Names(names)
        self._named = Named(marks, self._names)

    def shapes(self, text: str) -> str:
        """The text without what is secret by its form alone."""
        return self._shapes(text).text

    def _shapes(self, text: str) -> _Searched:
        for shape in self._extra:
            text = shape.pattern.sub(lambda found, kind=shape.kind: self._replaced(found, kind), text)  # type: ignore[misc]
        searched = _Searched(text)
        for group, shape in enumerate(SHAPES if searched.promising else ()):
            searched.replace(group, lambda text, at, shape=shape: self._at(text, at, shape))  # type: ignore[misc]
        return searched

    def _at(self, text: str, places: list[int], shape: Shape) -> str:
        return replace(text, places, shape.pattern.match, lambda found: self._replaced(found, shape.kind))

    def url(self, url: str) -> str:
        """A URL or request target: userinfo, parameters in query and fragment, tokens in the path."""
        found = _USERINFO.match(url)
        if found:
            url = f"{found[1]}{self._marks.mark('userinfo', found[2])}@{url[found.end() :]}"
        path, mark, query = self._split(url)
        path = self.shapes(path)
        if not _ASSET.search(path) and not path.startswith("data:"):
            path = self._random(path, "path-token")
        return path + self._random(self.shapes(self.pairs(mark + query)), "parameter") if mark else path

    @staticmethod
    def _split(url: str) -> tuple[str, str, str]:
        at = min((i for i in (url.find("?"), url.find("#")) if i >= 0), default=-1)
        return (url, "", "") if at < 0 else (url[:at], url[at], url[at + 1 :])

    def pairs(self, text: str) -> str:
        """`name=value` pairs of a query or form."""
        return _PAIR.sub(self._pair, text)

    def _pair(self, found: Found) -> str:
        name, value = found["name"], found["value"]
        if not value:
            return found[0]
        if self._names.is_parameter(name) or (WEAK_PARAMETER.search(name) and TOKEN.fullmatch(value)):
            return f"{found['before']}{name}={self._marks.mark('parameter', value)}"
        if "%" not in value and "://" not in value:
            return found[0]
        plain = unquote_plus(value)
        if plain != value and "://" in plain:  # a URL inside a URL: a redirect target
            inner = self.url(plain)
            return f"{found['before']}{name}={inner}" if inner != plain else found[0]
        return found[0]

    def _random(self, text: str, kind: str) -> str:
        return replace_random(text, lambda run: self._marks.mark(kind, run))

    def body(self, text: str, kind: str = "") -> str:
        """The text of a body; `kind` is its content type."""
        if "x-www-form-urlencoded" in kind or _FORM.match(text):
            text = self._random(self.shapes(self.pairs(text)), "parameter")
        searched = self._shapes(text)
        searched.replace(_PART_HEAD, lambda text, at: replace(text, at, _PART.match, self._part))
        if self._names.own:
            searched = _Searched(self._named.all_members(searched.text))
        searched.replace(_MEMBER, self._named.members)
        searched.replace(_TAG, lambda text, at: replace(text, at, _INPUT.match, self._input))
        searched.replace(_FIELD, self._named.fields)
        text = searched.text
        return _QUERY.sub(self._pair, text) if "=" in text else text

    prose = body
    """sentences that quote what was seen: the same rules"""

    def _part(self, found: Found) -> str:
        value = found["value"]
        if MARK.search(value) or not self._names.is_parameter(found["name"]):
            return found[0]
        return found["before"] + self._marks.mark("form", value)

    def _input(self, found: Found) -> str:
        name = _INPUT_NAME.search(found[0])
        if not _PASSWORD.search(found[0]) and not (name and self._names.is_parameter(name[1])):
            return found[0]
        return _INPUT_VALUE.sub(
            lambda f: f[1] + (f[2] if MARK.search(f[2]) else self._marks.mark("form", f[2])), found[0]
        )

    def _replaced(self, found: Found, kind: str) -> str:
        if "s" in found.re.groupindex and found["s"] is not None:
            low, high = found.start("s") - found.start(), found.end("s") - found.start()
            return found[0][:low] + self._marks.mark(kind, found["s"]) + found[0][high:]
        return self._marks.mark(kind, found[0])
