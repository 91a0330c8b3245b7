"""JSON and JSON Lines: everything in the trace, for other programs. Written as it is read, one value at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

import msgspec

from tracer.http.alternative import Alternatives

from . import json_values as values
from .writing import Options, Readable, beneath, to_json

BODY_LIMIT = 64 << 20


def write(trace: Readable, out: BinaryIO, options: Options) -> None:
    """One document: sources, problems, verdicts, chains, stories, exchanges, tls, connections."""
    head = to_json({"tracer": options.version, "schema": values.SCHEMA})
    out.write(head[:-1])
    for name, items in _lists(trace, options):
        out.write(b',\n"' + name.encode() + b'": [')
        separator = b"\n"
        for item in items:
            out.write(separator + to_json(item))
            separator = b",\n"
        out.write(b"]")
    out.write(b"}\n")


def write_lines(trace: Readable, out: BinaryIO, options: Options) -> None:
    """The same objects, one a line, each with its `type`."""
    kinds = {"sources": "source", "problems": "problem", "verdicts": "verdict", "chains": "chain", "stories": "story",
             "exchanges": "exchange", "tls": "tls", "connections": "connection"}  # fmt: skip
    out.write(to_json({"type": "tracer", "tracer": options.version, "schema": values.SCHEMA}) + b"\n")
    for name, items in _lists(trace, options):
        for item in items:
            fields = item if isinstance(item, dict) else {"exchanges": item}
            out.write(to_json({"type": kinds[name], **fields}) + b"\n")


def _lists(trace: Readable, options: Options) -> Iterator[tuple[str, Iterable[Any]]]:
    yield "sources", map(values.source_value, trace.sources())
    yield "problems", map(values.problem_value, trace.problems())
    verdicts = [v for v in trace.verdicts() if options.only is None or v.exchange in options.only]
    yield "verdicts", map(values.verdict_value, verdicts)
    yield "chains", values.chains_value(verdicts)
    yield "stories", values.stories_value(verdicts)
    limit = max(options.body_limit, BODY_LIMIT)
    yield "exchanges", _exchanges(trace, options, limit)
    under = beneath(trace, options)
    yield "tls", (values.handshake_value(h) for h in trace.handshakes() if under is None or h.id in under[0])
    yield "connections", (msgspec.to_builtins(c) for c in trace.connections() if under is None or c.id in under[1])


def _exchanges(trace: Readable, options: Options, limit: int) -> Iterator[dict[str, Any]]:
    """The chosen ones; those of HTTP/3 name the exchange that advertised it, where one did."""
    known = Alternatives()
    for exchange in trace.exchanges():
        if options.only is None or exchange.id in options.only:
            value = values.exchange_value(trace, exchange, limit)
            if exchange.protocol == "HTTP/3":
                value["advertised_by"] = known.advertiser(exchange)
            yield value
        known.note(exchange)
