"""`tracer show`: one exchange, or handshake, in full."""

from __future__ import annotations

import sys

import click

from .program import Failure
from .reading import NO_REDACT, USAGE, exit_code, read_sources, reads, shown, stop_if_unreadable, tell


@click.command("show")
@reads
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
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
    as_json: bool,
    limit: int,
    ca_file: str | None,
    no_redact: bool,
    quiet: bool,
    verbose: bool,
) -> int:
    """One exchange in full: the last argument is its id, as `list` and `explain` name it.

    Messages, bodies decoded, timing, connection, TLS handshake and certificates, chain, verdict, packets.

    \b
    Example:
      tracer show capture.pcapng e41
    """
    if len(sources) < 2:
        raise Failure("give a source and the id of an exchange, such as: tracer show capture.pcapng e41", USAGE)
    *names, wanted = sources
    reading = read_sources(tuple(names), keylogs, quiet)
    stop_if_unreadable(reading, verbose)
    trace = shown(reading.trace, no_redact)
    exchange = trace.exchange(wanted)
    handshake = trace.handshake(wanted) if exchange is None else None
    if exchange is None and handshake is None:
        raise Failure(f"there is no exchange or handshake {wanted!r}; tracer list shows the ids", USAGE)
    verdict = next((v for v in trace.verdicts() if v.exchange == wanted or wanted in v.seen_at), None)
    if as_json:
        import msgspec

        from tracer.formats import json_values as values

        document = {
            "exchange": values.exchange_value(trace, exchange, 64 << 20) if exchange else None,
            "tls": None,
            "connection": None,
            "verdict": values.verdict_value(verdict) if verdict else None,
        }
        tls = handshake or (trace.handshake(exchange.tls) if exchange and exchange.tls else None)
        document["tls"] = values.handshake_value(tls) if tls else None
        name = exchange.connection if exchange else handshake.connection if handshake else None
        connection = trace.connection(name) if name else None
        document["connection"] = msgspec.to_builtins(connection) if connection else None
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n")
    else:
        from tracer.views.show import show

        from .terminal import style, width

        for line in show(trace, exchange, handshake, verdict, style(), width(), limit, _trusted(ca_file)):
            print(line)
    sys.stdout.flush()
    tell(reading, quiet, verbose)
    return exit_code(reading)


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
