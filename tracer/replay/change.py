"""Changes of a request as values, and a request with changes made.

Every change names the place in the request as it was recorded, so changes can be made in any combination: a field by
its position, a parameter by its position among those of the query or form, a JSON member by its path.
"""

from __future__ import annotations

import enum
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from .asked import Ask, Field
from .multipart import put_together, take_apart


class Kind(enum.StrEnum):
    """What of a request a change is about."""

    HEADER = "header"
    COOKIE = "cookie"
    QUERY = "query"
    FORM = "form"
    PART = "part"
    """of a multipart form"""
    JSON = "json"
    BODY = "body"
    METHOD = "method"
    PATH = "path"
    HOST = "host"
    VERSION = "version"
    TLS = "tls"
    CERTIFICATE = "certificate"


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One change. Equal changes are equal values."""

    kind: Kind
    name: str = ""
    """field, cookie, parameter, dotted path of a JSON member, recorded path segment; for people and for the cause"""
    at: tuple[int | str, ...] = ()
    """where: position of the field; (position of the field, position in it) for cookies; position of a parameter or
    of a path segment; path of a JSON member; () adds a new one"""
    value: bytes | None = None
    """what stands there instead; None removes it"""
    was: bytes = b""
    """what stood there"""


def apply(ask: Ask, changes: Iterable[Change]) -> Ask:
    """The request with these changes made."""
    by_kind: dict[Kind, list[Change]] = {}
    for change in changes:
        by_kind.setdefault(change.kind, []).append(change)
    made: dict[str, Any] = {}
    fields = _cookies(ask.fields, by_kind.get(Kind.COOKIE, ()))
    made["fields"] = _headers(fields, [*by_kind.get(Kind.HEADER, ()), *by_kind.get(Kind.HOST, ())])
    if found := by_kind.get(Kind.METHOD):
        made["method"] = found[-1].value or b"GET"
    made["target"] = _target(ask.target, by_kind.get(Kind.PATH, ()), by_kind.get(Kind.QUERY, ()))
    made["body"] = _body(ask.body, by_kind)
    if found := by_kind.get(Kind.VERSION):
        made["version"] = (found[-1].value or b"HTTP/1.1").decode()
    if found := by_kind.get(Kind.TLS):
        made["tls"] = (found[-1].value or b"usual").decode()
    if by_kind.get(Kind.CERTIFICATE):
        made["certificate"] = True
    return msgspec.structs.replace(ask, **made)


def _headers(fields: tuple[Field | None, ...], changes: Iterable[Change]) -> tuple[Field, ...]:
    out = list(fields)
    added = []
    for change in changes:
        if not change.at:
            added.append(Field(change.name.encode(), change.value or b""))
            continue
        (at,) = change.at
        assert isinstance(at, int)
        old = fields[at]
        out[at] = None if change.value is None or old is None else Field(old.name, change.value)
    return (*(f for f in out if f is not None), *added)


def split_cookies(value: bytes) -> list[bytes]:
    """`a=1` and `b=2` of `a=1; b=2` (RFC 6265 section 4.2.1)."""
    return [piece.strip(b" ") for piece in value.split(b";") if piece.strip(b" ")]


def _cookies(fields: tuple[Field, ...], changes: Iterable[Change]) -> tuple[Field | None, ...]:
    out: list[Field | None] = list(fields)
    touched: dict[int, dict[int, bytes | None]] = {}
    added = []
    for change in changes:
        pair = None if change.value is None else change.name.encode() + b"=" + change.value
        if not change.at:
            added.append(pair or b"")
            continue
        field, position = change.at
        assert isinstance(field, int)
        assert isinstance(position, int)
        touched.setdefault(field, {})[position] = pair
    first = next((n for n, f in enumerate(fields) if f.name.lower() == b"cookie"), None)
    if added and first is not None:
        touched.setdefault(first, {})
    for at, places in touched.items():
        old = fields[at]
        pieces = [places.get(n, piece) for n, piece in enumerate(split_cookies(old.value))]
        kept = [p for p in pieces if p is not None] + (added if at == first else [])
        out[at] = Field(old.name, b"; ".join(kept)) if kept else None
    if added and first is None:
        out.append(Field(b"Cookie", b"; ".join(added)))
    return tuple(out)


def split_target(target: bytes) -> tuple[bytes, bytes, bytes | None]:
    """(what stands before the path in absolute form, path, query without `?`)."""
    path, mark, query = target.partition(b"?")
    found = re.match(rb"https?://[^/]*", path, re.IGNORECASE)
    front = found[0] if found else b""
    return front, path[len(front) :], query if mark else None


def _target(target: bytes, segments: Iterable[Change], parameters: Iterable[Change]) -> bytes:
    front, path, query = split_target(target)
    for change in segments:
        (at,) = change.at
        assert isinstance(at, int)
        path = b"/".join([*path.split(b"/")[: at + 1], change.value or b""])
    changed = [*parameters]
    if changed:
        query = _pairs(query or b"", changed)
    return front + path + (b"?" + query if query or (query is not None and not changed) else b"")


def _pairs(text: bytes, changes: Iterable[Change]) -> bytes:
    """`a=1&b=2` with pairs replaced, removed and added; every other byte stays."""
    pieces: list[bytes | None] = [*text.split(b"&")] if text else []
    for change in changes:
        pair = None if change.value is None else change.name.encode() + b"=" + change.value
        if not change.at:
            pieces.append(pair)
            continue
        (at,) = change.at
        assert isinstance(at, int)
        name = (pieces[at] or b"").partition(b"=")[0]
        pieces[at] = None if change.value is None else name + b"=" + change.value
    return b"&".join(p for p in pieces if p is not None)


def _body(body: bytes, by_kind: Mapping[Kind, list[Change]]) -> bytes:
    if found := by_kind.get(Kind.BODY):
        return found[-1].value or b""
    if found := by_kind.get(Kind.FORM):
        return _pairs(body, found)
    if (found := by_kind.get(Kind.PART)) and (parts := take_apart(body)) is not None:
        return put_together(parts, {c.at[0]: c.value for c in found if isinstance(c.at[0], int)})
    if found := by_kind.get(Kind.JSON):
        value = json.loads(body)
        # later members of a list first, so that positions stay true
        for change in sorted(found, key=lambda c: [(isinstance(p, int), p) for p in c.at], reverse=True):
            _change_member(value, change)
        return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return body


def _change_member(value: Any, change: Change) -> None:
    *way, last = change.at
    for step in way:
        value = value[step]
    if change.value is None:
        del value[last]
    else:
        value[last] = json.loads(change.value)
