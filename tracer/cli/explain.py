"""`tracer explain`: every denial with its verdict."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import click

from tracer.model.verdict import Verdict
from tracer.store.trace import Where

from .filtering import FILTER, matching_ids
from .reading import NO_REDACT, exit_code, read_sources, reads, shown, statuses, stop_if_unreadable, tell


@click.command("explain")
@reads
@click.option(
    "--log", "logs", multiple=True, metavar="FILE", help="A server's log as further evidence; may be repeated."
)
@click.option("--status", "only", callback=statuses, metavar="LIST", help="Only denials with these statuses: 401,403.")
@click.option(
    "--fail-on", callback=statuses, metavar="LIST", help="Exit with 1 when one of these statuses was a denial."
)
@FILTER
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
@NO_REDACT
def command(
    sources: tuple[str, ...],
    keylogs: tuple[str, ...],
    logs: tuple[str, ...],
    only: frozenset[int] | None,
    fail_on: frozenset[int] | None,
    wanted: Any,
    as_json: bool,
    no_redact: bool,
    quiet: bool,
    verbose: bool,
) -> int:
    """Which hop said no, and why: every denial in the sources with its verdict.

    \b
    Examples:
      tracer explain capture.pcapng --keylog keys.log
      tracer explain front.pcapng back.pcapng --log access.log
      tracer explain session.har --fail-on 401,403 --json
      tracer explain session.har --filter '~d shop & ~layer waf'
    """
    reading = read_sources(sources, keylogs, quiet, logs=logs)
    stop_if_unreadable(reading, verbose)
    trace = shown(reading.trace, no_redact)
    matching = matching_ids(reading.trace, wanted)

    def verdicts() -> Iterator[Verdict]:
        """As they were found, secrets and all."""
        for v in reading.trace.verdicts():
            if (only is None or v.status in only) and (matching is None or v.exchange in matching):
                yield v

    clean = trace.verdict if hasattr(trace, "redactor") else _same
    if as_json:
        _write_json(reading.trace, trace, verdicts, clean)
    else:
        from tracer.views.brief import told
        from tracer.views.explain import explain

        from .terminal import style, width

        for line in explain(reading.trace, trace, told(verdicts(), clean), style(), width()):
            print(line)
    sys.stdout.flush()
    tell(reading, quiet or (as_json and not verbose), verbose)
    matched = fail_on is not None and any(v.status in fail_on for v in verdicts())
    return exit_code(reading, matched)


def _write_json(
    counted: Any, trace: Any, verdicts: Callable[[], Iterator[Verdict]], clean: Callable[[Verdict], Verdict]
) -> None:
    """The document as it would be formatted whole, written verdict by verdict: there may be very many."""
    from tracer import __version__
    from tracer.formats import json_values as values
    from tracer.views.brief import brief

    out = sys.stdout.buffer
    head = {
        "tracer": __version__,
        "schema": values.SCHEMA,
        "sources": [values.source_value(s) for s in trace.sources()],
        "summary": {
            "connections": counted.count("connection"),
            "tls": counted.count("handshake"),
            "exchanges": counted.count("exchange"),
            "denials": sum(1 for _ in verdicts()),
        },
    }
    out.write(_formatted(head).removesuffix(b"\n}") + b',\n "verdicts": [')
    known: list[Verdict] = []
    for verdict in map(clean, verdicts()):
        out.write((b",\n  " if known else b"\n  ") + _formatted(values.verdict_value(verdict)).replace(b"\n", b"\n  "))
        known.append(brief(verdict))
    tail = {
        "chains": values.chains_value(known),
        "stories": values.stories_value(known),
        "problems": [values.problem_value(p) for p in _problems(counted, trace)],
    }
    out.write((b"\n ]" if known else b"]") + b"," + _formatted(tail).removeprefix(b"{") + b"\n")


def _formatted(value: object) -> bytes:
    import msgspec

    from tracer.formats.writing import to_json

    return msgspec.json.format(to_json(value), indent=1)


def _problems(counted: Any, trace: Any) -> Iterator[Any]:
    """Those of sources, then those inside handshakes and exchanges."""
    yield from trace.problems()
    having = Where("severity > 0")
    for value in chain(counted.handshakes(having), counted.exchanges(having)):
        yield from map(trace.redactor.problem if hasattr(trace, "redactor") else _same, value.problems)


def _same(problem: Any) -> Any:
    return problem
