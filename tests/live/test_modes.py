"""The proxy in the modes that need no privilege, each asked by a real client; one process serves them all."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.live.conftest import World
from tests.live.h3_server import h3_server
from tracer.live.proxy import Proxy
from tracer.live.trust import authority, confdir
from tracer.model.http import Exchange
from tracer.model.tls import Handshake
from tracer.model.verdict import Verdict

ROOT = Path(__file__).parents[2]
TINYPROXY = """
Port {port}
Listen 127.0.0.1
FilterDefaultDeny No
Filter "{filter}"
ConnectPort 443
ConnectPort {sealed}
"""


class Running(NamedTuple):
    proxy: Proxy
    places: dict[str, str]
    """kind of mode -> HOST:PORT"""
    authority: Path
    forward: str
    """a proxy of the network, which upstream mode goes through"""
    ask: Callable[..., str]

    def recorded(self, target: str, status: int = 403) -> Exchange:
        """The exchange with that request target and answer, once it is there."""
        found: list[Exchange] = []

        def there() -> bool:
            found.extend(e for e in self.proxy.trace.exchanges() if _is(e, target, status))
            return bool(found)

        until = time.monotonic() + 20
        self.proxy.record(lambda: there() or time.monotonic() > until)
        (exchange,) = found
        return exchange

    def verdict(self, exchange: Exchange) -> Verdict:
        found = self.proxy.trace.verdict_on(exchange.id)
        assert found is not None
        return found

    def client_side(self, exchange: Exchange) -> Handshake:
        found = self.proxy.trace.handshake(exchange.extra["mitm.client-tls.handshake"])
        assert found is not None
        return found


def _is(exchange: Exchange, target: str, status: int) -> bool:
    request, response = exchange.request, exchange.response
    return request is not None and response is not None and (request.target, response.status) == (target, status)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@pytest.fixture(scope="module")
def forward(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """tinyproxy, which refuses tunnels to one name."""
    path = shutil.which("tinyproxy")
    if path is None:
        pytest.skip("tinyproxy is not installed")
    folder, port = tmp_path_factory.mktemp("forward"), free_port()
    (folder / "filter").write_text("^forbidden\\.test$\n")
    settings = TINYPROXY.format(port=port, filter=folder / "filter", sealed=world.sealed.rpartition(":")[2])
    (folder / "conf").write_text(settings)
    process = subprocess.Popen([path, "-d", "-c", str(folder / "conf")], stdout=subprocess.DEVNULL)
    yield f"127.0.0.1:{port}"
    process.terminate()
    process.wait(10)


@pytest.fixture(scope="module")
def running(world: World, home: Path, forward: str) -> Iterator[Running]:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    server = world.folder / "server"
    with h3_server(server.with_suffix(".pem"), server.with_suffix(".key")) as quic:
        modes = {
            "socks5": "socks5",
            "reverse": f"reverse:{world.sealed}",
            "http3": f"reverse:http3://localhost:{quic}",
            "upstream": f"upstream:http://{forward}",
        }
        listen = [("--mode", f"{mode}@127.0.0.1:{free_port()}") for mode in modes.values()]
        with Proxy(None, listen, [f"ssl_verify_upstream_trusted_ca={world.ca}"]) as proxy:
            places = {kind: server.addresses[0] for kind, server in zip(modes, proxy.servers, strict=True)}
            ours = authority(confdir())

            def ask(*arguments: str) -> str:
                command = ["curl", "-q", "-s", "-m", "20", "--noproxy", "", "--cacert", str(ours)]
                command += ["-o", os.devnull, "-w", "%{http_code}", *arguments]
                asking = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
                proxy.record(lambda: asking.poll() is not None)
                return asking.communicate()[0]

            yield Running(proxy, places | {"quic": f"127.0.0.1:{quic}"}, ours, forward, ask)


def test_socks_clients_come_through_with_tls_and_all(running: Running, world: World) -> None:
    assert running.ask("-x", f"socks5h://{running.places['socks5']}", f"{world.sealed}/deny/socks") == "403"
    exchange = running.recorded("/deny/socks")
    assert exchange.request is not None
    assert exchange.request.url == f"{world.sealed}/deny/socks"
    assert running.client_side(exchange).server == running.places["socks5"]
    assert running.verdict(exchange).status == 403


def test_a_reverse_proxy_names_the_server_behind_it(running: Running, world: World) -> None:
    port = running.places["reverse"].rpartition(":")[2]
    assert running.ask(f"https://localhost:{port}/deny/reverse") == "403"
    verdict = running.verdict(running.recorded("/deny/reverse"))
    assert verdict.hop.address is not None
    assert verdict.hop.address.endswith(world.sealed.rpartition(":")[2])


def test_http3_is_recorded_on_both_sides(running: Running) -> None:
    client = ROOT / "tests/lab/conf/clients/h3.py"
    host, _, port = running.places["http3"].rpartition(":")
    command = [sys.executable, str(client), host, port, "localhost", "/deny/h3", str(running.authority)]
    env = os.environ | {"SSLKEYLOGFILE": os.devnull, "LAB_SOURCE": "127.0.0.1"}
    asking = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
    running.proxy.record(lambda: asking.poll() is not None)
    out, err = asking.communicate()
    assert "lab-status=403" in out, err
    exchange = running.recorded("/deny/h3")
    assert (exchange.protocol, exchange.server) == ("HTTP/3", running.places["quic"])
    server, outer = running.proxy.trace.handshake(exchange.tls or ""), running.client_side(exchange)
    assert server is not None
    assert (server.transport, server.alpn, server.version) == ("quic", "h3", "TLSv1.3")
    assert (outer.transport, outer.alpn, outer.sni) == ("quic", "h3", "localhost")
    assert (outer.ja4 or "").startswith("q13")
    assert running.verdict(exchange).status == 403


def test_a_tunnel_that_the_proxy_of_the_network_refuses_is_told_as_its_own_denial(
    running: Running, world: World
) -> None:
    through = ("-x", f"http://{running.places['upstream']}")
    assert running.ask(*through, f"{world.sealed}/upstream") == "200"
    running.ask(*through, "https://forbidden.test/")
    verdict = running.verdict(running.recorded("forbidden.test:443"))
    assert (verdict.status, verdict.layer, verdict.product) == (403, "forward-proxy", "tinyproxy")
    assert verdict.hop.address == running.forward
