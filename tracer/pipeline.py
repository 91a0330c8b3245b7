"""Sources and keys -> trace: the only module that knows the order of the stages.

A stage that fails costs its source, never the others: one boundary per stage turns an exception into a problem of
severity BUG. Problem codes: `source.unreadable`, `source.unknown`, `source.bug`, `keys.unreadable`, `judge.bug`.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from tracer.model.problem import Problem, Severity
from tracer.model.source import Source
from tracer.store.counting import Counting
from tracer.store.trace import Trace

from .opening import Progress, SourceStream, bug, name_of, read_keys, unknown, unused

if TYPE_CHECKING:
    from tracer.capture.packets import Packets
    from tracer.capture.source import Source as Opened
    from tracer.model.verdict import Verdict
    from tracer.tls.unopened import Tally

HEAD = 65536
TOGETHER = 200
"""verdicts that are written at once"""

AUDIT = "modsecurity"
"""kind of a log that holds whole requests"""


@dataclass(slots=True)
class Reading:
    """What came of the sources."""

    trace: Trace
    read: int = 0
    """sources that could be read, at least in part"""
    failed: list[str] = field(default_factory=list)
    """names of those that could not be read at all"""
    logs: list[str | Opened] = field(default_factory=list)
    """paths of servers' logs, and logs that are open already"""
    audits: list[tuple[Opened, str]] = field(default_factory=list)
    """logs that hold whole requests, each with the prefix of its ids"""
    interrupted: bool = False
    tallies: list[Tally] = field(default_factory=list)
    """of each capture: TLS connections that could be opened, and those that could not"""


def read(
    sources: Sequence[str | os.PathLike[str] | BinaryIO],
    *,
    keylogs: Sequence[str] = (),
    logs: Sequence[str] = (),
    progress: Callable[[Progress], None] | None = None,
    judge: bool = True,
    trace: Trace | None = None,
) -> Reading:
    """Every source as one trace, judged. Ctrl-C ends the reading; what was read until then is kept and judged."""
    reading = Reading(trace or Trace(), logs=list(logs))
    if trace is None and len(sources) == 1 and not logs and (saved := saved_alone(sources[0])):
        return Reading(saved, read=1)
    keys = None
    names: set[str] = set()
    try:
        for number, origin in enumerate(sources, 1):
            name = unused(name_of(origin), names)
            opened = _open(origin, name, reading)
            if opened is None:
                continue
            if keys is None:
                # what comes through a pipe may be captured just now, and its keys be logged just now
                keys = read_keys(keylogs, reading.trace, grows=not all(map(_is_file, sources)))
            _read_source(opened, "" if number == 1 else f"s{number}.", reading, keys, progress, frozenset(names))
        _read_audits(reading, progress)
    except KeyboardInterrupt:
        reading.interrupted = True
    if keys is not None and reading.tallies:
        from tracer.tls.unopened import unmatched

        for problem in unmatched(keys, reading.tallies):
            reading.trace.problem(problem)
    reading.trace.flush()
    if judge:
        judge_trace(reading.trace, reading.logs)
    return reading


def _read_audits(reading: Reading, progress: Callable[[Progress], None] | None) -> None:
    """What audit logs tell of requests, where nothing else does: beside a capture they are logs like others."""
    reading.trace.flush()
    if not reading.trace.count("exchange"):
        for opened, prefix in reading.audits:
            _read_values(opened, AUDIT, prefix, reading, None, progress)


def list_capture(
    path: str,
    render: Callable[[Any], str | None],
    write: Callable[[str], None],
    keylogs: Sequence[str],
    progress: Callable[[Progress], None] | None = None,
) -> Reading | None:
    """Give `write` the line that `render` makes of each exchange's row, keeping none; None when it is no capture."""
    reading = Reading(Trace())
    opened = _open(path, path, reading)
    kind = _is_capture(opened) if opened is not None else None
    if opened is None or kind is None:
        return None
    from tracer.capture.capture import Capture
    from tracer.listing_lines import list_lines

    capture, sink = Capture(opened), Counting(reading.trace)
    reading.read = 1

    def told(position: int) -> None:
        if progress:
            progress(Progress(path, position, capture.bytes_total, capture.packets))

    try:
        keys = read_keys(keylogs, reading.trace)
        list_lines(capture, render, write, keys=keys, problem=sink.problem, progress=told)
    except KeyboardInterrupt:
        reading.interrupted = True
    reading.trace.source(Source(name=path, kind=kind, packets=capture.packets, partial=sink.partial, path=opened.path))
    return reading


