"""Rows as lines of text, by two processes where a capture is large enough to be worth it.

Both walk and decode every block, which is cheap; each reads the connections whose hash is its own, and writes its
lines in order to a temporary file. The parent merges the two. What is told is the same as by one process.
"""

from __future__ import annotations

import marshal
import os
import tempfile
import traceback
from collections.abc import Callable, Iterator
from heapq import merge
from typing import IO, Any

import msgspec

from tracer.capture.capture import Capture
from tracer.model.problem import Problem, Severity
from tracer.model.row import Row
from tracer.tls.unopened import Tally, unmatched

from .listing import list_rows
from .listing_whole import load

LARGE = 64 << 20
"""bytes of capture from which a second process pays"""
PIECE = 2048
Line = tuple[int, int, str, str]
"""start, packet and id to merge by; the text"""


class _Told(msgspec.Struct):
    """What the second process tells beside its lines."""

    problems: list[Problem] = []
    tally: dict[str, Any] | None = None


def list_lines(
    capture: Capture,
    render: Callable[[Row], str | None],
    write: Callable[[str], None],
    *,
    keys: Any,
    problem: Callable[[Problem], None],
    progress: Callable[[int], None] | None = None,
    workers: int | None = None,
) -> None:
    """Give `write` a line for every exchange that `render` makes one of, in the order of their start."""
    tally = Tally()
    try:
        if (workers or _workers(capture)) < 2:
            list_rows(capture, _writer(render, write), keys=keys, problem=problem, progress=progress, tally=tally)
        else:
            _list_by_two(capture, render, write, keys, problem, progress, tally)
    finally:
        for found in (*tally.problems(capture.name, keys), *unmatched(keys, [tally])):
            problem(found)


def _list_by_two(
    capture: Capture,
    render: Callable[[Row], str | None],
    write: Callable[[str], None],
    keys: Any,
    problem: Callable[[Problem], None],
    progress: Callable[[int], None] | None,
    tally: Tally,
) -> None:
    if len(keys):
        load()  # else both would
    with tempfile.TemporaryFile() as mine, tempfile.TemporaryFile() as other, tempfile.TemporaryFile() as told:
        child = os.fork()
        if child == 0:
            _work(capture, render, other, told, keys)
        interrupted = False
        try:
            _spool(capture, render, mine, (0, 2), keys, problem, progress, tally)
        except KeyboardInterrupt:
            interrupted = True
        _, status = os.waitpid(child, 0)
        told.seek(0)
        more = msgspec.msgpack.decode(told.read() or b"\x80", type=_Told)
        for found in more.problems:
            problem(found)
        if more.tally is not None:
            tally.join(more.tally, keys)
        if status:
            text = f"the second process ended with status {status}: half of the connections may be missing"
            problem(Problem(code="list.worker", severity=Severity.ERROR, text=text, source=capture.name))
        for _, _, _, text in merge(_lines(mine), _lines(other)):
            write(text)
    if interrupted:
        raise KeyboardInterrupt


def _workers(capture: Capture) -> int:
    """Two where processes can be forked, two cores are there, and the file is large and plain."""
    large = not capture.source.spooled and (capture.bytes_total or 0) >= LARGE
    return 2 if large and hasattr(os, "fork") and (os.cpu_count() or 1) > 1 else 1


def _writer(render: Callable[[Row], str | None], write: Callable[[str], None]) -> Callable[[Row], None]:
    def for_row(row: Row) -> None:
        text = render(row)
        if text is not None:
            write(text)

    return for_row


def _work(capture: Capture, render: Callable[[Row], str | None], file: IO[bytes], told: IO[bytes], keys: Any) -> None:
    """The second process: its share of the connections, then the end of it, whatever happens."""
    problems: list[Problem] = []
    tally = Tally()
    code = 0
    try:
        _spool(capture, render, file, (1, 2), keys, problems.append, None, tally)
    except KeyboardInterrupt:
        pass
    except BaseException:
        text = f"listing stopped at a fault of our own: {traceback.format_exc()}"
        problems.append(Problem(code="source.bug", severity=Severity.BUG, text=text, source=capture.name))
        code = 1
    try:
        told.write(msgspec.msgpack.encode(_Told(problems, tally.state(keys))))
        told.flush()
    finally:
        os._exit(code)


def _spool(
    capture: Capture,
    render: Callable[[Row], str | None],
    file: IO[bytes],
    shard: tuple[int, int],
    keys: Any,
    problem: Callable[[Problem], None],
    progress: Callable[[int], None] | None,
    tally: Tally,
) -> None:
    """Write the lines of one share to `file`, in order, in pieces."""
    piece: list[Line] = []

    def write(row: Row) -> None:
        text = render(row)
        if text is not None:
            piece.append((row.start_ns, row.order, row.id, text))
            if len(piece) >= PIECE:
                flush()

    def flush() -> None:
        data = marshal.dumps(piece)
        file.write(len(data).to_bytes(8) + data)
        piece.clear()

    try:
        list_rows(capture, write, keys=keys, problem=problem, progress=progress, shard=shard, tally=tally)
    finally:
        flush()
        file.flush()


def _lines(file: IO[bytes]) -> Iterator[Line]:
    file.seek(0)
    while size := file.read(8):
        yield from marshal.loads(file.read(int.from_bytes(size)))
