"""Opening logs: plain, gzip or zstd, from a path. Returns the entries that can belong to a denial.

Problem codes: `log.unreadable`, `log.unknown`, `log.empty`, `log.lines`, `log.long-lines`, `log.full`, and those of
`capture.source` for damaged compression.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tracer.capture.source import Source, open_source
from tracer.model.log import LogLine
from tracer.model.problem import Problem, Severity

from .dispatch import Lines

LONGEST = 64 * 1024
"""bytes of a line that are read; what comes behind is skipped"""
ENDLESS = 64 << 20
"""bytes without an end of line after which the rest is not read"""
CLIENTS = 1000
MOST = 100_000
"""entries kept of one log"""
PATIENCE = 2000
"""lines without any known form before the file is taken for something else"""
CHANCE = 20
"""so many times more lines in no known form than others, and none of a denial: those others were chance"""
DENIALS = frozenset({400, 401, 403, 405, 406, 407, 421, 429, 451, 495, 496, 503, 511})
_MAY_DENY = re.compile(rb"(?<!\d)(?:40[013567]|421|429|451|49[56]|503|511)(?!\d)")
_PIECE = 1 << 20


@dataclass(slots=True)
class Log:
    """What one log told."""

    name: str
    entries: list[LogLine] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    count: int = 0
    """lines in it"""
    first_ns: int | None = None
    last_ns: int | None = None
    example: LogLine | None = None
    """an entry with a status, whatever it is"""
    clients: set[str] = field(default_factory=set)
    """some of the addresses that were answered"""
    program: str = ""
    size: int | None = None
    """bytes of the file"""

    def problem(self, code: str, severity: Severity, text: str) -> None:
        self.problems.append(Problem(code=code, severity=severity, text=text, source=self.name))


def read_log(origin: str | Source, wanted: Callable[[LogLine], bool] = lambda _: True) -> Log:
    """The log at a path, or one that is open; of its entries those that can belong to a denial and are `wanted`."""
    log = Log(origin if isinstance(origin, str) else origin.name)
    try:
        opened = open_source(origin) if isinstance(origin, str) else origin
    except OSError as error:
        log.problem("log.unreadable", Severity.ERROR, f"the log cannot be read: {error.strerror or error}")
        return log
    log.size = opened.total
    _read(opened, log, wanted)
    log.problems += opened.problems
    return log


def _read(opened: Source, log: Log, wanted: Callable[[LogLine], bool]) -> None:
    lines, last, long, skipped = Lines(), b"", 0, 0
    for log.count, (raw, cut) in enumerate(_lines(opened), 1):
        long += cut
        if log.count > 100 and lines.steady and not _MAY_DENY.search(raw):
            last = raw
            skipped += 1
            continue
        last = b""
        for entry in lines.feed(_text(raw, first=log.count == 1), log.count):
            _keep(entry, log, wanted)
        if lines.unread > PATIENCE and not lines.read:
            break
    for entry in [*(lines.feed(_text(last, first=False), log.count) if last else ()), *lines.end()]:
        _keep(entry, log, wanted)
    log.program = lines.program
    _problems(log, lines, long, skipped)


def _text(raw: bytes, *, first: bool) -> str:
    text = raw.decode("utf-8", "replace")
    return text.removeprefix("\ufeff") if first else text


def _keep(entry: LogLine, log: Log, wanted: Callable[[LogLine], bool]) -> None:
    if entry.time_ns is not None:
        log.first_ns = entry.time_ns if log.first_ns is None else min(log.first_ns, entry.time_ns)
        log.last_ns = entry.time_ns if log.last_ns is None else max(log.last_ns, entry.time_ns)
    if entry.status is not None:
        log.example = log.example or entry
        if entry.client and len(log.clients) < CLIENTS:
            log.clients.add(entry.client)
    if len(log.entries) < MOST and may_deny(entry) and wanted(entry):
        from msgspec.structs import replace

        log.entries.append(replace(entry, source=log.name))
        if len(log.entries) == MOST:
            text = f"more than {MOST} entries can belong to denials; those behind line {entry.number} are not looked at"
            log.problem("log.full", Severity.WARN, text)


def may_deny(entry: LogLine) -> bool:
    """The entry can belong to a denial: by its status, or because a server says something in words."""
    if entry.status in DENIALS or entry.upstream_status in DENIALS:
        return True
    return bool(entry.message) and (entry.status is None or ("action", "deny") in entry.facts)


def _problems(log: Log, lines: Lines, long: int, skipped: int) -> None:
    if long:
        log.problem(
            "log.long-lines",
            Severity.NOTE,
            f"{long} lines are longer than {LONGEST // 1024} KiB; their ends are not read",
        )
    if not log.count:
        log.problem("log.empty", Severity.NOTE, "the log is empty")
    if not lines.unread:
        return
    if not lines.read or (not log.entries and lines.unread > CHANCE * lines.read):
        text = f"none of the first {lines.unread} lines has the form of a known log"
        log.problem("log.unknown", Severity.ERROR, text)
        return
    most = lines.unread > lines.read + skipped
    text = f"{lines.unread} of {log.count} lines have no known form; the first is line {lines.first_unread}"
    log.problem("log.lines", Severity.WARN if most else Severity.NOTE, text)


def _lines(opened: Source) -> Iterator[tuple[bytes, bool]]:
    """(line without its end, whether it was cut)."""
    at = 0
    while True:
        end = opened.base.find(b"\n", at, min(opened.ready, at + LONGEST))
        if end >= 0:
            yield bytes(opened.base[at:end]), False
            at = end + 1
        elif opened.ready - at >= LONGEST:
            yield bytes(opened.base[at : at + LONGEST]), True
            behind = _next(opened, at + LONGEST)
            if behind is None:
                return
            at = behind
        elif not opened.done:
            opened.grow(opened.ready + _PIECE)
        else:
            if at < opened.ready:
                yield bytes(opened.base[at : opened.ready]), False
            return


def _next(opened: Source, at: int) -> int | None:
    """Where the line ends that is too long; None when it does not end within reason."""
    most = at + ENDLESS
    while at < most:
        end = opened.base.find(b"\n", at, min(opened.ready, most))
        if end >= 0:
            return end + 1
        at = min(opened.ready, most)
        if opened.done and at == opened.ready:
            return at
        opened.grow(at + _PIECE)
    return None
