"""A relay on loopback between two real programs, which notes what each of them sent, in order."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

PATIENCE = 15.0
"""seconds until something must have happened"""
Sent = list[tuple[bool, bytes]]
"""(by the client, bytes) in the order of sending"""


@dataclass
class Relay:
    """Connections to it go to `target`; what both sides send is noted in order."""

    target: int
    sent: list[Sent] = field(default_factory=list)
    """per connection"""

    def __post_init__(self) -> None:
        self.door = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.door.getsockname()[1]
        self.lock = threading.Lock()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                near, _ = self.door.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self.target))
            sent: Sent = []
            self.sent.append(sent)
            for one, other, client in ((near, far, True), (far, near, False)):
                threading.Thread(target=self._pass, args=(one, other, client, sent), daemon=True).start()

    def _pass(self, one: socket.socket, other: socket.socket, client: bool, sent: Sent) -> None:
        while True:
            try:
                data = one.recv(1 << 16)
            except OSError:
                data = b""
            try:
                if not data:
                    other.shutdown(socket.SHUT_WR)
                    return
                with self.lock:  # noted before the other end can answer it
                    sent.append((client, data))
                other.sendall(data)
            except OSError:
                return

    def amount(self, client: bool) -> int:
        """Bytes that this side sent on the last connection."""
        with self.lock:
            return sum(len(data) for is_client, data in self.sent[-1] if is_client == client) if self.sent else 0


def until(true: Callable[[], bool], what: str) -> None:
    """Wait for it."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.005)
