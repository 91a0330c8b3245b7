"""A running capture -> the trace, judged as denials happen, within bounds for days.

What exchanges carried is copied into the trace as they end; of the capture itself only the latest part is kept.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from tracer.capture.capture import Capture
from tracer.capture.source import open_source
from tracer.http.detect import conversation
from tracer.model.connection import Connection
from tracer.model.http import Body, Exchange, Message, Response
from tracer.model.problem import Problem
from tracer.model.source import Source
from tracer.model.tls import Handshake
from tracer.model.verdict import Verdict
from tracer.opening import bug
from tracer.store.trace import Trace
from tracer.tls.keys import Keys
from tracer.transport.reader import Reader

from .judging import Judge

BEHIND = 256 << 20
"""bytes of the capture behind the latest packet that can still be read"""
KEPT = 1 << 20
"""bytes of a body that are kept"""
MOST = 100_000
"""exchanges that a trace without a name keeps"""
_PROBLEMS = 2000


class Capturing:
    """Reads a stream of packets in a thread of its own; `work` judges what came since, in the caller's."""

    def __init__(
        self,
        trace: Trace,
        stream: BinaryIO,
        name: str,
        keylogs: tuple[str, ...],
        tell: Callable[[Verdict], None],
        prune: bool,
    ) -> None:
        self.trace = trace
        self._stream, self._name, self._prune = stream, name, prune
        self._keys = Keys()
        self._logs = [_Log(path) for path in keylogs]
        for log in self._logs:
            self._keys.follow(log.read, log.path)
        self._judge = Judge(trace, tell)
        self._lock = threading.Lock()
        self._problems = 0
        self._discarded = 0
        self._capture: Capture | None = None
        self._thread = threading.Thread(target=self._read, name="tracer-capture", daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    @property
    def packets(self) -> int:
        return self._capture.packets if self._capture is not None else 0

    def secrets(self) -> bytes:
        """The key logs as read so far, for the packets that are kept."""
        return b"".join(log.text() for log in self._logs)

    def work(self, final: bool = False) -> None:
        """Judge denials that came since; with `final`, all of them, when the stream has ended."""
        if final:
            self._thread.join(10)
        with self._lock:
            self._judge.work(final)
            if self._prune:
                self.trace.prune(MOST)
            self.trace.flush()

    # -- the thread

    def _read(self) -> None:
        try:
            self._read_blocks()
        except Exception:  # what was read until then stands
            with self._lock:
                self.trace.problem(bug("source.bug", self._name, "capturing stopped at a fault of our own"))
        with self._lock:
            self._source()

    def _read_blocks(self) -> None:
        source = open_source(self._stream, self._name)
        capture = self._capture = Capture(source)
        base: Any = capture.base
        self.trace.attach(self._name, base)
        with self._lock:
            self._source()
        reader = Reader(base, self, source=self._name, converse=conversation, keys=self._keys)
        for packets in capture.blocks():
            with self._lock:
                self._keys.refresh()
                reader.feed(packets)
                reader.sweep()
                self._told()
                self.trace.flush()
            keep = capture.bytes_read - BEHIND
            if keep - self._discarded > BEHIND // 8:
                source.discard(keep)
                self._discarded = keep
        with self._lock:
            reader.finish()
            self._told()

    def _told(self) -> None:
        assert self._capture is not None
        for problem in (*self._capture.take_problems(), *self._keys.take_problems()):
            self.problem(problem)

    def _source(self) -> None:
        kind = self._capture.kind if self._capture is not None else "pcapng"
        self.trace.source(Source(name=self._name, kind="live", packets=self.packets, path=None, partial=kind == ""))
        self.trace.flush()

    # -- what the readers report

    def exchange(self, exchange: Exchange) -> None:
        changed: dict[str, Any] = {}
        for half in ("request", "response"):
            message: Message | None = getattr(exchange, half)
            if message is not None and message.body.spans:
                needed = not self._prune or (isinstance(message, Response) and message.status >= 400)
                body = self._kept(message.body) if needed else _without(message.body)
                changed[half] = msgspec.structs.replace(message, body=body)
        exchange = msgspec.structs.replace(exchange, **changed) if changed else exchange
        self.trace.exchange(exchange)
        self._judge.consider(exchange)

    def handshake(self, handshake: Handshake) -> None:
        self.trace.handshake(handshake)

    def connection(self, connection: Connection) -> None:
        self.trace.connection(connection)

    def problem(self, problem: Problem) -> None:
        self._problems += 1
        if self._problems <= _PROBLEMS:
            self.trace.problem(problem)

    def _kept(self, body: Body) -> Body:
        """The body with its bytes inside, cut at the bound; without what lies in the part that was given up."""
        spans, left = [], KEPT
        for at, length in body.spans:
            if left <= 0 or at < self._discarded:
                break
            spans.append((at, min(length, left)))
            left -= length
        data = self.trace.content(self._name, msgspec.structs.replace(body, spans=tuple(spans)))
        return msgspec.structs.replace(body, data=data, spans=(), complete=body.complete and len(data) == body.size)


def _without(body: Body) -> Body:
    """Seen and measured; of no use where the trace goes with the command."""
    return msgspec.structs.replace(body, spans=(), complete=False)


class _Log:
    """A key log that grows."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._at = 0

    def read(self) -> bytes:
        """What was added since the last call; nothing while there is no such file."""
        try:
            with open(self.path, "rb") as file:
                file.seek(self._at)
                data = file.read(16 << 20)
        except OSError:
            return b""
        self._at += len(data)
        return data

    def text(self) -> bytes:
        try:
            return Path(self.path).read_bytes()[: self._at]
        except OSError:
            return b""
