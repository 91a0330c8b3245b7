"""The mark that stands for a secret: `[redacted:bearer:7f3a91c2]`."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections import Counter

MARK = re.compile(r"\[redacted:[a-z0-9-]+:[0-9a-f]{8}\]")


_COUNTED = 1 << 20


class Marks:
    """Marks of one export. Its key is random and never leaves it: equal secrets get equal marks, and no dictionary
    of guesses can be tried against them elsewhere."""

    def __init__(self, key: bytes | None = None) -> None:
        self._key = key or secrets.token_bytes(32)
        self.counts: Counter[str] = Counter()
        """how many secrets of each kind were replaced, equal ones counted once"""
        self.places: dict[str, dict[str, None]] = {}
        """where the secrets of each kind stood, in the order met"""
        self.place = ""
        """what is being read: `header cookie`, `url`, `body`, `words`"""
        self._counted: set[str] = set()

    def mark(self, kind: str, secret: str) -> str:
        """The mark for a secret of this kind; a mark stays what it is."""
        if not secret or MARK.fullmatch(secret):
            return secret
        data = secret.encode("utf-8", "surrogatepass")
        mark = f"[redacted:{kind}:{hashlib.blake2b(data, key=self._key, digest_size=4).hexdigest()}]"
        self._count(kind, mark)
        return mark

    def _count(self, kind: str, mark: str) -> None:
        places = self.places.setdefault(kind, {})
        if self.place and len(places) < 20:
            places[self.place] = None
        if mark not in self._counted and len(self._counted) < _COUNTED:
            self._counted.add(mark)
            self.counts[kind] += 1