def judge_trace(trace: Trace, logs: Sequence[str | Opened] = ()) -> None:
    """Add a verdict for every denial in the trace; `logs` of servers are read for what they say of them."""
    partial: set[str] = set()

    def problem(found: Problem) -> None:
        trace.problem(found)
        if found.severity not in (Severity.NOTE, Severity.BUG):
            partial.add(found.source)

    try:
        from tracer.correlate import correlate
        from tracer.correlate.marks import own

        for fault in own()[1]:
            trace.problem(Problem(code="signatures.invalid", severity=Severity.WARN, text=fault, source=""))
        _write(trace, correlate(trace, logs=logs, problem=problem))
    except Exception:
        trace.problem(bug("judge.bug", "", "the denials could not be judged"))
    known = {source.name for source in trace.sources()}
    for log in logs:
        name, path = (log, os.path.abspath(log)) if isinstance(log, str) else (log.name, log.path)
        size = (os.path.getsize(log) if os.path.isfile(log) else None) if isinstance(log, str) else log.total
        if name not in known:
            trace.source(Source(name=name, kind="log", bytes=size, partial=name in partial, path=path))
    trace.flush()


def _write(trace: Trace, verdicts: Iterable[Verdict]) -> None:
    """Many at once; where judging ends at a fault, those that were found until then."""
    found: list[Verdict] = []
    try:
        for verdict in verdicts:
            found.append(verdict)
            if len(found) == TOGETHER:
                trace.verdict(*found)
                found.clear()
    finally:
        trace.verdict(*found)


def _is_file(origin: str | os.PathLike[str] | BinaryIO) -> bool:
    return isinstance(origin, (str, os.PathLike)) and os.path.isfile(origin)


def saved_alone(origin: str | os.PathLike[str] | BinaryIO, growing: bool = False) -> Trace | None:
    """A saved trace that was judged already, opened in place; None for anything else.

    `growing`: one that somebody is writing to as well; whoever writes it judges it.
    """
    if not isinstance(origin, (str, os.PathLike)) or not os.path.isfile(origin):
        return None
    try:
        with open(origin, "rb") as file:
            if file.read(16) != b"SQLite format 3\0":
                return None
        trace = Trace.open(origin)
    except (OSError, ValueError):
        return None
    from tracer.store.trace import Where

    live = any(s.kind == "live" for s in trace.sources())  # judged as it grew, and perhaps growing still
    if live or (growing and os.path.exists(f"{os.fspath(origin)}-wal")):
        return trace
    return trace if trace.count("verdict") or not trace.count("exchange", Where("denied")) else None


def _open(origin: Any, name: str, reading: Reading) -> Opened | None:
    from tracer.capture.source import open_source

    try:
        opened = open_source(origin, name)
        opened.grow(16)
        while opened.ready < HEAD and not opened.done and not _is_capture(opened):
            opened.grow(HEAD)
    except OSError as error:
        _fail(reading, name, "", f"it cannot be read: {error.strerror or error}", "source.unreadable")
        return None
    return opened


def _is_capture(opened: Opened) -> str | None:
    from tracer.capture.capture import sniff

    return sniff(bytes(opened.base[: min(opened.ready, 64)]))


def _fail(reading: Reading, name: str, kind: str, text: str, code: str, size: int | None = None) -> None:
    reading.failed.append(name)
    reading.trace.source(Source(name=name, kind=kind or "unknown", bytes=size, partial=True))
    reading.trace.problem(Problem(code=code, severity=Severity.ERROR, text=text, source=name))


