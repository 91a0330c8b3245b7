"""`tracer export`: the trace in another format."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import click

from tracer.formats.writers import NAMES, by_ending, by_name, load

from .list import _filter
from .program import Failure
from .reading import NO_REDACT, USAGE, exit_code, read_sources, reads, shown, stop_if_unreadable, tell


@click.command("export")
@reads
@click.option("-o", "--output", required=True, metavar="FILE", help="Where to write; - is standard output.")
@click.option("--format", "form", type=click.Choice(NAMES), help="The format; else by FILE's ending.")
@click.option("--filter", "expression", metavar="EXPR", help="Only exchanges that match this filter.")
@click.option("--force", is_flag=True, help="Replace FILE when it is there.")
@click.option("--secrets", is_flag=True, help="Put the TLS keys into the file where the format can (pcapng).")
@NO_REDACT
def command(
    sources: tuple[str, ...],
    keylogs: tuple[str, ...],
    output: str,
    form: str | None,
    expression: str | None,
    force: bool,
    secrets: bool,
    no_redact: bool,
    quiet: bool,
    verbose: bool,
) -> int:
    """Write what is in the sources as json, jsonl, har, html, md, pcapng, mitm, curl, otlp, parquet or trace.

    Secrets are redacted unless --no-redact is given; the file is readable by its owner only.

    \b
    Examples:
      tracer export capture.pcapng -o session.har --keylog keys.log
      tracer export capture.pcapng -o - --format jsonl | jq .
    """
    writer = by_name(form) if form else by_ending(output)
    if writer is None:
        raise Failure(f"the format of {output!r} is not known by its ending: give --format ({', '.join(NAMES)})", USAGE)
    try:
        write = load(writer)
    except ImportError as error:
        raise Failure(f"writing {writer.name} needs {error.name}: tracer doctor tells how to get it", USAGE) from None
    wanted = _filter(expression)
    _check(output, force)
    reading = read_sources(sources, keylogs, quiet)
    stop_if_unreadable(reading, verbose)
    trace = shown(reading.trace, no_redact)
    options = _options(reading.trace, wanted, keylogs if secrets else ())
    try:
        _write(output, lambda out: write(trace, out, options))
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        raise Failure(f"{output}: it cannot be written: {error.strerror or error}", USAGE) from error
    tell(reading, quiet, verbose)
    if not no_redact and not quiet:
        _report(trace.redactor.report)
    return exit_code(reading)


def _options(trace: Any, wanted: Any, keylogs: tuple[str, ...]) -> Any:
    from tracer import __version__
    from tracer.formats.writing import Options

    from .list import _rows

    only = frozenset(row.id for row in _rows(trace, wanted)) if wanted is not None else None
    secrets = tuple(Path(path).read_bytes() for path in keylogs)
    return Options(only=only, version=__version__, made_ns=time.time_ns(), secrets=secrets)


def _check(output: str, force: bool) -> None:
    """Refuse before the work rather than after it."""
    if output == "-":
        return
    if os.path.isdir(output) or not os.path.isdir(os.path.dirname(os.path.abspath(output))):
        raise Failure(f"{output}: there is no such folder, or it is a folder", USAGE)
    if os.path.exists(output) and not force and os.path.isfile(output):
        raise Failure(f"{output}: the file is there already; --force replaces it", USAGE)


def _write(output: str, write: Any) -> None:
    """To standard output, or to a private file that is put in place when it is whole."""
    if output == "-":
        write(sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return
    if os.path.exists(output) and not os.path.isfile(output):  # a device or a pipe
        with open(output, "wb") as device:
            write(device)
        return
    target = os.path.realpath(output)
    handle, name = tempfile.mkstemp(prefix=".tracer-", dir=os.path.dirname(target))
    try:
        with os.fdopen(handle, "wb", buffering=1 << 16) as out:
            write(out)
        os.replace(name, target)
    except BaseException:
        os.unlink(name)
        raise


def _report(counts: Any) -> None:
    from .terminal import say

    if counts:
        what = ", ".join(f"{n} {kind}" for kind, n in counts.most_common())
        say(f"tracer: redacted: {what}")
