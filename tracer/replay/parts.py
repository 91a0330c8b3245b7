"""A request cut into what may be forbidden in it: elements in groups, each with what stands for it instead.

What takes an element's place is ordinary: a browser's User-Agent rather than none, the site's own Referer. A request
that lacks what every request has would be denied for that.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from tracer.redact import Redactor

from .asked import Ask
from .browser_door import BROWSERS, is_installed
from .change import Change, Kind, split_cookies, split_target
from .credentials import SAFE_METHODS, is_secret_header
from .multipart import content_of, name_of, take_apart
from .tls_side import CLASSES

BROWSER = b"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
NEUTRAL = b"1"
SEGMENT = b"x"
_MOST = 64
"""elements of one group; what is beyond stands together as the last"""
_FRAMING = frozenset(
    b"host content-length transfer-encoding connection keep-alive proxy-connection content-encoding te trailer expect "
    b"upgrade http2-settings sec-websocket-key sec-websocket-version".split()
)
_OF_THEIR_OWN = frozenset((b"user-agent", b"referer", b"origin", b"cookie", b"content-type"))


class Element(msgspec.Struct, frozen=True):
    """One thing of the request, and the changes that put something else in its place."""

    changes: tuple[Change, ...]


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Elements that are tried together, then apart."""

    name: str
    """`query`, `cookies`, `agent`, …"""
    ways: tuple[tuple[Element, ...], ...]
    """the same elements with different things in their place; the next one is tried when one does not decide"""
    every: bool = False
    """the next way is tried even when the one before is denied as ever"""
    adds: bool = False
    """it gives the request something that it lacks"""


def groups(ask: Ask, redactor: Redactor) -> Iterator[Group]:
    """What can be taken out of the request or replaced, the path apart."""
    yield from _group("query", _pairs(Kind.QUERY, split_target(ask.target)[2] or b""))
    yield from _body(ask)
    cookies = [
        _one(Kind.COOKIE, _name(pair), (at, n), was=pair)
        for at, field in enumerate(ask.fields)
        if field.name.lower() == b"cookie"
        for n, pair in enumerate(split_cookies(field.value))
    ]
    yield from _group("cookies", [cookies])
    yield from _agent(ask)
    sources = _fields(ask, (b"referer", b"origin"))
    own = [_set(ask, at, _own(ask, at)) for at in sources if ask.fields[at].value != _own(ask, at)]
    yield from _group("source", [[_drop(ask, at) for at in sources], own], every=True)
    plain: list[Element] = []
    secret: list[Element] = []
    for at, field in enumerate(ask.fields):
        low = field.name.lower()
        if low not in _FRAMING and (low not in _OF_THEIR_OWN or (low == b"content-type" and not ask.body)):
            (secret if is_secret_header(redactor, field.name, field.value) else plain).append(_drop(ask, at))
    yield from _group("headers", [plain])
    yield from _group("credentials", [secret])
    if ask.body:
        types = _fields(ask, (b"content-type",))
        ways = [[_set(ask, at, other)] for at in types for other in _other_types(ask, at)]
        yield from _group("content-type", ways, every=True)
    if ask.method not in SAFE_METHODS or ask.method == b"OPTIONS":
        yield from _group("method", [[_method(ask, b"GET")]])
    yield from _version(ask)
    if ask.place.scheme == "https":
        for name in (*(BROWSERS if is_installed() else ()), *CLASSES):
            if name != ask.tls:
                yield from _group(f"tls {name}", [[_one(Kind.TLS, name, (), name.encode(), ask.tls.encode())]])


def segments(ask: Ask) -> Iterator[Element]:
    """Another name in the same folder; the same name with another ending; another folder, from the innermost out.

    The name of the change says which part of the path it is about: `/a/b.sql`, `.sql`, `/a/`.
    """
    path = split_target(ask.target)[1]
    parts = path.split(b"/")
    last = len(parts) - 1
    stem, dot, ending = parts[last].rpartition(b".")
    for at in range(last, 0, -1):
        shown = b"/".join(parts[: at + 1]) + (b"/" if at < last else b"")
        other = SEGMENT + dot + ending if at == last and dot and stem else SEGMENT
        yield _one(Kind.PATH, shown.decode("utf-8", "replace"), (at - 1,), other, parts[at])
        if at == last and dot and stem:
            other = stem + (b".txt" if ending.lower() == b"html" else b".html")
            yield _one(Kind.PATH, (dot + ending).decode("utf-8", "replace"), (at - 1,), other, parts[at])


def _group(name: str, ways: Iterable[list[Element]], every: bool = False) -> Iterator[Group]:
    full = tuple(_bounded(way) for way in ways if way)
    if full:
        yield Group(name=name, ways=full, every=every)


def _bounded(way: list[Element]) -> tuple[Element, ...]:
    if len(way) <= _MOST:
        return tuple(way)
    rest = Element(tuple(c for element in way[_MOST - 1 :] for c in element.changes))
    return (*way[: _MOST - 1], rest)


def _one(kind: Kind, name: str, at: tuple[int | str, ...], value: bytes | None = None, was: bytes = b"") -> Element:
    return Element((Change(kind=kind, name=name, at=at, value=value, was=was),))


def _name(pair: bytes) -> str:
    return pair.partition(b"=")[0].decode("utf-8", "replace")


