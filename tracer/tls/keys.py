"""Keys that open connections: NSS key logs, by client random or session id."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tracer.model.problem import Problem, Severity

_LINE = re.compile(rb"([A-Z0-9_]+) ([0-9A-Fa-f]{16,128}) ([0-9A-Fa-f]{2,1024})\s*$")
_SESSION = re.compile(rb"RSA Session-ID:([0-9A-Fa-f]*) Master-Key:([0-9A-Fa-f]{96})\s*$")
_PREMASTER = re.compile(rb"RSA ([0-9A-Fa-f]{16}) ([0-9A-Fa-f]{96})\s*$")
_PRIVATE = re.compile(rb"-----BEGIN (?:RSA )?PRIVATE KEY-----.*?-----END (?:RSA )?PRIVATE KEY-----\s*", re.S)
_MENTIONED = 5


class Keys:
    """Secrets by label and client random; master secrets also by session id."""

    def __init__(self) -> None:
        self.secrets: dict[tuple[str, bytes], bytes] = {}
        self.sessions: dict[bytes, bytes] = {}
        """session id -> master secret"""
        self.masters: dict[bytes, bytes] = {}
        """client random -> master secret"""
        self.premasters: dict[bytes, bytes] = {}
        """first eight bytes of the encrypted premaster secret -> premaster secret"""
        self.private: list[Any] = []
        """RSA keys of servers, for suites with RSA key exchange"""
        self.problems: list[Problem] = []
        self._bad = 0

    def __len__(self) -> int:
        return len(self.secrets) + len(self.sessions) + len(self.premasters) + len(self.private)

    @property
    def can_exchange(self) -> bool:
        """A premaster secret of an RSA key exchange may be known."""
        return bool(self.premasters or self.private)

    def add(self, data: bytes, source: str = "") -> None:
        """Take every line of a key log, and RSA private keys in PEM; bad lines are problems, the others count."""
        if b"PRIVATE KEY-----" in data:
            data = _PRIVATE.sub(lambda hit: self._add_private(hit[0], source), data)
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

    def _add_private(self, pem: bytes, source: str) -> bytes:
        """Keep the key; the line ends it took, so that later lines keep their numbers."""
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            key = load_pem_private_key(pem, None)
        except Exception:  # cryptography refuses damaged keys with many kinds of errors
            key = None
        if isinstance(key, RSAPrivateKey):
            self.private.append(key)
        else:
            text = "a private key that is damaged, or not one for RSA key exchange"
            self.problems.append(Problem(code="keys.private-key", severity=Severity.WARN, source=source, text=text))
        return b"\n" * pem.count(b"\n")

    def premaster(self, encrypted: bytes, version: int) -> bytes | None:
        """What the client sent under the server's RSA key (RFC 5246 section 7.4.7.1); None without a key that fits."""
        known = self.premasters.get(encrypted[:8])
        if known is not None:
            return known
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

        for key in self.private:
            try:
                plain: bytes = key.decrypt(encrypted, PKCS1v15())
            except ValueError:
                continue
            # a wrong key yields random bytes in newer libraries: length and version tell
            if len(plain) == 48 and int.from_bytes(plain[:2]) == version:
                return plain
        return None

    def _add_line(self, line: bytes) -> bool:
        if hit := _SESSION.match(line):
            self.sessions[bytes.fromhex(hit[1].decode())] = bytes.fromhex(hit[2].decode())
            return True
        if hit := _PREMASTER.match(line):
            self.premasters[bytes.fromhex(hit[1].decode())] = bytes.fromhex(hit[2].decode())
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
