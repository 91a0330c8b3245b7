"""Record protection in one direction: ciphertext in, plaintext out (RFC 8446 section 5.2, RFC 5246 section 6.2.3)."""

from __future__ import annotations

import hmac
from typing import Any, Protocol

from .secrets import digest_size, expand_label, mac_ssl3
from .suites import Suite

SSL3 = 0x0300
AHEAD = 64
"""sequence numbers tried after lost records"""


class BadRecordError(Exception):
    """The record does not verify."""


class Protection(Protocol):
    def open(self, kind: int, version: int, body: bytes) -> tuple[int, bytes]:
        """(content type, plaintext); raises BadRecordError."""
        ...


def _aead(suite: Suite, key: bytes) -> Any:
    from cryptography.hazmat.primitives.ciphers import aead

    if suite.kind == "gcm":
        return aead.AESGCM(key)
    if suite.kind == "chacha":
        return aead.ChaCha20Poly1305(key)
    return aead.AESCCM(key, tag_length=8 if suite.kind == "ccm8" else 16)


class Tls13Protection:
    """TLS 1.3: nonce from the sequence number, inner content type, padding; key updates."""

    def __init__(self, suite: Suite, secret: bytes) -> None:
        self.suite = suite
        self._use(secret)

    def _use(self, secret: bytes) -> None:
        self.secret = secret
        self.sequence = 0
        digest = self.suite.digest
        self._cipher = _aead(self.suite, expand_label(secret, "key", b"", self.suite.key, digest))
        self._iv = int.from_bytes(expand_label(secret, "iv", b"", 12, digest))

    def update(self) -> None:
        """The next generation of keys (RFC 8446 section 7.2)."""
        digest = self.suite.digest
        self._use(expand_label(self.secret, "traffic upd", b"", digest_size(digest), digest))

    def open(self, kind: int, version: int, body: bytes) -> tuple[int, bytes]:
        from cryptography.exceptions import InvalidTag

        header = bytes((kind, version >> 8, version & 255)) + len(body).to_bytes(2)
        for sequence in range(self.sequence, self.sequence + AHEAD):
            try:
                plain = self._cipher.decrypt((self._iv ^ sequence).to_bytes(12), body, header)
            except (InvalidTag, ValueError):
                continue
            self.sequence = sequence + 1
            plain = plain.rstrip(b"\0")
            if not plain:
                raise BadRecordError("a record without content type")
            return plain[-1], plain[:-1]
        raise BadRecordError("the record does not verify")


class AeadProtection:
    """TLS 1.2 with GCM, CCM (RFC 5288, RFC 6655) or ChaCha20-Poly1305 (RFC 7905)."""

    def __init__(self, suite: Suite, key: bytes, iv: bytes) -> None:
        self._cipher = _aead(suite, key)
        self._iv = iv
        self._explicit = suite.kind != "chacha"
        self._tag = 8 if suite.kind == "ccm8" else 16
        self.sequence = 0

    def open(self, kind: int, version: int, body: bytes) -> tuple[int, bytes]:
        from cryptography.exceptions import InvalidTag

        for sequence in range(self.sequence, self.sequence + AHEAD):
            if self._explicit:
                nonce, data = self._iv + body[:8], body[8:]
            else:
                nonce, data = (int.from_bytes(self._iv) ^ sequence).to_bytes(12), body
            length = len(data) - self._tag
            if length < 0:
                raise BadRecordError("a record shorter than its tag")
            extra = sequence.to_bytes(8) + bytes((kind, version >> 8, version & 255)) + length.to_bytes(2)
            try:
                plain: bytes = self._cipher.decrypt(nonce, data, extra)
            except (InvalidTag, ValueError):
                continue
            self.sequence = sequence + 1
            return kind, plain
        raise BadRecordError("the record does not verify")


class CbcProtection:
    """CBC with MAC, explicit IV from TLS 1.1 on, MAC outside with encrypt-then-MAC (RFC 7366)."""

    def __init__(
        self, suite: Suite, key: bytes, mac_key: bytes, iv: bytes, *, explicit_iv: bool, encrypt_then_mac: bool
    ) -> None:
        self._algorithm = _block_cipher(suite, key)
        self._block = suite.block
        self._mac = suite.mac or "sha1"
        self._size = digest_size(self._mac)
        self._mac_key = mac_key
        self._iv = iv
        self._explicit = explicit_iv
        self._outside = encrypt_then_mac
        self.sequence = 0

    def open(self, kind: int, version: int, body: bytes) -> tuple[int, bytes]:
        sealed = body[: -self._size] if self._outside else body
        if self._explicit:
            iv, data = sealed[: self._block], sealed[self._block :]
        else:
            iv, data = self._iv, sealed
        if not data or len(data) % self._block:
            raise BadRecordError("a record that is no row of blocks")
        plain = self._decrypt(iv, data)
        if not self._explicit:
            self._iv = data[-self._block :]
        padding = plain[-1] + 1
        if padding > len(plain):
            raise BadRecordError("padding longer than the record")
        plain = plain[:-padding]
        if self._outside:
            self._check(kind, version, sealed, body[-self._size :])
            return kind, plain
        if len(plain) < self._size:
            raise BadRecordError("a record shorter than its MAC")
        self._check(kind, version, plain[: -self._size], plain[-self._size :])
        return kind, plain[: -self._size]

    def _decrypt(self, iv: bytes, data: bytes) -> bytes:
        from cryptography.hazmat.primitives.ciphers import Cipher, modes

        worker = Cipher(self._algorithm, modes.CBC(iv)).decryptor()
        return worker.update(data) + worker.finalize()

    def _check(self, kind: int, version: int, data: bytes, mac: bytes) -> None:
        """Find the sequence number that verifies; records before it were lost."""
        tail = bytes((kind, version >> 8, version & 255)) + len(data).to_bytes(2) + data
        for sequence in range(self.sequence, self.sequence + AHEAD):
            if version == SSL3:
                expected = mac_ssl3(self._mac_key, sequence, kind, data, self._mac)
            else:
                expected = hmac.digest(self._mac_key, sequence.to_bytes(8) + tail, self._mac)
            if expected == mac:
                self.sequence = sequence + 1
                return
        raise BadRecordError("the record does not verify")


class StreamProtection:
    """RC4 or no cipher at all, with a MAC that is passed over: such streams cannot skip a record anyway."""

    def __init__(self, suite: Suite, key: bytes) -> None:
        self._worker: Any = None
        if suite.kind == "rc4":
            from cryptography.hazmat.primitives.ciphers import Cipher

            self._worker = Cipher(_rc4(key), None).decryptor()
        self._size = digest_size(suite.mac or "sha1")

    def open(self, kind: int, version: int, body: bytes) -> tuple[int, bytes]:  # noqa: ARG002
        plain = self._worker.update(body) if self._worker else body
        if len(plain) < self._size:
            raise BadRecordError("a record shorter than its MAC")
        return kind, plain[: -self._size]


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
