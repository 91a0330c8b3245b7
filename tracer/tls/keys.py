"""Keys that open connections: NSS key logs, by client random or session id."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tracer.model.problem import Problem, Severity

_LINE = re.compile(rb"([A-Z0-9_]+) ([0-9A-Fa-f]{16,128}) ([0-9A-Fa-f]{2,1024})\s*$")
_SESSION = re.compile(rb"RSA Session-ID:([0-9A-Fa-f]*) Master-Key:([0-9A-Fa-f]{96})\s*$")
_MENTIONED = 5


class Keys:
    """Secrets by label and client random; master secrets also by session id."""

    def __init__(self) -> None:
        self.secrets: dict[tuple[str, bytes], bytes] = {}
        self.sessions: dict[bytes, bytes] = {}
        """session id -> master secret"""
        self.masters: dict[bytes, bytes] = {}
        """client random -> master secret"""
        self.problems: list[Problem] = []
        self._bad = 0

    def __len__(self) -> int:
        return len(self.secrets) + len(self.sessions)

    def add(self, data: bytes, source: str = "") -> None:
        """Take every line of a key log; bad lines are problems, the others count."""
        for number, line in enumerate(data.split(b"\n"), 1):
            line = line.strip()
            if line and not line.startswith(b"#") and not self._add_line(line):
                self._bad += 1
                if self._bad <= _MENTIONED:
                    self.problems.append(
                        Problem(
                            code="keys.bad-line",
                            severity=Severity.WARN,
                            source=source,
                            text=f"line {number} of the key log is no NSS key log line",
                            reference="RFC 9850",
                        )
                    )

    def _add_line(self, line: bytes) -> bool:
        if hit := _SESSION.match(line):
            self.sessions[bytes.fromhex(hit[1].decode())] = bytes.fromhex(hit[2].decode())
            return True
        hit = _LINE.match(line)
        if hit is None or len(hit[2]) % 2 or len(hit[3]) % 2:
            return False
        label, random, secret = hit[1].decode(), bytes.fromhex(hit[2].decode()), bytes.fromhex(hit[3].decode())
        if label == "CLIENT_RANDOM":
            self.masters[random] = secret
        self.secrets[label, random] = secret
        return True

    def get(self, label: str, random: bytes) -> bytes | None:
        """The secret of that label for that client random."""
        return self.secrets.get((label, random))

    def take_problems(self) -> Iterator[Problem]:
        """Problems since the last call."""
        while self.problems:
            yield self.problems.pop(0)