def _read_source(
    opened: Opened,
    prefix: str,
    reading: Reading,
    keys: Any,
    progress: Callable[[Progress], None] | None,
    names: frozenset[str],
) -> None:
    """Find out what it is, and have it read by whoever reads that."""
    from tracer.formats.sniff import kind_of

    head = bytes(opened.base[: min(opened.ready, HEAD)])
    kind = _is_capture(opened) or kind_of(head)
    if kind is None:
        size = opened.position(opened.ready)
        _fail(reading, opened.name, "", unknown(head, opened.problems), "source.unknown", size)
    elif kind == "trace":
        _read_trace(opened, prefix, reading, names)
    elif kind in ("log", AUDIT):
        reading.logs.append(opened)
        reading.read += 1
        if kind == AUDIT:
            reading.audits.append((opened, prefix))
    else:
        _read_values(opened, kind, prefix, reading, keys, progress)


def _read_values(
    opened: Opened, kind: str, prefix: str, reading: Reading, keys: Any, progress: Callable[[Progress], None] | None
) -> None:
    sink = Counting(reading.trace)
    packets: int | None = None
    try:
        if kind in ("pcap", "pcapng"):
            packets = _read_capture(opened, prefix, sink, keys, progress, reading)
        else:
            _read_text(opened, kind, prefix, sink, progress)
    except Exception:
        sink.problem(bug("source.bug", opened.name, "reading stopped at a fault of our own"))
    for problem in opened.problems:
        sink.problem(problem)
    opened.problems.clear()
    if sink.failed and not sink.values and not packets:
        reading.failed.append(opened.name)
    else:
        reading.read += 1
    size = opened.total if opened.total is not None else opened.position(opened.ready)
    reading.trace.source(
        Source(name=opened.name, kind=kind, packets=packets, bytes=size, partial=sink.partial, path=opened.path)
    )


def _read_capture(
    opened: Opened,
    prefix: str,
    sink: Counting,
    keys: Any,
    progress: Callable[[Progress], None] | None,
    reading: Reading,
) -> int:
    from tracer.capture.capture import Capture
    from tracer.capture.pcapng_blocks import KEY_LOG
    from tracer.http.detect import conversation
    from tracer.tls.unopened import Tally, Tallying
    from tracer.transport.reader import read_connections

    capture = Capture(opened)
    base: Any = capture.base
    sink.trace.attach(opened.name, base)
    secrets = 0

    def blocks() -> Iterator[Packets]:
        nonlocal secrets
        for packets in capture.blocks():
            for kind, data in capture.secrets[secrets:]:
                secrets += 1
                if kind == KEY_LOG:
                    keys.add(data, opened.name, given=False)
                    for problem in keys.take_problems():
                        sink.problem(problem)
            for problem in capture.take_problems():
                sink.problem(problem)
            if progress:
                progress(Progress(opened.name, capture.bytes_read, capture.bytes_total, capture.packets))
            yield packets

    tally = Tally()
    reading.tallies.append(tally)
    into = Tallying(sink, tally)
    try:
        read_connections(blocks(), base, into, source=opened.name, converse=conversation, keys=keys, prefix=prefix)
    finally:
        for problem in tally.problems(opened.name, keys):
            sink.problem(problem)
        for problem in capture.take_problems():
            sink.problem(problem)
    return capture.packets


def _read_text(
    opened: Opened, kind: str, prefix: str, sink: Counting, progress: Callable[[Progress], None] | None
) -> None:
    from tracer.formats.outside import reader
    from tracer.transport.conversation import Context

    context = Context(sink=sink, source=opened.name, connection=None, client="", server="", prefix=prefix)
    stream = io.BufferedReader(SourceStream(opened, progress), 1 << 20)
    reader(kind)(cast(BinaryIO, stream), context, sink)


def _read_trace(opened: Opened, prefix: str, reading: Reading, names: frozenset[str]) -> None:
    from tracer.store.merge import merge

    try:
        if opened.path is not None and not opened.spooled:
            other = Trace.open(opened.path)
        else:
            import tempfile

            with tempfile.NamedTemporaryFile(prefix="tracer-") as copy:
                copy.write(SourceStream(opened, None).readall())
                copy.flush()
                other = Trace.open(copy.name)
                merge(reading.trace, other, prefix, names - {opened.name})
                reading.read += 1
                return
        merge(reading.trace, other, prefix, names - {opened.name})
        reading.read += 1
    except (OSError, ValueError) as error:
        _fail(reading, opened.name, "trace", str(error), "source.unreadable", opened.total)
