"""The trace as the interface sees it: raw for looking up, redacted for showing; and the reading that fills it."""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tracer.model.verdict import Verdict
from tracer.opening import Progress
from tracer.store.trace import Trace

Read = Callable[[Trace, Callable[[Progress], None]], Any]
"""fills the trace, telling progress; what it returns is kept as `reading`"""


@dataclass
class Session:
    """One run of the interface over one trace."""

    trace: Trace
    shown: Any
    """the trace as it may be seen"""
    clean: Callable[[str], str] = str
    """takes secrets out of a URL"""
    title: str = ""
    hints: tuple[str, ...] = ()
    """what to do as long as there is nothing to see"""
    sources: tuple[str, ...] = ()
    """as the user gave them, for commands to copy"""
    read: Read | None = None
    saved: bool = False
    """opened from a trace file: marks go there"""
    reading: Any = None
    progress: Progress | None = None
    fault: str = ""
    deeper: dict[str, str] = field(default_factory=dict)
    """exchange at a deeper hop -> the one that its client saw"""
    captures: dict[str, str] = field(default_factory=dict)
    """source -> where the user says that its packets are; a path in a saved trace is not ours to open"""
    unsaved: int = 0
    """marks and notes that would be lost"""
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _version: int = -1

    @property
    def redacts(self) -> bool:
        return self.shown is not self.trace

    # -- reading

    def start(self) -> None:
        """Begin to read, beside the interface."""
        if self.read is not None and self._thread is None:
            self._thread = threading.Thread(target=self._run, name="reading", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        assert self.read is not None
        sys.setswitchinterval(0.001)  # a key that is pressed must not wait for the reader
        try:
            self.reading = self.read(self.trace, self._told)
        except Exception as error:  # a fault of ours must end the reading, not the interface
            self.fault = f"{type(error).__name__}: {error}"

    def _told(self, progress: Progress) -> None:
        self.progress = progress
        if self._stop.is_set():
            raise KeyboardInterrupt

    def stop(self) -> None:
        """End the reading soon; what was read stays."""
        self._stop.set()

    @property
    def busy(self) -> bool:
        """Still reading or judging."""
        return self._thread is not None and self._thread.is_alive()

    def changed(self) -> bool:
        """Something may have come into the trace since the last call."""
        if self.busy:
            return True
        try:
            version = self.trace.select("PRAGMA data_version")[0][0]
        except sqlite3.Error:
            return False
        before, self._version = self._version, version
        return bool(version != before)

    # -- looking up

    def verdict(self, exchange: str) -> Verdict | None:
        """The verdict on this exchange or handshake, or on the client's side of it, as it may be seen."""
        found = self.trace.verdict_on(exchange) or self.trace.verdict_on(self.deeper.get(exchange, ""))
        if found is None or not self.redacts:
            return found
        redacted: Verdict = self.shown.verdict(found)
        return redacted

    def prose(self, words: str) -> str:
        """A sentence of a verdict, as it may be seen."""
        return str(self.shown.redactor.prose(words)) if self.redacts else words

    def number(self, exchange: str) -> int | None:
        """The row of an exchange, or minus that of the verdict on a refused handshake."""
        found = self.trace.select("SELECT n FROM exchange WHERE id = ?", (exchange,))
        if found:
            return int(found[0][0])
        refused = self.trace.select("SELECT n FROM verdict WHERE id = ?", (exchange,))
        return -int(refused[0][0]) if refused else None

    def guess(self, source: str) -> str:
        """Where the capture of a source may lie: as it was named, beside the trace, or here; empty when it does not."""
        beside = os.path.dirname(self.trace.path or "")
        name = os.path.basename(source)
        if "\0" in source or not name:
            return ""
        places = (source, os.path.join(beside, name), name)
        return next((place for place in places if os.path.isfile(place)), "")

    # -- marks

    def mark(self, exchange: str, mark: str, note: str) -> str | None:
        """Keep mark and note; a sentence when they cannot be kept beyond this run."""
        try:
            if self.saved and self.trace.path is not None:
                with Trace.open(self.trace.path, write=True) as writable:
                    writable.mark(exchange, mark, note)
                return None
            self.trace.mark(exchange, mark, note)
        except (OSError, ValueError, sqlite3.Error) as error:
            return f"the trace cannot be written: {error}"
        self.unsaved += 1
        return None
