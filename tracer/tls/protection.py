"""Record protection in one direction: ciphertext in, plaintext out (RFC 8446 section 5.2, RFC 5246 section 6.2.3).

Whatever is returned was verified, by tag or MAC, under a sequence number that `Search` allows.
"""

from __future__ import annotations

import hmac
from typing import Any, Protocol

from .search import Search
from .secrets import digest_size, expand_label, mac_ssl3
from .suites import Suite

SSL3 = 0x0300


class BadRecordError(Exception):
    """The record does not verify."""


class Protection(Protocol):
    def open(self, head: bytes, body: bytes, search: Search) -> tuple[int, bytes]:
        """(content type, plaintext) of a record with these five bytes of header; raises BadRecordError."""
        ...

    def skip(self, size: int) -> None:
        """A record with so many bytes of body is missing."""
        ...


def _aead(suite: Suite, key: bytes) -> Any:
    from cryptography.hazmat.primitives.ciphers import aead

    if suite.kind == "gcm":
        return aead.AESGCM(key)
    if suite.kind == "chacha":
        return aead.ChaCha20Poly1305(key)
    return aead.AESCCM(key, tag_length=8 if suite.kind == "ccm8" else 16)


def _refusals() -> tuple[type[Exception], ...]:
    """What a cipher raises for a record that does not verify, or is too short to."""
    from cryptography.exceptions import InvalidTag

    return InvalidTag, ValueError


class Tls13Protection:
    """TLS 1.3: nonce from the sequence number, inner content type, padding; key updates."""

    def __init__(self, suite: Suite, secret: bytes) -> None:
        self.suite = suite
        self._refusals = _refusals()
        self._use(secret)

    def _use(self, secret: bytes) -> None:
        self.secret = secret
        self.sequence = 0
        digest = self.suite.digest
        self._cipher = _aead(self.suite, expand_label(secret, "key", b"", self.suite.key, digest))
        self._iv = int.from_bytes(expand_label(secret, "iv", b"", 12, digest))

    def update(self) -> None:
        """The next generation of keys (RFC 8446 section 7.2)."""
        self._use(self.following_secret())

    def following_secret(self) -> bytes:
        digest = self.suite.digest
        return expand_label(self.secret, "traffic upd", b"", digest_size(digest), digest)

    def open(self, head: bytes, body: bytes, search: Search) -> tuple[int, bytes]:
        for sequence in search.numbers(self.sequence):
            try:
                plain = self._cipher.decrypt((self._iv ^ sequence).to_bytes(12), body, head)
            except self._refusals:
                continue
            self.sequence = sequence + 1
            if plain[-1:] == b"\0":
                plain = plain.rstrip(b"\0")
            return (plain[-1], plain[:-1]) if plain else (0, b"")
        raise BadRecordError("the record does not verify")

    def skip(self, size: int) -> None:
        """Nothing depends on it."""


class AeadProtection:
    """TLS 1.2 with GCM, CCM (RFC 5288, RFC 6655) or ChaCha20-Poly1305 (RFC 7905)."""

    def __init__(self, suite: Suite, key: bytes, iv: bytes) -> None:
        self._cipher = _aead(suite, key)
        self._refusals = _refusals()
        self._iv = iv
        self._mask = int.from_bytes(iv)
        self._explicit = 0 if suite.kind == "chacha" else 8
        """bytes of nonce in the record"""
        self._extra = self._explicit + (8 if suite.kind == "ccm8" else 16)
        self.sequence = 0

    def open(self, head: bytes, body: bytes, search: Search) -> tuple[int, bytes]:
        length = len(body) - self._extra
        if length < 0:
            raise BadRecordError("a record shorter than its nonce and tag")
        tail = head[:3] + length.to_bytes(2)
        nonce, data = self._iv + body[:8], body[8:] if self._explicit else body
        for sequence in search.numbers(self.sequence):
            if not self._explicit:
                nonce = (self._mask ^ sequence).to_bytes(12)
            try:
                plain: bytes = self._cipher.decrypt(nonce, data, sequence.to_bytes(8) + tail)
            except self._refusals:
                continue
            self.sequence = sequence + 1
            return head[0], plain
        raise BadRecordError("the record does not verify")

    def skip(self, size: int) -> None:
        """Nothing depends on it."""