def _fields(ask: Ask, names: tuple[bytes, ...]) -> list[int]:
    return [at for at, field in enumerate(ask.fields) if field.name.lower() in names]


def _drop(ask: Ask, at: int) -> Element:
    return _set(ask, at, None)


def _set(ask: Ask, at: int, value: bytes | None) -> Element:
    field = ask.fields[at]
    return _one(Kind.HEADER, field.name.decode("latin-1"), (at,), value, field.value)


def _own(ask: Ask, at: int) -> bytes:
    """The site itself as Referer or Origin."""
    return ask.place.origin.encode() + (b"/" if ask.fields[at].name.lower() == b"referer" else b"")


def _pairs(kind: Kind, text: bytes) -> list[list[Element]]:
    pieces = [(n, pair) for n, pair in enumerate(text.split(b"&")) if pair]
    gone = [_one(kind, _name(pair), (n,), None, pair) for n, pair in pieces]
    plain = [_one(kind, _name(pair), (n,), NEUTRAL, pair) for n, pair in pieces]
    return [gone, plain]


def _body(ask: Ask) -> Iterator[Group]:
    if not ask.body:
        return
    kind = (ask.get(b"content-type") or b"").lower()
    if kind.startswith(b"application/x-www-form-urlencoded"):
        yield from _group("form", _pairs(Kind.FORM, ask.body))
    elif kind.startswith(b"multipart/") and (multipart := take_apart(ask.body)) is not None:
        named = [(n, name_of(piece), content_of(piece)) for n, piece in enumerate(multipart.pieces)]
        gone = [_one(Kind.PART, name, (n,), None, old) for n, name, old in named]
        plain = [_one(Kind.PART, name, (n,), NEUTRAL, old) for n, name, old in named]
        yield from _group("form", [gone, plain])
    elif value := _json(ask.body):
        members = [*_members(value, ())]
        gone = [_one(Kind.JSON, _dotted(way), way, None, _shown(old)) for way, old in members]
        plain = [_one(Kind.JSON, _dotted(way), way, _neutral(old), _shown(old)) for way, old in members]
        yield from _group("json", [gone, plain])
    else:
        yield from _group("body", [[_one(Kind.BODY, "", (), b"", ask.body[:200])]])


def _json(body: bytes) -> Any:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, (dict, list)) else None


def _members(value: Any, way: tuple[int | str, ...]) -> Iterator[tuple[tuple[int | str, ...], Any]]:
    """Leaves of the document with the way to each; what is deeper than eight stands as one."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for step, below in inner:
        if isinstance(below, (dict, list)) and below and len(way) < 8:
            yield from _members(below, (*way, step))
        else:
            yield (*way, step), below


def _dotted(way: tuple[int | str, ...]) -> str:
    return ".".join(map(str, way))


def _shown(value: Any) -> bytes:
    return value.encode("utf-8", "replace") if isinstance(value, str) else json.dumps(value).encode()


def _neutral(value: Any) -> bytes:
    """An ordinary value of the same type, as JSON."""
    if isinstance(value, bool) or value is None:
        return json.dumps(value).encode()
    if isinstance(value, (int, float)):
        return NEUTRAL
    return b'"x"' if isinstance(value, str) else json.dumps(type(value)()).encode()


def _agent(ask: Ask) -> Iterator[Group]:
    at = _fields(ask, (b"user-agent",))
    if at:
        yield from _group("agent", [[_set(ask, n, BROWSER) for n in at], [_drop(ask, n) for n in at]])


def _other_types(ask: Ask, at: int) -> list[bytes]:
    body = ask.body.lstrip()[:1]
    likely = [b"application/json"] if body in b"{[" and body else [b"application/x-www-form-urlencoded"]
    likely += [b"application/json", b"application/x-www-form-urlencoded", b"text/plain"]
    now = ask.fields[at].value.partition(b";")[0].strip().lower()
    return [t for t in dict.fromkeys(likely) if t != now]


def _method(ask: Ask, method: bytes) -> Element:
    changes = [Change(kind=Kind.METHOD, name=method.decode(), value=method, was=ask.method)]
    if ask.body:
        changes.append(Change(kind=Kind.BODY, value=b""))
        changes += [c for at in _fields(ask, (b"content-type",)) for c in _drop(ask, at).changes]
    return Element(tuple(changes))


def _version(ask: Ask) -> Iterator[Group]:
    others = {"HTTP/1.0": ["HTTP/1.1"], "HTTP/1.1": ["HTTP/2"], "HTTP/2": ["HTTP/1.1"]}[ask.version]
    others = [v for v in others if v != "HTTP/2" or ask.place.scheme == "https"]
    yield from _group("version", [[_one(Kind.VERSION, v, (), v.encode(), ask.version.encode())] for v in others])


def looks_like_attack(value: bytes) -> bool:
    """Text that firewalls look for: markup, quotes, shell and path tricks, SQL, encoded or not."""
    from urllib.parse import unquote_to_bytes

    plain = unquote_to_bytes(value.replace(b"+", b" "))
    return bool(_ATTACK.search(plain))


_ATTACK = re.compile(
    rb"['\"`<>;|{}$\\]|\.\./|--|/\*|\(\)|\b(?:select|union|insert|drop|sleep|exec|script|passwd|cmd|onerror)\b",
    re.IGNORECASE,
)
