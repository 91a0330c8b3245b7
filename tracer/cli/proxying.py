"""What commands that record through the proxy share: their options, starting it, lines as denials happen."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from .program import Failure
from .reading import USAGE

Function = Callable[..., Any]


def proxies(function: Function) -> Function:
    """Options of a command that starts the proxy."""
    for decorate in (
        click.option("-q", "--quiet", is_flag=True, help="No verdicts as they happen, no hints."),
        click.option("--set", "settings", multiple=True, metavar="OPTION=VALUE", help="An option of mitmproxy's."),
        click.option("-k", "--insecure", is_flag=True, help="Do not verify the servers' certificates."),
        click.option("--ca", "authorities", multiple=True, metavar="PEM", help="Trust these authorities too."),
        click.option(
            "--cert",
            metavar="PATH",
            help="Client certificate and key for servers: a PEM file, or a folder of HOST.pem.",
        ),
        click.option(
            "--pass",
            "passed",
            multiple=True,
            metavar="HOST",
            help="Let this host's TLS through untouched (*.bank.test).",
        ),
        click.option("--save", metavar="TRACE", help="Keep the recording in this file; tracer open follows it."),
    ):
        function = decorate(function)
    return function


@contextmanager
def recording(
    given: dict[str, Any],
    listen: list[tuple[str, str]],
    tell: Callable[[Any], None] | None = None,
    environment: dict[str, str] | None = None,
) -> Iterator[Any]:
    """The running proxy for the options that `proxies` declared."""
    from tracer.live.proxy import Proxy, ProxyError
    from tracer.live.trust import roots
    from tracer.store.scratch import scratch

    from .terminal import say

    save = given["save"]
    if save is not None and (os.path.exists(save) or not os.path.isdir(os.path.dirname(os.path.abspath(save)))):
        why = "it is there already" if os.path.exists(save) else "there is no such folder"
        raise Failure(f"--save {save}: {why}", USAGE)
    with scratch() as folder:
        bundle = folder / "roots.pem"
        try:
            bundle.write_bytes(roots(given["authorities"]))
        except OSError as error:
            raise Failure(f"--ca {error.filename}: {error.strerror}", USAGE) from None
        options = [f"ssl_verify_upstream_trusted_ca={bundle}"]
        options += ["ssl_insecure=true"] if given["insecure"] else []
        options += [f"client_certs={os.path.abspath(given['cert'])}"] if given["cert"] else []
        options += [f"tracer_pass={host}" for host in given["passed"]]
        try:
            with Proxy(
                save,
                listen,
                [*options, *given["settings"]],
                tell=tell or (lambda _: None),
                say=lambda text: None if given["quiet"] else say(f"tracer: {text}"),
                environment=environment,
            ) as proxy:
                yield proxy
        except ProxyError as error:
            raise Failure(str(error), USAGE) from None


def line(verdict: Any, style: Any, width: int) -> str:
    """One denial on one line: `✗ e12 403 GET https://…  who said it and why  [97 %]`."""
    from tracer.model.verdict import asked
    from tracer.views.safe import safe
    from tracer.views.words import wrap

    sure = f"[{round(verdict.confidence * 100)} %]"
    what = asked(verdict)
    head = f"{style.sign('no')} {safe(verdict.exchange, 20)}  {safe(what, max(width // 2, 40))}"
    *lines, last = wrap(f"{safe(verdict.headline)}  {sure}", width, "    ", "    ")
    last = last.removesuffix(sure) + style.layer(verdict.layer, sure) if last.endswith(sure) else last
    return "\n".join((style.bold(head), *lines, last))


def live_lines(quiet: bool) -> tuple[Callable[[Any], None], Callable[[Any, bool], None]]:
    """(tell a verdict on standard output, say of which trace and whether with secrets it is shown)."""
    from .reading import shown
    from .terminal import style, width

    paint, views = style(), []

    def showing(trace: Any, no_redact: bool) -> None:
        views.append(shown(trace, no_redact))

    def tell(verdict: Any) -> None:
        if quiet or not views:
            return
        view = views[0]
        print(line(view.verdict(verdict) if hasattr(view, "redactor") else verdict, paint, width()), flush=True)

    return tell, showing


def summary(proxy: Any, given: dict[str, Any]) -> None:
    """What was recorded, and how to look at it, on standard error."""
    from .terminal import say

    if given["quiet"]:
        return
    trace = proxy.trace
    denials, exchanges = trace.count("verdict"), trace.count("exchange")
    say(f"tracer: {exchanges} exchange{'s' * (exchanges != 1)}, {denials} denial{'s' * (denials != 1)}")
    if given["save"]:
        say(f"tracer: kept in {given['save']}: tracer open {given['save']}")
