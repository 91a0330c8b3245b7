"""`tracer open`: the terminal interface."""

from __future__ import annotations

import os
from typing import Any

import click

from .filtering import FILTER
from .reading import NO_REDACT, exit_code, read_sources, reads, redactor, shown, stop_if_unreadable, tell


@click.command("open")
@reads
@FILTER
@NO_REDACT
def command(
    sources: tuple[str, ...], keylogs: tuple[str, ...], wanted: Any, no_redact: bool, quiet: bool, verbose: bool
) -> int:
    """Look around in the terminal interface: timeline, verdicts, messages, TLS.

    \b
    Examples:
      tracer open capture.pcapng
      tracer open session.har server.pcap --keylog keys.log
    """
    reading = read_sources(sources, keylogs, quiet)
    stop_if_unreadable(reading, verbose)
    from tui.app import TracerApp

    trace = reading.trace
    clean = (lambda target: target) if no_redact else redactor().url_alone
    title = " ".join(os.path.basename(s) for s in sources)
    app = TracerApp(trace, shown(trace, no_redact), clean, title)
    app.expression = wanted.text if wanted else ""
    app.run()
    tell(reading, quiet, verbose)
    return exit_code(reading)
