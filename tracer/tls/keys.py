"""Keys that open connections: NSS key logs by client random or session id, RSA keys of servers.

A key log may grow while a capture is read: `follow` names a reader of it, `refresh` takes what was added.
Problem codes: `keys.bad-line`, `keys.private-key`, `keys.password`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from tracer.model.problem import Problem, Severity

from . import key_log, private_keys

MOST_LEARNED = 1 << 16
"""sessions remembered for a resumption, beside those of the key logs"""
LONGEST_LINE = 1 << 14
MOST_PRIVATE = 32
"""private keys tried on every RSA key exchange"""
MOST_STRANGERS = 1 << 16
"""secrets tried in all on connections whose hello is encrypted, so that nothing says which are theirs"""


PRIVATE = b"private"
"""stands in `found` for a private key that fitted"""


class KeyFile(msgspec.Struct):
    """What one file gave."""

    source: str
    names: set[bytes] = msgspec.field(default_factory=set)
    """client randoms, session ids and starts of encrypted premaster secrets it has secrets for"""
    private: int = 0
    given: bool = True
    """named by the user, not found in a capture"""


class Followed(msgspec.Struct):
    """A key log that grows."""

    source: str
    read: Callable[[], bytes]
    """what was added since the last call"""
    rest: bytes = b""
    """a line that is not whole yet"""
    lines: int = 0


class Keys:
    """Secrets by label and client random; master secrets also by session id and by ticket."""

    def __init__(self, password: bytes | None = None) -> None:
        self.secrets: dict[tuple[str, bytes], bytes] = {}
        self.sessions: dict[bytes, bytes] = {}
        """session id -> master secret"""
        self.masters: dict[bytes, bytes] = {}
        """client random -> master secret"""
        self.premasters: dict[bytes, bytes] = {}
        """first eight bytes of the encrypted premaster secret -> premaster secret"""
        self.private: list[Any] = []
        """RSA keys of servers, for suites with RSA key exchange"""
        self.files: list[KeyFile] = []
        self.found: set[bytes] = set()
        """names that connections asked for and that were there"""
        self.strange = MOST_STRANGERS
        """secrets that may still be tried on connections that do not name theirs"""
        self.generation = 0
        """grows with every file or line added: what was not there before may be now"""
        self.problems: list[Problem] = []
        self._learned: dict[bytes, bytes] = {}
        self._password = password
        self._followed: list[Followed] = []

    def __len__(self) -> int:
        return len(self.secrets) + len(self.sessions) + len(self.premasters) + len(self.private)

    @property
    def can_exchange(self) -> bool:
        """A premaster secret may be known."""
        return bool(self.premasters or self.private)

    # -- filling

    def add(self, data: bytes, source: str = "", *, given: bool = True) -> None:
        """Take every line of a key log, and RSA private keys in PEM, DER or PKCS#12.

        Bad lines are one problem with their number and the first of them; the other lines count.
        """
        file = self._file(source, given)
        if private_keys.is_der(data):
            self._add_private(data, file)
            return
        pem = b"-----BEGIN " in data
        if pem:
            data, blocks = private_keys.cut_pem(data)
            for block in blocks[:MOST_PRIVATE]:
                self._add_private(block, file)
        # what stands around PEM blocks is free text, unless the file is a key log as well
        self._add_lines(data, 1, file, lenient=pem)

    def _file(self, source: str, given: bool) -> KeyFile:
        self.generation += 1
        found = next((f for f in self.files if f.source == source), None)
        if found is None:
            found = KeyFile(source, given=given)
            self.files.append(found)
        return found

    def _add_lines(self, data: bytes, first: int, file: KeyFile, *, lenient: bool = False) -> None:
        bad: list[int] = []
        good = 0
        for number, secret in key_log.read_lines(data, first):
            if secret is None:
                bad.append(number)
            else:
                good += 1
                self._keep(secret, file)
        if bad and not (lenient and not good):
            count = f"{len(bad)} lines of the key log are" if len(bad) > 1 else "1 line of the key log is"
            where = f"the first is line {bad[0]}" if len(bad) > 1 else f"line {bad[0]}"
            text = f"{count} no NSS key log {'lines' if len(bad) > 1 else 'line'}: {where}; the other lines were read"
            self.problems.append(
                Problem(
                    code="keys.bad-line", severity=Severity.WARN, source=file.source, text=text, reference="RFC 9850"
                )
            )

    def _keep(self, secret: key_log.Secret, file: KeyFile) -> None:
        label, name, value = secret
        file.names.add(name)
        if label == key_log.SESSION_ID:
            self.sessions[name] = value
        elif label == key_log.PREMASTER_RSA:
            self.premasters[name] = value
        else:
            self.secrets[label, name] = value
            if label == "CLIENT_RANDOM":
                self.masters[name] = value
            elif label == "PMS_CLIENT_RANDOM":
                self.premasters[name] = value

    def _add_private(self, data: bytes, file: KeyFile) -> None:
        key = private_keys.load(data, self._password, file.source)
        if isinstance(key, Problem):
            self.problems.append(key)
        elif len(self.private) < MOST_PRIVATE:
            self.private.append(key)
            file.private += 1

    # -- a key log that grows

    def follow(self, read: Callable[[], bytes], source: str = "") -> None:
        """Take what `read` adds at every `refresh`; connections wait for their keys a while instead of going on."""
        self._followed.append(Followed(source, read))
        self._file(source, given=True)
        self.refresh()

    @property
    def grows(self) -> bool:
        """Keys may come later than the records they open."""
        return bool(self._followed)

    def refresh(self) -> bool:
        """Take what was added to the key logs that are followed; True when there was anything."""
        before = self.generation
        for followed in self._followed:
            data = followed.rest + followed.read()
            whole, _, followed.rest = data.rpartition(b"\n")
            followed.rest = followed.rest[:LONGEST_LINE]
            if whole:
                self._add_lines(whole, followed.lines + 1, self._file(followed.source, given=True))
                followed.lines += whole.count(b"\n") + 1
        return self.generation > before

    # -- asking

    def get(self, label: str, random: bytes) -> bytes | None:
        """The secret of that label for that client random."""
        secret = self.secrets.get((label, random))
        if secret is not None:
            self.found.add(random)
        return secret

    def strangers(self, label: str) -> Iterator[tuple[bytes, bytes]]:
        """(client random, secret) of sessions that no connection asked for, as many as may be tried."""
        for (kind, random), secret in self.secrets.items():
            if kind == label and random not in self.found:
                if self.strange <= 0:
                    return
                self.strange -= 1
                yield random, secret

    def knows(self, random: bytes) -> bool:
        """A key log names this client random."""
        return random in self.masters or random in self.premasters or any(random in f.names for f in self.files)

    def opens(self, random: bytes) -> bool:
        """A key log has the secrets of the data for this client random."""
        return random in self.masters or ("CLIENT_TRAFFIC_SECRET_0", random) in self.secrets

    def master(self, random: bytes, session: bytes, ticket: bytes | None) -> bytes | None:
        """The master secret by client random, by the session that is named, or by the ticket it was resumed with."""
        for name, known in ((random, self.masters), (session, self.sessions)):
            if name and (master := known.get(name)) is not None:
                self.found.add(name)
                return master
        learned = self._learned.get(session) if session else None
        return learned if learned is not None or not ticket else self._learned.get(_digest(ticket))

    def learn(self, master: bytes, session: bytes = b"", ticket: bytes = b"") -> None:
        """Remember the master secret of a session that may be resumed by its id (RFC 5246 section 7.3) or ticket
        (RFC 5077)."""
        for name in (session, _digest(ticket) if ticket else b""):
            if name:
                self._learned.pop(name, None)
                self._learned[name] = master
        while len(self._learned) > MOST_LEARNED:
            del self._learned[next(iter(self._learned))]

    def premaster(self, encrypted: bytes, version: int, random: bytes = b"") -> bytes | None:
        """The premaster secret, of a key log or under the server's RSA key; None without a key that fits."""
        for name in (random, encrypted[:8]):
            if name and (known := self.premasters.get(name)) is not None:
                self.found.add(name)
                return known
        found = next(private_keys.decrypt(self.private, encrypted, version), None) if self.private else None
        if found is not None:
            self.found.add(PRIVATE)
        return found

    def take_problems(self) -> Iterator[Problem]:
        """Problems since the last call."""
        while self.problems:
            yield self.problems.pop(0)


def _digest(ticket: bytes) -> bytes:
    return hashlib.sha256(ticket).digest()
