"""Encrypted ClientHello (RFC 9849): what the extension says, and the hello inside where a key log has its secret.

A key log names the secrets of an accepted one by the random of the hello inside, which nobody sees on the wire. It
may hold ECH_SECRET and ECH_CONFIG for the random outside (RFC 9850 section 2.2), which open that hello by HPKE
(RFC 9180).
"""

from __future__ import annotations

import hmac
from typing import Any, NamedTuple

from .hello import ECH, ClientHello, read_client_hello
from .secrets import digest_size
from .wire import Cursor, ShortError, numbers

OUTER_EXTENSIONS = 0xFD00
"""stands in the hello inside for extensions that it shares with the one outside (RFC 9849 section 5.1)"""
SECRET, CONFIG = "ECH_SECRET", "ECH_CONFIG"
_DIGESTS = {1: "sha256", 2: "sha384", 3: "sha512"}
_KEY_SIZES = {1: 16, 2: 32, 3: 32}
"""by AEAD: AES-128-GCM, AES-256-GCM, ChaCha20-Poly1305 (RFC 9180 section 7.3)"""


class Sealed(NamedTuple):
    """The extension of a ClientHello that carries another one (RFC 9849 section 5)."""

    suite: bytes
    """KDF and AEAD, two bytes each"""
    payload: bytes


def sealed_of(hello: ClientHello) -> Sealed | None:
    """What the hello carries; None when it carries nothing, or is the one inside itself."""
    data = hello.extension(ECH)
    if not data or data[0] != 0:
        return None
    try:
        c = Cursor(data, 1)
        suite, _, _, payload = c.take(4), c.take(1), c.opaque(2), c.opaque(2)
    except ShortError:
        return None
    return Sealed(suite, payload)


class Opener:
    """The HPKE context that both hellos of a connection are sealed in (RFC 9180 section 5.1)."""

    def __init__(self, secret: bytes, config: bytes, suite: bytes) -> None:
        """`secret`: the shared secret of the KEM; `config`: the ECHConfig. Raises ValueError for algorithms that are
        not known here."""
        kdf, aead = numbers(suite)
        digest, size = _DIGESTS.get(kdf), _KEY_SIZES.get(aead)
        if digest is None or size is None or len(config) < 7:
            raise ValueError("algorithms of HPKE that are not known here")
        self._digest, self._suite = digest, b"HPKE" + config[5:7] + suite
        names = [self._extract(b"", b"psk_id_hash", b""), self._extract(b"", b"info_hash", b"tls ech\0" + config)]
        context = b"\0" + b"".join(names)
        made = self._extract(secret, b"secret", b"")
        self._cipher = _cipher(aead, self._expand(made, b"key", context, size))
        self._nonce = int.from_bytes(self._expand(made, b"base_nonce", context, 12))
        self._sequence = 0

    def _extract(self, salt: bytes, label: bytes, data: bytes) -> bytes:
        return hmac.digest(
            salt or bytes(digest_size(self._digest)), b"HPKE-v1" + self._suite + label + data, self._digest
        )

    def _expand(self, key: bytes, label: bytes, context: bytes, size: int) -> bytes:
        """Of one block: nothing here is longer than the hash."""
        told = size.to_bytes(2) + b"HPKE-v1" + self._suite + label + context
        return hmac.digest(key, told + b"\1", self._digest)[:size]

    def open(self, outside: ClientHello, body: bytes) -> ClientHello | None:
        """The hello inside the one with that body; None when it does not verify, or is none."""
        from cryptography.exceptions import InvalidTag

        sealed = sealed_of(outside)
        if sealed is None:
            return None
        known = body.replace(sealed.payload, bytes(len(sealed.payload)), 1)
        try:
            plain = self._cipher.decrypt((self._nonce ^ self._sequence).to_bytes(12), sealed.payload, known)
            self._sequence += 1
            return _restored(read_client_hello(plain), outside)
        except (InvalidTag, ValueError):
            return None


def _restored(inside: ClientHello, outside: ClientHello) -> ClientHello:
    """With the session id and the extensions that it left to the one outside (RFC 9849 section 5.1)."""
    extensions: list[tuple[int, bytes]] = []
    for kind, data in inside.extensions:
        if kind != OUTER_EXTENSIONS:
            extensions.append((kind, data))
            continue
        shared = dict(outside.extensions)
        extensions += [(k, shared[k]) for k in numbers(data[1:]) if k in shared]
    return ClientHello(inside.version, inside.random, outside.session_id, inside.ciphers, tuple(extensions))


def _cipher(aead: int, key: bytes) -> Any:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

    return ChaCha20Poly1305(key) if aead == 3 else AESGCM(key)
