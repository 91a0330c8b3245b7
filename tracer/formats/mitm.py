"""mitmproxy flow files -> exchanges: every version that mitmproxy itself can upgrade.

A file is a row of tnetstrings, one a flow; each is decoded on its own, so that a broken one costs one flow. The
proxy that wrote the file stands on the path: `extra` names it under `mitm.`. Problem codes: `mitm.not-installed`,
`mitm.truncated`, `mitm.flow`, `mitm.other-flows`. The live addon converts its flows by `FlowReader.take`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, BinaryIO

from tracer.model.problem import Problem, Severity
from tracer.transport.conversation import Context, Sink

from .mitm_flow import FlowReader

_HEAD = re.compile(rb"\d{2,12}:\d{1,9}:[a-z_]{2,40}[;,]")
_LENGTH = re.compile(rb"\d{1,12}:")
_LARGEST = 1 << 30
_MENTIONED = 20
INSTALL = "reading mitmproxy flow files needs mitmproxy; install it with: pip install 'tracer[live]'"


def kind_of(head: bytes) -> str | None:
    """`mitm` when the bytes begin with a tnetstring dictionary, as flow files do."""
    return "mitm" if _HEAD.match(head) else None


def read(stream: BinaryIO, context: Context, sink: Sink) -> None:
    """Report every HTTP flow of a flow file into `sink`, with the connections and handshakes under it."""
    report = _Report(context, sink)
    try:
        from mitmproxy.flow import Flow
        from mitmproxy.io import compat, tnetstring
    except ImportError:
        report.say("mitm.not-installed", INSTALL, Severity.ERROR)
        return
    reader = FlowReader(context, sink)
    number, others = 0, Counter[str]()
    for number, text in enumerate(_flows(stream, report), 1):
        try:
            state: Any = tnetstring.loads(text)
            flow = Flow.from_state(compat.migrate_flow(state))
            if not reader.take(flow, number):
                others[str(flow.type)] += 1
        except Exception as error:  # a damaged state fails in many ways inside mitmproxy; it costs this flow only
            report.broken(number, error)
    report.finish(number, others)


def _flows(stream: BinaryIO, report: _Report) -> Iterator[bytes]:
    """The tnetstrings of a file, whole; a problem when the last one is cut or the row breaks."""
    held = b""
    while True:
        held += stream.read(16 - len(held)) if len(held) < 16 else b""
        if not held:
            return
        found = _LENGTH.match(held)
        size = int(held[: found.end() - 1]) if found else _LARGEST + 1
        if not found or size > _LARGEST:
            report.truncated = "what follows is not a flow"
            return
        need = found.end() + size + 1
        parts, have = [held], len(held)
        while have < need and (block := stream.read(min(need - have, 1 << 20))):
            parts.append(block)
            have += len(block)
        text = b"".join(parts)
        if len(text) < need:
            report.truncated = "the last flow is cut off"
            return
        yield text[:need]
        held = text[need:]


class _Report:
    def __init__(self, context: Context, sink: Sink) -> None:
        self._source = context.source
        self._sink = sink
        self._broken = 0
        self.truncated: str | None = None

    def say(self, code: str, text: str, severity: Severity, number: int | None = None) -> None:
        self._sink.problem(Problem(code=code, severity=severity, text=text, source=self._source, packet=number))

    def broken(self, number: int, error: Exception) -> None:
        self._broken += 1
        if self._broken <= _MENTIONED:
            words = "".join(c if c.isprintable() else " " for c in str(error))[:160]
            self.say(
                "mitm.flow", f"flow {number} cannot be read: {type(error).__name__} {words}", Severity.WARN, number
            )

    def finish(self, count: int, others: Counter[str]) -> None:
        if self._broken > _MENTIONED:
            self.say("mitm.flow", f"{self._broken - _MENTIONED} more flows cannot be read", Severity.WARN)
        if self.truncated:
            text = f"{self.truncated}; the {count} flows before it were read"
            self.say("mitm.truncated", text, Severity.WARN if count else Severity.ERROR, count + 1)
        if others:
            kinds = ", ".join(f"{n} {kind.upper()}" for kind, n in sorted(others.items()))
            self.say("mitm.other-flows", f"flows that are not HTTP are left out: {kinds}", Severity.NOTE)
