"""What is said of connections that could not be opened."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from tests.tls.authority import issue
from tests.tls.talk import far, logged, near, read, talk
from tracer.model.connection import Connection
from tracer.model.problem import Severity
from tracer.model.tls import Handshake
from tracer.tls.keys import Keys
from tracer.tls.unopened import Tally, WhyNot, unmatched


def connection(number: int, protocol: str = "tls") -> Connection:
    return Connection(id=f"c{number}", source="x", protocol=protocol, client_bytes=10)


def tally(*whys: WhyNot | None) -> Tally:
    """A connection for each; None for one that was decrypted."""
    counted = Tally()
    for number, why in enumerate(whys):
        counted.handshake(
            Handshake(id="t", source="x", connection=f"c{number}", decrypted=why is None, why_not=why and str(why))
        )
        counted.connection(connection(number))
    return counted


def text(counted: Tally, keys: Keys | None = None) -> str:
    (problem,) = counted.problems("x", keys)
    assert (problem.code, problem.severity, problem.source) == ("tls.no-keys", Severity.NOTE, "x")
    return problem.text


def test_one_note_says_how_many_and_why() -> None:
    counted = tally(None, None, *[WhyNot.NO_SECRET] * 9, *[WhyNot.RESUMED] * 2, WhyNot.JOINED_LATE)
    assert text(counted) == (
        "12 of 14 TLS connections could not be decrypted: 9 have no secret for their client random, "
        "2 resumed sessions whose first handshake is not in the capture, 1 joined after its handshake"
    )


def test_without_any_keys_it_says_how_to_get_them() -> None:
    assert "SSLKEYLOGFILE" in text(tally(WhyNot.NO_KEYS, WhyNot.NO_KEYS))


def test_nothing_is_said_when_every_connection_was_opened() -> None:
    assert list(tally(None, None).problems("x", None)) == []


def test_a_handshake_that_ended_before_encryption_is_neither_opened_nor_closed() -> None:
    counted = Tally()
    counted.handshake(Handshake(id="t", source="x", connection="c1"))
    counted.connection(connection(1))
    assert (counted.opened, counted.closed.total()) == (0, 0)


def test_a_connection_without_any_handshake_was_joined_after_it() -> None:
    counted = Tally()
    counted.connection(connection(1, "proxy/tls"))
    counted.connection(connection(2, "http/1"))
    assert counted.closed == {WhyNot.JOINED_LATE: 1}


def test_tls_inside_tls_is_one_connection_and_closed_when_the_inner_one_is() -> None:
    counted = Tally()
    counted.handshake(Handshake(id="t1", source="x", connection="c1", decrypted=True))
    counted.handshake(Handshake(id="t2", source="x", connection="c1", why_not=WhyNot.NO_SECRET))
    counted.connection(connection(1))
    assert (counted.opened, counted.closed) == (0, {WhyNot.NO_SECRET: 1})


def test_what_two_processes_counted_is_added() -> None:
    one, keys = tally(None, WhyNot.CIPHER), Keys()
    keys.found.add(b"\x01")
    state, other = one.state(keys), Keys()
    one.join(state, other)
    assert (one.opened, one.closed, other.found) == (2, {WhyNot.CIPHER: 2}, {b"\x01"})


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, list[tuple[bool, bytes]]]:
    """The right key log, a wrong one, the conversation."""
    folder = tmp_path_factory.mktemp("logs")
    server = far(issue("a.example").write(folder / "a.pem"))
    talk(near(folder / "wrong"), server)
    return folder / "right", folder / "wrong", talk(near(folder / "right"), server).sent


def reading(log: Path, sent: list[tuple[bool, bytes]]) -> tuple[Tally, Keys]:
    keys, counted = logged(log), Tally()
    counted.handshake(read(sent, keys).handshakes[0])
    counted.connection(connection(1))
    return counted, keys


def test_a_key_log_that_matches_nothing_is_a_problem(logs: tuple[Path, Path, list[tuple[bool, bytes]]]) -> None:
    counted, keys = reading(logs[1], logs[2])
    assert text(counted, keys).endswith("of 1 session in the key log 0 were met")
    (problem,) = unmatched(keys, [counted])
    assert (problem.code, problem.severity) == ("keys.unmatched", Severity.WARN)
    assert "1 session, 0 matched" in problem.text


def test_a_key_log_that_matches_is_none(logs: tuple[Path, Path, list[tuple[bool, bytes]]]) -> None:
    counted, keys = reading(logs[0], logs[2])
    assert list(unmatched(keys, [counted])) == []


def test_secrets_of_another_connection_under_the_right_random_are_told_apart(
    logs: tuple[Path, Path, list[tuple[bool, bytes]]],
) -> None:
    lines = [line.split(b" ") for line in logs[0].read_bytes().splitlines() if line.startswith((b"C", b"S", b"E"))]
    keys = Keys()
    for label, random, secret in lines:
        keys.add(b" ".join((label, random, secret[::-1])))
    (handshake,) = read(logs[2], keys).handshakes
    assert (handshake.decrypted, handshake.why_not) == (False, WhyNot.WRONG)


def test_a_session_that_was_resumed_without_its_first_handshake_is_said_to_be(tmp_path: Path) -> None:
    client = near(None, ssl.TLSVersion.TLSv1_2)
    server = far(issue("a.example").write(tmp_path / "a.pem"))
    first = talk(client, server)
    second = talk(client, server, first.client.session)
    keys = Keys()
    keys.add(b"CLIENT_RANDOM %b %b" % (b"00" * 32, b"00" * 48))
    assert read(second.sent, keys).handshakes[0].why_not == WhyNot.RESUMED
