"""Real servers on loopback, plain and with TLS and client certificates, and a mitmproxy with the addon in it."""

from __future__ import annotations

import http.server
import os
import shutil
import socketserver
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.lab.ca import Identity, authority, leaf
from tracer.live.proxy import addon

Curl = Callable[..., subprocess.CompletedProcess[str]]


class Served(http.server.BaseHTTPRequestHandler):
    """`/deny` is forbidden, `/big` is long, `/events` comes in pieces; everything else says hello."""

    protocol_version = "HTTP/1.1"
    server_version = "nginx/1.24.0"
    sys_version = ""

    def do_GET(self) -> None:
        if self.path.startswith("/events"):
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(b"data: one\n\n")
            self.wfile.flush()
            self.server.held.wait(20)  # type: ignore[attr-defined]
            self.wfile.write(b"data: two\n\n")
            self.close_connection = True
            return
        status, body = (403, b"<html><h1>403 Forbidden</h1></html>") if "/deny" in self.path else (200, b"hello")
        body = b"x" * 3_000_000 if "/big" in self.path else body
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Silence."""


class _Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 64
    held: threading.Event

    def handle_error(self, *_: object) -> None:
        """Clients that vanish are part of the tests."""


class World(NamedTuple):
    """Where the servers are, and files of those who are trusted."""

    folder: Path
    plain: str
    sealed: str
    mutual: str
    ca: Path
    client: Path
    held: threading.Event


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    ca: Identity = authority("Live Test CA")
    ca.save(folder / "ca")
    leaf("localhost", ca, names=("localhost", "127.0.0.1")).save(folder / "server")
    leaf("alice", ca, client=True).save(folder / "client")
    held = threading.Event()
    servers = [serve(held), serve(held, tls(folder)), serve(held, tls(folder, mutual=True))]
    plain, sealed, mutual = (s.server_address[1] for s in servers)
    yield World(
        folder,
        f"http://127.0.0.1:{plain}",
        f"https://localhost:{sealed}",
        f"https://localhost:{mutual}",
        folder / "ca.pem",
        folder / "client.both.pem",
        held,
    )
    for server in servers:
        server.shutdown()
        server.server_close()


def tls(folder: Path, mutual: bool = False) -> ssl.SSLContext:
    """The server's side, with the certificate that lies in `folder`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    if mutual:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(folder / "ca.pem")
    return context


def serve(held: threading.Event, context: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> _Server:
    """A server that runs."""
    server = _Server((host, 0), Served)
    server.held = held
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    return server


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home of our own, so that mitmproxy's authority is made here."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder))
        for name in ("SSLKEYLOGFILE", "http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE", "CURL_CA_BUNDLE"):
            patch.delenv(name, raising=False)
            patch.delenv(name.upper(), raising=False)
        yield folder


class Dump:
    """A mitmdump with the addon, as its user starts it."""

    def __init__(self, folder: Path, world: World, *options: str, **env: str) -> None:
        self.folder = folder
        self.trace = folder / "live.trace"
        self.log = folder / "log"
        command = [sys.executable, "-c", "from mitmproxy.tools.main import mitmdump; mitmdump()", "-s", str(addon())]
        command += ["--listen-host", "127.0.0.1", "-p", "0", "--set", f"ssl_verify_upstream_trusted_ca={world.ca}"]
        given = {"PYTHONUNBUFFERED": "1"} | env
        command += [w for o in (f"tracer_save={self.trace}", "termlog_verbosity=info", *options) for w in ("--set", o)]
        self._out = self.log.open("wb")
        self.process = subprocess.Popen(
            command, stdout=self._out, stderr=subprocess.STDOUT, cwd=folder, env=os.environ | given
        )
        self.address = self._address()

    def _address(self) -> str:
        until = time.monotonic() + 40
        while time.monotonic() < until:
            for line in self.log.read_text(errors="replace").splitlines():
                if "listening at" in line:
                    return line.rpartition(" ")[2].strip("*. ")
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise AssertionError(self.log.read_text(errors="replace"))

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(40)
        self._out.close()


@pytest.fixture
def dump(tmp_path: Path, world: World, home: Path) -> Iterator[Callable[..., Dump]]:
    started: list[Dump] = []

    def start(*options: str, **env: str) -> Dump:
        started.append(Dump(tmp_path, world, *options, **env))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()


@pytest.fixture
def curl(home: Path) -> Curl:
    """curl through a proxy, trusting its authority; the status code on standard output."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")

    def ask(proxy: str, *arguments: str, trust: bool = True) -> subprocess.CompletedProcess[str]:
        ca = home / ".mitmproxy" / "mitmproxy-ca-cert.pem"
        trusting = ["--cacert", str(ca)] if trust else []
        command = ["curl", "-q", "-s", "-o", os.devnull, "-w", "%{http_code}", "-m", "30", "--noproxy", "", "-x"]
        return subprocess.run([*command, f"http://{proxy}", *trusting, *arguments], capture_output=True, text=True)

    return ask
