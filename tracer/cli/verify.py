"""`tracer verify`: our reading of a capture beside tshark's, and every disagreement."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from .program import Failure
from .reading import (
    INTERRUPTED,
    MATCHED,
    NO_REDACT,
    OK,
    UNREADABLE,
    USAGE,
    read_sources,
    shown,
    stop_if_unreadable,
    tell,
)


@click.command("verify")
@click.option("-v", "--verbose", is_flag=True, help="Tell every problem, notes too.")
@click.option("-q", "--quiet", is_flag=True, help="No progress, no problems on standard error.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
@click.option("--keylog", "keylogs", multiple=True, metavar="FILE", help="TLS key log (NSS format); may be repeated.")
@click.option("-d", "decode_as", multiple=True, metavar="RULE", help="Handed to tshark: tcp.port==8000,http.")
@NO_REDACT
@click.argument("source", metavar="SOURCE")
def command(
    source: str,
    keylogs: tuple[str, ...],
    decode_as: tuple[str, ...],
    as_json: bool,
    no_redact: bool,
    quiet: bool,
    verbose: bool,
) -> int:
    """Read a capture with tshark as well, and list where the two disagree.

    Exit code 1 when they disagree about anything that no known limit of tshark explains.

    \b
    Examples:
      tracer verify capture.pcapng --keylog keys.log
      tracer verify capture.pcapng --json | jq .differences
    """
    from tracer.verify.tshark import NoTsharkError, version

    if source == "-":
        raise Failure("verify reads a capture twice: name a file", USAGE)
    try:
        known = version()
    except NoTsharkError as error:
        raise Failure(str(error), USAGE) from None
    reading = read_sources((source,), keylogs, quiet, judge=False)
    stop_if_unreadable(reading, verbose)
    kinds = {s.kind for s in reading.trace.sources()}
    if not kinds <= {"pcap", "pcapng"}:
        raise Failure(f"verify compares captures; this is {', '.join(sorted(kinds))}", USAGE)
    tell(reading, quiet, verbose)
    if reading.interrupted:
        return INTERRUPTED
    try:
        clean = str if no_redact else shown(None, no_redact).redactor.url_alone
        found = _compare(reading.trace, source, keylogs, decode_as, known, clean)
    except NoTsharkError as error:
        raise Failure(f"tshark: {error}", UNREADABLE) from None
    _show(found, as_json)
    return MATCHED if found.unexplained else OK


def _compare(
    trace: Any,
    source: str,
    keylogs: tuple[str, ...],
    decode_as: tuple[str, ...],
    known: str,
    clean: Callable[[str], str],
) -> Any:
    from tracer.opening import key_logs, private_keys
    from tracer.verify.compare import compare
    from tracer.verify.limits import facts
    from tracer.verify.ours import reduce
    from tracer.verify.tshark import read

    exchanges, connections = list(trace.exchanges()), list(trace.connections())
    handshakes = list(trace.handshakes())
    logs = [Path(path).read_bytes() for path in key_logs(keylogs) if os.path.isfile(path)]
    theirs = read(source, logs, decode_as, private_keys(logs))
    ours = reduce(exchanges, handshakes)
    return compare(ours, theirs, facts(exchanges, connections, handshakes, theirs), known, clean)


def _show(found: Any, as_json: bool) -> None:
    if as_json:
        import msgspec

        from tracer.verify.limits import LIMITS

        document = msgspec.to_builtins(found) | {
            "limits": {d.limit: LIMITS[d.limit] for d in found.differences if d.limit}
        }
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(document), indent=1).decode() + "\n")
        return
    from tracer.views.verify import lines

    from .terminal import style

    for line in lines(found, style()):
        print(line)
