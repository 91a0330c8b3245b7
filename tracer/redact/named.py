"""Secrets that stand beside a name: members of JSON, assignments, elements, header fields quoted in a text.

The text is searched for what such names hold, all words at once; only around a word that was found is it looked at
closely: whether what follows the word ends a name, and where that name began.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from .marks import MARK, Marks
from .names import Names
from .rules import header_kind

_JSON = re.compile(
    r"(?P<before>\"(?P<name>(?:[^\"\\\n]|\\.){1,80})\"\s*:\s*)"
    r"(?:\"(?P<value>[^\"\\]*+(?:\\.[^\"\\]*+)*+)\"?|(?P<bare>-?\d[\d.eE+-]{3,}))"
)
_PLAIN_NAME = re.compile(r"\"([\w.-]{1,80})\"\s*:")
_ESCAPED_JSON = re.compile(r"(?P<before>\\\"(?P<name>[^\"\\\n]{1,80})\\+\"\s*:\s*\\+\")(?P<value>[^\"\\]*)")
"""JSON as a string in JSON, however deep"""
_ASSIGNED = re.compile(
    r"(?P<before>\b(?P<name>[A-Za-z_][\w.-]{1,60})[\"']?\s*[=:]\s*\\*[\"'](?=\S))(?P<value>(?:[^\"'\\\n]|\\(?![\"'])){4,})"
)
_BARE = re.compile(
    r"(?P<before>\b(?P<name>[A-Za-z_][\w.-]{1,60})[ \t]*[=:][ \t]*)"
    r"(?P<value>(?![0-9a-f]{8}\])[^\s\"'<>,;&(){}\[\]\\]{6,})"
)
"""an assignment without quotes, in settings, connection strings, logs: a secret when it is no plain word or number"""
_NO_WORD = re.compile(r"[a-z][A-Z]")
_ELEMENT = re.compile(r"(?P<before><(?:\w+:)?(?P<name>\w[\w.-]{1,60})(?:\s[^<>]{0,200})?>)(?P<value>[^<>]{3,})(?=</)")
_ENDS = re.compile(
    r"[^\"\\\n]{0,80}+(?:(?:\\.[^\"\\\n]{0,80}+){0,40}+\"\s*:|\\+\"\s*:)"
    r"|[\w.-]{0,60}+(?:[\"']?\s*[=:]|(?:\s[^<>]{0,200}+)?>)"
)
"""what follows a word in a name, up to what says that it was one"""
_NAME_BACK = re.compile(r"[\w.-]*")
_NAME_LIMIT = 170
"""characters of a name, escapes and prefix counted, before a word in it"""
_START = re.compile(r"\b[A-Za-z_]")
_NAME = r"[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)+|authorization|cookie"
_FIELD_NAME = re.compile(_NAME, re.IGNORECASE)
_BEGINS = rf"(?P<start>^|\n|[\s\"'(,;])(?P<before>[<>*]?[ \t]*(?P<name>{_NAME})[ \t]*:[ \t]+)"
_LINE = re.compile(rf"{_BEGINS}(?P<value>[^\r\n]+)", re.IGNORECASE)
"""a header field in a text and all that follows in its line"""
_QUOTED = re.compile(rf"{_BEGINS}(?P<value>[^\r\n]*?(?P<word>[^\s,;\"')]{{4,}}))", re.IGNORECASE)
"""a header field inside a sentence, up to the end of the word that is its value"""
_FIELD_ENDS = re.compile(r"[A-Za-z0-9-]*[ \t]*:[ \t]+[^\r\n]")
_FIELD_BACK = re.compile(r"[A-Za-z0-9-]*[ \t]*[<>*]?")
_FIELD_LIMIT = 1000
_PLACEHOLDER = re.compile(
    r"(?i:(?:bearer|token|basic|apikey) )?(?:(?:TOKEN|KEY|JWT|USER:PASSWORD|\$[A-Z_]{3,}|…)(?![\w+/=.-])|\$\([a-z]+ )"
)
"""what instructions write where the secret goes"""
Found = re.Match[str]


def replace(
    text: str, places: Iterable[int], find: Callable[[str, int], Found | None], new: Callable[[Found], str]
) -> str:
    """The text with `new` in place of what `find` finds around each place; a place inside of that is passed over."""
    done, parts = 0, list[str]()
    for place in places:
        if place < done or (found := find(text, place)) is None or found.start() < done:
            continue
        parts += text[done : found.start()], new(found)
        done = found.end()
    return "".join((*parts, text[done:])) if parts else text


class Named:
    """Marks secrets by the names beside them."""

    def __init__(self, marks: Marks, names: Names) -> None:
        self._marks = marks
        self._names = names

    def members(self, text: str, places: list[int]) -> str:
        """Members, assignments and elements around these places whose name tells that they hold a secret."""
        return replace(text, places, self._member_at, self._member)

    def all_members(self, text: str) -> str:
        """The same wherever they stand, for names that hold no word that is known."""
        for pattern in (_JSON, _ESCAPED_JSON, _ASSIGNED, _BARE, _ELEMENT):
            text = pattern.sub(lambda f: self._member(f) if self._is_secret(f) else f[0], text)
        return text

    def fields(self, text: str, places: list[int]) -> str:
        """Header fields around these places."""
        return replace(text, places, self._field_at, self._field)

    def _member_at(self, text: str, place: int) -> Found | None:
        if _ENDS.match(text, place) is None:
            return None
        low = max(place - _NAME_LIMIT, 0)
        begin = text.rfind('"', low, place)
        if begin >= 0 and (name := _PLAIN_NAME.match(text, begin)) and not self._names.may_be(name[1]):
            return None  # as nearly always
        for pattern, sign in ((_JSON, '"'), (_ESCAPED_JSON, '\\"')):
            begin = text.rfind(sign, low, place)
            if begin >= 0 and (found := pattern.match(text, begin)) and self._is_secret(found):
                return found
        back = _NAME_BACK.match(text[low:place][::-1])
        begin = place - (back.end() if back else 0)
        for start in _START.finditer(text, begin, place + 1):
            for pattern in (_ASSIGNED, _BARE):
                if (found := pattern.match(text, start.start())) and self._is_secret(found):
                    return found
        begin = text.rfind("<", low, place)
        found = _ELEMENT.match(text, begin) if begin >= 0 else None
        return found if found and self._is_secret(found) else None

    def _is_secret(self, found: Found) -> bool:
        value = found["value"]
        if not self._names.is_member(found["name"], value or ""):
            return False
        if found.re is _BARE and not _stands_alone(found):
            return False
        if found.re is _JSON:
            return value is None or bool(value and not MARK.fullmatch(value))
        return not MARK.search(value)

    def _member(self, found: Found) -> str:
        if found.re is not _JSON:
            kind = {_ESCAPED_JSON: "json", _ASSIGNED: "value", _BARE: "value"}.get(found.re, "element")
            return found["before"] + self._marks.mark(kind, found["value"])
        bare = found["bare"]
        return f'{found["before"]}"{self._marks.mark("json", found["value"] if bare is None else bare)}"'

    def _field_at(self, text: str, place: int) -> Found | None:
        """All that stands in a field at the start of a line; the first word of one that a sentence quotes."""
        ends = _FIELD_ENDS.match(text, place)
        if ends is None:
            return None
        back = _FIELD_BACK.match(text[max(place - _FIELD_LIMIT, 0) : place][::-1])
        begin = place - (back.end() if back else 0)
        found = _LINE.search(text, max(begin - 1, 0), ends.end())
        found = _LINE.match(text, found.start()) if found else None
        kind = _field_kind(found["name"]) if found else ""
        if not found or not kind or _PLACEHOLDER.match(found["value"]):
            return None
        if found["start"] not in ("", "\n") and kind not in ("cookie", "credential"):
            found = _QUOTED.match(text, found.start())
        return None if found is None or MARK.search(found["value"]) else found

    def _field(self, found: Found) -> str:
        before, value = found["start"] + found["before"], found["value"]
        word = found["word"] if found.re is _QUOTED else value
        return before + value[: len(value) - len(word)] + self._marks.mark("header", word)


def _stands_alone(found: Found) -> bool:
    """It is no word or number, and no header field, which may hold more than a word."""
    if ":" in found["before"] and _FIELD_NAME.fullmatch(found["name"]):
        return False
    value = found["value"]
    mixed = any(map(str.isdigit, value)) and any(map(str.isalpha, value))
    return mixed or _NO_WORD.search(value) is not None


def _field_kind(name: str) -> str:
    lower = name.lower()
    return "cookie" if lower in ("cookie", "set-cookie") else header_kind(lower)
