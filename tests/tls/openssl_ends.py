"""`openssl s_client` and `s_server` on loopback, with a relay between them that notes what each sent."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import pytest

from tests.relay import Relay, until
from tests.tls.talk import Sent

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="not installed: openssl")
_NO_EMS = """openssl_conf = all
[all]
ssl_conf = ssl
[ssl]
system_default = default
[default]
Options = -ExtendedMasterSecret
CipherString = DEFAULT:@SECLEVEL=0
"""


@dataclass
class Program:
    """An end that runs; its input is what it sends, or a command of its own."""

    process: subprocess.Popen[bytes]
    heard: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        threading.Thread(target=self._listen, args=(self.process.stdout,), daemon=True).start()

    def _listen(self, pipe: IO[bytes]) -> None:
        while data := pipe.read1(1 << 16):  # type: ignore[attr-defined]
            self.heard += data

    def hears(self, words: bytes, times: int = 1) -> None:
        until(lambda: self.heard.count(words) >= times, f"{words!r}, got {bytes(self.heard[-600:])!r}")

    def say(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()


@dataclass
class Table:
    """A server, the relay before it, and how to start clients."""

    server: Program
    relay: Relay
    log: Path
    start: Callable[..., Program]

    def client(self, *options: str) -> Program:
        """One that has connected; it names the key log."""
        before = len(self.relay.sent)
        program = self.start(
            "s_client", "-connect", f"127.0.0.1:{self.relay.port}", "-keylogfile", str(self.log), *options
        )
        until(lambda: len(self.relay.sent) > before, "the client to connect")
        return program

    def command(self, program: Program, word: bytes, client: bool) -> None:
        """Have an end do something, and wait until it sent bytes for it."""
        before = self.relay.amount(client)
        program.say(word + b"\n")
        until(lambda: self.relay.amount(client) > before, f"the command {word!r}")

    def ask(self, client: Program, path: str, status: int) -> None:
        """One exchange."""
        self.command(client, b"GET %b HTTP/1.1\r\nHost: a.example\r\n\r" % path.encode(), True)
        self.server.hears(b"GET " + path.encode())
        self.command(
            self.server, b"HTTP/1.1 %d No\r\nX-For: %b\r\nContent-Length: 0\r\n\r" % (status, path.encode()), False
        )
        client.hears(b"X-For: " + path.encode())


@contextmanager
def table(folder: Path, *options: str, ems: bool = True) -> Iterator[Table]:
    """A server with these options, which takes several clients one after the other."""
    conf = folder / "openssl.cnf"
    conf.write_text(_NO_EMS if not ems else "")
    with ExitStack() as stack:

        def start(*words: str) -> Program:
            process = subprocess.Popen(
                ["openssl", *words],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env={"OPENSSL_CONF": str(conf), "PATH": "/usr/bin:/bin:/usr/local/bin"},
            )
            stack.callback(_end, process)
            return Program(process)

        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        server = start("s_server", "-accept", f"127.0.0.1:{port}", *options)
        server.hears(b"ACCEPT")
        relay = Relay(port)
        stack.callback(relay.door.close)
        yield Table(server, relay, folder / "keys.log", start)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def of(folder: Path, *options: str, client: Sequence[str] = (), ems: bool = True) -> tuple[Sent, Path]:
    """What was sent in one connection with one exchange, and the key log."""
    with table(folder, *options, ems=ems) as made:
        program = made.client(*client)
        made.ask(program, "/one", 403)
        return list(made.relay.sent[0]), made.log
