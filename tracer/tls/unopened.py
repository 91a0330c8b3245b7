"""Why a TLS connection stays closed, counted over a source, and what that says in a sentence.

Problem codes: `tls.no-keys` (once per source), `keys.unmatched` (a key log that opens nothing).
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from tracer.model.connection import Connection
from tracer.model.problem import Problem, Severity
from tracer.model.tls import Handshake

if TYPE_CHECKING:
    from tracer.transport.conversation import Sink

    from .keys import KeyFile, Keys


class WhyNot(enum.StrEnum):
    """Why nothing, or only the handshake, could be decrypted."""

    NO_KEYS = "no keys"
    NO_SECRET = "no keys for this client random"
    INCOMPLETE = "some of its secrets are missing"
    RESUMED = "resumed without its first session"
    JOINED_LATE = "joined late"
    CIPHER = "cipher not supported"
    WRONG = "its keys open none of its records"


_SAYS = {
    WhyNot.NO_KEYS: ("had no keys", "had no keys"),
    WhyNot.NO_SECRET: ("has no secret for its client random", "have no secret for their client random"),
    WhyNot.INCOMPLETE: ("lacks the secret of its records", "lack the secrets of their records"),
    WhyNot.RESUMED: (
        "resumed a session whose first handshake is not in the capture",
        "resumed sessions whose first handshake is not in the capture",
    ),
    WhyNot.JOINED_LATE: ("joined after its handshake", "joined after their handshake"),
    WhyNot.CIPHER: ("uses a cipher that cannot be decrypted here", "use ciphers that cannot be decrypted here"),
    WhyNot.WRONG: ("has keys that open none of its records", "have keys that open none of their records"),
}
HOW = "give the key log with --keylog, or set SSLKEYLOGFILE in the client and capture again"


class Tally:
    """Connections of a source by what came of them."""

    def __init__(self) -> None:
        self.opened = 0
        self.closed: Counter[WhyNot] = Counter()
        self._pending: dict[str, str | None] = {}
        """connections whose handshake was told: why they stay closed"""

    def handshake(self, handshake: Handshake) -> None:
        """Note what came of one; a connection with another one inside is opened when both are."""
        if handshake.connection is None:
            self._count(handshake.why_not)
        elif handshake.decrypted or handshake.why_not is not None:
            name = handshake.connection
            self._pending[name] = self._pending.get(name) or handshake.why_not
        else:
            # refused or cut before anything was encrypted: nothing to open
            self._pending.setdefault(handshake.connection, "")

    def connection(self, connection: Connection) -> None:
        """The connection is over, its handshakes were told before."""
        if connection.id in self._pending:
            why = self._pending.pop(connection.id)
            if why != "":
                self._count(why)
        elif ("tls" in (connection.protocol or "").split("/") or connection.transport == "quic") and (
            connection.client_bytes or connection.server_bytes
        ):
            self._count(WhyNot.JOINED_LATE)

    def _count(self, why: str | None) -> None:
        if why is None:
            self.opened += 1
        else:
            self.closed[WhyNot(why)] += 1

    # -- between processes

    def state(self, keys: Keys | None) -> dict[str, Any]:
        """As plain values."""
        found = [name.hex() for name in keys.found] if keys is not None else []
        return {"opened": self.opened, "closed": {str(why): n for why, n in self.closed.items()}, "found": found}

    def join(self, state: dict[str, Any], keys: Keys | None) -> None:
        """Add what another process counted."""
        self.opened += state["opened"]
        self.closed.update({WhyNot(why): count for why, count in state["closed"].items()})
        if keys is not None:
            keys.found.update(map(bytes.fromhex, state["found"]))

    # -- in words

    def problems(self, source: str, keys: Keys | None) -> Iterator[Problem]:
        """At most one."""
        closed = self.closed.total()
        if closed:
            every = closed + self.opened
            which = f"{closed} of {every} TLS connections" if every > 1 else "the TLS connection"
            text = f"{which} could not be decrypted: {self._reasons()}{_matched(keys)}"
            yield Problem(code="tls.no-keys", severity=Severity.NOTE, text=text, source=source)

    def _reasons(self) -> str:
        if set(self.closed) == {WhyNot.NO_KEYS}:
            return f"no keys were given; {HOW}"
        if self.closed.total() + self.opened == 1:
            return f"it {_SAYS[next(iter(self.closed))][0]}"
        told = ", ".join(f"{n} {_SAYS[why][n > 1]}" for why, n in self.closed.most_common() if n)
        return f"{told}; {HOW}" if WhyNot.NO_KEYS in self.closed else told


def _matched(keys: Keys | None) -> str:
    names = {n for f in keys.files for n in f.names} if keys is not None else set()
    if keys is None or not names:
        return ""
    met = len(names & keys.found)
    of = f"of {len(names)} sessions in the key logs" if len(names) > 1 else "of 1 session in the key log"
    return f"; {of} {met} {'was' if met == 1 else 'were'} met"


def unmatched(keys: Keys | None, tallies: Iterable[Tally]) -> Iterator[Problem]:
    """A problem for each key log the user gave that opened nothing, although connections stayed closed."""
    closed = sum((t.closed for t in tallies), Counter[WhyNot]())
    lacking = closed.total() - closed[WhyNot.CIPHER]
    for file in keys.files if keys is not None and lacking else ():
        assert keys is not None
        holds = _holds(file, keys)
        if file.given and holds:
            those = "the connection" if lacking == 1 else f"the {lacking} connections"
            text = f"{holds}, and {those} that could not be decrypted used {'another' if lacking == 1 else 'others'}"
            yield Problem(code="keys.unmatched", severity=Severity.WARN, text=text, source=file.source)


def _holds(file: KeyFile, keys: Keys) -> str:
    """What the file holds and nobody used; empty when something was used, or there is nothing in it."""
    from .keys import PRIVATE

    if file.names & keys.found or (file.private and PRIVATE in keys.found):
        return ""
    if file.names:
        return f"the key log has secrets of {len(file.names)} session{'s' if len(file.names) > 1 else ''}, 0 matched"
    return "the private key opened no key exchange" if file.private else ""


class Tallying:
    """A sink that passes everything on, and counts."""

    def __init__(self, sink: Sink, tally: Tally) -> None:
        self.exchange = sink.exchange
        self.problem = sink.problem
        self._sink, self._tally = sink, tally

    def handshake(self, handshake: Handshake) -> None:
        self._tally.handshake(handshake)
        self._sink.handshake(handshake)

    def connection(self, connection: Connection) -> None:
        self._tally.connection(connection)
        self._sink.connection(connection)
