"""`tracer replay`: a recorded request sent again, as it was or changed, and both answers compared."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from .program import Failure
from .reading import NO_REDACT, PARTIAL, USAGE, exit_code, read_sources, reads, redactor, statuses, stop_if_unreadable
from .sending import asked, confirm, placed, refuse_marks, sender, sends, wanted


@click.command("replay")
@reads
@click.option("--header", "headers", multiple=True, metavar="'N: V'", help="Set a header field; may be repeated.")
@click.option("--drop-header", "dropped", multiple=True, metavar="N", help="Leave a header field out.")
@click.option("--cookie", "cookies", multiple=True, metavar="N=V", help="Set a cookie; N alone leaves it out.")
@click.option("--method", metavar="M", help="Another method.")
@click.option("--target", metavar="T", help="Another request target, such as /path?query.")
@click.option("--body", metavar="DATA", help="Another body; @F takes it from the file F.")
@click.option("--http1", "version", flag_value="HTTP/1.1", help="Speak HTTP/1.1.")
@click.option("--http2", "version", flag_value="HTTP/2", help="Speak HTTP/2.")
@sends
@click.option("--prove", is_flag=True, help="Is it the proxy? Send it once through a proxy and once without.")
@click.option("--save", metavar="F", help="Save the new exchange as a trace.")
@click.option("--fail-on", callback=statuses, metavar="LIST", help="Exit with 1 when the new answer has such a status.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
@NO_REDACT
def command(
    sources: tuple[str, ...],
    keylogs: tuple[str, ...],
    save: str | None,
    fail_on: frozenset[int] | None,
    as_json: bool,
    no_redact: bool,
    quiet: bool,
    verbose: bool,
    prove: bool,
    yes: bool,
    timeout: float,
    cert: str | None,
    key: str | None,
    cacert: str | None,
    insecure: bool,
    **edits: Any,
) -> int:
    """Send a recorded request again and compare the answers; the last argument is the id of the exchange.

    It goes to the address where it went, byte for byte as it was but for what you change. Recorded credentials are
    sent to the host that they were recorded for only. Methods that change things are asked about first.

    \b
    Examples:
      tracer replay capture.pcapng e41
      tracer replay capture.pcapng e41 --header 'Authorization: Bearer …' --drop-header Cookie
      tracer replay session.har e7 --http1 --to 127.0.0.1:8080 --save again.trace
      tracer replay today.trace e12 --prove
    """
    names, wanted_id = wanted(sources)
    reading = read_sources(names, keylogs, quiet)
    stop_if_unreadable(reading, verbose)
    trace = reading.trace
    exchange, ask = asked(trace, wanted_id)
    sending = sender(cert, key, cacert, insecure, timeout)
    prepared = _prepared(ask, with_certificate=bool(cert), **edits)
    refuse_marks(prepared.ask)
    if prove:
        from .proving import prove as proved

        return proved(trace, exchange, prepared.ask, sending, yes=yes, save=save, as_json=as_json, no_redact=no_redact)
    _ask_first(prepared.ask, yes)
    from tracer.replay.again import send_again
    from tracer.replay.tls_side import TrustError

    try:
        again = send_again(trace, exchange, prepared, sending)
    except TrustError as error:
        raise Failure(str(error), USAGE) from None
    if save:
        save_trace(again.trace, save)
    _tell(exchange, again, as_json, no_redact)
    if again.answer.own_fault:
        return PARTIAL
    matched = fail_on is not None and again.answer.status in fail_on
    return exit_code(reading, matched)


def _prepared(
    ask: Any,
    *,
    headers: tuple[str, ...],
    dropped: tuple[str, ...],
    cookies: tuple[str, ...],
    method: str | None,
    target: str | None,
    body: str | None,
    version: str | None,
    to: str | None,
    resolve: tuple[str, ...],
    send_credentials: bool,
    with_certificate: bool,
) -> Any:
    import msgspec

    from tracer.replay import edits
    from tracer.replay.again import prepare
    from tracer.replay.change import Change, Kind

    changes = []
    try:
        for name in dropped:
            changes += edits.drop_header(ask, name)
        changes += [edits.set_header(ask, spelling) for spelling in headers]
        changes += [edits.set_cookie(ask, spelling) for spelling in cookies]
        if method:
            changes.append(edits.set_method(method))
        if target:
            ask = msgspec.structs.replace(ask, target=edits.target_bytes(target))
    except edits.EditError as error:
        raise Failure(str(error), USAGE) from None
    if body is not None:
        changes.append(Change(kind=Kind.BODY, value=_bytes_of(body)))
    if version:
        if version == "HTTP/2" and ask.place.scheme == "http":
            raise Failure("HTTP/2 is spoken over TLS only; this request went in the clear", USAGE)
        changes.append(Change(kind=Kind.VERSION, value=version.encode()))
    if with_certificate:
        changes.append(Change(kind=Kind.CERTIFICATE))
    place, elsewhere = placed(ask, to, resolve)
    return prepare(ask, changes, place, elsewhere, send_credentials, redactor())


def _bytes_of(body: str) -> bytes:
    if not body.startswith("@"):
        return body.encode("utf-8", "surrogateescape")
    try:
        return Path(body[1:]).read_bytes()
    except OSError as error:
        raise Failure(f"{body[1:]} cannot be read: {error.strerror or error}", USAGE) from None


def _ask_first(ask: Any, yes: bool) -> None:
    from tracer.replay.credentials import SAFE_METHODS

    if ask.method not in SAFE_METHODS:
        method = ask.method.decode("latin-1")
        confirm(f"{method} may change something at {ask.place.origin}. Send it again?", yes)


def save_trace(trace: Any, path: str) -> None:
    """Save a trace of what was sent, and say so."""
    from .terminal import say

    try:
        trace.save(path)
    except OSError as error:
        raise Failure(f"{path}: it cannot be written: {error.strerror or error}", USAGE) from error
    say(f"tracer: saved to {path}, secrets and all; readable by you alone")


def _tell(exchange: Any, again: Any, as_json: bool, no_redact: bool) -> None:
    from tracer.views.replay import replay_lines, replay_value

    from .reading import shown

    safe_new = shown(again.trace, no_redact)
    clean = None if no_redact else redactor()
    if as_json:
        import msgspec

        value = replay_value(exchange, again, safe_new, clean)
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n")
    else:
        from .terminal import style, width

        for line in replay_lines(exchange, again, safe_new, clean, style(), width()):
            print(line)
    sys.stdout.flush()
