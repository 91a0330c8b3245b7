"""The evidence of one denial as it is collected: every piece gets an id, a weight and its place."""

from __future__ import annotations

import re
from functools import lru_cache

from tracer.model.http import Exchange, Message
from tracer.model.verdict import Cause, Evidence, Seen

SECRET = re.compile(
    r"(?i)\b((?:bearer|basic|digest|negotiate)\s+)(?=[\w.~+/-]*[\d=]|[\w.~+/-]{20})(?!realm|error|charset)[\w.~+/=-]{6,}"
    r"|((?:[\w-]*token|api[_-]?key|key|signature|sig|password|passwd|secret|session\w*|hmac|md5)[\"']?\s*[=:]\s*[\"']?"
    r"|\bcode=)"  # of an authorization; in JSON it names the error
    r"[^\s&\"',;<>]{5,}"
    r"|eyJ[\w-]{8,}\.[\w-]+\.?[\w-]*"
)

PERHAPS = (
    "token", "key", "sig", "passw", "secret", "session", "hmac", "md5", "code=", "bearer", "basic", "digest",
    "negotiate", "eyj",
)  # fmt: skip
"""one of these, in lower case, is in every secret that can be told; nearly all values hold none"""


@lru_cache(4096)  # the same sentences are said of every denial
def redacted(value: str) -> str:
    """The value without what looks like a secret, one line, at most 200 characters."""
    if _may_hold_a_secret(value):
        value = SECRET.sub(lambda m: f"{m[1] or m[2] or ''}[redacted]", value)
    return (value if value.isprintable() else "".join(c if c.isprintable() else " " for c in value))[:200]


def _may_hold_a_secret(value: str) -> bool:
    """Beyond ASCII there are letters that count as one of these in any case: there the expression itself is asked."""
    lower = value.lower()
    for word in PERHAPS:  # a loop is the quickest way to ask: an expression for any case takes ten times as long
        if word in lower:
            return True
    return not value.isascii()


def _place(message: Message | None, where: str, value: str) -> tuple[str, str]:
    """Where it was seen, and what: that a field is absent is seen in all of them."""
    side, _, name = where.partition(" header ")
    if not name or message is None or message.get(name) is not None:
        return where, value
    return f"{side} headers", f"no {name}" if value in ("", "absent") else value


class Collection:
    """Evidence in the order it was found."""

    def __init__(self) -> None:
        self.items: list[Evidence] = []
        self.details: dict[Cause, str] = {}
        """finer words for a cause, kebab-case"""
        self.kind = ""
        """the rule at work: what is added is of its kind"""
        self.values: dict[str, str] = {}
        """what next steps may name, as it was seen: `rule`, `variable`, `client`, `path`, …"""

    def add(
        self,
        says: str,
        supports: str,
        weight: float,
        *,
        exchange: Exchange | None = None,
        id_seen: str | None = None,
        where: str = "",
        value: str = "",
        packet: int | None = None,
        reference: str = "",
        product: str | None = None,
    ) -> str:
        """Note one fact; its id."""
        if exchange is not None:
            message = exchange.response if where.startswith("response") else exchange.request
            where, value = _place(message, where, value)
            if packet is None and message and exchange.packets:  # in a text it is an entry's number
                packet = message.packet
        item = Evidence(
            id=f"v{len(self.items) + 1}",
            says=redacted(says),
            supports=supports,
            weight=round(weight, 2),
            seen=Seen(exchange=exchange.id if exchange else id_seen, where=where, value=redacted(value), packet=packet),
            reference=reference,
            product=product,
            kind=self.kind,
        )
        self.items.append(item)
        return item.id
