"""Rows of a listing, and a spool that sorts any number of them."""

from __future__ import annotations

import marshal
import tempfile
from collections.abc import Iterator
from heapq import merge
from typing import IO

from tracer.model.http import Exchange
from tracer.model.row import Row


def row_of(exchange: Exchange) -> Row:
    """The row of an exchange."""
    request, response, timing = exchange.request, exchange.response, exchange.timing
    first = request or response or (exchange.interim[0] if exchange.interim else None)
    start = timing.start_ns if timing.start_ns is not None else timing.response_start_ns
    return Row(
        start_ns=start or 0,
        order=(first.packet if first else None) or 0,
        id=exchange.id,
        protocol=exchange.protocol,
        client=exchange.client or "",
        server=exchange.server or "",
        method=request.method if request else None,
        authority=(request.get("host") or request.authority or "") if request else "",
        target=request.target if request else None,
        url=request.url if request else None,
        status=response.status if response else None,
        reason=response.reason if response else "",
        content_type=(response.get("content-type") or "") if response else "",
        request_size=request.body.size if request else None,
        response_size=response.body.size if response else None,
        request_end_ns=timing.request_end_ns,
        response_start_ns=timing.response_start_ns,
        end_ns=timing.end_ns,
        tls=exchange.tls,
    )


class Spool:
    """Rows in the order of their start, whatever their number: sorted runs in a temporary file, merged at the end."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.runs: list[list[tuple[int, int]]] = []
        """per run its pieces in the file: (offset, length)"""
        self.file: IO[bytes] | None = None

    def add(self, row: Row) -> None:
        """Take one more."""
        self.rows.append(row)

    def spill(self) -> None:
        """Write what is in memory as one run."""
        if self.file is None:
            self.file = tempfile.TemporaryFile()  # noqa: SIM115
        self.rows.sort()
        pieces = []
        for i in range(0, len(self.rows), 1024):
            data = marshal.dumps([tuple(r) for r in self.rows[i : i + 1024]])
            pieces.append((self.file.tell(), len(data)))
            self.file.write(data)
        self.runs.append(pieces)
        self.rows.clear()

    def sorted(self) -> Iterator[Row]:
        """All of them."""
        self.rows.sort()
        if not self.runs:
            yield from self.rows
            return
        yield from merge(*(self._run(run) for run in self.runs), self.rows)

    def _run(self, pieces: list[tuple[int, int]]) -> Iterator[Row]:
        assert self.file is not None
        for offset, length in pieces:
            self.file.seek(offset)
            yield from map(Row._make, marshal.loads(self.file.read(length)))
