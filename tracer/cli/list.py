"""`tracer list`: exchanges, one line each."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

import click

from .filtering import FILTER, by_row, matching_rows, needs_verdicts, row_subject
from .reading import NO_REDACT, exit_code, read_sources, reads, shown, stop_if_unreadable, tell


@click.command("list")
@reads
@FILTER
@click.option("--format", "form", type=click.Choice(["table", "tsv", "json"]), help="table on a terminal, else tsv.")
@NO_REDACT
def command(
    sources: tuple[str, ...],
    keylogs: tuple[str, ...],
    wanted: Any,
    form: str | None,
    no_redact: bool,
    quiet: bool,
    verbose: bool,
) -> int:
    """Exchanges, one line each, in time order.

    \b
    Examples:
      tracer list capture.pcap --filter '~c 403'
      tracer list session.har --filter '~d example.org & !~m GET' --format json
    """
    form = form or ("table" if sys.stdout.isatty() else "tsv")
    fast = form == "tsv" and len(sources) == 1 and os.path.isfile(sources[0]) and by_row(wanted)
    if fast:
        reading = _list_fast(sources[0], keylogs, wanted, no_redact, quiet)
        if reading is not None:
            tell(reading, quiet, verbose)
            return exit_code(reading)
    reading = read_sources(sources, keylogs, quiet, judge=needs_verdicts(wanted))
    stop_if_unreadable(reading, verbose)
    trace = shown(reading.trace, no_redact, warned=fast)
    rows = matching_rows(reading.trace, wanted)
    if form == "json":
        _write_json(trace, rows)
    else:
        from tracer.views.listing import table, tsv

        from .terminal import style, width

        clean = (lambda url: url) if no_redact else trace.redactor.url_alone
        for line in table(rows, clean, style(), width()) if form == "table" else tsv(rows, clean):
            print(line)
    sys.stdout.flush()
    tell(reading, quiet, verbose)
    return exit_code(reading)


def _list_fast(source: str, keylogs: tuple[str, ...], wanted: Any, no_redact: bool, quiet: bool) -> Any:
    """Print the rows of a capture as they are found; None when the source is no capture."""
    # numpy would start a thread a core, and wait for it, for algebra that nobody does here
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from tracer.pipeline import list_capture
    from tracer.views.listing import head, line

    from .terminal import ProgressBar

    redact = shown(None, no_redact)
    clean = (lambda url: url) if no_redact else redact.redactor.url_alone
    bar = ProgressBar(quiet)
    begun = False

    def render(row: Any) -> str | None:
        return line(row, clean) if wanted is None or wanted.matches(row_subject(row)) else None

    def write(text: str) -> None:
        nonlocal begun
        if not begun:
            begun = True
            bar.done()
            print(head())
        print(text)

    reading = list_capture(source, render, write, keylogs, bar)
    bar.done()
    if reading is not None and not begun:
        print(head())
    sys.stdout.flush()
    return reading


def _write_json(trace: Any, rows: Iterator[Any]) -> None:
    from tracer.formats.json_values import exchange_value
    from tracer.formats.writing import to_json

    out = sys.stdout.buffer
    separator = b"["
    for row in rows:
        exchange = trace.exchange(row.id)
        out.write(separator + b"\n" + to_json(exchange_value(trace, exchange, 64 << 20)))
        separator = b","
    out.write(b"[]\n" if separator == b"[" else b"\n]\n")
