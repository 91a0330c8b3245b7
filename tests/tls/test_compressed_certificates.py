"""Certificates that travel compressed (RFC 8879), and what a lying length or a bomb does."""

from __future__ import annotations

import ssl
import zlib
from collections.abc import Callable
from pathlib import Path

import brotli
import pytest

from tests.tls.authority import Identity, issue
from tests.tls.talk import Kept, Sent, far, logged, near, read, talk
from tracer.tls import messages
from tracer.tls.draft import Draft
from tracer.tls.hello import read_server_hello
from tracer.tls.keys import Keys
from tracer.transport.conversation import Context
from tracer.transport.stream import Mark

try:
    from compression.zstd import compress as zstd  # type: ignore[import-not-found,unused-ignore]
except ImportError:
    from backports.zstd import compress as zstd

PACK: dict[int, Callable[[bytes], bytes]] = {
    1: zlib.compress,
    2: lambda data: brotli.compress(data, quality=4),
    3: zstd,
}
SUPPORTED_VERSIONS = b"\0\x2b\0\2\3\4"


@pytest.fixture(scope="module")
def identity() -> Identity:
    return issue("a.example")


Said = tuple[Sent, Keys]


@pytest.fixture
def said(identity: Identity, tmp_path: Path) -> Said:
    sent = talk(near(tmp_path / "log", ssl.TLSVersion.TLSv1_2), far(identity.write(tmp_path / "a.pem"))).sent
    return sent, logged(tmp_path / "log")


def draft() -> Draft:
    """Of TLS 1.3, the hellos said."""
    made = Draft(Context(sink=Kept(), source="s", connection="c1", client="a:1", server="b:2"), Mark(1, 1))
    hello = b"\3\3" + bytes(32) + b"\0" + b"\x13\1" + b"\0" + len(SUPPORTED_VERSIONS).to_bytes(2) + SUPPORTED_VERSIONS
    made.server_hello = read_server_hello(hello)
    return made


def message(identity: Identity) -> bytes:
    """The body of a Certificate message (RFC 8446 section 4.4.2)."""
    entry = len(identity.der).to_bytes(3) + identity.der + b"\0\0"
    return b"\0" + len(entry).to_bytes(3) + entry


def compressed(algorithm: int, size: int, data: bytes) -> bytes:
    return algorithm.to_bytes(2) + size.to_bytes(3) + len(data).to_bytes(3) + data


@pytest.mark.parametrize("algorithm", PACK)
@pytest.mark.parametrize("client", [True, False])
def test_each_algorithm_gives_the_chain(identity: Identity, algorithm: int, client: bool) -> None:
    body, made = message(identity), draft()
    messages.take(made, client, 25, compressed(algorithm, len(body), PACK[algorithm](body)))
    chain = made.client_certs if client else made.server_certs
    assert [c.subject for c in chain or ()] == ["CN=a.example"]


@pytest.mark.parametrize("algorithm", PACK)
def test_more_than_was_said_is_not_unpacked(identity: Identity, algorithm: int) -> None:
    """A few kilobytes that stand for 100 MB, of which the message says that they are a certificate's size."""
    made = draft()
    bomb = PACK[algorithm](message(identity) + bytes(100 << 20))
    messages.take(made, False, 25, compressed(algorithm, len(message(identity)), bomb))
    assert [c.subject for c in made.server_certs or ()] == ["CN=a.example"]


@pytest.mark.parametrize("algorithm", PACK)
def test_bytes_that_do_not_unpack_give_no_chain(algorithm: int) -> None:
    made = draft()
    with pytest.raises(ValueError, match="corrupt"):
        messages.take(made, False, 25, compressed(algorithm, 500, b"no such thing"))
    assert not made.server_certs


def test_an_algorithm_that_nobody_knows_is_passed_over() -> None:
    made = draft()
    messages.take(made, False, 25, compressed(4, 500, b"no such thing"))
    assert not made.server_certs


def test_a_certificate_that_does_not_unpack_is_a_problem_of_its_handshake(said: Said) -> None:
    """Here in the clear, as a client of TLS 1.2 would never send it: whoever writes bytes may write any."""
    bad = compressed(1, 500, b"no such thing")
    flight = bytes([25]) + len(bad).to_bytes(3) + bad
    sent, keys = said
    kept = read([sent[0], (True, b"\x16\3\3" + len(flight).to_bytes(2) + flight), *sent[1:]], keys)
    (handshake,) = kept.handshakes
    assert [p.code for p in handshake.problems] == ["tls.message"]
    assert [e.response.status for e in kept.exchanges if e.response] == [403]
