"""What a denial says of its cause, in words and fields that many products share. The words themselves are data."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import NamedTuple

import msgspec

from tracer.model.http import Exchange
from tracer.model.verdict import Cause

from . import error_codes
from .literals import Index, words_by_expression
from .prepared import HERE, prepared
from .request_fields import fields_of

TELLING = re.compile(
    r"(?:www|proxy)-authenticate|proxy-status|grpc-message|"
    r"(?!access-control-)(?:.+-)?(?:errors?|errortype|errorcode|errormessage|reason|deny|denied|block(?:ed)?|"
    r"reject(?:ed|ion)?|forbidden)(?:-.+)?"
)
"""names of fields in which a reason is stated: the standard ones, and those that say so themselves"""
STANDARD = re.compile(
    r"You don't have permission to access (this resource|.{0,300}?on this server)"
    r"|You don't have permission to access the requested (object|directory)"
    r"|You do not have permission to (access this document|view this directory or page)"
    r"|You are not allowed to access the document"
    r"|Your client does not have permission to get URL .{0,300}?from this server"
    r"|\b401 Authorization Required\b",
    re.DOTALL,
)
"""what Apache, IIS, nginx and others print for every refusal: it says nothing of the cause"""
OWN_PAGE = re.compile(
    r"<center>(nginx|openresty)|You don't have permission to access|<title>403 (- )?Forbidden</title>", re.IGNORECASE
)
"""pages that servers print themselves"""
MARKUP = re.compile(r"<(script|style|footer|nav|svg)\b.*?</\1>|<[^>]{0,300}>", re.IGNORECASE | re.DOTALL)
SHORT = 4000
"""characters of a text of which it is remembered what it states"""
READ = 20_000
"""characters of a body that are read for words"""
CODE = 4.6
"""weight of an error code: it is written for programs, and means one thing"""
USUAL = re.compile(
    r"(bad request|unauthori[sz]ed|forbidden|method not allowed|proxy authentication required|misdirected request|"
    r"too many requests|unavailable for legal reasons|service (temporarily )?unavailable|"
    r"network authentication required|ssl certificate (error|required)|ok|\d+)?",
    re.IGNORECASE,
)
"""reason phrases that go with a status: others say something of their own"""


class Stated(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    cause: Cause
    detail: str
    weight: float
    like: tuple[str, ...]


class Attack(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    family: str
    like: tuple[str, ...]


class Cues(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    stated: tuple[Stated, ...]
    attack: tuple[Attack, ...]
    codes: dict[Cause, tuple[str, ...]]
    """identifiers that programs write for a cause, as `error_codes.plain` leaves them"""


class Cue(NamedTuple):
    """One cause that an answer states."""

    cause: Cause
    detail: str
    weight: float
    where: str
    value: str
    says: str


class _Shipped(NamedTuple):
    cues: Cues
    words: dict[str, tuple[str, ...]]


def cues() -> Cues:
    """The words that ship with the program."""
    return _shipped().cues


@cache
def _shipped() -> _Shipped:
    return prepared(_Shipped, ("cues.toml", "cues.py", "literals.py"), _read)


def _read() -> _Shipped:
    import tomllib

    found = msgspec.convert(tomllib.loads((HERE / "cues.toml").read_text("utf-8")), Cues)
    return _Shipped(found, words_by_expression(like for row in (found.stated + found.attack) for like in row.like))


@cache
def _stated() -> Index[Stated]:
    return Index(((like, row) for row in cues().stated for like in row.like), _shipped().words)


@cache
def _attacks() -> Index[Attack]:
    return Index(((like, row) for row in cues().attack for like in row.like), _shipped().words)


@cache
def _codes() -> dict[str, Cause]:
    return {code: cause for cause, codes in cues().codes.items() for code in codes}


def stated(exchange: Exchange, body: str) -> Iterator[Cue]:
    """Causes that the answer itself states, by decoded body and header fields; each where it stands first."""
    response = exchange.response
    assert response is not None
    fields = [(f"response header {n}", v) for n, v in fields_of(response).items() if _is_telling(n)]
    if not USUAL.fullmatch(response.reason or ""):
        fields.append(("response status line", _words(response.reason)))
    yield from _coded(body, fields)
    found: dict[Stated, Cue] = {}
    for where, said in [("response body", _words_of(body[:READ])), *fields]:
        for row, start, end in _stated_in_short(said) if len(said) < SHORT else _stated_in(said):
            quote = " ".join(said[max(0, start - 20) : end + 20].split())[:120]
            says = f"the answer itself says so: “{quote}”"
            found.setdefault(row, Cue(row.cause, row.detail, row.weight, where, quote, says))
    yield from (found[row] for row in cues().stated if row in found)


@lru_cache(64)
def _words_of(page: str) -> str:
    """What a page says of its own, without markup."""
    return STANDARD.sub(" ", MARKUP.sub(" ", page))


def _stated_in(said: str) -> tuple[tuple[Stated, int, int], ...]:
    """(what it states, where that begins and ends)."""
    return tuple((row, *hit.span()) for row, hit in _stated().first(said).items())


_stated_in_short = lru_cache(1024)(_stated_in)  # a server that denies says the same again and again


def _coded(body: str, fields: list[tuple[str, str]]) -> Iterator[Cue]:
    """Causes for which the answer names a code; each once."""
    written = [("response body", raw) for raw in error_codes.codes_in(body)]
    for where, value in fields:
        challenge = where.endswith("-authenticate")
        written += [(where, raw) for raw in (error_codes.IN_CHALLENGE.findall(value) if challenge else [value[:200]])]
    seen: set[Cause] = set()
    for where, raw in written:
        cause = next((_codes()[code] for code in error_codes.plain(raw) if code in _codes()), None)
        if cause is not None and cause not in seen:
            seen.add(cause)
            yield Cue(cause, error_codes.kebab(raw), CODE, where, raw, f"its error code is {raw}")


@lru_cache(4096)
def _is_telling(name: str) -> bool:
    return TELLING.fullmatch(name) is not None


def _words(reason: str) -> str:
    """A reason phrase with its words apart: some are written as identifiers."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|[_-]+", " ", reason)


def attack_in(text: str) -> tuple[str, str] | None:
    """(family, what matched) of a payload that web application firewalls look for; the text is URL-decoded."""
    row, hit = next(iter(_attacks().first(text).items()), (None, None))
    return (row.family, hit.group(0)[:60]) if row is not None and hit is not None else None
