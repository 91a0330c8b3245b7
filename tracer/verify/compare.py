"""Two opinions of one capture side by side: every exchange and handshake in one, in the other, or in both alike."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from .limits import Facts, limit_of
from .opinion import Call, Difference, Greeting, Opinion

CALL = ("method", "host", "target", "status")
GREETING = ("sni", "version", "cipher", "ja3", "ja3s", "ja4")


class Count(msgspec.Struct, frozen=True, kw_only=True):
    ours: int
    theirs: int
    agree: int
    """found by both, the same in every field that both know"""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    tshark: str
    """its version"""
    exchanges: Count
    handshakes: Count
    differences: tuple[Difference, ...]

    @property
    def unexplained(self) -> tuple[Difference, ...]:
        """Differences that no known limit of tshark accounts for."""
        return tuple(d for d in self.differences if d.limit is None)


def compare(
    ours: Opinion, theirs: Opinion, known: Facts, version: str = "", clean: Callable[[str], str] = str
) -> Comparison:
    """Every difference, those that a limit of tshark explains named so; `clean` takes secrets out of targets."""
    calls = [*_pair(ours.calls, theirs.calls, _steps_of_calls())]
    greetings = [*_pair(ours.greetings, theirs.greetings, _steps_of_greetings())]
    found = [d for one, other in calls for d in _differ("exchange", one, other, CALL, clean)]
    found += [d for one, other in greetings for d in _differ("handshake", one, other, GREETING, clean)]
    told = tuple(msgspec.structs.replace(d, limit=limit_of(d, known)) for d in found)
    return Comparison(
        tshark=version,
        exchanges=_count(ours.calls, theirs.calls, calls, CALL),
        handshakes=_count(ours.greetings, theirs.greetings, greetings, GREETING),
        differences=tuple(sorted(told, key=lambda d: (d.packet or 0, d.what, d.kind))),
    )


Step = Callable[[Call | Greeting], object]


def _steps_of_calls() -> list[Step]:
    """By what two are taken for the same: first everything, then less and less."""
    ends = ("client", "server", "protocol")
    return [_by(*ends, "stream", *CALL), _by(*ends, "stream", "method", "target"), _by_stream, _by(*ends, "packet")]


def _steps_of_greetings() -> list[Step]:
    ends = ("client", "server")
    return [_by(*ends, *GREETING[:-1]), _by(*ends, "ja3", "sni"), _by(*ends)]


def _by(*names: str) -> Step:
    return lambda value: tuple(getattr(value, name) for name in names)


def _by_stream(value: Call | Greeting) -> object:
    """Of HTTP/2 and HTTP/3 the number; nothing of HTTP/1 is the same by that."""
    stream = getattr(value, "stream", None)
    return (value.client, value.server, stream) if stream is not None else object()


def _pair[T: (Call, Greeting)](
    ours: Sequence[T], theirs: Sequence[T], steps: Iterable[Step]
) -> Iterator[tuple[T | None, T | None]]:
    left, right = list(ours), list(theirs)
    for step in steps:
        waiting: defaultdict[object, list[T]] = defaultdict(list)
        for value in reversed(right):
            waiting[step(value)].append(value)
        rest = []
        for value in left:
            if found := waiting.get(step(value)):
                yield value, found.pop()
            else:
                rest.append(value)
        left, right = rest, [v for values in waiting.values() for v in values]
        right.sort(key=lambda v: v.packet or 0)
    yield from ((value, None) for value in left)
    yield from ((None, value) for value in right)


def _differ[T: (Call, Greeting)](
    what: str, ours: T | None, theirs: T | None, fields: tuple[str, ...], clean: Callable[[str], str] = str
) -> Iterator[Difference]:
    one = ours or theirs
    assert one is not None
    whole = Difference(what=what, kind="", client=one.client, server=one.server, packet=one.packet, id=one.id)
    change = msgspec.structs.replace
    if ours is None or theirs is None:
        kind = "only-tshark" if ours is None else "only-tracer"
        mine, other = (_words(value, clean) if value else None for value in (ours, theirs))
        yield change(whole, kind=kind, ours=mine, theirs=other)
        return
    for name in fields:
        mine, other = getattr(ours, name), getattr(theirs, name)
        if mine != other and _comparable(name, other):
            plain = clean if name == "target" else str
            yield change(whole, kind=name, ours=_text(mine, plain), theirs=_text(other, plain))


def _comparable(name: str, theirs: object) -> bool:
    """Versions of tshark that know no JA3 or JA4 say nothing about it."""
    return not (name.startswith("ja") and theirs is None)


def _words(value: Call | Greeting, clean: Callable[[str], str]) -> str:
    if isinstance(value, Call):
        asked = f"{value.method} {value.host or ''}{clean(value.target or '')}" if value.method else "no request"
        return f"{asked} -> {value.status if value.status is not None else 'no answer'}"
    return f"{value.sni or '-'} {value.version or '-'} {value.cipher or '-'}"


def _text(value: object, clean: Callable[[str], str]) -> str | None:
    return None if value is None else clean(str(value))


def _count[T: (Call, Greeting)](
    ours: Sequence[T], theirs: Sequence[T], pairs: list[tuple[T | None, T | None]], fields: tuple[str, ...]
) -> Count:
    agree = sum(1 for a, b in pairs if a and b and not any(_differ("", a, b, fields)))
    return Count(ours=len(ours), theirs=len(theirs), agree=agree)
