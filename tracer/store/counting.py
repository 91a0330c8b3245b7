"""A sink that passes everything on to a trace, and knows afterwards what came of one source."""

from __future__ import annotations

from tracer.model.connection import Connection
from tracer.model.http import Exchange
from tracer.model.problem import Problem, Severity
from tracer.model.tls import Handshake

from .trace import Trace

_BAD = (Severity.WARN, Severity.ERROR, Severity.BUG)


class Counting:
    """A sink that passes on to the trace and counts."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.values = 0
        self.partial = False
        self.failed = False

    def exchange(self, exchange: Exchange) -> None:
        self.values += 1
        self.partial = self.partial or any(p.severity in _BAD for p in exchange.problems)
        self.trace.exchange(exchange)

    def handshake(self, handshake: Handshake) -> None:
        self.values += 1
        self.partial = self.partial or any(p.severity in _BAD for p in handshake.problems)
        self.trace.handshake(handshake)

    def connection(self, connection: Connection) -> None:
        self.values += 1
        self.trace.connection(connection)

    def problem(self, problem: Problem) -> None:
        self.partial = self.partial or problem.severity in _BAD
        self.failed = self.failed or problem.severity is Severity.ERROR
        self.trace.problem(problem)
