"""Key derivation: the TLS 1.3 schedule (RFC 8446 section 7), the PRF of TLS 1.2 and before (RFC 5246 section 5)."""

from __future__ import annotations

import hashlib
import hmac
from functools import cache


def expand_label(secret: bytes, label: str, context: bytes, length: int, digest: str) -> bytes:
    """HKDF-Expand-Label (RFC 8446 section 7.1)."""
    info = _label(label, length) + bytes([len(context)]) + context
    out, block, counter = b"", b"", 1
    while len(out) < length:
        block = _hmac(secret, block + info + bytes([counter]), digest)
        out += block
        counter += 1
    return out[:length]


_INNER, _OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))
_HASHES = {"sha256": (hashlib.sha256, 64), "sha384": (hashlib.sha384, 128)}


def _hmac(key: bytes, data: bytes, digest: str) -> bytes:
    """RFC 2104, for the short inputs of key derivation twice as fast as OpenSSL sets one up."""
    known = _HASHES.get(digest)
    if known is None or len(key) > known[1]:
        return hmac.digest(key, data, digest)
    function, size = known
    key = key.ljust(size, b"\0")
    return function(key.translate(_OUTER) + function(key.translate(_INNER) + data).digest()).digest()


@cache
def _label(label: str, length: int) -> bytes:
    full = b"tls13 " + label.encode()
    return length.to_bytes(2) + bytes([len(full)]) + full


def prf(secret: bytes, label: bytes, seed: bytes, length: int, digest: str | None) -> bytes:
    """The pseudorandom function; `digest` None is that of TLS 1.0 and 1.1 (RFC 2246 section 5)."""
    if digest is not None:
        return _p_hash(secret, label + seed, length, digest)
    half = (len(secret) + 1) // 2
    left = _p_hash(secret[:half], label + seed, length, "md5")
    right = _p_hash(secret[len(secret) - half :], label + seed, length, "sha1")
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


def prf_ssl3(secret: bytes, seed: bytes, length: int) -> bytes:
    """The key derivation of SSLv3, MD5 over SHA-1 with a growing letter (RFC 6101 sections 6.1 and 6.2.2)."""
    out, count = b"", 1
    while len(out) < length and count <= 26:
        inner = hashlib.sha1(bytes([64 + count]) * count + secret + seed, usedforsecurity=False).digest()
        out += hashlib.md5(secret + inner, usedforsecurity=False).digest()
        count += 1
    return out[:length]


def mac_ssl3(key: bytes, sequence: int, kind: int, data: bytes, digest: str) -> bytes:
    """The record MAC of SSLv3 (RFC 6101 section 5.2.3.1)."""
    pad = 48 if digest == "md5" else 40
    head = sequence.to_bytes(8) + bytes([kind]) + len(data).to_bytes(2)
    inner = hashlib.new(digest, key + b"\x36" * pad + head + data, usedforsecurity=False).digest()
    return hashlib.new(digest, key + b"\x5c" * pad + inner, usedforsecurity=False).digest()


def _p_hash(secret: bytes, seed: bytes, length: int, digest: str) -> bytes:
    out, a = b"", seed
    while len(out) < length:
        a = _hmac(secret, a, digest)
        out += _hmac(secret, a + seed, digest)
    return out[:length]


@cache
def digest_size(digest: str) -> int:
    return hashlib.new(digest).digest_size
