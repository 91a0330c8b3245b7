"""What commands that send share: their options, the request in question, and asking before anything is sent."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click

from .program import Failure
from .reading import USAGE

Function = Callable[..., Any]
CHANGED = "--header 'N: V', --cookie N=V and --body say what to send instead"


def sends(function: Function) -> Function:
    """Options of a command that sends a recorded request."""
    for decorate in (
        click.option("--yes", is_flag=True, help="Do not ask before sending."),
        click.option("--timeout", default=15.0, show_default=True, metavar="S", help="Seconds for each answer."),
        click.option(
            "--send-credentials", is_flag=True, help="Send recorded credentials to another host too (--to, Host)."
        ),
        click.option("--insecure", is_flag=True, help="Take any server certificate."),
        click.option("--cacert", metavar="F", type=click.Path(), help="Trust the roots in this PEM file."),
        click.option("--key", metavar="F", type=click.Path(), help="Key of the client certificate."),
        click.option("--cert", metavar="F", type=click.Path(), help="Client certificate to show, PEM."),
        click.option("--resolve", multiple=True, metavar="HOST:PORT:ADDRESS", help="Where that host is, as for curl."),
        click.option("--to", metavar="HOST:PORT", help="Connect there instead; recorded credentials stay behind."),
    ):
        function = decorate(function)
    return function


def wanted(sources: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """(sources, id): the last argument is the id."""
    if len(sources) < 2:
        raise Failure("give a source and the id of an exchange, such as: capture.pcapng e41", USAGE)
    return sources[:-1], sources[-1]


def placed(ask: Any, to: str | None, resolve: tuple[str, ...]) -> tuple[Any, bool]:
    """(where to send it, whether that is not where it was recorded for)."""
    from tracer.replay.edits import EditError, resolved, to_address

    place = ask.place
    try:
        for spelling in resolve:
            place = resolved(place, spelling)
        if to:
            place = to_address(place, to)
    except EditError as error:
        raise Failure(str(error), USAGE) from None
    host = f"[{ask.place.host}]" if ":" in ask.place.host else ask.place.host
    return place, bool(to) and place.address not in (ask.place.address, f"{host}:{ask.place.port}")


def sender(cert: str | None, key: str | None, cacert: str | None, insecure: bool, timeout: float) -> Any:
    """A sender with what the user trusts; files that cannot be used are told before anything is sent."""
    from tracer.replay.door import Sender
    from tracer.replay.tls_side import Trust, TrustError, tls_context

    trust = Trust(certificate=cert, key=key, roots=cacert, insecure=insecure)
    if key and not cert:
        raise Failure("--key needs --cert", USAGE)
    if not 0 < timeout <= 600:
        raise Failure("--timeout is a number of seconds up to 600", USAGE)
    if cert or cacert:
        try:
            tls_context(trust, ["http/1.1"], "usual", True, None)
        except TrustError as error:
            raise Failure(str(error), USAGE) from None
    return Sender(trust, timeout)


def found(trace: Any, name: str) -> Any:
    """(exchange or None, handshake or None) of that id."""
    exchange = trace.exchange(name)
    handshake = trace.handshake(name) if exchange is None else None
    if exchange is None and handshake is None:
        raise Failure(f"there is no exchange or handshake {name!r}; tracer list shows the ids", USAGE)
    return exchange, handshake


def asked(trace: Any, name: str) -> tuple[Any, Any]:
    """(exchange or None, what to send) for an id."""
    from tracer.replay.asked import CannotAskError, ask_handshake, ask_of

    exchange, handshake = found(trace, name)
    try:
        return exchange, ask_of(trace, exchange) if exchange is not None else ask_handshake(handshake)
    except CannotAskError as error:
        raise Failure(str(error), USAGE) from None


def refuse_marks(ask: Any) -> None:
    """A request out of a redacted source does not hold what was sent."""
    from tracer.replay.credentials import redaction_marks

    if marks := redaction_marks(ask):
        raise Failure(
            f"the source was redacted: {', '.join(dict.fromkeys(marks))} is not what was sent; {CHANGED}", USAGE
        )


def confirm(question: str, yes: bool) -> None:
    """Ask on the terminal; without one, only --yes goes on."""
    from tracer.views.safe import safe

    if yes:
        return
    if sys.stdin is None or not sys.stdin.isatty() or not sys.stderr.isatty():
        raise Failure(f"{safe(question)} Without a terminal to ask on, --yes is needed.", USAGE)
    if not click.confirm(safe(question), err=True):
        raise Failure("nothing was sent", USAGE)
