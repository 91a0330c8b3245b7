"""`tracer bisect`: which part of a denied request is forbidden, or what it lacks."""

from __future__ import annotations

import sys
from typing import Any

import click

from .program import Failure
from .reading import (
    INTERRUPTED,
    MATCHED,
    NO_REDACT,
    OK,
    PARTIAL,
    USAGE,
    read_sources,
    reads,
    redactor,
    stop_if_unreadable,
)
from .sending import asked, confirm, placed, refuse_marks, sender, sends, wanted


@click.command("bisect")
@reads
@click.option(
    "--try-header", "offered", multiple=True, metavar="'N: V'", help="A field that may help: a new token, say."
)
@click.option("--try-cookie", "cookies", multiple=True, metavar="N=V", help="A cookie that may help.")
@click.option("--narrow", is_flag=True, help="Find the part of a forbidden value as well; up to 16 requests more.")
@click.option("--budget", default=40, show_default=True, metavar="N", help="Most requests to send.")
@click.option("--pace", default=0.25, show_default=True, metavar="S", help="Seconds from one request to the next.")
@click.option(
    "--unsafe-methods", is_flag=True, help="Repeat POST, PUT, DELETE and the like: what gets through is done."
)
@sends
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
@NO_REDACT
def command(
    sources: tuple[str, ...],
    keylogs: tuple[str, ...],
    offered: tuple[str, ...],
    cookies: tuple[str, ...],
    narrow: bool,
    budget: int,
    pace: float,
    unsafe_methods: bool,
    as_json: bool,
    no_redact: bool,
    quiet: bool,
    verbose: bool,
    yes: bool,
    timeout: float,
    send_credentials: bool,
    insecure: bool,
    cacert: str | None,
    key: str | None,
    cert: str | None,
    resolve: tuple[str, ...],
    to: str | None,
) -> int:
    """Find what in a denied request is forbidden, or missing; the last argument is the id of the exchange.

    Sends the request again with parts replaced, until the smallest change is found that turns the denial into
    something else. Asks before it begins, keeps to a budget and a pace, and stops at the first sign of rate limiting.
    Exit code 1: nothing was found; 4: it had to stop before its end.

    \b
    Examples:
      tracer bisect capture.pcapng e41
      tracer bisect session.har e7 --try-header "Authorization: Bearer $(cat token)"
      tracer bisect capture.pcapng e12 --cert client.pem --key client.key --budget 20 --yes
    """
    if budget < 4 or pace < 0:
        raise Failure("--budget is at least 4, --pace not below 0", USAGE)
    import msgspec

    names, wanted_id = wanted(sources)
    reading = read_sources(names, keylogs, quiet)
    stop_if_unreadable(reading, verbose)
    trace = reading.trace
    exchange, ask = asked(trace, wanted_id)
    sending = sender(cert, key, cacert, insecure, timeout)
    subject = _subject(trace, exchange, ask, wanted_id, sending.trust, offered, cookies, to, resolve, send_credentials)
    subject = msgspec.structs.replace(subject, narrow=narrow)
    refuse_marks(subject.ask)
    _ask_first(subject.ask, unsafe_methods, budget, pace, yes)
    from tracer.replay.hunt import Hunt, Limits
    from tracer.replay.subject import search_of
    from tracer.replay.tls_side import TrustError

    limits = Limits(budget=budget, pace_ns=int(pace * 1e9))
    hunt = Hunt(subject.ask, sending, limits, _progress(quiet))
    try:
        finding = hunt.run(search_of(subject, trace, exchange, redactor()))
    except TrustError as error:
        raise Failure(str(error), USAGE) from None
    _tell(subject, finding, as_json, no_redact)
    return INTERRUPTED if hunt.interrupted else _code(finding)


def _subject(
    trace: Any,
    exchange: Any,
    ask: Any,
    wanted_id: str,
    trust: Any,
    offered: tuple[str, ...],
    cookies: tuple[str, ...],
    to: str | None,
    resolve: tuple[str, ...],
    send_credentials: bool,
) -> Any:
    from tracer.replay.again import prepare
    from tracer.replay.edits import EditError, set_cookie, set_header
    from tracer.replay.subject import NotDeniedError, subject_of

    from .terminal import say

    place, elsewhere = placed(ask, to, resolve)
    prepared = prepare(ask, [], place, elsewhere, send_credentials, redactor())
    ask = prepared.ask
    if prepared.kept_back:
        from tracer.views.replay import kept_back

        say(f"tracer: {kept_back(prepared)}")
    try:
        extra = [*(set_header(ask, spelling) for spelling in offered), *(set_cookie(ask, c) for c in cookies)]
    except EditError as error:
        raise Failure(str(error), USAGE) from None
    try:
        return subject_of(trace, wanted_id, exchange, ask, trust, tuple(extra), elsewhere)
    except NotDeniedError as error:
        raise Failure(str(error), USAGE) from None


def _ask_first(ask: Any, unsafe: bool, budget: int, pace: float, yes: bool) -> None:
    from tracer.replay.credentials import SAFE_METHODS

    method = ask.method.decode("latin-1")
    if ask.method not in SAFE_METHODS and not unsafe:
        raise Failure(
            f"{method} may change something at {ask.place.origin} when it gets through: "
            "--unsafe-methods allows to repeat it",
            USAGE,
        )
    where = ask.place.proxy or ask.place.address
    at = f" at {where}" if where and not ask.place.origin.endswith(where) else ""
    danger = f" {method} is repeated: what gets through is done." if ask.method not in SAFE_METHODS else ""
    confirm(f"Up to {budget} requests go to {ask.place.origin}{at}, one every {pace:g} s.{danger} Go on?", yes)


def _progress(quiet: bool) -> Any:
    """One line for each request on standard error."""
    if quiet:
        return None
    from tracer.views.bisect import experiment_line

    from .terminal import say, style

    paint = style(sys.stderr)
    return lambda number, experiment, seen: say(experiment_line(number, experiment, seen, paint))


def _tell(subject: Any, finding: Any, as_json: bool, no_redact: bool) -> None:
    from tracer.views.bisect import bisect_lines, bisect_value

    from .terminal import say, style, width

    if no_redact:
        say("tracer: warning: --no-redact: what follows holds passwords, tokens and cookies as they were sent")
    clean = None if no_redact else redactor()
    if as_json:
        import msgspec

        value = bisect_value(subject, finding, clean)
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n")
    else:
        for line in bisect_lines(subject, finding, clean, style(), width()):
            print(line)
    sys.stdout.flush()


def _code(finding: Any) -> int:
    from tracer.replay.search import Conclusion

    codes = {
        Conclusion.FOUND: OK,
        Conclusion.NOT_REPRODUCED: OK,
        Conclusion.NOTHING: MATCHED,
        Conclusion.UNSTABLE: PARTIAL,
        Conclusion.STOPPED: PARTIAL,
    }
    return codes[finding.conclusion]
