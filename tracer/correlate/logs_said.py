"""What an entry of a log says of a denial, by the rows of `logs.toml`; who wrote it, by format and name."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

import msgspec

from tracer.model.log import LogLine
from tracer.model.verdict import Cause, Layer, Said

_BEFORE_OTHERS = re.compile(
    r"(?i)(?<![a-z])(?:waf|gw|gateway|ingress|(?:reverse-?)?proxy|lb|(?:load-?)?balancer|edge|front(?:end)?)(?![a-z])"
)
_LONGEST = 4000
"""characters of a message that rows look at"""


class BadTableError(Exception):
    """A row that cannot be used; the text says which and why."""


class Writer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A product, and words by which the name of a file or program tells it."""

    product: str
    layer: Layer
    named: tuple[str, ...]


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An entry whose message (or fact) looks like this says that."""

    like: str
    says: str
    weight: float
    fact: str = "message"
    format: tuple[str, ...] = ()
    """formats it holds for; empty: all"""
    all: dict[str, str] = {}
    """further facts, and what they must look like"""
    said: Said | None = None
    layer: Layer | None = None
    """where it is not the writer's"""
    product: str | None = None
    cause: Cause | None = None
    detail: str = ""
    reference: str = ""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    writer: tuple[Writer, ...]
    row: tuple[Row, ...]


class Statement(NamedTuple):
    """What one row makes of one entry."""

    row: Row
    says: str
    detail: str
    values: Mapping[str, str]
    """what the groups of the row's pattern matched"""


class Table:
    """Rows and writers, checked and compiled."""

    def __init__(self, text: str) -> None:
        try:
            file = msgspec.convert(tomllib.loads(text), _File)
        except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
            raise BadTableError(str(error)) from error
        self.rows = [(row, _compiled(row), {k: _pattern(v, row) for k, v in row.all.items()}) for row in file.row]
        self.writers = [(w, re.compile("|".join(w.named), re.IGNORECASE)) for w in file.writer]
        self._layers = {w.product: w.layer for w in file.writer}

    def statements(self, entry: LogLine) -> Iterator[Statement]:
        """What the rows say of the entry; of rows about one cause, or about the hop alone, the first."""
        told: set[tuple[Cause | None, bool]] = set()
        for row, pattern, others in self.rows:
            if row.format and entry.format not in row.format:
                continue
            kind = row.cause, row.said is not None
            if kind in told or (hit := _search(pattern, row.fact, entry)) is None:
                continue
            hits = [_search(p, name, entry) for name, p in others.items()]
            if not all(hits):
                continue
            told.add(kind)
            values = {"match": hit[0]}
            for found in (hit, *(h for h in hits if h)):
                values |= {k: v for k, v in found.groupdict().items() if v is not None}
            yield Statement(row, _filled(row.says, values), kebab(_filled(row.detail, values)), values)

    def writer(self, entry: LogLine, names: tuple[str, ...]) -> tuple[Layer | None, str | None]:
        """(layer, product) of whoever wrote the entry; `names`: of the program, the file, the folder."""
        known = self._layers.get(entry.product or "")
        if entry.product is not None and known is not Layer.APP:
            return known, entry.product
        for name in filter(None, names):
            for writer, pattern in self.writers:
                if pattern.search(name):
                    return writer.layer, writer.product
        return known, entry.product  # the form of an application's log is only its server's habit

    def relays(self, names: tuple[str, ...]) -> bool:
        """The names say that it stands before others, whatever program it is."""
        return any(_BEFORE_OTHERS.search(name) for name in names)


@cache
def table() -> Table:
    """The rows that come with the program."""
    return Table(Path(__file__).with_name("logs.toml").read_text("utf-8"))


def kebab(text: str) -> str:
    """Lower case, with dashes, at most 60 characters."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:60].rstrip("-")


def _search(pattern: re.Pattern[str], name: str, entry: LogLine) -> re.Match[str] | None:
    """A message is searched; a fact must match as a whole, whichever of its name does."""
    if name == "message":
        return pattern.search(entry.message[:_LONGEST])
    if name == "status":
        return pattern.fullmatch(str(entry.status or ""))
    return next((hit for n, v in entry.facts if n == name and (hit := pattern.fullmatch(v[:_LONGEST]))), None)


def _compiled(row: Row) -> re.Pattern[str]:
    pattern = _pattern(row.like, row)
    known = {"match", *pattern.groupindex, *(g for text in row.all.values() for g in re.compile(text).groupindex)}
    for name in re.findall(r"\{(\w*)\}", row.says + row.detail):
        if name not in known:
            raise BadTableError(f"{row.like!r}: no group is called {name!r}")
    if row.said is None and row.cause is None:
        raise BadTableError(f"{row.like!r}: says neither what the hop did nor why")
    return pattern


def _pattern(text: str, row: Row) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise BadTableError(f"{row.like!r}: {text!r} is no pattern: {error}") from error


def _filled(text: str, values: Mapping[str, str]) -> str:
    """With the groups' values; a group that took no part leaves nothing."""
    return " ".join(re.sub(r"\{(\w+)\}", lambda m: values.get(m[1], "").strip(), text).split())
