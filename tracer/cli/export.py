"""`tracer export`: the trace in another format."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import click

from tracer.formats.output import RefusedError, check, write_file
from tracer.formats.writers import NAMES, by_ending, by_name, load

from .filtering import FILTER, matching_ids
from .program import Failure
from .reading import NO_REDACT, USAGE, exit_code, read_sources, reads, shown, stop_if_unreadable, tell


@click.command("export")
@reads
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="FILE",
    help="Where to write; - is standard output, http://… an OpenTelemetry collector.",
)
@click.option("--format", "form", type=click.Choice(NAMES), help="The format; else by FILE's ending.")
@FILTER
@click.option("--force", is_flag=True, help="Replace FILE when it is there.")
@click.option("--secrets", is_flag=True, help="With --no-redact: put the chosen conversations' TLS keys into a pcapng.")
@NO_REDACT
def command(
    sources: tuple[str, ...],
    keylogs: tuple[str, ...],
    output: str,
    form: str | None,
    wanted: Any,
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
      tracer export capture.pcapng -o http://127.0.0.1:4318 --filter '~denied'
    """
    collector = _collector(output, form)
    writer = by_name("otlp-protobuf") if collector else _writer(output, form)
    write = _loaded(writer)
    if not collector:
        _check(output, force)
    if secrets and not (no_redact and writer.name == "pcapng"):
        raise Failure("--secrets is for pcapng with --no-redact: packets made of redacted values need no keys", USAGE)
    reading = read_sources(sources, keylogs, quiet)
    stop_if_unreadable(reading, verbose)
    trace = shown(reading.trace, no_redact)
    options = _options(reading.trace, wanted, keylogs if secrets else None)
    if collector is not None:
        _send(collector, trace, options, quiet)
    else:
        _to_file(output, write, trace, options)
    tell(reading, quiet, verbose)
    if not no_redact and not quiet:
        _report(trace.redactor.marks)
    return exit_code(reading)


def _writer(output: str, form: str | None) -> Any:
    writer = by_name(form) if form else by_ending(output)
    if writer is None:
        raise Failure(f"the format of {output!r} is not known by its ending: give --format ({', '.join(NAMES)})", USAGE)
    return writer


def _loaded(writer: Any) -> Any:
    try:
        return load(writer)
    except ImportError as error:
        raise Failure(f"writing {writer.name} needs {error.name}: tracer doctor tells how to get it", USAGE) from None


def _collector(output: str, form: str | None) -> str | None:
    """The URL to send spans to, when the output is one."""
    if not output.lower().startswith(("http://", "https://")):
        return None
    from tracer.formats.otlp_http import endpoint

    if form not in (None, "otlp", "otlp-protobuf"):
        raise Failure(f"only otlp goes to a collector; to write {form}, name a file", USAGE)
    try:
        return endpoint(output)
    except ValueError as error:
        raise Failure(str(error), USAGE) from None


def _send(url: str, trace: Any, options: Any, quiet: bool) -> None:
    from tracer.formats.otlp_http import CollectorError, fields, send
    from tracer.views.safe import safe

    from .terminal import say

    try:
        sent = send(trace, url, options, fields(os.environ))
    except CollectorError as error:
        raise Failure(f"{url}: {error}", USAGE) from None
    if not quiet:
        say(f"tracer: {sent.spans} spans sent to {safe(url)}")
    if sent.rejected or sent.message:
        say(f"tracer: warning: the collector left out {sent.rejected} spans: {safe(sent.message)}")


def _to_file(output: str, write: Any, trace: Any, options: Any) -> None:
    try:
        _write(output, lambda out: write(trace, out, options))
    except BrokenPipeError:
        raise
    except OSError as error:
        raise Failure(f"{output}: it cannot be written: {error.strerror or error}", USAGE) from error


def _options(trace: Any, wanted: Any, keylogs: tuple[str, ...] | None) -> Any:
    from tracer import __version__
    from tracer.formats.writing import Options

    only = matching_ids(trace, wanted)
    secrets = None if keylogs is None else tuple(map(_key_log, (*keylogs, os.environ.get("SSLKEYLOGFILE", ""))))
    return Options(only=only, version=__version__, made_ns=time.time_ns(), secrets=secrets)


def _key_log(path: str) -> bytes:
    """The key log's text; empty where it cannot be read, which reading has told already."""
    try:
        return Path(path).read_bytes() if path else b""
    except OSError:
        return b""


def _check(output: str, force: bool) -> None:
    """Refuse before the work rather than after it."""
    if output == "-":
        return
    try:
        check(output, force)
    except RefusedError as error:
        hint = "; --force replaces it" if os.path.isfile(output) else ""
        raise Failure(f"{error}{hint}", USAGE) from None


def _write(output: str, write: Any) -> None:
    """To standard output, or to a file of its own."""
    if output == "-":
        write(sys.stdout.buffer)
        sys.stdout.buffer.flush()
    else:
        write_file(output, write)


def _report(marks: Any) -> None:
    """What was redacted, on standard error: how many secrets of each kind, and where they stood."""
    from tracer.views.safe import safe

    from .terminal import say

    if marks.counts:
        say(f"tracer: redacted {marks.counts.total()} secrets:")
    for kind, count in marks.counts.most_common():
        places = list(marks.places.get(kind, ()))
        more = f" and {len(places) - 4} more places" if len(places) > 4 else ""
        say(f"  {count:>5} {kind:<12} in {safe(', '.join(places[:4]))}{more}")
