"""Servers that answer as no server should: each ends with an answer or a sentence, in time and in bounds."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable

import pytest

from tests.replay.asks import ask_from
from tracer.replay.door import Answer, Sender


def _answers(
    serve: Callable[[socket.socket], object], raw: bytes = b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"
) -> Answer:
    """What the sender makes of a server that does this with its one connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def run() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                serve(connection)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        answer = Sender(timeout=2).send(ask_from(raw, server=f"127.0.0.1:{listener.getsockname()[1]}"))
        thread.join(5)
    return answer


def _says(data: bytes) -> Callable[[socket.socket], None]:
    return lambda connection: connection.sendall(data)


@pytest.mark.parametrize(
    ("data", "status", "body"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", 200, b"until the end"),
        (
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\n\r\nHTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno",
            403,
            b"no",
        ),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nT: 1\r\n\r\n", 200, b"abc"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ncut", 200, b"cut"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
    ],
)
def test_every_framing_ends(data: bytes, status: int, body: bytes) -> None:
    answer = _answers(_says(data))
    assert answer.exchange is not None
    assert answer.exchange.response is not None
    assert (answer.exchange.response.status, answer.exchange.response.body.data or b"") == (status, body)


def test_a_head_answer_has_no_body_to_wait_for() -> None:
    def serve(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
        connection.recv(1)  # stays open until the client leaves

    assert _answers(serve, b"HEAD / HTTP/1.1\r\nHost: a.test\r\n\r\n").status == 200


def test_a_switch_of_protocols_is_an_answer() -> None:
    def serve(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        connection.recv(1)

    raw = b"GET /ws HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    answer = _answers(serve, raw)
    assert (answer.status, answer.error) == (101, "")


@pytest.mark.parametrize("data", [b"", b"\0\1\2\3", b"SSH-2.0-x\r\n", b"HTTP/1.1 2", b"\x15\x03\x03\x00\x02\x02\x28"])
def test_what_is_no_answer_is_none(data: bytes) -> None:
    assert _answers(_says(data)).status is None


def test_silence_ends_in_time() -> None:
    answer = _answers(lambda connection: bool(connection.recv(1)))
    assert answer.status is None
    assert "in time" in answer.error


def test_a_reset_is_told() -> None:
    def serve(connection: socket.socket) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    answer = _answers(serve)
    assert answer.status is None
    assert "broke" in answer.error


def test_an_endless_answer_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracer.replay.door.LARGEST_ANSWER", 1 << 20)

    def serve(connection: socket.socket) -> None:
        try:
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            while True:
                connection.sendall(bytes(65536))
        except OSError:
            pass

    answer = _answers(serve)
    assert answer.status == 200
    assert "longer than" in answer.error


def test_an_answer_before_the_body_was_read_is_heard() -> None:
    raw = b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 8000000\r\n\r\n" + bytes(8_000_000)
    answer = _answers(_says(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"), raw)
    assert answer.status in (413, None)
    assert answer.status == 413 or "broke" in answer.error
