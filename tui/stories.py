"""What the verdicts have in common: stories, chains, and which exchanges are deeper copies of others."""

from __future__ import annotations

import json
from collections.abc import Hashable
from dataclasses import dataclass, field

import msgspec

from tracer.store.trace import Trace, Where

from .view import Scope

_PAGE = 500
_IDS = 50_000


class _Told(msgspec.Struct):
    """What stories need of a `Verdict`: so little of it is read several times as fast as all of it."""

    exchange: str
    status: int | None = None
    layer: str = "unknown"
    product: str | None = None
    cause: str = "unknown"
    confidence: float = 0.0
    chain: tuple[str, ...] = ()
    seen_at: tuple[str, ...] = ()
    headline: str = ""
    story: str | None = None


_DECODER = msgspec.msgpack.Decoder(_Told)


@dataclass
class Story:
    """Denials with one hop and one cause."""

    headline: str
    confidence: float
    count: int = 0
    ids: dict[str, None] = field(default_factory=dict)

    @property
    def scope(self) -> Scope:
        return Scope("story", among(tuple(self.ids)))


@dataclass
class Stories:
    """Grown verdict by verdict; read by the interface, written by one worker."""

    stories: dict[Hashable, Story] = field(default_factory=dict)
    chains: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """last exchange -> those that led to it, itself last"""
    deeper: dict[str, str] = field(default_factory=dict)
    denials: int = 0
    _of: dict[str, Hashable] = field(default_factory=dict)
    """the story of each denial, as far as stories list them"""
    last: int = 0

    def grow(self, trace: Trace) -> bool:
        """Take in verdicts that came since; whether there were any."""
        before = self.last
        while page := trace.select("SELECT n, value FROM verdict WHERE n > ? ORDER BY n LIMIT ?", (self.last, _PAGE)):
            for _, value in page:
                try:
                    self._take(_DECODER.decode(value))
                except (msgspec.MsgspecError, ValueError, RecursionError):
                    continue  # whoever looks at it is told so
            self.last = page[-1][0]
        return self.last > before

    def _take(self, v: _Told) -> None:
        key: Hashable = v.story or (v.status, v.layer, v.product, v.cause)
        if (before := self._of.pop(v.exchange, None)) is not None:  # judged again
            self._forget(v.exchange, before)
        story = self.stories.setdefault(key, Story(v.headline, v.confidence))
        story.count += 1
        self.denials += 1
        if len(story.ids) < _IDS:
            story.ids[v.exchange] = None
            self._of[v.exchange] = key
        if v.confidence > story.confidence:
            story.headline, story.confidence = v.headline, v.confidence
        if len(v.chain) > 1 and len(self.chains) < _IDS:
            self.chains[v.exchange] = v.chain
        if len(self.deeper) < _IDS:
            self.deeper.update(dict.fromkeys(v.seen_at, v.exchange))

    def _forget(self, exchange: str, key: Hashable) -> None:
        story = self.stories[key]
        story.count -= 1
        self.denials -= 1
        story.ids.pop(exchange, None)
        if not story.count:
            del self.stories[key]

    @property
    def ranked(self) -> list[Story]:
        """The stories of most denials first."""
        known = list(self.stories.values())  # a copy first: a worker may be adding some
        return sorted(known, key=lambda s: -s.count)


def among(ids: tuple[str, ...]) -> Where:
    """The exchanges with these ids."""
    return Where("id IN (SELECT value FROM json_each(?))", (json.dumps(list(ids)),))
