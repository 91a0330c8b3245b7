"""Secrets in text of any kind: URLs, forms, JSON, markup, prose."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from urllib.parse import unquote_plus

from .marks import MARK, Marks
from .rules import JSON_NAME, NAME, NAME_NEEDLES, SHAPES, TOKEN, WEAK_NAME, Shape, header_kind

_PAIR = re.compile(r"(?P<before>[?&;#]|^)(?P<name>[^=&;?#\s]{1,100})=(?P<value>[^&;#\s]*)")
_JSON = re.compile(
    r"(?P<before>\"(?P<name>(?:[^\"\\\n]|\\.){1,80})\"\s*:\s*)(?:\"(?P<value>(?:[^\"\\]|\\.)*)\"?|(?P<bare>-?\d[\d.eE+-]{3,}))"
)
_ESCAPED_JSON = re.compile(r"(?P<before>\\\"(?P<name>[^\"\\\n]{1,80})\\\"\s*:\s*\\\")(?P<value>[^\"\\]*)")
_ASSIGNED = re.compile(
    r"(?P<before>\b(?P<name>[A-Za-z_][\w.-]{1,60})[\"']?\s*[=:]\s*[\"'](?=\S))(?P<value>[^\"'\n]{4,})"
)
_ELEMENT = re.compile(r"(?P<before><(?:\w+:)?(?P<name>\w[\w.-]{1,60})(?:\s[^<>]{0,200})?>)(?P<value>[^<>]{3,})(?=</)")
_INPUT = re.compile(r"<(?:input|meta)\b[^<>]{0,2000}>", re.IGNORECASE)
_INPUT_NAME = re.compile(r"\b(?:name|id)\s*=\s*[\"']?([^\"'\s>]{1,100})", re.IGNORECASE)
_INPUT_VALUE = re.compile(r"(\b(?:value|content)\s*=\s*[\"']?)([^\"'\s>]{4,})", re.IGNORECASE)
_PART = re.compile(
    r"(?P<before>content-disposition:[^\r\n]{0,300}?\bname=\"?(?P<name>[^\";\r\n]{1,100})\"?[^\r\n]*\r?\n(?:[^\r\n]+\r?\n)*\r?\n)"
    r"(?P<value>[^\r\n]+)",
    re.IGNORECASE,
)
_LINE = re.compile(
    r"(?P<start>^|\n|[\s\"'(,;])"
    r"(?P<before>[<>*]?[ \t]*(?P<name>[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)+|authorization|cookie)[ \t]*:[ \t]+)"
    r"(?P<value>[^\r\n]+)",
    re.IGNORECASE,
)
"""a header field in a text, at the start of a line or inside it"""
_PLACEHOLDER = re.compile(
    r"(?i:(?:bearer|token|basic|apikey) )?(?:(?:TOKEN|KEY|JWT|USER:PASSWORD|\$[A-Z_]{3,})(?![\w+/=.-])|\$\([a-z]+ )"
)
"""what instructions write where the secret goes"""
_FIRST = re.compile(r"[^\s,;\"')]{4,}")
_USERINFO = re.compile(r"^([a-z][a-z0-9+.-]*://)([^/?#@]*)@", re.IGNORECASE)
_RANDOM = re.compile(r"[A-Za-z0-9_-]{24,}")


def _any_of(words: Iterable[str]) -> re.Pattern[str]:
    """A pattern that finds any of the words; grouped by first letter, which is several times as fast."""
    groups: dict[str, list[str]] = {}
    for word in sorted(set(words)):
        groups.setdefault(word[0], []).append(re.escape(word[1:]))
    return re.compile("|".join(f"{re.escape(first)}(?:{'|'.join(rest)})" for first, rest in groups.items()))


_ANY = _any_of(needle for shape in SHAPES for needle in shape.needles)
_WHOLE = frozenset(("pass", "pwd", "pin", "code_verifier"))
"""names that hold a secret, but are too short to look for inside others"""
_SHORT = 2048
_LONG_ENOUGH = 24
"""the shortest path segment that can be a token"""


class Texts:
    """Redaction of text with one set of marks; `extra` are the user's own shapes."""

    def __init__(self, marks: Marks, extra: tuple[Shape, ...] = (), names: re.Pattern[str] | None = None) -> None:
        self._marks = marks
        self._shapes = extra + SHAPES
        self._every = any(not shape.needles for shape in extra)
        self._names = names
        self._known: dict[str, bool] = {}
        """parameter names come again and again"""
        self._members_known: dict[str, str] = {}

    def is_name(self, name: str) -> bool:
        """A query parameter or form field of this name holds a secret."""
        known = self._known.get(name)
        if known is None:
            if len(self._known) > 4096:
                self._known.clear()
            known = self._known[name] = self._is_name(name)
        return known

    def _is_name(self, name: str) -> bool:
        plain = unquote_plus(name)
        return bool(NAME.search(plain) or JSON_NAME.search(plain) or (self._names and self._names.search(plain)))

    def is_member(self, name: str, value: str) -> bool:
        """A JSON member, element or assignment of this name and value is a secret."""
        sort = self._members_known.get(name)
        if sort is None:
            if len(self._members_known) > 4096:
                self._members_known.clear()
            sort = self._members_known[name] = self._sort(name)
        return sort == "secret" or (sort == "weak" and TOKEN.fullmatch(value) is not None)

    def _sort(self, name: str) -> str:
        if name.endswith("_type"):
            return ""
        if name.lower() in _WHOLE or JSON_NAME.search(name) or (self._names and self._names.search(name)):
            return "secret"
        return "weak" if WEAK_NAME.search(name) else ""

    def shapes(self, text: str) -> str:
        """The text without what is secret by its form alone."""
        lower = text.lower()
        if not self._every and len(text) < _SHORT and not _ANY.search(lower):
            return text
        for shape in self._shapes:
            if not shape.needles or any(needle in lower for needle in shape.needles):
                text = shape.pattern.sub(lambda found, kind=shape.kind: self._replaced(found, kind), text)  # type: ignore[misc]
        return text

    def url(self, url: str) -> str:
        """A URL or request target: userinfo, parameters in query and fragment, tokens in the path."""
        found = _USERINFO.match(url)
        if found:
            url = f"{found[1]}{self._marks.mark('userinfo', found[2])}@{url[found.end() :]}"
        path, mark, query = self._split(url)
        path = self.shapes(path)
        if len(path) > _LONG_ENOUGH and _RANDOM.search(path):
            path = "/".join(self._segment(s) for s in path.split("/"))
        return path + self.shapes(self.pairs(mark + query)) if mark else path

    @staticmethod
    def _split(url: str) -> tuple[str, str, str]:
        at = min((i for i in (url.find("?"), url.find("#")) if i >= 0), default=-1)
        return (url, "", "") if at < 0 else (url[:at], url[at], url[at + 1 :])

    def _segment(self, segment: str) -> str:
        """A path segment that is long and mixes digits with both cases is a token, not a word."""
        if _RANDOM.fullmatch(segment) and not MARK.search(segment):
            kinds = (any(map(str.isdigit, segment)), any(map(str.isupper, segment)), any(map(str.islower, segment)))
            if all(kinds):
                return self._marks.mark("path-token", segment)
        return segment

    def pairs(self, text: str) -> str:
        """`name=value` pairs of a query or form."""
        return _PAIR.sub(self._pair, text)

    def _pair(self, found: re.Match[str]) -> str:
        name, value = found["name"], found["value"]
        if not value:
            return found[0]
        if self.is_name(name):
            return f"{found['before']}{name}={self._marks.mark('parameter', value)}"
        plain = unquote_plus(value)
        if plain != value and "://" in plain:  # a URL inside a URL: a redirect target
            inner = self.url(plain)
            return f"{found['before']}{name}={inner}" if inner != plain else found[0]
        return found[0]

    def body(self, text: str, kind: str = "") -> str:
        """The text of a body; `kind` is its content type."""
        if "x-www-form-urlencoded" in kind:
            text = self.pairs(text)
        text = self.shapes(text)
        lower = text.lower()
        if "disposition" in lower:
            text = _PART.sub(lambda f: self._named(f, "form", lambda name, _: self.is_name(name)), text)
        if self._names or any(needle in lower for needle in NAME_NEEDLES):
            text = self._members(text)
        if "<input" in lower or "<meta" in lower:
            text = _INPUT.sub(self._input, text)
        if ": " in text or ":\t" in text:
            text = _LINE.sub(self._line, text)
        return _QUERY.sub(self._pair, text) if "=" in text else text

    def _line(self, found: re.Match[str]) -> str:
        """All that stands in a field at the start of a line; the first word of one that a sentence quotes."""
        name, value = found["name"].lower(), found["value"]
        kind = "cookie" if name in ("cookie", "set-cookie") else header_kind(name)
        if not kind or MARK.search(value) or _PLACEHOLDER.match(value):
            return found[0][: found.start("value") - found.start()] + _LINE.sub(self._line, value)
        before = found["start"] + found["before"]
        if found["start"] in ("", "\n") or kind in ("cookie", "credential"):
            return before + self._marks.mark("header", value)
        return before + _FIRST.sub(lambda f: self._marks.mark("header", f[0]), value, count=1)

    def _members(self, text: str) -> str:
        """Members, assignments and elements whose name tells that they hold a secret."""
        text = _JSON.sub(self._json, text)
        text = _ESCAPED_JSON.sub(lambda f: self._named(f, "json", self.is_member), text)
        text = _ASSIGNED.sub(lambda f: self._named(f, "value", self.is_member), text)
        return _ELEMENT.sub(lambda f: self._named(f, "element", self.is_member), text) if "<" in text else text

    prose = body
    """sentences that quote what was seen: the same rules"""

    def _named(self, found: re.Match[str], kind: str, secret: Callable[[str, str], bool]) -> str:
        if not secret(found["name"], found["value"]) or MARK.search(found["value"]):
            return found[0]
        return found["before"] + self._marks.mark(kind, found["value"]) + found[0][found.end("value") - found.start() :]

    def _json(self, found: re.Match[str]) -> str:
        value = found["value"]
        if not self.is_member(found["name"], value or ""):
            return found[0]
        if value is None:
            return f'{found["before"]}"{self._marks.mark("json", found["bare"])}"'
        if not value or MARK.fullmatch(value):
            return found[0]
        return f'{found["before"]}"{self._marks.mark("json", value)}"'

    def _input(self, found: re.Match[str]) -> str:
        name = _INPUT_NAME.search(found[0])
        if not name or not self.is_name(name[1]):
            return found[0]
        return _INPUT_VALUE.sub(
            lambda f: f[1] + (f[2] if MARK.search(f[2]) else self._marks.mark("form", f[2])), found[0]
        )

    def _replaced(self, found: re.Match[str], kind: str) -> str:
        if "s" in found.re.groupindex and found["s"] is not None:
            low, high = found.start("s") - found.start(), found.end("s") - found.start()
            return found[0][:low] + self._marks.mark(kind, found["s"]) + found[0][high:]
        return self._marks.mark(kind, found[0])


_QUERY = re.compile(r"(?P<before>[?&])(?P<name>[\w.%\[\]-]{1,100})=(?P<value>[^&;#\s\"'<>\\)]*)")
