"""Answers as a trace of their own: judged by the same judge, saved and opened like any other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tracer.model.http import Exchange
from tracer.model.source import Source
from tracer.pipeline import judge_trace
from tracer.store.trace import Trace

from .compare import Reply
from .door import Answer

SOURCE = "replay"


def keep(answers: Iterable[Answer]) -> Trace:
    """A judged trace of what was sent and answered."""
    trace = Trace()
    packets = 0
    for answer in answers:
        if answer.connection:
            trace.connection(answer.connection)
        if answer.handshake:
            trace.handshake(answer.handshake)
        if answer.exchange:
            trace.exchange(answer.exchange)
        packets += answer.connection.packets if answer.connection else 0
    trace.source(Source(name=SOURCE, kind="replay", packets=packets))
    trace.flush()
    judge_trace(trace)
    return trace


def reply_of(trace: Any, exchange: Exchange | None) -> Reply | None:
    """The exchange's response with its bytes, for a comparison."""
    if exchange is None or exchange.response is None:
        return None
    response = exchange.response
    return Reply(response=response, content=trace.content(exchange.source, response.body))


def answered(answer: Answer) -> Reply | None:
    """The answer's response with its bytes."""
    response = answer.exchange.response if answer.exchange else None
    return Reply(response=response, content=response.body.data or b"") if response else None
