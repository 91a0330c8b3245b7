"""A trace written as a file of its own, from anything that reads like a trace."""

from __future__ import annotations

import shutil
from typing import Any, BinaryIO

import msgspec

from tracer.formats.writing import beneath

from .merge import whole
from .scratch import scratch
from .trace import Trace


def write(trace: Any, out: BinaryIO, options: Any) -> None:
    """Write every value of `trace` (or of a redacted view of one) as a trace file."""
    only: frozenset[str] | None = options.only
    with Trace() as copy:
        for source in trace.sources():
            copy.source(msgspec.structs.replace(source, path=None))  # of no use elsewhere, and tells of this machine
        for problem in trace.problems():
            copy.problem(problem)
        under = beneath(trace, options)
        for connection in trace.connections():
            if under is None or connection.id in under[1]:
                copy.connection(connection)
        for handshake in trace.handshakes():
            if under is None or handshake.id in under[0]:
                copy.handshake(handshake)
        for exchange in trace.exchanges():
            if only is None or exchange.id in only:
                copy.exchange(whole(exchange, trace.content))
        for verdict in trace.verdicts():
            if only is None or verdict.exchange in only:
                copy.verdict(verdict)
        for name, (mark, note) in trace.marks().items() if hasattr(trace, "marks") else ():
            if only is None or name in only:
                copy.mark(name, mark, note)
        with scratch() as folder:
            name = folder / "trace"
            copy.save(name)
            with open(name, "rb") as file:
                shutil.copyfileobj(file, out)
