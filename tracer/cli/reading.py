"""What commands that read share: their options, reading with progress, the exit code."""

from __future__ import annotations

import functools
import itertools
import sys
from collections.abc import Callable
from typing import Any

import click

from tracer.model.problem import Severity

OK, MATCHED, USAGE, UNREADABLE, PARTIAL, INTERRUPTED = 0, 1, 2, 3, 4, 130
Function = Callable[..., Any]


def reads(function: Function, required: bool = True) -> Function:
    """Options of a command that reads sources."""
    for decorate in (
        click.option("-v", "--verbose", is_flag=True, help="Tell every problem, notes too."),
        click.option("-q", "--quiet", is_flag=True, help="No progress, no problems on standard error."),
        click.option(
            "--keylog",
            "keylogs",
            multiple=True,
            metavar="FILE",
            help="TLS key log (NSS format); may be repeated. SSLKEYLOGFILE is read as well.",
        ),
        click.argument("sources", nargs=-1, required=required, metavar="SOURCE..."),
    ):
        function = decorate(function)
    return function


def reads_any(function: Function) -> Function:
    """The same for a command that has something to do without a source."""
    return reads(function, required=False)


def statuses(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> frozenset[int] | None:
    """`401,403` as numbers."""
    if value is None:
        return None
    try:
        return frozenset(int(part) for part in value.replace(" ", "").split(",") if part)
    except ValueError:
        raise click.BadParameter("a list of status codes is expected, such as 401,403") from None


def read_sources(sources: tuple[str, ...], keylogs: tuple[str, ...], quiet: bool, **options: Any) -> Any:
    """The reading of these sources, with a progress bar where one is of use."""
    from tracer.pipeline import read

    from .terminal import ProgressBar

    recover(sources, quiet)
    bar = ProgressBar(quiet)
    try:
        return read(sources, keylogs=keylogs, progress=bar, **options)
    finally:
        bar.done()


def recover(sources: tuple[str, ...], quiet: bool) -> None:
    """Take what killed recordings left beside their trace files into them."""
    import os

    for source in sources:
        if not os.path.isdir(f"{source}.live"):
            continue
        from tracer.live import recover

        from .terminal import say

        if recover(source) and not quiet:
            say(f"tracer: {source}: what its recording had left in {source}.live is in it now")


def tell(reading: Any, quiet: bool, verbose: bool) -> None:
    """Problems on standard error, those inside exchanges and handshakes too; what they quote is redacted."""
    from .terminal import say, tell_problems

    trace = reading.trace
    found = list(trace.problems())
    from tracer.store.trace import Where

    lowest = Where("severity >= ?", (0 if verbose else 2,))
    for value in itertools.chain(trace.handshakes(lowest), trace.exchanges(lowest)):
        found += value.problems
    if found and not quiet:
        tell_problems(map(redactor().problem, dict.fromkeys(found)), quiet, verbose)
    if reading.interrupted and not quiet:
        say("tracer: interrupted; this is what was read until then")


def exit_code(reading: Any, matched: bool = False) -> int:
    """The exit code after a reading: interruption first, then nothing readable, then a match, then partial."""
    if reading.interrupted:
        return INTERRUPTED
    if not reading.read:
        return UNREADABLE
    if matched:
        return MATCHED
    return PARTIAL if reading.failed or reading.trace.worst() >= 2 else OK


def stop_if_unreadable(reading: Any, verbose: bool) -> None:
    """End the command with code 3 and a sentence for each source when none could be read."""
    if reading.read or reading.interrupted:
        return
    from tracer.views.safe import safe

    from .terminal import say

    for problem in reading.trace.problems():
        if problem.severity in (Severity.ERROR, Severity.BUG) and problem.source in reading.failed:
            first = problem.text if verbose else problem.text.split("\n")[0]
            say(f"tracer: {safe(problem.source)}: {safe(first, 600)}")
    raise click.exceptions.Exit(UNREADABLE)


@functools.cache
def redactor() -> Any:
    """The redactor of this run, with the user's own rules."""
    from tracer.redact import Redactor
    from tracer.redact.user import BadRules, user_rules

    from .program import Failure

    try:
        return Redactor(user_rules())
    except BadRules as error:
        raise Failure(f"the redaction rules cannot be used: {error}", USAGE) from error


def shown(trace: Any, no_redact: bool, warned: bool = False) -> Any:
    """The trace as it may be shown: redacted unless asked otherwise, with a warning then."""
    if no_redact:
        from .terminal import say

        if sys.stderr is not None and not warned:
            say("tracer: warning: --no-redact: what follows holds passwords, tokens and cookies as they were sent")
        return trace
    from tracer.redact import Redacted

    return Redacted(trace, redactor())


NO_REDACT = click.option("--no-redact", is_flag=True, help="Keep secrets. Share the result with nobody.")
