"""The mark that stands for a secret: `[redacted:bearer:7f3a91c2]`."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections import Counter

MARK = re.compile(r"\[redacted:[a-z0-9-]+:[0-9a-f]{8}\]")


class Marks:
    """Marks of one export. Its key is random and never leaves it: equal secrets get equal marks, and no dictionary
    of guesses can be tried against them elsewhere."""

    def __init__(self, key: bytes | None = None) -> None:
        self._key = key or secrets.token_bytes(32)
        self.counts: Counter[str] = Counter()
        """how many of each kind were replaced"""

    def mark(self, kind: str, secret: str) -> str:
        """The mark for a secret of this kind; a mark stays what it is."""
        if not secret or MARK.fullmatch(secret):
            return secret
        self.counts[kind] += 1
        data = secret.encode("utf-8", "surrogatepass")
        return f"[redacted:{kind}:{hashlib.blake2b(data, key=self._key, digest_size=4).hexdigest()}]"
