"""`tracer browse URL`: a browser with a throw-away profile through the recording proxy."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from .ending import Ending
from .program import Failure
from .proxying import live_lines, proxies, recording, summary
from .reading import NO_REDACT, USAGE


@click.command("browse")
@proxies
@NO_REDACT
@click.option("--browser", metavar="PROGRAM", help="Which one: chromium, google-chrome, firefox or a path.")
@click.option("--headless", is_flag=True, help="Without a window; needs --seconds.")
@click.option("--seconds", type=float, metavar="N", help="Close the browser after this time.")
@click.argument("url", default="about:blank")
def command(url: str, browser: str | None, headless: bool, seconds: float | None, no_redact: bool, **given: Any) -> int:
    """Open URL in a browser with a fresh profile through the recording proxy, and tell denials as they happen.

    Nothing of the profile is kept; close the browser to end it.

    \b
    Examples:
      tracer browse https://shop.example.test/checkout
      tracer browse --save checkout.trace --browser firefox https://shop.example.test
    """
    from tracer.store.scratch import scratch

    from .terminal import say

    if headless and seconds is None:
        raise click.UsageError("--headless needs --seconds: nobody could close the browser")
    if (
        not headless
        and sys.platform == "linux"
        and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    ):
        raise Failure("there is no display here to open a browser on: --headless --seconds 30 does without", USAGE)
    tell, showing = live_lines(given["quiet"])
    listen = [("--listen-host", "127.0.0.1"), ("--listen-port", "0")]
    with Ending() as ending, recording(given, listen, tell) as proxy, scratch() as folder:
        showing(proxy.trace, no_redact)
        with _started(browser, url, proxy, folder, given, headless) as process:
            ending.note()
            until = None if seconds is None else time.monotonic() + seconds
            proxy.record(lambda: bool(ending) or process.poll() is not None or _over(until))
            if process.poll():
                say(f"tracer: the browser ended by itself with code {process.returncode}")
        proxy.finish()
        summary(proxy, given)
    return ending.code


def _over(until: float | None) -> bool:
    return until is not None and time.monotonic() > until


@contextmanager
def _started(
    browser: str | None, url: str, proxy: Any, folder: Path, given: dict[str, Any], headless: bool
) -> Iterator[subprocess.Popen[bytes]]:
    """The running browser, which ends with the context."""
    from tracer.live.browsers import VARIABLES, NoBrowserError, command
    from tracer.live.trust import authority, confdir

    ours = authority(confdir(given["settings"]))
    try:
        words = command(browser, url, proxy.addresses[0], folder / "profile", ours, headless)
    except NoBrowserError as error:
        raise Failure(str(error), USAGE) from None
    except subprocess.CalledProcessError as error:
        raise Failure(f"certutil: {error.stderr.decode(errors='replace').strip()}", USAGE) from None
    quiet, env = subprocess.DEVNULL, os.environ | VARIABLES
    process = subprocess.Popen(words, env=env, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True)
    try:
        yield process
    finally:
        _close(process)


def _close(process: subprocess.Popen[bytes]) -> None:
    """End the browser with its helpers; they are a process group of ours."""
    try:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(5)
    except (ProcessLookupError, subprocess.TimeoutExpired):
        pass
    until = time.monotonic() + 5
    while time.monotonic() < until:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            break
        process.poll()
        time.sleep(0.05)
