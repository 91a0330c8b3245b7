"""Which keys protect what, and when: from the key log's secrets to protections of both directions."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator

from .draft import Draft
from .ech import CONFIG, SECRET, Opener, sealed_of
from .hello import EARLY_DATA, ENCRYPT_THEN_MAC, EXTENDED_MASTER_SECRET, TICKET, ServerHello
from .keys import Keys
from .protection import (
    SSL3,
    AeadProtection,
    BadRecordError,
    CbcProtection,
    Protection,
    StreamProtection,
    Tls13Protection,
)
from .search import Search
from .secrets import digest_size, prf, prf_ssl3
from .suites import Suite, suite_of
from .unopened import WhyNot

EARLY = "CLIENT_EARLY_TRAFFIC_SECRET"
HANDSHAKE = {True: "CLIENT_HANDSHAKE_TRAFFIC_SECRET", False: "SERVER_HANDSHAKE_TRAFFIC_SECRET"}
APPLICATION = {True: "CLIENT_TRAFFIC_SECRET_0", False: "SERVER_TRAFFIC_SECRET_0"}


class Schedule:
    """The keys of one handshake."""

    def __init__(self, draft: Draft, keys: Keys) -> None:
        self.draft = draft
        self.keys = keys
        self._both: tuple[bytes, tuple[Protection, Protection]] | None = None
        """before TLS 1.3 the master secret, and what both sides change to under it"""

    @property
    def _random(self) -> bytes:
        return self.draft.client_hello.random if self.draft.client_hello else b""

    @property
    def _suite(self) -> Suite | None:
        return suite_of(self.draft.server_hello.cipher) if self.draft.server_hello else None

    # -- TLS 1.3

    def _secret(self, label: str) -> bytes | None:
        for random in self.draft.randoms:
            if (secret := self.keys.get(label, random)) is not None:
                if label != EARLY:  # whose sender does not know yet whether the encrypted hello is taken
                    self.draft.named = random
                return secret
        return None

    def candidates(self, label: str) -> Iterator[tuple[bytes, bytes, Suite]]:
        """(random that names it, secret, suite): the secret of that label under every suite it may be used with. For
        what comes first when the hello is encrypted: those of sessions that may be this one."""
        secret = self._secret(label)
        if secret is None:
            if label in (EARLY, HANDSHAKE[False]):
                yield from self._strangers(label)
            return
        random = self.draft.named or self.draft.randoms[0]
        yield from ((random, secret, suite) for suite in self._suites(secret))

    def _suites(self, secret: bytes) -> list[Suite]:
        """The suite that was agreed on, or those offered, as far as a secret of that length may be theirs."""
        hello, agreed = self.draft.client_hello, self._suite
        known = [agreed] if agreed else [suite_of(code) for code in hello.ciphers] if hello else []
        return [s for s in known if s and s.is_aead and digest_size(s.digest) == len(secret)]

    def early(self) -> Iterator[Protection]:
        """Keys of 0-RTT data, one for each suite that may be that of the session resumed."""
        hello = self.draft.client_hello
        secret = self._secret(EARLY) if hello is not None and hello.extension(EARLY_DATA) is not None else None
        if secret is not None:
            yield from (Tls13Protection(suite, secret) for suite in self._suites(secret))

    def handshake(self, client: bool) -> Protection | None:
        return self._traffic(HANDSHAKE[client])

    def application(self, client: bool) -> Protection | None:
        return self._traffic(APPLICATION[client])

    def _traffic(self, label: str) -> Tls13Protection | None:
        return traffic(self._suite, self._secret(label))

    def alternatives(self, client: bool, current: Protection | None) -> Iterator[Protection]:
        """Other keys that a record may be under when those in use do not open it: of the handshake, of the data, and
        the next generation of those in use. Of early data: other suites."""
        if not self.draft.is_13:
            yield from itertools.islice(self.early(), 1, None)
            return
        tried = getattr(current, "secret", None)
        for label in (HANDSHAKE[client], APPLICATION[client]):
            protection = self._traffic(label)
            if protection is not None and protection.secret != tried:
                yield protection
        if isinstance(current, Tls13Protection) and current.sequence:
            yield Tls13Protection(current.suite, current.following_secret())

    # -- an encrypted ClientHello

    def look_inside(self, body: bytes) -> None:
        """Open it, where the key log has its secret; `body` is that of the message around it."""
        draft, hello = self.draft, self.draft.client_hello
        sealed = sealed_of(hello) if hello is not None else None
        if hello is None or sealed is None:
            return
        if draft.opener is None:
            secret, config = self.keys.get(SECRET, hello.random), self.keys.get(CONFIG, hello.random)
            if secret is None or config is None:
                return
            try:
                draft.opener = Opener(secret, config, sealed.suite)
            except ValueError:
                return
        draft.inside = draft.opener.open(hello, body) or draft.inside
        if draft.inside is not None:
            draft.inside_random = draft.inside.random

    def _strangers(self, label: str) -> Iterator[tuple[bytes, bytes, Suite]]:
        """(random, secret, suite) of sessions in the key log that may be this one: its hello is encrypted, its random
        was not seen."""
        hello = self.draft.client_hello
        if hello is None or self.draft.inside_random is not None or sealed_of(hello) is None:
            return
        for random, secret in self.keys.strangers(label):
            yield from ((random, secret, suite) for suite in self._suites(secret))

    def find_inside(self, client: bool, head: bytes, body: bytes) -> bool:
        """Try those on the first record that a side sealed; True when one opens it."""
        label = EARLY if self.draft.server_hello is None else HANDSHAKE[client]
        for random, secret, suite in self._strangers(label):
            try:
                Tls13Protection(suite, secret).open(head, body, Search())
            except BadRecordError:
                continue
            self.draft.inside_random = random
            return True
        return False

    # -- TLS 1.2 and before

    def master(self) -> bytes | None:
        """The master secret: of a key log, of the session that is resumed, or of the premaster secret."""
        hello, answer = self.draft.client_hello, self.draft.server_hello
        session = answer.session_id if answer else b""
        master = self.keys.master(self._random, session, hello.extension(TICKET) if hello else None)
        if master is None and self.draft.client_key is not None:
            master = self._exchanged(self.draft.client_key)
        if master is not None and self.keys.can_exchange:
            # a session that is resumed later has no key exchange of its own
            self.keys.learn(master, session, self.draft.ticket)
        return master

    def _exchanged(self, body: bytes) -> bytes | None:
        """The master secret from the premaster secret (RFC 5246 section 8.1, RFC 7627 section 4, RFC 6101 6.1)."""
        draft, answer, hello = self.draft, self.draft.server_hello, self.draft.client_hello
        if answer is None or hello is None:
            return None
        encrypted = body if answer.version <= SSL3 else body[2:]
        premaster = self.keys.premaster(encrypted, hello.version, hello.random)
        if premaster is None:
            return None
        seed = hello.random + answer.random
        if answer.version <= SSL3:
            return prf_ssl3(premaster, seed, 48)
        suite = self._suite
        digest = suite.digest if suite and answer.version >= 0x0303 else None
        if answer.extension(EXTENDED_MASTER_SECRET) is None:
            return prf(premaster, b"master secret", seed, 48, digest)
        seen = bytes(draft.transcript)
        if digest is not None:
            session = hashlib.new(digest, seen).digest()
        else:
            session = (
                hashlib.md5(seen, usedforsecurity=False).digest() + hashlib.sha1(seen, usedforsecurity=False).digest()
            )
        return prf(premaster, b"extended master secret", session, 48, digest)

    def change_cipher(self, client: bool) -> Protection | None:
        """The keys that a ChangeCipherSpec of this side puts into use (RFC 5246 section 6.3)."""
        answer, suite, master = self.draft.server_hello, self._suite, self.master()
        if suite is None or master is None or answer is None:
            return None
        if self._both is None or self._both[0] != master:
            self._both = master, from_master(suite, master, self._random, answer)
        return self._both[1][0 if client else 1]

    # -- when there are none

    def why_not(self) -> WhyNot:
        """Why the connection stays closed."""
        draft, random = self.draft, self._random
        if draft.client_hello is None or draft.server_hello is None:
            return WhyNot.JOINED_LATE
        if self._suite is None:
            return WhyNot.CIPHER
        if not len(self.keys):
            return WhyNot.NO_KEYS
        if self.keys.knows(random):
            return WhyNot.INCOMPLETE
        if draft.resumed and not draft.is_13:
            return WhyNot.RESUMED
        return WhyNot.NO_SECRET


def traffic(suite: Suite | None, secret: bytes | None) -> Tls13Protection | None:
    """What a traffic secret of TLS 1.3 protects; None for one that does not fit the suite."""
    if secret is None or suite is None or not suite.is_aead or len(secret) != digest_size(suite.digest):
        return None
    return Tls13Protection(suite, secret)


def from_master(suite: Suite, master: bytes, random: bytes, answer: ServerHello) -> tuple[Protection, Protection]:
    """What client and server protect under the key block of this master secret (RFC 5246 section 6.3); `random` is the
    client's."""
    version = answer.version
    mac = digest_size(suite.mac) if suite.mac else 0
    explicit = version >= 0x0302
    iv = 12 if suite.kind == "chacha" else 4 if suite.is_aead else 0 if explicit else suite.block
    if suite.kind in ("rc4", "null"):
        iv = 0
    size = 2 * (mac + suite.key + iv)
    seed = answer.random + random
    if version <= SSL3:
        block = prf_ssl3(master, seed, size)
    else:
        block = prf(master, b"key expansion", seed, size, suite.digest if version >= 0x0303 else None)
    outside = answer.extension(ENCRYPT_THEN_MAC) is not None

    def of(part: int) -> Protection:
        mac_key = block[part * mac : (part + 1) * mac]
        at = 2 * mac + part * suite.key
        key = block[at : at + suite.key]
        at = 2 * (mac + suite.key) + part * iv
        if suite.is_aead:
            return AeadProtection(suite, key, block[at : at + iv])
        if suite.kind in ("rc4", "null"):
            return StreamProtection(suite, key, mac_key)
        return CbcProtection(suite, key, mac_key, block[at : at + iv], explicit_iv=explicit, encrypt_then_mac=outside)

    return of(0), of(1)
