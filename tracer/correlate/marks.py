"""Marks: what products leave on an answer, and what each mark proves. The marks themselves are data.

Files under `signatures/` (and the user's own, under `tracer/signatures` of the configuration directory) hold
products; a mark says where it is looked for, what it looks like, and what that proves.
"""

from __future__ import annotations

import enum
import re
import tomllib
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

import msgspec

from tracer.model.http import Response
from tracer.model.verdict import Cause, Layer

from .literals import Index

PLACES = re.compile(r"header:.+|body|cookie|location|reason")
_NAME = re.compile(r"header:[a-z0-9-]+")
VALUE = 160
"""characters of a matching value that are kept"""
SHORT = 2000
"""characters of a value whose marks are remembered"""


class Proves(enum.StrEnum):
    GENERATED = "generated"
    FORWARDED = "forwarded"
    PRESENT = "present"
    CAUSE = "cause"


class Strength(enum.StrEnum):
    STRONG = "strong"
    MEDIUM = "medium"
    WEAK = "weak"


class Condition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something else that must be on the same answer."""

    at: str
    like: str


class Mark(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    proves: Proves
    at: str
    """`header:<name, a regular expression>`, `body`, `cookie`, `location`, `reason`"""
    like: str
    """regular expression, any case"""
    strength: Strength
    cause: Cause | None = None
    when: tuple[Condition, ...] = ()
    """without these the mark proves nothing"""


class Product(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    name: str
    layer: Layer
    marks: tuple[Mark, ...]
    source: str = ""


class _File(msgspec.Struct, forbid_unknown_fields=True):
    product: list[Product] = []


class Found(NamedTuple):
    """A mark that was there."""

    product: Product
    mark: Mark
    where: str
    value: str


class SignatureError(ValueError):
    """A signature file that cannot be used: the text names file, product and reason."""


def read_signatures(path: Path, *, check: bool = True) -> list[Product]:
    """The products of one file; raises SignatureError. `check`: every expression is tried, which takes its time."""
    try:
        products = msgspec.convert(tomllib.loads(path.read_text("utf-8")), _File).product
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise SignatureError(f"{path}: {error}") from error
    for product in products if check else ():
        for mark in product.marks:
            _check(path, product, mark)
            for condition in mark.when:
                _check(path, product, condition)
    return products


def _check(path: Path, product: Product, part: Mark | Condition) -> None:
    if not PLACES.fullmatch(part.at):
        raise SignatureError(f"{path}: {product.id}: a mark at {part.at!r}; it can be {PLACES.pattern}")
    for expression in (part.like, part.at.removeprefix("header:")):
        try:
            re.compile(expression)
        except re.error as error:
            raise SignatureError(f"{path}: {product.id}: {expression!r} is no regular expression: {error}") from error


@cache
def products() -> tuple[Product, ...]:
    """All products: those that ship with the program, then the user's own that can be used."""
    return (*shipped(), *own()[0])


def shipped() -> Iterator[Product]:
    """The products that ship with the program; the tests have tried their expressions."""
    folder = Path(__file__).with_name("signatures")
    return (p for path in sorted(folder.glob("*.toml")) for p in read_signatures(path, check=False))


@cache
def own() -> tuple[tuple[Product, ...], tuple[str, ...]]:
    """(the user's own products, what is wrong with the files that cannot be used)."""
    found: list[Product] = []
    faults: list[str] = []
    for path in sorted(own_folder().glob("*.toml")):
        try:
            found += read_signatures(path)
        except (SignatureError, OSError) as error:
            faults.append(str(error))
    return tuple(found), tuple(faults)


def own_folder() -> Path:
    """Where the user's own files lie: `tracer/signatures` of the configuration directory (XDG_CONFIG_HOME)."""
    from platformdirs import user_config_path

    return user_config_path("tracer", appauthor=False) / "signatures"


@cache
def _by_place() -> dict[str, list[tuple[str, tuple[Product, Mark]]]]:
    places: dict[str, list[tuple[str, tuple[Product, Mark]]]] = {}
    for product in products():
        for mark in product.marks:
            places.setdefault(mark.at, []).append((mark.like, (product, mark)))
    return places


@cache
def _index(place: str) -> Index[tuple[Product, Mark]] | None:
    """What is looked for there; made for the places that answers have, which are few of all."""
    entries = _by_place().get(place)
    return Index(entries) if entries else None


@cache
def _patterns_of_headers() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """The `header:` places that are more than one name."""
    places = (p for p in _by_place() if p.startswith("header:") and not _NAME.fullmatch(p))
    return tuple((p, re.compile(p[7:], re.IGNORECASE)) for p in places)


@cache
def _places_of_header(name: str) -> tuple[str, ...]:
    """Which `header:` places a header field of that name (in lower case) belongs to."""
    plain = (f"header:{name}",) if f"header:{name}" in _by_place() and _NAME.fullmatch(f"header:{name}") else ()
    return (*plain, *(place for place, pattern in _patterns_of_headers() if pattern.fullmatch(name)))


def find_marks(response: Response, body: str) -> Iterator[Found]:
    """Every mark on the response; `body` is its decoded text, cut at a bound."""
    for found in _find(response, body):
        if all(_holds(response, body, condition) for condition in found.mark.when):
            yield found


def _find(response: Response, body: str) -> Iterator[Found]:
    for raw_name, raw_value in response.headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        for place in _places_of_header(name):
            yield from _match(place, f"response header {name}", value)
        if name == "set-cookie":
            yield from _match("cookie", "response header set-cookie", value)
        elif name == "location":
            yield from _match("location", "response header location", value)
    if response.reason:
        yield from _match("reason", "response status line", response.reason)
    if body:
        yield from _match("body", "response body", body)


def _holds(response: Response, body: str, condition: Condition) -> bool:
    """Whether the answer has that too."""
    if condition.at == "body":
        values = [body]
    elif condition.at == "reason":
        values = [response.reason]
    else:
        name = {"cookie": "set-cookie", "location": "location"}.get(condition.at, condition.at.removeprefix("header:"))
        values = response.get_all(name)
    return any(re.search(condition.like, v, re.IGNORECASE | re.DOTALL) for v in values)


def _match(place: str, where: str, value: str) -> Iterator[Found]:
    for (product, mark), start in _in_short(place, value) if len(value) < SHORT else _in(place, value):
        shown = value if len(value) <= VALUE else value[max(0, start - 20) : start + VALUE]
        yield Found(product, mark, where, shown[:VALUE])


def _in(place: str, value: str) -> tuple[tuple[tuple[Product, Mark], int], ...]:
    """(product and mark, where it begins) of all that is there."""
    index = _index(place)
    return tuple((what, hit.start()) for what, hit in index.matches(value)) if index else ()


_in_short = lru_cache(4096)(_in)  # many denials of one server differ in few fields
