"""`tracer capture -i IFACE`: packets as they pass, verdicts as denials happen."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import Any

import click

from .ending import Ending
from .program import Failure
from .proxying import live_lines
from .reading import NO_REDACT, USAGE

_KEYS = "give the clients' keys with --keylog (curl, Python, Node, Chromium and Firefox write to SSLKEYLOGFILE)"
_DROPPED = re.compile(r"received/dropped .*?\b\d+/[1-9]|^[1-9]\d* packets? dropped")
"""dumpcap's and tcpdump's words"""


@click.command("capture")
@click.option("-i", "--interface", required=True, metavar="IFACE", help="Where to listen: eth0, lo, any.")
@click.option("-w", "--write", metavar="FILE", help="Keep the packets (and the TLS keys of --keylog) in this file.")
@click.option("--file-size", metavar="SIZE", help="Begin a new file after this size: FILE-00001, FILE-00002, …")
@click.option("--files", type=click.IntRange(1), metavar="N", help="Keep only the latest N of them.")
@click.option("--keylog", "keylogs", multiple=True, metavar="FILE", help="TLS key log; it may grow. May be repeated.")
@click.option("--save", metavar="TRACE", help="Keep what is understood in this file; tracer open follows it.")
@click.option("--seconds", type=float, metavar="N", help="Stop after this time.")
@click.option("-s", "--snaplen", type=int, default=262144, metavar="N", help="Bytes of each packet to capture.")
@click.option("-q", "--quiet", is_flag=True, help="No verdicts as they happen.")
@NO_REDACT
@click.argument("expression", nargs=-1, metavar="[FILTER]")
def command(expression: tuple[str, ...], **given: Any) -> int:
    """Capture packets and say of every denial which hop made it, as it happens. Ctrl-C ends it.

    FILTER is in tcpdump's language. SSLKEYLOGFILE is followed like --keylog.

    \b
    Examples:
      sudo tracer capture -i eth0 tcp port 443 --keylog keys.log
      sudo tracer capture -i any -w ring.pcapng --file-size 100M --files 10
    """
    from tracer.live.capturing import Capturing
    from tracer.live.packets import CaptureError, Packets
    from tracer.store.scratch import scratch
    from tracer.store.trace import Trace

    from .terminal import say

    keylogs = (*given["keylogs"], *([os.environ["SSLKEYLOGFILE"]] if os.environ.get("SSLKEYLOGFILE") else []))
    tell, showing = live_lines(given["quiet"])
    with Ending() as ending, scratch() as folder:
        capturing: Any = None
        ring = _ring(given, lambda: capturing.secrets() if capturing is not None else b"")
        try:
            packets = Packets(given["interface"], " ".join(expression), given["snaplen"], ring)
        except CaptureError as error:
            raise Failure(str(error), USAGE) from None
        trace = Trace(_fresh(given["save"], "--save") or folder / "trace")
        try:
            ending.note()
            name = given["interface"]
            capturing = Capturing(trace, packets.stream, name, keylogs, tell, prune=given["save"] is None)
            showing(trace, given["no_redact"])
            capturing.start()
            if not given["quiet"]:
                say(f"tracer: capturing on {name} with {packets.program}; Ctrl-C ends it")
            until = time.monotonic() + given["seconds"] if given["seconds"] is not None else None
            while capturing.running and not ending and (until is None or time.monotonic() < until):
                capturing.work()
                time.sleep(0.1)
            packets.stop()
            capturing.work(final=True)
        finally:
            packets.close()
            if not given["quiet"] and capturing is not None:
                _summarise(capturing, packets, given)
            trace.close()
    return ending.code


def _fresh(path: str | None, option: str) -> Path | None:
    if path is None:
        return None
    if os.path.exists(path) or not os.path.isdir(os.path.dirname(os.path.abspath(path))):
        why = "it is there already" if os.path.exists(path) else "there is no such folder"
        raise Failure(f"{option} {path}: {why}", USAGE)
    return Path(path)


def _ring(given: dict[str, Any], keys: Any) -> Any:
    from tracer.live.ring import Ring, size_of

    path = _fresh(given["write"], "--write")
    if path is None:
        if given["file_size"] or given["files"]:
            raise click.UsageError("--file-size and --files go with --write")
        return None
    if given["files"] and not given["file_size"]:
        raise click.UsageError("--files needs --file-size")
    try:
        size = size_of(given["file_size"]) if given["file_size"] else None
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--file-size") from None
    return Ring(path, size, given["files"] or 0, keys)


def _summarise(capturing: Any, packets: Any, given: dict[str, Any]) -> None:
    from tracer.views.safe import safe

    from .terminal import say

    trace = capturing.trace
    exchanges, denials = trace.count("exchange"), trace.count("verdict")
    words = f"{capturing.packets} packets, {exchanges} exchange{'s' * (exchanges != 1)}"
    say(f"tracer: {words}, {denials} denial{'s' * (denials != 1)}")
    for told in packets.told(lambda line: _DROPPED.search(line) is not None):
        say(f"tracer: packets were lost: {packets.program} says: {safe(told, 200)}")
    if (sealed := trace.count("handshake")) and not exchanges:
        say(f"tracer: nothing inside {sealed} TLS connection{'s' * (sealed != 1)} could be read: {_KEYS}")
    if packets.failed:
        say(f"tracer: {safe(packets.failed)}")
    if given["write"] and not packets.failed:
        say(f"tracer: packets kept in {given['write']}{' and its numbered files' * bool(given['file_size'])}")
    if given["save"]:
        say(f"tracer: kept in {given['save']}: tracer open {given['save']}")
