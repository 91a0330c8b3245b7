"""JSON web tokens (RFC 7519) in a request, decoded: what they claim, and whether their times fit the request."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from tracer.model.http import Request, text
from tracer.views.safe import safe

from .sheet import Sheet
from .words import duration

_TOKEN = re.compile(r"\beyJ[A-Za-z0-9_-]{4,8000}\.(eyJ[A-Za-z0-9_-]{2,16000}|[A-Za-z0-9_-]{2,16000})\.[A-Za-z0-9_-]*")
_MOST = 4
_TIMES = ("exp", "nbf", "iat", "auth_time")
PUBLIC = frozenset(
    {"alg", "typ", "kid", "cty", "iss", "aud", "exp", "nbf", "iat", "auth_time", "scope", "scp", "azp", "amr", "acr",
     "roles", "groups", "permissions", "token_use", "ver"}
)  # fmt: skip
"""claims that say what a token is good for, not whose it is (RFC 7519 section 4.1, RFC 9068 section 2.2)"""


def tokens(request: Request, at_ns: int | None, everything: bool) -> Sheet:
    """Each token's header and claims. Values of claims that name a person are left out unless `everything`."""
    out = Sheet()
    for where, token in list(_found(request))[:_MOST]:
        head, claims = (_part(p) for p in token.split(".")[:2])
        if head is None and claims is None:
            continue
        out.add((f"in {safe(where, 80)}", "faint"))
        for part in (head, claims):
            for name, value in (part or {}).items():
                _claim(out, str(name), value, at_ns, everything)
    return out


def _found(request: Request) -> Iterator[tuple[str, str]]:
    for name, value in request.headers:
        for found in _TOKEN.finditer(text(value[:65536])):
            yield f"header {text(name).lower()}", found[0]
    for found in _TOKEN.finditer(request.target[:65536]):
        yield "the URL", found[0]


def _part(part: str) -> dict[str, Any] | None:
    try:
        value = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _claim(out: Sheet, name: str, value: Any, at_ns: int | None, everything: bool) -> None:
    label = (f"{safe(name, 40):>12}  ", "name")
    if name in _TIMES and isinstance(value, int | float) and not isinstance(value, bool):
        moment, verdict, bad = _time(name, value, at_ns)
        out.add(label, f"{moment}  ", (verdict, "denied" if bad else "faint"), hang=14)
    elif everything or name in PUBLIC:
        out.add(label, safe(json.dumps(value, ensure_ascii=False).strip('"'), 1000), hang=14)
    else:
        out.add(label, ("[redacted]", "faint"))


def _time(name: str, value: float, at_ns: int | None) -> tuple[str, str, bool]:
    """When, how that lies to the request, and whether it refuses the request."""
    try:
        moment = datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, OSError, ValueError):
        return safe(str(value), 40), "no such time", True
    if at_ns is None:
        return moment, "", False
    distance = int(value * 1e9) - at_ns
    if name == "exp":
        if distance < 0:
            return moment, f"✖ expired {duration_of(-distance)} before this request", True
        return moment, f"valid for {duration_of(distance)} more", False
    if name == "nbf" and distance > 0:
        return moment, f"✖ not valid until {duration_of(distance)} after this request", True
    return moment, f"{duration_of(abs(distance))} {'after' if distance > 0 else 'before'} this request", False


def duration_of(ns: int) -> str:
    """`3 days`, `2 h 5 min`, `12 s`."""
    seconds = ns // 1_000_000_000
    if seconds < 60:
        return duration(ns)
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min" if seconds < 172_800 else f"{seconds // 86_400} days"
