"""A trace as every exporter and view sees it by default: the same readers, nothing secret in what they give."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tracer.model.connection import Connection
from tracer.model.http import Body, Exchange
from tracer.model.problem import Problem
from tracer.model.source import Source
from tracer.model.tls import Handshake
from tracer.model.verdict import Verdict

from .redactor import Redactor


class Redacted:
    """Reads like the trace it stands before."""

    def __init__(self, trace: Any, redactor: Redactor) -> None:
        self._trace = trace
        self.redactor = redactor

    def sources(self) -> Iterator[Source]:
        yield from self._trace.sources()

    def problems(self) -> Iterator[Problem]:
        return map(self.redactor.problem, self._trace.problems())

    def exchanges(self, *where: Any) -> Iterator[Exchange]:
        for exchange in self._trace.exchanges(*where):
            yield self.redactor.exchange(exchange, self._trace.content)

    def exchange(self, name: str, /) -> Exchange | None:
        found = self._trace.exchange(name)
        return self.redactor.exchange(found, self._trace.content) if found is not None else None

    def handshakes(self) -> Iterator[Handshake]:
        return map(self.redactor.handshake, self._trace.handshakes())

    def handshake(self, name: str, /) -> Handshake | None:
        found: Handshake | None = self._trace.handshake(name)
        return self.redactor.handshake(found) if found is not None else None

    def connections(self) -> Iterator[Connection]:
        yield from self._trace.connections()

    def connection(self, name: str, /) -> Connection | None:
        found: Connection | None = self._trace.connection(name)
        return found

    def verdicts(self) -> Iterator[Verdict]:
        return map(self.verdict, self._trace.verdicts())

    def verdict(self, verdict: Verdict) -> Verdict:
        """The verdict, redacted with what its exchanges hold."""
        names = {verdict.exchange, *verdict.chain, *verdict.seen_at}
        names |= {e.seen.exchange for e in verdict.evidence if e.seen.exchange}
        found = [self._trace.exchange(name) for name in sorted(names)[:40]]
        return self.redactor.verdict(verdict, [e for e in found if e is not None], self._trace.content)

    def marks(self) -> dict[str, tuple[str, str]]:
        """Mark and note by exchange id; notes are the reader's own words, redacted like any prose."""
        return {name: (mark, self.redactor.prose(note)) for name, (mark, note) in self._trace.marks().items()}

    def content(self, source: str, body: Body, /) -> bytes:
        """Bytes of a body that an exchange of this view holds."""
        data: bytes = self._trace.content(source, body)
        return data
