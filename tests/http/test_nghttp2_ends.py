"""What nghttp, nghttpd, nghttpx and curl say in the clear: prior knowledge, upgrade, push, padding, many streams."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.http.test_h2_exchanges import Collected
from tests.relay import Relay, until
from tracer.http.detect import conversation
from tracer.model.http import Exchange
from tracer.transport.conversation import Context
from tracer.transport.stream import Mark, Stream

PATHS = "/usr/bin:/usr/sbin:/bin"
PROGRAMS = ("nghttp", "nghttpd", "nghttpx", "h2load", "curl")
MISSING = [p for p in PROGRAMS if shutil.which(p, path=PATHS) is None]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")


def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        number: int = free.getsockname()[1]
        return number


def answers(number: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", number), 1).close()
    except OSError:
        return False
    return True


@contextmanager
def running(number: int, *command: str) -> Iterator[None]:
    """A server, from when it answers on that port."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={"PATH": PATHS})
    try:
        until(lambda: answers(number), f"{command[0]} to answer")
        yield
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "index.html").write_text("<p>hello</p>\n")
    (tmp_path / "site.css").write_bytes(b"p { color: red }\n" * 3000)
    return tmp_path


@contextmanager
def nghttpd(site: Path, *options: str) -> Iterator[Relay]:
    number = port()
    with running(number, "nghttpd", "--no-tls", "-a", "127.0.0.1", "-d", str(site), *options, str(number)):
        relay = Relay(number)
        yield relay
        relay.door.close()


def client(relay: Relay, *command: str) -> list[list[Exchange]]:
    """Run it to its end; what an observer reports of each of its connections."""
    before = len(relay.sent)
    words = [word.replace("@", f"http://127.0.0.1:{relay.port}") for word in command]
    subprocess.run(words, check=True, capture_output=True, timeout=20, env={"PATH": PATHS})
    return [observed(sent) for sent in relay.sent[before:]]


def observed(sent: Sequence[tuple[bool, bytes]]) -> list[Exchange]:
    sink, streams = Collected(), {True: Stream(), False: Stream()}
    context = Context(sink=sink, source="s", connection="c1", client="1.1.1.1:5", server="2.2.2.2:80")
    reader = conversation(context, streams[True], streams[False])
    for packet, (by_client, data) in enumerate(list(sent), 1):
        streams[by_client].push(data, Mark(packet, packet))
        reader.advance()
    streams[True].closed = streams[False].closed = True
    reader.advance()
    return sink.exchanges


def told(exchanges: Sequence[Exchange]) -> list[tuple[int | None, str, int, int]]:
    """(stream, path, status, bytes of body) of whole exchanges."""
    return sorted(
        (e.stream, e.request.target, e.response.status, e.response.body.size)
        for e in exchanges
        if e.request and e.response and e.response.body.complete
    )


@pytest.mark.parametrize("padding", ["0", "200"])
def test_prior_knowledge_and_padded_frames_are_read(site: Path, padding: str) -> None:
    with nghttpd(site, f"--padding={padding}") as relay:
        (found,) = client(relay, "nghttp", "-n", "--no-dep", "@/index.html", "@/site.css", "@/nothing")
    assert [row[1:3] for row in told(found)] == [("/index.html", 200), ("/site.css", 200), ("/nothing", 404)]
    assert [row[3] for row in told(found)][:2] == [13, 51000]


def test_what_a_server_pushes_is_an_exchange_that_says_so(site: Path) -> None:
    """RFC 9113 section 8.4."""
    with nghttpd(site, "--push=/index.html=/site.css") as relay:
        (found,) = client(relay, "nghttp", "-n", "--no-dep", "@/index.html")
    assert [(e.request.target, e.pushed) for e in found if e.request] == [("/index.html", False), ("/site.css", True)]
    assert told(found) == [(1, "/index.html", 200, 13), (2, "/site.css", 200, 51000)]


@pytest.mark.parametrize("command", [("nghttp", "-n", "-u"), ("curl", "-s", "--http2")], ids=["nghttp", "curl"])
def test_an_upgrade_from_http_1_goes_on_as_stream_1(site: Path, command: tuple[str, ...]) -> None:
    """RFC 7540 section 3.2."""
    origin, front = port(), port()
    with (
        running(origin, "nghttpd", "--no-tls", "-a", "127.0.0.1", "-d", str(site), str(origin)),
        running(
            front,
            *("nghttpx", f"-f127.0.0.1,{front};no-tls", f"-b127.0.0.1,{origin};;proto=h2;no-tls", "--workers=1"),
            *("--no-ocsp", "--single-process", "--errorlog-file=/dev/null"),
        ),
    ):
        (found,) = client(Relay(front), *command, "@/site.css")
    assert told(found) == [(1, "/site.css", 200, 51000)]
    assert [(e.request.version, e.protocol) for e in found if e.request] == [("HTTP/1.1", "HTTP/2")]


def test_a_thousand_streams_are_a_thousand_exchanges(site: Path) -> None:
    with nghttpd(site) as relay:
        connections = client(relay, "h2load", "-n1000", "-c4", "-m50", "@/index.html")
    rows = [row[1:] for found in connections for row in told(found)]
    assert rows == [("/index.html", 200, 13)] * 1000
