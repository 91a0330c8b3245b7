"""Private keys of servers from PEM, DER or PKCS#12, for suites whose premaster secret travels under the server's RSA
key. Problem codes: `keys.private-key`, `keys.password`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tracer.model.problem import Problem, Severity

PASSWORD = "TRACER_KEY_PASSWORD"
"""environment variable that holds the password of private keys"""
_KINDS = (b"PRIVATE KEY", b"RSA PRIVATE KEY", b"ENCRYPTED PRIVATE KEY", b"EC PRIVATE KEY", b"DSA PRIVATE KEY",
          b"CERTIFICATE", b"EC PARAMETERS", b"PUBLIC KEY")  # fmt: skip


def is_der(data: bytes) -> bool:
    """One DER sequence that fills the file, give or take a line end."""
    if len(data) < 64 or data[0] != 0x30 or not 0x81 <= data[1] <= 0x83:
        return False
    size = data[1] & 0x7F
    return 0 <= len(data) - (2 + size + int.from_bytes(data[2 : 2 + size])) <= 2


def cut_pem(data: bytes) -> tuple[bytes, list[bytes]]:
    """(the data with every PEM block made empty lines, so that later lines keep their numbers; private key blocks)."""
    keys: list[bytes] = []
    for kind in _KINDS:
        begin, end = b"-----BEGIN %b-----" % kind, b"-----END %b-----" % kind
        parts, at = [], 0
        while (start := data.find(begin, at)) >= 0 and (stop := data.find(end, start)) >= 0:
            stop += len(end)
            block = data[start:stop]
            if kind.endswith(b"PRIVATE KEY"):
                keys.append(block)
            parts += [data[at:start], b"\n" * block.count(b"\n")]
            at = stop
        data = b"".join(parts) + data[at:]
    return data, keys


def load(data: bytes, password: bytes | None, source: str) -> Any | Problem:
    """The RSA key, or the problem that says why there is none."""
    pem = data.startswith(b"-----")
    try:
        key = _load(data, password, pem)
    except TypeError:  # cryptography's word for a password that is missing, or that is not needed
        key = None if password is None else _unprotected(data, pem)
        if key is None:
            return _problem("keys.password", f"a private key behind a password: set {PASSWORD} to read it", source)
    except Exception:  # cryptography refuses damaged keys with many kinds of errors
        if _is_protected(data, pem):
            given = "is not its password" if password is not None else "is not set"
            text = f"a private key behind a password cannot be read: {PASSWORD} {given}"
            return _problem("keys.password", text, source)
        return _problem("keys.private-key", "a private key that is damaged", source)
    return key if _is_rsa(key) else _problem("keys.private-key", _no_rsa(key), source)


def _load(data: bytes, password: bytes | None, pem: bool) -> Any:
    from cryptography.hazmat.primitives import serialization

    if pem:
        return serialization.load_pem_private_key(data, password)
    try:
        return serialization.load_der_private_key(data, password)
    except ValueError:
        from cryptography.hazmat.primitives.serialization import pkcs12

        key = pkcs12.load_key_and_certificates(data, password)[0]
        if key is None:
            raise
        return key


def _unprotected(data: bytes, pem: bool) -> Any:
    try:
        return _load(data, None, pem)
    except Exception:  # as above
        return None


def _is_protected(data: bytes, pem: bool) -> bool:
    if pem:
        return b"ENCRYPTED" in data[:200]
    # PBES1 and PBES2 (RFC 8018 appendix A), and the key bag of PKCS#12 (RFC 7292 section 4.2.2)
    return b"\x2a\x86\x48\x86\xf7\x0d\x01\x05" in data or b"\x2a\x86\x48\x86\xf7\x0d\x01\x0c" in data


def _is_rsa(key: Any) -> bool:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    return isinstance(key, RSAPrivateKey)


def _no_rsa(key: Any) -> str:
    kind = type(key).__name__.removesuffix("PrivateKey").lstrip("_")
    return f"a private key of kind {kind} opens no connection: only RSA key exchange can be opened by the server's key"


def _problem(code: str, text: str, source: str) -> Problem:
    return Problem(code=code, severity=Severity.WARN, text=text, source=source)


def as_pem(key: Any) -> bytes:
    """The key for another program to read: PKCS#8 without a password."""
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    written: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return written


def decrypt(keys: list[Any], encrypted: bytes, version: int) -> Iterator[bytes]:
    """The premaster secrets that these keys find and that look like one (RFC 5246 section 7.4.7.1)."""
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

    for key in keys:
        try:
            plain: bytes = key.decrypt(encrypted, PKCS1v15())
        except ValueError:
            continue
        # a wrong key yields random bytes in newer libraries: length and version tell
        if len(plain) == 48 and int.from_bytes(plain[:2]) == version:
            yield plain
