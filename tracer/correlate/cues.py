"""What a denial says of its cause, in words and fields that many products share. The words themselves are data."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import msgspec

from tracer.model.http import Exchange
from tracer.model.verdict import Cause

from .literals import Index, words_by_expression
from .prepared import HERE, prepared
from .request_fields import fields_of

TELLING = (
    "www-authenticate", "proxy-authenticate", "x-error", "x-deny-reason", "x-amzn-errortype", "x-amz-error-code",
    "x-ms-error-code", "proxy-status", "x-reason", "deny-reason", "x-tengine-error", "x-squid-error", "grpc-message",
    "x-error-message", "error", "x-auth-error", "ngrok-error-code",
)  # fmt: skip
"""fields in which a reason is stated"""
STANDARD = re.compile(r"You don't have permission to access (this resource|.{0,300}?on this server)", re.DOTALL)
"""what Apache and others print for every refusal: it says nothing of the cause"""
MARKUP = re.compile(r"<(script|style)\b.*?</\1>|<[^>]{0,300}>", re.IGNORECASE | re.DOTALL)
READ = 20_000
"""characters of a body that are read for words"""


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
    likes = [*(row.like for row in found.stated), *(row.like for row in found.attack)]
    return _Shipped(found, words_by_expression(map("|".join, likes)))


@cache
def _stated() -> Index[Stated]:
    return Index((("|".join(row.like), row) for row in cues().stated), _shipped().words)


@cache
def _attacks() -> Index[Attack]:
    return Index((("|".join(row.like), row) for row in cues().attack), _shipped().words)


def stated(exchange: Exchange, body: str) -> Iterator[Cue]:
    """Causes that the answer itself states, by decoded body and header fields; each where it stands first."""
    response = exchange.response
    assert response is not None
    texts = [("response body", STANDARD.sub(" ", MARKUP.sub(" ", body[:READ])))]
    texts += [(f"response header {n}", v) for n, v in fields_of(response).items() if n in TELLING]
    found: dict[Stated, Cue] = {}
    for where, said in texts:
        for row, hit in _stated().matches(said):
            quote = " ".join(said[max(0, hit.start() - 20) : hit.end() + 20].split())[:120]
            says = f"the answer itself says so: “{quote}”"
            found.setdefault(row, Cue(row.cause, row.detail, row.weight, where, quote, says))
    yield from (found[row] for row in cues().stated if row in found)


def attack_in(text: str) -> tuple[str, str] | None:
    """(family, what matched) of a payload that web application firewalls look for; the text is URL-decoded."""
    for row, hit in _attacks().matches(text):
        return row.family, hit.group(0)[:60]
    return None
