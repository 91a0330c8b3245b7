"""Marks: what products leave on an answer, and what each mark proves. The marks themselves are data.

Files under `signatures/` (and the user's own, under `tracer/signatures` of the configuration directory) hold
products; a mark says where it is looked for, what it looks like, and what that proves.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

import msgspec

from tracer.model.http import Response
from tracer.model.verdict import Cause, Layer

from .literals import Index, whole, words_by_expression
from .prepared import HERE, prepared

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
    import tomllib

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
    if isinstance(part, Condition) and part.at.startswith("header:") and not _NAME.fullmatch(part.at):
        raise SignatureError(f"{path}: {product.id}: a condition at {part.at!r}; it names one field")
    for expression in (part.like, part.at.removeprefix("header:")):
        try:
            re.compile(expression)
        except re.error as error:
            raise SignatureError(f"{path}: {product.id}: {expression!r} is no regular expression: {error}") from error


@cache
def products() -> tuple[Product, ...]:
    """All products: those that ship with the program, then the user's own that can be used."""
    return (*_shipped().products, *own()[0])


class _Shipped(NamedTuple):
    products: tuple[Product, ...]
    words: dict[str, tuple[str, ...]]


@cache
def _shipped() -> _Shipped:
    return prepared(_Shipped, ("marks.py", "signatures/*.toml", "literals.py"), _read)


def _read() -> _Shipped:
    """The products that ship with the program; the tests have tried their expressions."""
    found = tuple(p for f in sorted(HERE.glob("signatures/*.toml")) for p in read_signatures(f, check=False))
    marks = [m for p in found for m in p.marks]
    places = (expression for expression, _ in _patterns(m.at for m in marks))
    return _Shipped(found, words_by_expression([*places, *(m.like for m in marks)]))


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
    return Index(entries, _shipped().words) if entries else None


def _patterns(places: Iterable[str]) -> Iterator[tuple[str, str]]:
    """(expression for a field's name, place) for the `header:` places that are more than one name."""
    return ((whole(p[7:]), p) for p in dict.fromkeys(places) if p.startswith("header:") and not _NAME.fullmatch(p))


@cache
def _patterns_of_headers() -> Index[str]:
    return Index(_patterns(_by_place()), _shipped().words)


@cache
def _places_of_header(name: str) -> tuple[str, ...]:
    """Which `header:` places a header field of that name (in lower case) belongs to."""
    plain = (f"header:{name}",) if f"header:{name}" in _by_place() and _NAME.fullmatch(f"header:{name}") else ()
    return (*plain, *(place for place, _ in _patterns_of_headers().matches(name)))


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
