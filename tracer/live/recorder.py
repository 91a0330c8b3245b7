"""The recorder: takes the journal into the trace, judges what was denied, deletes what is safe.

It runs in a process of its own, beside the proxy. When it is killed, or the disk is full, the journal waits; `recover`
takes up what is left. Problem codes: `live.broken` (a record that cannot be read), `live.cut` (the recording ended
without a word), `live.bug`.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from tracer.model.problem import Problem, Severity
from tracer.model.source import Source
from tracer.model.verdict import Verdict
from tracer.opening import bug
from tracer.store.trace import Trace

from .conversion import NAME, Conversion
from .journal import Reader, folder_of, segments
from .judging import Judge
from .records import End, Listening, Note, Ready, Record

_PAUSE_FEW, _PAUSE_MANY, _MANY = 0.1, 0.3, 20
"""seconds between two looks at the journal: longer where so many records came, which then go in one transaction"""
RETRY = 1.0
"""seconds after which a disk that was full is tried again"""
_TRIES, _PAUSE = 20, 0.05
"""how often the lock is tried, and seconds between"""
_MENTIONED = 20
_UNBORN = 4096
"""bytes that a trace file has at most before its tables are there: one page"""


class Recorder:
    """Takes what is new with every `step`; `tell` hears each verdict when it is known, `say` what went wrong.

    With `most`, the trace holds about so many exchanges, the latest ones. `lock` is what `hold` gave.
    """

    def __init__(
        self,
        trace: Trace,
        folder: Path,
        tell: Callable[[Verdict], None] = lambda _: None,
        say: Callable[[str], None] = lambda _: None,
        most: int | None = None,
        lock: Any = None,
    ) -> None:
        self.trace = trace
        self._most = most
        self.ready: tuple[Listening, ...] | None = None
        """the servers of the proxy, once they run"""
        self.ended = False
        """the proxy said that nothing follows"""
        self._folder = folder
        self._lock = lock or hold(folder)
        self._reader = Reader(folder)
        self._conversion = Conversion(trace, trace.exchange)
        self._judge = Judge(trace, tell)
        self._say = say
        self._batch: list[Record] = []
        self._retry = 0.0
        self.pause = _PAUSE_FEW
        """seconds to wait before the next step"""
        self._partial = self._stuck = False
        self._notes = 0
        self._source()

    def step(self) -> bool:
        """Take what was appended since; True when there may be more already.

        Called with a `pause` rather than without: what came in between goes in one transaction.
        """
        if self._stuck and time.monotonic() < self._retry:
            return False
        if not self._batch:
            self._batch = list(self._reader.take())
        found = bool(self._batch)
        self.pause = _PAUSE_MANY if len(self._batch) >= _MANY else _PAUSE_FEW
        try:
            if found:
                for record in self._batch:
                    self._take(record)
                self._conversion.settle()
                self.trace.flush()
            self._judge.work()
            self.trace.flush()
            if self._most is not None and found:
                self.trace.prune(self._most)
        except sqlite3.Error as error:
            self._full(error)
            return False
        if self._stuck:
            self._stuck = False
            self._say("the disk takes the trace again; nothing was lost meanwhile")
        self._batch = []
        self._reader.forget()
        return self._reader.more

    def finish(self, patience: float = 10.0) -> None:
        """Take all that is left, judge it, and close the journal; the trace stays open."""
        until = time.monotonic() + patience
        while self.step() or (self._stuck and time.monotonic() < until):
            time.sleep(0.05 if self._stuck else 0)
        try:
            self._judge.work(final=True)
            if not self.ended:
                text = "the recording ended without a word: what was under way then is missing"
                self.trace.problem(Problem(code="live.cut", severity=Severity.NOTE, text=text, source=NAME))
            self._source()
            self.trace.flush()
        except sqlite3.Error as error:
            self._full(error)
        self._lock.close()
        if not self._stuck and not self._batch:
            shutil.rmtree(self._folder, ignore_errors=True)
        else:
            self._say(f"what does not fit waits in {self._folder}: with more room, tracer open takes it into the trace")

    def _take(self, record: Record) -> None:
        if isinstance(record, Ready):
            self.ready = record.servers
        elif isinstance(record, End):
            self.ended = True
            if record.lost:
                self._mention(Note("live.lost", f"{record.lost} of {record.count} exchanges could not be recorded"))
        elif isinstance(record, Note):
            self._notes += 1
            if self._notes <= _MENTIONED:
                self._mention(record)
            self._partial = self._partial or record.warn
        else:
            try:
                exchange = self._conversion.take(record)
            except sqlite3.Error:
                raise
            except Exception:  # one record costs itself
                self._partial = True
                self.trace.problem(bug("live.bug", NAME, "a record could not be taken into the trace"))
                return
            if exchange is not None:
                self._judge.consider(exchange)

    def _mention(self, note: Note) -> None:
        self._partial = self._partial or note.warn
        self._conversion.take(note)
        self._say(note.text)

    def _full(self, error: sqlite3.Error) -> None:
        self._retry = time.monotonic() + RETRY
        self.trace.let_go()  # the batch is taken again, and must not be there twice
        if not self._stuck:
            self._stuck = True
            self._say(f"the trace cannot be written ({error}); what happens is kept in {self._folder} until it can")

    def _source(self) -> None:
        if self._reader.broken:
            text = f"{self._reader.broken} records of the journal cannot be read"
            self.trace.problem(Problem(code="live.broken", severity=Severity.WARN, text=text, source=NAME))
        partial = self._partial or bool(self._reader.broken)
        self.trace.source(Source(name=NAME, kind="live", partial=partial, path=None))
        self.trace.flush()


def stand_back() -> None:
    """The thread that records leaves the processor to the proxy when both want it at once."""
    if hasattr(os, "SCHED_BATCH"):
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


class Busy(OSError):  # noqa: N818
    """Another process records into this trace."""


def hold(folder: Path) -> Any:
    """The lock that is held as long as somebody records, taken before there is a trace.

    Two who begin at once, a recorder and who takes in what a killed proxy left, would each make a trace, and one of
    them would be lost. One who only looks (`growing`) holds it for a moment: hence the tries. Raises Busy.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    file = open(folder / "recorder.lock", "ab")  # noqa: SIM115
    for _ in range(_TRIES):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            time.sleep(_PAUSE)
        else:
            return file
    file.close()
    raise Busy(f"{folder}: another process records into this trace")


def growing(trace: str | os.PathLike[str]) -> bool:
    """Somebody records into this trace file at the moment."""
    try:
        with open(folder_of(trace) / "recorder.lock", "ab") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:  # no recording, or one that has not begun
        return False
    except OSError:
        return True
    return False


def recover(trace: str | os.PathLike[str]) -> bool:
    """Take what a killed recording left beside this trace file into it; whether there was anything."""
    folder = folder_of(trace)
    if not folder.is_dir() or not (segments(folder) or (folder / "recorder.lock").exists()):
        return False
    if growing(trace):
        return False
    try:
        lock = hold(folder)
    except Busy:  # a recorder that had only started takes it in itself
        return False
    with _opened(trace) as opened:
        Recorder(opened, folder, lock=lock).finish()
    return True


def _opened(path: str | os.PathLike[str]) -> Trace:
    """The trace for writing; a new one where the recorder was killed before there was one."""
    try:
        return Trace.open(path, write=True)
    except FileNotFoundError:
        pass
    except ValueError:
        if os.path.getsize(path) > _UNBORN:
            raise
    for ending in ("", "-wal", "-shm"):
        Path(f"{os.fspath(path)}{ending}").unlink(missing_ok=True)
    return Trace(path)
