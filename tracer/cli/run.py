"""`tracer run -- COMMAND`: a program through the recording proxy, its output and exit code untouched."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import click

from .ending import Ending
from .program import Failure
from .proxying import proxies, recording, summary
from .reading import NO_REDACT

_AROUND = (
    "tracer: nothing came through the proxy: does the program read https_proxy? "
    "(Go and Ruby go around it to localhost and 127.0.0.1: name this machine's own address.)\n"
    "tracer: packets show what it asks all the same: sudo tracer capture -i any"
)


@click.command("run", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@proxies
@NO_REDACT
@click.option("--json", "as_json", type=click.Path(), metavar="FILE", help="Write the verdicts to FILE as JSON.")
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND...")
def command(words: tuple[str, ...], no_redact: bool, as_json: str | None, **given: Any) -> int:
    """Run a program through the recording proxy, then say who denied what.

    Proxy and certificate variables are set for curl, wget, Python, Node, Go, Ruby, git, aws, Java and more, and
    SSLKEYLOGFILE. Input, output and exit code are the program's own; verdicts go to standard error when it has ended.

    \b
    Examples:
      tracer run -- curl https://api.example.test/v1/items
      tracer run --save failing.trace -- npm test
      tracer run --cert client.pem -- python fetch.py
    """
    from tracer.store.scratch import scratch

    with Ending() as ending, scratch() as folder:
        keys = f"{given['save']}.keys" if given["save"] else str(folder / "keys.log")
        keys = os.environ.get("SSLKEYLOGFILE") or os.path.abspath(keys)
        os.close(os.open(keys, os.O_CREAT | os.O_APPEND, 0o600))
        own = {"MITMPROXY_SSLKEYLOGFILE": keys}
        with recording(given, [("--listen-host", "127.0.0.1"), ("--listen-port", "0")], environment=own) as proxy:
            code = _run(words, _environment(words, proxy, folder, keys, given), proxy, ending)
            proxy.finish()
            _tell(proxy, given, no_redact, as_json)
    return code


def _environment(words: tuple[str, ...], proxy: Any, folder: Path, keys: str, given: dict[str, Any]) -> dict[str, str]:
    from tracer.live.environment import JAVA, environment
    from tracer.live.trust import authority, confdir, roots

    certificate = authority(confdir(given["settings"])).read_bytes()
    java = os.path.basename(words[0]) in JAVA
    return environment(os.environ, proxy.addresses[0], folder, certificate, roots(given["authorities"]), keys, java)


def _run(words: tuple[str, ...], env: dict[str, str], proxy: Any, ending: Ending) -> int:
    """Run it with our own standard streams; the exit code as a shell gives it."""
    sys.stdout.flush()
    try:
        process = subprocess.Popen(words, env=env)
    except OSError as error:
        code = 127 if isinstance(error, FileNotFoundError) else 126
        raise Failure(f"{words[0]}: {error.strerror or error}", code) from None
    # Ctrl-C reaches the program by itself; what else is sent to us is meant for it
    signal.signal(signal.SIGQUIT, lambda number, _: process.send_signal(number))
    ending.pass_on(lambda number: None if number == signal.SIGINT else process.send_signal(number))
    done = threading.Event()
    worker = threading.Thread(target=lambda: proxy.record(done.is_set), daemon=True)
    worker.start()
    try:
        status = process.wait()
    finally:
        ending.note()
        done.set()
        worker.join()
    return 128 - status if status < 0 else status


def _tell(proxy: Any, given: dict[str, Any], no_redact: bool, as_json: str | None) -> None:
    """The verdicts on standard error."""
    from msgspec.structs import replace

    from tracer.views.explain import explain

    from .reading import shown
    from .terminal import say, style, width

    trace = proxy.trace
    view = shown(trace, no_redact)
    verdicts = list(view.verdicts())
    if as_json is not None:
        import msgspec

        from tracer.formats.json_values import verdict_value

        Path(as_json).write_bytes(msgspec.json.encode([verdict_value(v) for v in verdicts]))
    if given["quiet"]:
        return
    if verdicts:
        say("")
        named = [replace(v, source=given["save"] or "-") for v in verdicts]  # commands that it proposes name a file
        for text in explain(trace, view, named, style(sys.stderr), width()):
            say(text)
        if given["save"]:
            say(f"tracer: kept in {given['save']}: tracer open {given['save']}")
    else:
        summary(proxy, given)
        if not trace.count("exchange") and not trace.count("handshake"):
            say(_AROUND)
