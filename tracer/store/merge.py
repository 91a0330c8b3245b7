"""One trace taken into another: ids get a prefix, bodies come along."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from tracer.model.http import Body, Exchange, Message
from tracer.model.verdict import Verdict

from .trace import Trace

_REFERENCES = {
    "connection": ("id",),
    "handshake": ("id", "connection"),
    "exchange": ("id", "connection", "tls", "tunnel"),
}


def merge(into: Trace, other: Trace, prefix: str, taken: frozenset[str], verdicts: bool = False) -> list[str]:
    """Add everything `other` holds; names of its sources as they are known from then on.

    A source whose name is `taken` already is told apart by the prefix.
    """
    names = {s.name: f"{s.name} ({prefix.rstrip('.')})" if s.name in taken else s.name for s in other.sources()}
    for source in other.sources():
        into.source(msgspec.structs.replace(source, name=names[source.name]))
    for connection in other.connections():
        into.connection(_renamed(connection, "connection", prefix, names))
    for handshake in other.handshakes():
        into.handshake(_renamed(handshake, "handshake", prefix, names))
    for exchange in other.exchanges():
        into.exchange(_renamed(whole(exchange, other.content), "exchange", prefix, names))
    for problem in other.problems():
        into.problem(msgspec.structs.replace(problem, source=names.get(problem.source, problem.source)))
    if verdicts:
        for verdict in other.verdicts():
            into.verdict(_verdict(verdict, prefix, names))
    return list(names.values())


def _renamed(value: Any, kind: str, prefix: str, names: dict[str, str]) -> Any:
    changed = {f: prefix + getattr(value, f) for f in _REFERENCES[kind] if getattr(value, f) is not None}
    return msgspec.structs.replace(value, source=names.get(value.source, value.source), **changed)


def whole(exchange: Exchange, content: Callable[[str, Body], bytes]) -> Exchange:
    """The exchange with its bodies' bytes inside."""
    changed: dict[str, Any] = {}
    for half in ("request", "response"):
        message: Message | None = getattr(exchange, half)
        if message is not None and (message.body.blob is not None or message.body.spans):
            data = content(exchange.source, message.body)
            body = msgspec.structs.replace(message.body, data=data, blob=None, spans=())
            changed[half] = msgspec.structs.replace(message, body=body)
    return msgspec.structs.replace(exchange, **changed) if changed else exchange


def _verdict(verdict: Verdict, prefix: str, names: dict[str, str]) -> Verdict:
    evidence = tuple(
        msgspec.structs.replace(
            e, seen=msgspec.structs.replace(e.seen, exchange=prefix + e.seen.exchange if e.seen.exchange else None)
        )
        for e in verdict.evidence
    )
    return msgspec.structs.replace(
        verdict,
        source=names.get(verdict.source, verdict.source),
        exchange=prefix + verdict.exchange,
        chain=tuple(prefix + i for i in verdict.chain),
        links=tuple(msgspec.structs.replace(k, first=prefix + k.first, then=prefix + k.then) for k in verdict.links),
        seen_at=tuple(prefix + i for i in verdict.seen_at),
        evidence=evidence,
        story=prefix + verdict.story if verdict.story else None,
    )
