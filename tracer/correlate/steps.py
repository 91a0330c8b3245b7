"""What to do next: the steps of a cause (`causes/*.toml`), filled with what was seen, in the order to go.

A step may hold `{name|WORD}`: what was seen, or WORD for the reader to replace; `{name!sh|WORD}` is quoted for a
shell, `{name!conf|WORD}` stands only where nothing needs quotes, in commands and configuration. Whatever came from
the wire is held to that, so that a step can be pasted: commands (between backticks) take no plain values.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from typing import NamedTuple

import msgspec

from tracer.model.verdict import Cause, Layer

from .evidence import redacted
from .prepared import HERE, prepared
from .step_values import NAMES

MOST = 5
UNSURE, NO_REASON = 0.7, 0.5
"""below these the hop, or the cause, wants another look"""
_LONGEST = 300
_SLOT = re.compile(r"\{(?P<name>\w+)(?:!(?P<form>sh|conf))?\|(?P<word>[^{}]*)\}")
_CODE = re.compile(r"``.+?``|`[^`]+`")
_SAFE = re.compile(r"(?!-)[A-Za-z0-9_./:@%+=,-]+")


class BadCauseError(Exception):
    """A cause's file that cannot be used; the text says which and why."""


class CauseText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One cause in words."""

    says: str
    """finishes the sentence `nginx (origin) said 403: …`"""
    check: tuple[str, ...]
    """what tells whether it is so, and the fix, for any product"""
    product: dict[str, tuple[str, ...]] = {}
    """steps for one product, before the general ones"""
    layer: dict[Layer, tuple[str, ...]] = {}
    """steps where no product's are known"""
    detail: dict[str, tuple[str, ...]] = {}
    """steps for causes whose detail begins so, before all others"""


class _Pair(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    layers: tuple[Layer, Layer]
    step: str


class _Apart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pair: tuple[_Pair, ...]
    capture: dict[Layer, str]
    """what to look at to be sure of a denial by that layer"""
    alike: dict[str, str]
    """product -> the one whose steps hold for it as well"""


class Case(NamedTuple):
    """What was found, as far as steps depend on it."""

    layer: Layer
    product: str | None
    cause: Cause
    detail: str | None
    confidence: float
    cause_confidence: float
    others: Sequence[Layer] = ()
    """layers that may have said it instead, the likeliest first"""


class _Shipped(NamedTuple):
    causes: dict[Cause, CauseText]
    apart: _Apart


def causes() -> dict[Cause, CauseText]:
    """Every cause of the vocabulary."""
    return _shipped().causes


@cache
def _shipped() -> _Shipped:
    return prepared(_Shipped, ("steps.toml", "causes/*.toml", "steps.py", "step_values.py"), _read)


def _read() -> _Shipped:
    import tomllib

    found = {Cause(p.stem): read_cause(p.read_text("utf-8")) for p in sorted((HERE / "causes").glob("*.toml"))}
    return _Shipped(found, msgspec.convert(tomllib.loads((HERE / "steps.toml").read_text("utf-8")), _Apart))


def read_cause(text: str) -> CauseText:
    """The cause, checked: fields, names and forms of values, no plain value inside a command."""
    import tomllib

    try:
        cause = msgspec.convert(tomllib.loads(text), CauseText)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise BadCauseError(str(error)) from error
    groups = (*cause.product.values(), *cause.layer.values(), *cause.detail.values(), cause.check)
    for step in (s for group in groups for s in group):
        _check(step)
    return cause


def next_steps(case: Case, values: Mapping[str, str]) -> list[str]:
    """At most MOST steps: first what tells the hops apart where they are in doubt, then check and fix."""
    steps = list(dict.fromkeys(_steps(case)))
    if case.confidence < UNSURE and case.others:
        apart = _apart(case.layer, case.others[0])
        steps = [*apart, *steps]
    unclear = case.confidence < UNSURE or case.cause_confidence < NO_REASON
    capture = _shipped().apart.capture.get(case.layer)
    if unclear and capture:
        steps = [*steps[: MOST - 1], f"to be sure: {capture}"]
    return [fill(step, values) for step in steps[:MOST]]


def _steps(case: Case) -> Iterator[str]:
    text = causes()[case.cause]
    for beginning, steps in text.detail.items():
        if case.detail and case.detail.startswith(beginning):
            yield from steps
    product = case.product or ""
    own = text.product.get(product) or text.product.get(_shipped().apart.alike.get(product, ""), ())
    yield from own or text.layer.get(case.layer, ())
    yield from text.check


def _apart(layer: Layer, other: Layer) -> list[str]:
    return [pair.step for pair in _shipped().apart.pair if set(pair.layers) == {layer, other}]


def fill(step: str, values: Mapping[str, str]) -> str:
    """The step with what was seen in place; WORD stands where nothing was, or where it could not be pasted."""

    def seen(slot: re.Match[str]) -> str:
        value = values.get(slot["name"], "")
        if not value or len(value) > _LONGEST or not value.isprintable():
            return slot["word"]
        if slot["form"] == "sh":
            return slot["word"] if value.startswith("-") else shlex.quote(value)
        if slot["form"] == "conf":
            return value if _SAFE.fullmatch(value) else slot["word"]
        return redacted(value)

    return "".join(part if isinstance(part, str) else seen(part) for part in _parts(step))


@lru_cache(1024)  # the same steps are filled for every denial
def _parts(step: str) -> tuple[str | re.Match[str], ...]:
    """The step's own text and its slots, in turn; doubled braces are its own: what was seen may have some too."""
    parts: list[str | re.Match[str]] = []
    at = 0
    for slot in _SLOT.finditer(step):
        parts += _single(step[at : slot.start()]), slot
        at = slot.end()
    return *parts, _single(step[at:])


def _single(text: str) -> str:
    """Braces of the step itself, which are written twice."""
    return text.replace("{{", "{").replace("}}", "}")


def _check(step: str) -> None:
    for slot in _SLOT.finditer(step):
        if slot["name"] not in NAMES:
            raise BadCauseError(f"{step!r}: nothing is called {slot['name']!r}")
    for code in _CODE.finditer(step):
        for slot in _SLOT.finditer(code[0]):
            if slot["form"] is None:
                raise BadCauseError(f"{step!r}: in a command {slot['name']!r} must be !sh or !conf")
    rest = _SLOT.sub("", step).replace("{{", "").replace("}}", "")
    if "{" in rest or "}" in rest:
        raise BadCauseError(f"{step!r}: a brace that stands for itself is written twice")
