"""What mitmproxy's user asks of flows at hand: explain them, export them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tracer.formats.mitm_flow import FlowReader
from tracer.formats.writers import by_ending, load
from tracer.formats.writing import Options
from tracer.pipeline import judge_trace
from tracer.redact import Redacted, Redactor
from tracer.redact.user import user_rules
from tracer.store.trace import Trace
from tracer.transport.conversation import Context
from tracer.views.explain import explain
from tracer.views.style import Style

from .conversion import NAME


def _trace(flows: Iterable[Any]) -> Trace:
    trace = Trace()
    reader = FlowReader(Context(sink=trace, source=NAME, connection=None, client="", server=""), trace)
    for number, flow in enumerate(flows, 1):
        reader.take(flow, number)
    judge_trace(trace)
    return trace


def explained(flows: Sequence[Any]) -> Iterator[str]:
    """What `tracer explain` says of these flows, line by line, without colour; secrets redacted."""
    with _trace(flows) as trace:
        shown = Redacted(trace, Redactor(user_rules()))
        yield from explain(trace, shown, list(shown.verdicts()), Style(colour=False), 100)


def exported(flows: Sequence[Any], path: str) -> str:
    """Write the flows to a new private file in the format of its ending; a sentence on what was written."""
    writer = by_ending(path)
    if writer is None:
        raise ValueError(f"the ending of {path!r} names no format")
    write = load(writer)
    with _trace(flows) as trace:
        file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(file, "wb") as out:
            write(Redacted(trace, Redactor(user_rules())), out, Options())
        return f"{trace.count('exchange')} exchanges written to {path} as {writer.name}"