class _Mac:
    """The MAC of records before AEAD (RFC 5246 section 6.2.3.1, RFC 6101 section 5.2.3.1)."""

    def __init__(self, digest: str, key: bytes) -> None:
        self.digest, self.key = digest, key
        self.size = digest_size(digest)
        self.sequence = 0

    def check(self, head: bytes, data: bytes, mac: bytes, search: Search) -> None:
        """Find the sequence number that verifies; records before it were lost."""
        tail = head[:3] + len(data).to_bytes(2) + data
        for sequence in search.numbers(self.sequence):
            if head[1:3] == b"\x03\x00":
                expected = mac_ssl3(self.key, sequence, head[0], data, self.digest)
            else:
                expected = hmac.digest(self.key, sequence.to_bytes(8) + tail, self.digest)
            if expected == mac:
                self.sequence = sequence + 1
                return
        raise BadRecordError("the record does not verify")

    def cut(self, head: bytes, plain: bytes, search: Search) -> bytes:
        """The plaintext before its MAC, verified."""
        if len(plain) < self.size:
            raise BadRecordError("a record shorter than its MAC")
        self.check(head, plain[: -self.size], plain[-self.size :], search)
        return plain[: -self.size]


class CbcProtection:
    """CBC with MAC, explicit IV from TLS 1.1 on, MAC outside with encrypt-then-MAC (RFC 7366)."""

    def __init__(
        self, suite: Suite, key: bytes, mac_key: bytes, iv: bytes, *, explicit_iv: bool, encrypt_then_mac: bool
    ) -> None:
        self._algorithm = _block_cipher(suite, key)
        self._block = suite.block
        self._mac = _Mac(suite.mac or "sha1", mac_key)
        self._iv = iv
        self._explicit = explicit_iv
        self._outside = encrypt_then_mac

    def open(self, head: bytes, body: bytes, search: Search) -> tuple[int, bytes]:
        sealed = body[: -self._mac.size] if self._outside else body
        if self._explicit:
            iv, data = sealed[: self._block], sealed[self._block :]
        else:
            iv, data = self._iv, sealed
        if not data or len(data) % self._block:
            raise BadRecordError("a record that is no row of blocks")
        if not self._explicit:
            self._iv = data[-self._block :]
        if self._outside:
            self._mac.check(head, sealed, body[-self._mac.size :], search)
        plain = self._decrypt(iv, data)
        padding = plain[-1] + 1
        if padding > len(plain):
            raise BadRecordError("padding longer than the record")
        plain = plain[:-padding]
        return head[0], plain if self._outside else self._mac.cut(head, plain, search)

    def _decrypt(self, iv: bytes, data: bytes) -> bytes:
        from cryptography.hazmat.primitives.ciphers import Cipher, modes

        worker = Cipher(self._algorithm, modes.CBC(iv)).decryptor()
        return worker.update(data) + worker.finalize()

    def skip(self, size: int) -> None:
        """An implicit IV is lost for one record, and found again in that one."""


class StreamProtection:
    """RC4, or no cipher at all, with a MAC."""

    def __init__(self, suite: Suite, key: bytes, mac_key: bytes) -> None:
        self._worker: Any = None
        if suite.kind == "rc4":
            from cryptography.hazmat.primitives.ciphers import Cipher

            self._worker = Cipher(_rc4(key), None).decryptor()
        self._mac = _Mac(suite.mac or "sha1", mac_key)

    def open(self, head: bytes, body: bytes, search: Search) -> tuple[int, bytes]:
        plain = self._worker.update(body) if self._worker else body
        return head[0], self._mac.cut(head, plain, search)

    def skip(self, size: int) -> None:
        """The key stream goes on under the bytes that are missing."""
        if self._worker:
            self._worker.update(bytes(size))


def _block_cipher(suite: Suite, key: bytes) -> Any:
    from cryptography.hazmat.primitives.ciphers import algorithms

    if suite.kind == "aes-cbc":
        return algorithms.AES(key)
    name = "TripleDES" if suite.kind == "3des-cbc" else "Camellia"
    return getattr(_decrepit(), name)(key)


def _rc4(key: bytes) -> Any:
    return _decrepit().ARC4(key)


def _decrepit() -> Any:
    """Old ciphers moved house in cryptography 43."""
    try:
        from cryptography.hazmat.decrepit.ciphers import algorithms
    except ImportError:
        from cryptography.hazmat.primitives.ciphers import algorithms  # type: ignore[no-redef]
    return algorithms
