"""A server that turns away whoever greets as the proxy does; the proof that it is the proxy, and that it is not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.live.conftest import Curl, Served, World, serve, tls
from tracer.live.proxy import Proxy
from tracer.store.trace import Trace
from tracer.tls.hello import read_client_hello
from tracer.tls.ja import ja4

ROOT = Path(__file__).parents[2]
TRACER = [sys.executable, "-m", "tracer.cli"]


class Watched(NamedTuple):
    url: str
    greeting: list[str]
    """JA4 of the client that was seen last"""
    unwanted: set[str]


@pytest.fixture(scope="module")
def watched(world: World) -> Iterator[Watched]:
    """A server that knows its clients by their TLS greeting."""
    context, seen, unwanted = tls(world.folder), [""], set[str]()

    def heard(_: Any, direction: str, version: Any, kind: Any, message: Any, data: bytes) -> None:
        if direction == "read" and int(message) == 1 and data[:1] == b"\x01":
            hello = read_client_hello(data[4:])
            seen[0] = ja4(hello, "tcp") if hello else ""

    context._msg_callback = heard  # type: ignore[attr-defined]  # the only way to a ClientHello in `ssl`
    server = serve(threading.Event(), context)

    class Choosy(Served):
        def parse_request(self) -> bool:
            read = super().parse_request()
            if read and seen[0] in unwanted:
                self.path = "/deny"
            return read

    server.RequestHandlerClass = Choosy
    yield Watched(f"https://localhost:{server.server_address[1]}", seen, unwanted)
    server.shutdown()
    server.server_close()


def recorded(world: World, watched: Watched, curl: Curl, kept: Path, path: str) -> str:
    """Id of an exchange that was denied through the proxy, in a trace."""
    with Proxy(
        str(kept),
        [("--listen-host", "127.0.0.1"), ("--listen-port", "0")],
        [f"ssl_verify_upstream_trusted_ca={world.ca}"],
    ) as proxy:
        curl(proxy.addresses[0], f"{watched.url}/learn")
        watched.unwanted.add(watched.greeting[0])
        assert curl(proxy.addresses[0], f"{watched.url}{path}").stdout == "403"
        proxy.finish()
        return next(e.id for e in proxy.trace.exchanges() if e.request and e.request.target == path)


def replay(world: World, kept: Path, name: str, *more: str) -> subprocess.CompletedProcess[str]:
    command = [*TRACER, "replay", str(kept), name, "--prove", "--cacert", str(world.ca), *more]
    env = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=env)


def test_a_denial_that_only_the_proxy_gets_is_proven_to_be_the_proxy(
    world: World, home: Path, watched: Watched, curl: Curl, tmp_path: Path
) -> None:
    kept, saved = tmp_path / "a.trace", tmp_path / "b.trace"
    name = recorded(world, watched, curl, kept, "/wanted")
    refused = replay(world, kept, name)
    assert refused.returncode == 2
    assert watched.url in refused.stderr
    done = replay(world, kept, name, "--yes", "--save", str(saved))
    assert done.returncode == 0, done.stderr
    assert "403 Forbidden only through the proxy: sent without it, the same request gets 200 OK." in done.stdout
    assert "--pass localhost" in done.stdout
    with Trace.open(saved) as trace:
        (verdict,) = trace.verdicts()
    assert (verdict.cause, verdict.cause_detail) == ("interception", "only-through-the-proxy")
    assert 0.9 < verdict.cause_confidence < 1


def test_a_denial_that_everyone_gets_is_not_laid_on_the_proxy(
    world: World, home: Path, watched: Watched, curl: Curl, tmp_path: Path
) -> None:
    kept = tmp_path / "a.trace"
    name = recorded(world, watched, curl, kept, "/deny/all")
    value = json.loads(replay(world, kept, name, "--yes", "--json").stdout)
    assert value["proved"] == "no"
    assert value["verdict"]["cause"] != "interception"


def test_a_denial_that_has_gone_proves_nothing(
    world: World, home: Path, watched: Watched, curl: Curl, tmp_path: Path
) -> None:
    kept = tmp_path / "a.trace"
    name = recorded(world, watched, curl, kept, "/once")
    watched.unwanted.clear()
    value = json.loads(replay(world, kept, name, "--yes", "--json").stdout)
    assert (value["proved"], value["through"]["status"], value["direct"]["status"]) == ("gone", 200, 200)
    assert value["verdict"] is None
