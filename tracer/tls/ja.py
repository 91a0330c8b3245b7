"""Fingerprints of hellos: JA3 and JA3S (Althouse, Atkinson, Atkins 2017), JA4 (FoxIO 2023)."""

from __future__ import annotations

import hashlib
from functools import lru_cache

from .hello import ALPN, SNI, ClientHello, ServerHello
from .names import is_grease

_JA4_VERSIONS = {0x0304: "13", 0x0303: "12", 0x0302: "11", 0x0301: "10", 0x0300: "s3", 0x0002: "s2"}


def ja3(hello: ClientHello) -> str:
    """MD5 of version, ciphers, extensions, groups and point formats in decimal, GREASE left out."""
    return _ja3(hello.version, hello.ciphers, _kinds(hello), hello.groups, hello.formats)


@lru_cache(1024)
def _ja3(version: int, *lists: tuple[int, ...]) -> str:
    fields = [str(version)] + ["-".join(str(v) for v in values if not is_grease(v)) for values in lists]
    return hashlib.md5(",".join(fields).encode(), usedforsecurity=False).hexdigest()


def ja3s(hello: ServerHello) -> str:
    """MD5 of version, cipher and extensions of the server's hello."""
    extensions = "-".join(str(k) for k, _ in hello.extensions)
    text = f"{hello.legacy_version},{hello.cipher},{extensions}"
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def ja4(hello: ClientHello, transport: str = "tcp") -> str:
    """`t13d1516h2_8daaf6152771_e5627efa2ab1`: transport, version, counts and ALPN; sorted ciphers; sorted
    extensions without SNI and ALPN, then signature algorithms in order. GREASE is left out everywhere."""
    versions = [v for v in hello.versions if not is_grease(v)]
    version = max(versions) if versions else hello.version
    return _ja4(transport, version, hello.ciphers, _kinds(hello), hello.signatures, _alpn(hello))


def _kinds(hello: ClientHello) -> tuple[int, ...]:
    return tuple([k for k, _ in hello.extensions])


@lru_cache(1024)  # the hellos of one client differ in their randoms and names only
def _ja4(
    transport: str, version: int, suites: tuple[int, ...], kinds: tuple[int, ...], schemes: tuple[int, ...], alpn: str
) -> str:
    ciphers = [c for c in suites if not is_grease(c)]
    extensions = [k for k in kinds if not is_grease(k)]
    head = (
        f"{'q' if transport == 'quic' else 't'}{_JA4_VERSIONS.get(version, '00')}{'d' if SNI in extensions else 'i'}"
        f"{min(99, len(ciphers)):02}{min(99, len(extensions)):02}{alpn}"
    )
    listed = sorted(k for k in extensions if k not in (SNI, ALPN))
    signatures = [s for s in schemes if not is_grease(s)]
    tail = ",".join(f"{k:04x}" for k in listed)
    if signatures:
        tail += "_" + ",".join(f"{s:04x}" for s in signatures)
    return f"{head}_{_hash(','.join(f'{c:04x}' for c in sorted(ciphers)), ciphers)}_{_hash(tail, extensions)}"


def _hash(text: str, values: list[int]) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12] if values else "0" * 12


def _alpn(hello: ClientHello) -> str:
    """First and last character of the first protocol; of its hexadecimal form where they are not alphanumeric."""
    data = hello.extension(ALPN)
    if not data or len(data) < 4 or not data[2]:
        return "00"
    first = data[3 : 3 + data[2]]
    ends = chr(first[0]) + chr(first[-1])
    if ends.isascii() and ends.isalnum():
        return ends
    return first.hex()[0] + first.hex()[-1]
