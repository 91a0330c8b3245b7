"""`tracer proxy`: a recording proxy with live verdicts."""

from __future__ import annotations

import sys
from typing import Any

import click

from .ending import Ending
from .proxying import live_lines, proxies, recording, summary
from .reading import OK


@click.command("proxy")
@click.option("--listen", default="127.0.0.1:8080", show_default=True, metavar="HOST:PORT", help="Where to listen.")
@click.option(
    "--mode",
    "modes",
    multiple=True,
    metavar="MODE",
    help="regular, reverse:URL, upstream:URL, socks5, transparent, local, wireguard, tun:NAME; repeatable (MODE@PORT).",
)
@proxies
@click.option("--ui", is_flag=True, help="The terminal interface over the recording.")
@click.option("--no-redact", is_flag=True, help="Keep secrets in the verdict lines. Share them with nobody.")
def command(listen: str, modes: tuple[str, ...], ui: bool, no_redact: bool, **given: Any) -> int:
    """Record what passes through, and say of every denial which hop made it, as it happens.

    Listens on loopback only unless told otherwise. Ctrl-C ends it. Bodies of 16 MB and more pass while they come and
    are not kept; --set stream_large_bodies=SIZE says otherwise.

    \b
    Examples:
      tracer proxy --save today.trace
      tracer proxy --mode reverse:https://api.example.test --listen 127.0.0.1:9000
      tracer proxy --mode upstream:http://proxy.corp.test:3128 --cert client.pem
    """
    host, port = _address(listen)
    arguments = [("--listen-host", host), ("--listen-port", port), *(("--mode", m) for m in modes)]
    if ui:
        return _with_interface(arguments, given, no_redact)
    from .terminal import say

    tell, showing = live_lines(given["quiet"])
    with (
        Ending() as ending,
        recording(given, arguments, lambda verdict: _offer(verdict, tell, given["quiet"])) as proxy,
    ):
        ending.note()
        showing(proxy.trace, no_redact)
        if not given["quiet"]:
            _explain(proxy.servers, given["settings"])
        proxy.record(lambda: bool(ending) or _heeded(proxy))
        died = not ending
        proxy.finish()
        if died:
            say(f"tracer: mitmproxy ended: {proxy.said()}")
        summary(proxy, given)
    sys.stdout.flush()
    return 70 if died else ending.code


def _address(listen: str) -> tuple[str, str]:
    host, colon, port = listen.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535:
        raise click.BadParameter("HOST:PORT is expected, such as 127.0.0.1:8080", param_hint="--listen")
    return host.strip("[]") or "127.0.0.1", port


def _explain(servers: tuple[Any, ...], settings: tuple[str, ...]) -> None:
    """How to use it, and whom to trust."""
    from . import typed
    from .terminal import say

    for text in _told(servers, settings, "Ctrl-C"):
        say(f"tracer: {text}")
    if typed.listens():
        say(f"tracer: {typed.HINT}")


def _told(servers: tuple[Any, ...], settings: tuple[str, ...], end: str) -> tuple[str, ...]:
    from tracer.live.trust import authority, confdir
    from tracer.views.safe import safe_block

    from .listening import told

    return tuple(safe_block(text) for text in told(servers, authority(confdir(settings)), end))


def _offer(verdict: Any, tell: Any, quiet: bool) -> None:
    """Tell a verdict; of a client that refused the proxy's certificate, how to let its host through."""
    from tracer.store.coding import host_of
    from tracer.views.safe import safe

    from . import typed
    from .terminal import say

    tell(verdict)
    host = host_of(verdict.url or "") if verdict.cause == "interception" and verdict.method is None else ""
    if host and not quiet and typed.listens():
        say(f"    if it pins the server's own: type   pass {safe(host, 200)}")


def _heeded(proxy: Any) -> bool:
    """Do what was typed; never the end."""
    from . import typed
    from .terminal import say

    for host in typed.hosts():
        if host:
            proxy.let_through(host)
            say(f"tracer: {host} is let through untouched from now on")
        else:
            say(f"tracer: {typed.HINT}")
    return False


def _with_interface(arguments: list[tuple[str, str]], given: dict[str, Any], no_redact: bool) -> int:
    """The proxy behind the terminal interface; it ends with it."""
    import threading

    from .open import watch

    if not sys.stdout.isatty():
        raise click.UsageError("--ui needs a terminal")
    done = threading.Event()
    with Ending() as ending, recording(given | {"quiet": True}, arguments) as proxy:
        worker = threading.Thread(target=lambda: proxy.record(done.is_set), daemon=True)
        worker.start()
        title = f"recording at {' and '.join(proxy.addresses)}" if proxy.addresses else "recording"
        try:
            watch(str(proxy.trace.path), title, _told(proxy.servers, given["settings"], "q"), no_redact)
        finally:
            ending.note()
            done.set()
            worker.join(5)
            proxy.finish()
        summary(proxy, given)
    return OK
