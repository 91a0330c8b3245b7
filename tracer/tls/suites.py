"""What a cipher suite's name means: cipher, key and nonce sizes, MAC, hash of the PRF."""

from __future__ import annotations

import re
from functools import cache

import msgspec

from .cipher_suites import cipher_name

_BULK = {
    "AES_128_GCM": ("gcm", 16), "AES_256_GCM": ("gcm", 32), "AES_128_CCM": ("ccm", 16), "AES_256_CCM": ("ccm", 32),
    "AES_128_CCM_8": ("ccm8", 16), "AES_256_CCM_8": ("ccm8", 32), "CHACHA20_POLY1305": ("chacha", 32),
    "AES_128_CBC": ("aes-cbc", 16), "AES_256_CBC": ("aes-cbc", 32), "3DES_EDE_CBC": ("3des-cbc", 24),
    "CAMELLIA_128_CBC": ("camellia-cbc", 16), "CAMELLIA_256_CBC": ("camellia-cbc", 32),
    "RC4_128": ("rc4", 16), "NULL": ("null", 0),
}  # fmt: skip
_MACS = {"MD5": "md5", "SHA": "sha1", "SHA256": "sha256", "SHA384": "sha384"}


class Suite(msgspec.Struct, frozen=True):
    name: str
    kind: str
    """`gcm`, `ccm`, `ccm8`, `chacha`, `aes-cbc`, `3des-cbc`, `camellia-cbc`, `rc4`, `null`"""
    key: int
    mac: str | None
    """hash of the record MAC; None for AEAD"""
    digest: str
    """hash of the TLS 1.3 schedule or the TLS 1.2 PRF"""

    @property
    def is_aead(self) -> bool:
        return self.mac is None

    @property
    def block(self) -> int:
        """Block size of a CBC cipher."""
        return 8 if self.kind == "3des-cbc" else 16


@cache
def suite_of(code: int) -> Suite | None:
    """The suite's parameters; None for one that cannot be decrypted here."""
    name = cipher_name(code)
    hit = re.fullmatch(r"TLS_(?:\w+_WITH_)?(\w+?)(?:_(MD5|SHA|SHA256|SHA384))?", name)
    if hit is None or hit[1] not in _BULK:
        return None
    kind, key = _BULK[hit[1]]
    aead = kind in ("gcm", "ccm", "ccm8", "chacha")
    mac = None if aead else _MACS.get(hit[2] or "")
    if not aead and mac is None:
        return None
    return Suite(name, kind, key, mac, "sha384" if hit[2] == "SHA384" else "sha256")
