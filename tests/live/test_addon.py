"""The addon in a real mitmdump, asked by a real curl."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.live.conftest import Curl, Dump, World
from tracer.live import growing, recover
from tracer.live.proxy import Proxy, addon
from tracer.model.problem import Severity
from tracer.model.verdict import Cause, Layer
from tracer.store.listing import Follower
from tracer.store.trace import Trace

Start = Callable[..., Dump]


def waited(path: Path, what: Callable[[Trace], bool], seconds: float = 20) -> Trace:
    """The trace, opened while it grows, once it holds that."""
    until = time.monotonic() + seconds
    while True:
        try:
            trace = Trace.open(path)
        except (OSError, ValueError):  # it is not there yet
            trace = None
        if trace is not None and what(trace):
            return trace
        assert time.monotonic() < until, "it never came"
        time.sleep(0.05)


def settled(path: Path) -> None:
    """Wait until nobody records any more."""
    until = time.monotonic() + 20
    while growing(path) and time.monotonic() < until:
        time.sleep(0.05)


def test_exchanges_handshakes_and_verdicts_are_in_the_trace_while_the_proxy_runs(
    dump: Start, world: World, curl: Curl
) -> None:
    proxy = dump(f"client_certs={world.client}")
    assert curl(proxy.address, f"{world.plain}/").stdout == "200"
    assert curl(proxy.address, f"{world.sealed}/deny").stdout == "403"
    assert curl(proxy.address, f"{world.mutual}/").stdout == "200"
    trace = waited(proxy.trace, lambda t: t.count("exchange") >= 5 and t.count("verdict") == 1)
    assert growing(proxy.trace)
    (verdict,) = trace.verdicts()
    assert (verdict.status, verdict.url) == (403, f"{world.sealed}/deny")
    denied = trace.exchange(verdict.exchange)
    assert denied is not None
    server, client = trace.handshake(denied.tls or ""), trace.handshake(denied.extra["mitm.client-tls.handshake"])
    assert server is not None
    assert client is not None
    assert (server.sni, server.server_certs[0].subject if server.server_certs else "") == ("localhost", "CN=localhost")
    assert (server.client_cert_requested, server.version) == (False, "TLSv1.3")
    assert client.ja4 is not None
    assert client.server == proxy.address
    mutual = next(h for h in trace.handshakes() if h.server.endswith(world.mutual.rpartition(":")[2]))
    assert (mutual.client_cert_requested, mutual.client_cert_sent) == (True, True)
    tunnel = trace.exchange(denied.tunnel or "")
    assert tunnel is not None
    assert tunnel.request is not None
    assert tunnel.request.method == "CONNECT"


def test_a_client_that_does_not_trust_the_proxy_is_told_as_interception(dump: Start, world: World, curl: Curl) -> None:
    proxy = dump()
    assert curl(proxy.address, f"{world.sealed}/", trust=False).returncode == 60
    trace = waited(proxy.trace, lambda t: t.count("verdict") == 1)
    (verdict,) = trace.verdicts()
    assert (verdict.layer, verdict.cause, verdict.status) == (Layer.CLIENT, Cause.INTERCEPTION, None)


def test_a_host_that_is_passed_through_shows_its_own_certificate(dump: Start, world: World, curl: Curl) -> None:
    proxy = dump("tracer_pass=local*")
    assert curl(proxy.address, f"{world.sealed}/deny", "--cacert", str(world.ca)).stdout == "403"
    trace = waited(proxy.trace, lambda t: t.count("handshake") >= 1)
    (handshake,) = trace.handshakes()
    assert (handshake.sni, handshake.why_not) == ("localhost", "passed through untouched by a rule")
    assert trace.count("verdict") == 0


def test_a_server_that_the_proxy_does_not_trust_is_told_once(home: Path, world: World, curl: Curl) -> None:
    said: list[str] = []
    with Proxy(None, [("--listen-host", "127.0.0.1"), ("--listen-port", "0")], say=said.append) as proxy:
        for _ in range(2):
            assert curl(proxy.addresses[0], f"{world.sealed}/").stdout == "502"
        proxy.finish()
        problems = list(proxy.trace.problems())
    (text,) = said
    assert "does not trust the certificate of localhost (unable to get local issuer certificate)" in text
    assert "--ca PEM" in text
    assert [(p.code, p.severity) for p in problems] == [("live.untrusted", Severity.NOTE)]


def test_a_server_that_the_proxy_cannot_reach_is_told_once(home: Path, world: World, curl: Curl) -> None:
    said: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with Proxy(None, [("--listen-host", "127.0.0.1"), ("--listen-port", "0")], say=said.append) as proxy:
        for scheme in ("http", "https"):
            assert curl(proxy.addresses[0], f"{scheme}://localhost:{port}/").stdout in ("502", "000")
        proxy.finish()
        assert proxy.trace.count("verdict") == 0
    (text,) = said
    assert f"cannot reach localhost port {port}" in text
    assert "502 of the proxy's own" in text


def test_a_host_is_let_through_while_the_proxy_runs(world: World, home: Path, curl: Curl) -> None:
    listen = [("--listen-host", "127.0.0.1"), ("--listen-port", "0")]
    with Proxy(None, listen, [f"ssl_verify_upstream_trusted_ca={world.ca}"]) as proxy:
        theirs = ("--cacert", str(world.ca))
        assert curl(proxy.addresses[0], f"{world.sealed}/", *theirs).returncode == 60
        proxy.let_through("local*")
        until = time.monotonic() + 20
        while curl(proxy.addresses[0], f"{world.sealed}/", *theirs).stdout != "200":
            assert time.monotonic() < until, "it is not let through"
        proxy.finish()
        assert [h.why_not for h in proxy.trace.handshakes()][-1] == "passed through untouched by a rule"


def test_a_server_that_refuses_for_want_of_a_certificate_is_told_so(dump: Start, world: World, curl: Curl) -> None:
    proxy = dump()
    curl(proxy.address, f"{world.mutual}/")
    trace = waited(proxy.trace, lambda t: t.count("verdict") >= 1)
    verdict = next(trace.verdicts())
    assert verdict.cause is Cause.CLIENT_CERT_MISSING
    assert verdict.hop.address is not None
    assert verdict.hop.address.endswith(world.mutual.rpartition(":")[2])


def test_a_long_body_is_kept_in_part_with_its_hash(dump: Start, world: World, curl: Curl) -> None:
    proxy = dump("tracer_body=1k")
    assert curl(proxy.address, f"{world.plain}/big").stdout == "200"

    def hashed(trace: Trace) -> bool:
        return any("mitm.response-sha256" in e.extra for e in trace.exchanges())

    (exchange,) = waited(proxy.trace, hashed).exchanges()
    assert exchange.response is not None
    body = exchange.response.body
    assert (body.size, body.complete, body.data) == (3_000_000, False, b"x" * 1024)
    assert exchange.extra["mitm.response-sha256"] == hashlib.sha256(b"x" * 3_000_000).hexdigest()


def test_server_sent_events_reach_the_client_as_they_come(dump: Start, world: World) -> None:
    proxy = dump()
    command = ["curl", "-q", "-s", "-N", "--noproxy", "", "-x", f"http://{proxy.address}", f"{world.plain}/events"]
    asking = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert asking.stdout is not None
    world.held.clear()
    try:
        assert asking.stdout.readline() == b"data: one\n"
    finally:
        world.held.set()
        asking.communicate(timeout=20)


def test_a_client_that_vanishes_leaves_what_it_asked_and_the_proxy_goes_on(
    dump: Start, world: World, curl: Curl
) -> None:
    proxy = dump()
    host, _, port = proxy.address.rpartition(":")
    place = world.plain.removeprefix("http://")
    world.held.clear()
    try:
        with socket.create_connection((host, int(port)), 10) as client:
            client.sendall(f"GET {world.plain}/events HTTP/1.1\r\nHost: {place}\r\n\r\n".encode())
            assert client.recv(4096).startswith(b"HTTP/1.1 200")
    finally:
        world.held.set()
    assert curl(proxy.address, f"{world.plain}/after").stdout == "200"
    trace = waited(proxy.trace, lambda t: t.count("exchange") == 2)
    first, second = sorted(trace.exchanges(), key=lambda e: e.request.target if e.request else "", reverse=True)
    assert first.request is not None
    assert second.request is not None
    assert (first.request.target, second.request.target) == ("/events", "/after")
    assert first.aborted


def test_a_follower_in_another_process_sees_each_exchange_once(dump: Start, world: World, curl: Curl) -> None:
    proxy = dump()
    trace = waited(proxy.trace, lambda _: True)
    follower = Follower(trace, tables=("exchange",))
    seen: list[Any] = []
    for number in range(3):
        curl(proxy.address, f"{world.plain}/{number}")
        until = time.monotonic() + 10
        while len(seen) <= number and time.monotonic() < until:
            seen += list(follower.news())
            time.sleep(0.02)
    assert [e.request.target for e in seen] == ["/0", "/1", "/2"]


def test_when_the_proxy_is_killed_the_recorder_takes_what_was_answered(dump: Start, world: World, curl: Curl) -> None:
    proxy = dump()
    for number in range(5):
        assert curl(proxy.address, f"{world.plain}/{number}").stdout == "200"
    proxy.process.kill()
    proxy.process.wait()
    until = time.monotonic() + 40
    while not proxy.trace.exists() or Path(f"{proxy.trace}.live").exists():  # a recorder that is only starting too
        assert time.monotonic() < until, "the journal was never taken"
        time.sleep(0.05)
    with Trace.open(proxy.trace) as trace:
        assert trace.count("exchange") == 5


def test_when_proxy_and_recorder_are_killed_the_next_reader_takes_it_up(dump: Start, world: World, curl: Curl) -> None:
    proxy = dump()
    waited(proxy.trace, lambda _: True).close()
    recorder = subprocess.run(["pgrep", "-P", str(proxy.process.pid)], capture_output=True, text=True)
    (child,) = map(int, recorder.stdout.split())
    os.kill(child, signal.SIGSTOP)  # what comes now stays in the journal
    for number in range(4):
        assert curl(proxy.address, f"{world.plain}/deny/{number}").stdout == "403"
    os.kill(child, signal.SIGKILL)
    proxy.process.kill()
    proxy.process.wait()
    settled(proxy.trace)
    assert recover(proxy.trace)
    with Trace.open(proxy.trace) as trace:
        assert (trace.count("exchange"), trace.count("verdict")) == (4, 4)
    assert not recover(proxy.trace)


def test_a_mitmproxy_without_tracer_in_it_is_told_what_to_inject(tmp_path: Path) -> None:
    script = tmp_path / "record.py"
    script.write_bytes(addon().read_bytes())
    code = (
        "import sys, runpy\n"
        "sys.path[:] = [p for p in sys.path if p]\n"
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] == 'tracer': raise ModuleNotFoundError(f'No module named {name!r}')\n"
        "sys.meta_path.insert(0, Absent())\n"
        f"runpy.run_path({str(script)!r})\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode != 0
    assert "pipx inject mitmproxy tracer" in done.stderr
