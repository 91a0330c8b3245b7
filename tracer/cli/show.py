"""`tracer show`: one exchange, or handshake, in full."""

from __future__ import annotations

import sys
from typing import Any

import click

from .filtering import FILTER, matching_ids, matching_rows
from .program import Failure
from .reading import NO_REDACT, USAGE, exit_code, read_sources, reads, shown, stop_if_unreadable, tell


@click.command("show")
@reads
@FILTER
@click.option("--json", "as_json", is_flag=True, help="JSON on standard output: a document; with --filter, one a line.")
@click.option(
    "--body", "limit", default=2000, show_default=True, metavar="N", help="Characters of a body to show; 0: none."
)
@click.option(
    "--ca-file", metavar="F", type=click.Path(), help="Trust the certificates of this PEM file, not the system's."
)
@NO_REDACT
def command(
    sources: tuple[str, ...],
    keylogs: tuple[str, ...],
    wanted: Any,
    as_json: bool,
    limit: int,
    ca_file: str | None,
    no_redact: bool,
    quiet: bool,
    verbose: bool,
) -> int:
    """One exchange in full: the last argument is its id, as `list` and `explain` name it.

    Messages, bodies decoded, timing, connection, TLS handshake and certificates, chain, verdict, packets. With
    --filter instead of an id, every exchange that matches.

    \b
    Examples:
      tracer show capture.pcapng e41
      tracer show session.har --filter '~d shop & ~c 403'
    """
    if len(sources) < 2 and wanted is None:
        raise Failure("give a source and the id of an exchange, such as: tracer show capture.pcapng e41", USAGE)
    *names, name = sources if wanted is None else (*sources, "")
    reading = read_sources(tuple(names), keylogs, quiet)
    stop_if_unreadable(reading, verbose)
    trace = shown(reading.trace, no_redact)
    if wanted is None:
        if trace.exchange(name) is None and trace.handshake(name) is None:
            raise Failure(f"there is no exchange or handshake {name!r}; tracer list shows the ids", USAGE)
        ids = [name]
    else:
        ids = _in_order(reading.trace, wanted)
    if as_json:
        _write_json(trace, ids, lines=wanted is not None)
    else:
        _print(trace, ids, limit, _trusted(ca_file))
    sys.stdout.flush()
    tell(reading, quiet, verbose)
    return exit_code(reading)


def _in_order(trace: Any, wanted: Any) -> list[str]:
    """Ids that match: exchanges in time order, then refused handshakes."""
    exchanges = [row.id for row in matching_rows(trace, wanted)]
    return exchanges + sorted((matching_ids(trace, wanted) or frozenset()).difference(exchanges))


def _print(trace: Any, ids: list[str], limit: int, trusted: bytes | None) -> None:
    from tracer.views.show import show

    from .terminal import style, width

    verdicts = list(trace.verdicts())
    for number, name in enumerate(ids):
        exchange = trace.exchange(name)
        handshake = trace.handshake(name) if exchange is None else None
        verdict = _verdict_on(verdicts, name)
        if number:
            print()
        for line in show(trace, exchange, handshake, verdict, style(), width(), limit, trusted):
            print(line)


def _verdict_on(verdicts: list[Any], name: str) -> Any:
    return next((v for v in verdicts if v.exchange == name or name in v.seen_at), None)


def _write_json(trace: Any, ids: list[str], lines: bool) -> None:
    import msgspec

    from tracer.formats.writing import to_json

    verdicts = list(trace.verdicts())
    for name in ids:
        document = to_json(_document(trace, name, _verdict_on(verdicts, name)))
        sys.stdout.buffer.write((document if lines else msgspec.json.format(document, indent=1)) + b"\n")


def _document(trace: Any, name: str, verdict: Any) -> dict[str, Any]:
    import msgspec

    from tracer.formats import json_values as values

    exchange = trace.exchange(name)
    handshake = trace.handshake(name) if exchange is None else None
    tls = handshake or (trace.handshake(exchange.tls) if exchange and exchange.tls else None)
    of = exchange or handshake
    connection = trace.connection(of.connection) if of and of.connection else None
    return {
        "exchange": values.exchange_value(trace, exchange, 64 << 20) if exchange else None,
        "tls": values.handshake_value(tls) if tls else None,
        "connection": msgspec.to_builtins(connection) if connection else None,
        "verdict": values.verdict_value(verdict) if verdict else None,
    }


def _trusted(ca_file: str | None) -> bytes | None:
    """The roots to trust in PEM: of the file given, else of the system, None where it has none."""
    import ssl
    from pathlib import Path

    path = ca_file or ssl.get_default_verify_paths().cafile
    try:
        return Path(path).read_bytes() if path else None
    except OSError as error:
        if ca_file:
            raise Failure(f"{ca_file} cannot be read: {error.strerror or error}", USAGE) from error
        return None
