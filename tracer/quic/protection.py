"""Packet protection (RFC 9001 section 5, RFC 9369 section 3.3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tracer.tls.secrets import digest_size, expand_label
from tracer.tls.suites import Suite, suite_of

from .versions import V2, salts_of

INITIAL_SUITE = 0x1301
_INITIAL_LABELS = {True: "client in", False: "server in"}


class Keys:
    """Keys of one direction of one packet number space."""

    def __init__(self, suite: Suite, secret: bytes, version: int) -> None:
        self.suite = suite
        self.secret = secret
        self.version = version
        self.largest = -1
        """largest packet number seen"""
        self.named: bytes | None = None
        """the random that names the secret in the key log, where it is not that of the hello on the wire"""
        prefix = "quicv2" if version == V2 else "quic"
        self._prefix = prefix
        self._hp = self._header_cipher(expand_label(secret, f"{prefix} hp", b"", suite.key, suite.digest))
        self._use(secret)

    def _use(self, secret: bytes) -> None:
        self.secret = secret
        self._iv = int.from_bytes(expand_label(secret, f"{self._prefix} iv", b"", 12, self.suite.digest))
        self._aead = self._cipher(expand_label(secret, f"{self._prefix} key", b"", self.suite.key, self.suite.digest))

    def updated(self) -> Keys:
        """The next generation; header protection stays (RFC 9001 section 6.1)."""
        size = digest_size(self.suite.digest)
        secret = expand_label(self.secret, f"{self._prefix} ku", b"", size, self.suite.digest)
        other = Keys.__new__(Keys)
        other.suite, other.version, other.largest = self.suite, self.version, self.largest
        other._prefix, other._hp, other.named = self._prefix, self._hp, self.named
        other._use(secret)
        return other

    def _cipher(self, key: bytes) -> Any:
        from cryptography.hazmat.primitives.ciphers import aead

        if self.suite.kind == "chacha":
            return aead.ChaCha20Poly1305(key)
        return aead.AESGCM(key) if self.suite.kind == "gcm" else aead.AESCCM(key)

    def _header_cipher(self, key: bytes) -> Any:
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        if self.suite.kind == "chacha":
            return lambda sample: Cipher(algorithms.ChaCha20(key, sample), None).encryptor().update(bytes(5))
        encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
        return encryptor.update

    def unmask(self, packet: bytes, number_at: int) -> tuple[bytes, int]:
        """(header in the clear, packet number) (RFC 9001 section 5.4)."""
        sample = packet[number_at + 4 : number_at + 20]
        mask = self._hp(sample)
        first = packet[0] ^ mask[0] & (0x0F if packet[0] & 0x80 else 0x1F)
        size = (first & 3) + 1
        coded = bytes(a ^ b for a, b in zip(packet[number_at : number_at + size], mask[1:], strict=False))
        header = bytes((first,)) + packet[1:number_at] + coded
        return header, self._whole_number(int.from_bytes(coded), 8 * size)

    def _whole_number(self, coded: int, bits: int) -> int:
        """The number nearest to what is expected (RFC 9000 appendix A.3)."""
        expected, window = self.largest + 1, 1 << bits
        number = (expected & ~(window - 1)) | coded
        if number <= expected - window // 2:
            return number + window
        if number > expected + window // 2 and number >= window:
            return number - window
        return number

    def open(self, header: bytes, number: int, body: bytes) -> bytes | None:
        """The frames; None when it does not verify."""
        from cryptography.exceptions import InvalidTag

        try:
            plain: bytes = self._aead.decrypt((self._iv ^ number).to_bytes(12), body, header)
        except (InvalidTag, ValueError, OverflowError):
            return None
        self.largest = max(self.largest, number)
        return plain


def initial_keys(dcid: bytes, version: int) -> Iterator[dict[bool, Keys]]:
    """Keys of Initial packets, client True, server False, once for each salt that may be it (RFC 9001 section 5.2)."""
    import hmac

    suite = suite_of(INITIAL_SUITE)
    assert suite is not None
    for salt in salts_of(version):
        first = hmac.digest(salt, dcid, "sha256")
        secrets = {c: expand_label(first, label, b"", 32, "sha256") for c, label in _INITIAL_LABELS.items()}
        yield {client: Keys(suite, secret, version) for client, secret in secrets.items()}
