"""The form of an answer: which fields it has, how they are spelled, who it says it is; alike in those of one writer.

Servers answer in few forms. So what is to be known of a form is found once, and not for each answer.
"""

from __future__ import annotations

import re
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple

from tracer.model.http import Headers, Response

Names = tuple[bytes, ...]
"""of fields, as they were spelled, in their order"""
TAGGED = re.compile(rb'(W/)?"[0-9a-f]+-[0-9a-f]+(-\w+)?(;[\w:]+)?"')
APPLICATIONS = frozenset(
    (b"x-powered-by", b"x-runtime", b"x-request-id", b"x-aspnet-version", b"x-generator", b"set-cookie")
)
"""fields that applications write"""
WRITERS = frozenset((b"date", b"content-type", b"content-length", b"server", b"connection"))
"""fields that every writer writes, each in its own spelling and order"""
_REMEMBERED = 1024
_NAME = itemgetter(0)


class Form(NamedTuple):
    """Of one answer; equal for most that one writer made."""

    version: str
    names: Names
    server: bytes | None
    """the first Server field"""
    kind: str
    """`file` where nginx, Apache or lighttpd made a tag of its time and size; `application`; or nothing"""


class Places(NamedTuple):
    """Where in a list of fields those stand that are looked at in every answer; -1 for what is not there."""

    server: int
    location: int
    refresh: int
    content_type: int
    etag: int
    """the last one; of the others the first"""
    is_dated: bool
    is_application: bool


def names_of(headers: Headers) -> Names:
    return tuple(map(_NAME, headers))


@lru_cache(_REMEMBERED)
def places_in(names: Names) -> Places:
    """Where to look among fields of these names."""
    lower = [name.lower() for name in names]
    first = {name: at for at, name in reversed([*enumerate(lower)])}
    etag = max((at for at, name in enumerate(lower) if name == b"etag"), default=-1)
    server, location, refresh, content_type = (
        first.get(name, -1) for name in (b"server", b"location", b"refresh", b"content-type")
    )
    is_dated, is_application = b"last-modified" in first, not APPLICATIONS.isdisjoint(first)
    return Places(server, location, refresh, content_type, etag, is_dated, is_application)


def form_of(response: Response) -> Form:
    names = names_of(response.headers)
    return Form(*key_of(response, names, places_in(names)))


def key_of(response: Response, names: Names, at: Places) -> tuple[str, Names, bytes | None, str]:
    """What makes its form: a plain tuple is quicker to make, and equal to it."""
    headers, kind = response.headers, ""
    if at.is_application:
        kind = "application"
    elif at.is_dated and at.etag >= 0 and TAGGED.fullmatch(headers[at.etag][1]):
        kind = "file"
    return response.version, names, headers[at.server][1] if at.server >= 0 else None, kind


@lru_cache(_REMEMBERED)
def lower_names(names: Names) -> frozenset[str]:
    """The names in lower case."""
    return frozenset(name.decode("latin-1").lower() for name in names)


@lru_cache(_REMEMBERED)
def written(names: Names) -> tuple[str, ...]:
    """Those that every writer writes, as they were spelled, in their order."""
    return tuple(name.decode("latin-1") for name in names if name.lower() in WRITERS)
