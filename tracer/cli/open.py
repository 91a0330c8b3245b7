"""`tracer open`: the terminal interface."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from typing import Any

import click

from .filtering import FILTER
from .program import Failure
from .reading import (
    NO_REDACT,
    OK,
    USAGE,
    exit_code,
    read_sources,
    reads_any,
    recover,
    redactor,
    shown,
    stop_if_unreadable,
    tell,
)


@click.command("open")
@reads_any
@click.option("--web", is_flag=True, help="Serve it to a browser of this machine instead.")
@click.option("--port", type=click.IntRange(1, 65535), help="The port of --web; else a free one.")
@FILTER
@NO_REDACT
def command(
    sources: tuple[str, ...],
    keylogs: tuple[str, ...],
    wanted: Any,
    web: bool,
    port: int | None,
    no_redact: bool,
    quiet: bool,
    verbose: bool,
) -> int:
    """Look around in the terminal interface: timeline, verdicts, messages, TLS.

    Reading goes on beside it: what was read is there at once. Without a source it says what to do.

    \b
    Examples:
      tracer open capture.pcapng
      tracer open session.har server.pcap --keylog keys.log
      tcpdump -i eth0 -w - port 443 | tracer open -
    """
    if sources and not any(source == "-" or os.path.exists(source) for source in sources):
        stop_if_unreadable(read_sources(sources, keylogs, quiet), verbose)
    if web:
        return _serve(sources, keylogs, wanted, no_redact, port)
    _need_terminal("-" in sources)
    lesson = None
    if not sources:
        from tui.welcome import TOUR, WelcomeApp, case

        chosen = WelcomeApp().run()
        if chosen is None:
            return OK
        lesson = 0 if chosen == TOUR else None
        sources = (case() or "" if chosen == TOUR else chosen,)
    recover(sources, quiet)
    gc.disable()  # imports make no garbage, and looking for some takes long; the interface enables it
    session = _session(sources, keylogs, no_redact)
    from tui.app import TracerApp

    TracerApp(session, lesson, wanted.text if wanted else "").run()
    if session.reading is None or session.busy:
        return OK
    stop_if_unreadable(session.reading, verbose)
    tell(session.reading, quiet, verbose)
    return exit_code(session.reading)


def watch(path: str, title: str, hints: tuple[str, ...], no_redact: bool) -> None:
    """The interface over a trace file that somebody writes; `hints` say how, until there is something to see."""
    _need_terminal(piped=False)
    session = _session((path,), (), no_redact)
    session.title, session.hints = title, hints
    from tui.app import TracerApp

    TracerApp(session).run()


def _need_terminal(piped: bool) -> None:
    """Something to paint on and keys to be pressed; whatever stands in the terminal's place as input gives way."""
    if os.environ.get("TEXTUAL_DRIVER"):
        return  # served to a browser
    why = "the interface needs a terminal; tracer explain prints the same"
    if not os.isatty(2):
        raise Failure(why, USAGE)
    if not piped and not os.isatty(0):
        try:
            terminal = os.open("/dev/tty", os.O_RDWR)
        except OSError:
            raise Failure(why, USAGE) from None
        os.dup2(terminal, 0)
        os.close(terminal)


def _serve(sources: tuple[str, ...], keylogs: tuple[str, ...], wanted: Any, no_redact: bool, port: int | None) -> int:
    """The same in a browser, on loopback."""
    if "-" in sources:
        raise Failure("--web cannot read standard input: save it to a file first", USAGE)
    try:
        from tui.web import serve
    except ImportError as error:
        raise Failure(f"--web needs {error.name}: pip install 'tracer[web]'", USAGE) from None
    options = ["--no-redact"] if no_redact else []
    options += ["--filter", wanted.text] if wanted else []
    try:
        serve([*options, *(word for path in keylogs for word in ("--keylog", path)), "--", *sources], port)
    except OSError as error:
        raise Failure(f"the port cannot be listened on: {error.strerror or error}", USAGE) from None
    return OK


def _session(sources: tuple[str, ...], keylogs: tuple[str, ...], no_redact: bool) -> Any:
    """A saved trace as it lies; anything else read beside the interface."""
    from tracer.pipeline import saved_alone
    from tracer.store.trace import Trace
    from tui.session import Session

    saved = saved_alone(sources[0], growing=True) if len(sources) == 1 else None
    trace = saved or Trace()
    clean: Callable[[str], str] = (lambda url: url) if no_redact else redactor().url_alone
    title = " ".join(os.path.basename(source) for source in sources)
    session = Session(trace, shown(trace, no_redact), clean, title, sources, saved=saved is not None)
    if saved is None and sources:
        session.read = _reader(sources, keylogs)
    return session


def _reader(sources: tuple[str, ...], keylogs: tuple[str, ...]) -> Callable[..., Any]:
    from tracer.pipeline import read

    origins: list[Any] = [_standard_input() if source == "-" else source for source in sources]
    return lambda trace, told: read(origins, keylogs=keylogs, progress=told, trace=trace)


def _standard_input() -> Any:
    """What is piped in, as a source; the terminal takes its place, for the keys."""
    if sys.stdin.isatty():
        return "-"
    piped = os.fdopen(os.dup(0), "rb")
    try:
        terminal = os.open("/dev/tty", os.O_RDWR)
    except OSError:
        return piped
    os.dup2(terminal, 0)
    os.close(terminal)
    sys.stdin = os.fdopen(0, "r", closefd=False)
    sys.__stdin__ = sys.stdin  # type: ignore[misc, assignment, unused-ignore]
    return piped
