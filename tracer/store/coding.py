"""Model values <-> the bytes and columns of a row."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import msgspec

from tracer.model.http import Exchange
from tracer.model.problem import Problem, Severity

encode = msgspec.msgpack.Encoder().encode
_HIGHEST = 2**63 - 1
_ORIGIN = re.compile(r"[^/?#]{1,20}://[^/?#]{1,300}(?=[/?#]|$)")
"""the part of a URL that names a host, where it is as short as usual"""
SEVERITIES = {None: 0, Severity.NOTE: 1, Severity.WARN: 2, Severity.ERROR: 3, Severity.BUG: 4}
DENIALS = frozenset({401, 403, 405, 407, 421, 429, 451, 495, 496, 511})
"""statuses that are denials whatever else the response holds"""


def pack(value: msgspec.Struct) -> tuple[Any, bytes]:
    """The value and its encoding; with lone surrogates escaped and numbers bounded where it had such."""
    try:
        return value, encode(value)
    except (UnicodeEncodeError, OverflowError):
        value = plain(value)
        return value, encode(value)


def plain(value: Any) -> Any:
    """The same value with nothing in it that UTF-8 or 64 bits cannot hold."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return max(-_HIGHEST, min(value, _HIGHEST))
    if isinstance(value, tuple):
        return tuple(plain(v) for v in value)
    if isinstance(value, dict):
        return {plain(k): plain(v) for k, v in value.items()}
    if isinstance(value, msgspec.Struct):
        changed = {f: plain(getattr(value, f)) for f in value.__struct_fields__}
        return type(value)(**changed)
    return value


def worst(problems: tuple[Problem, ...]) -> int:
    """Rank of the most severe one; 0 for none."""
    return max((SEVERITIES[p.severity] for p in problems), default=0)


def host_of(url: str) -> str:
    """Host of an absolute URL, lower case, without port; empty for anything else."""
    origin = _ORIGIN.match(url)
    return _host_at(origin[0]) if origin else _host(url)


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


_host_at = lru_cache(1024)(_host)


def is_denial(exchange: Exchange) -> bool:
    """The final response is a denial by its status alone, or refuses a CONNECT."""
    response, request = exchange.response, exchange.request
    if response is None or exchange.extra.get("mitm.answered-by"):  # tracer's own proxy is never accused
        return False
    refused = request is not None and request.method == "CONNECT" and response.status >= 400
    return response.status in DENIALS or refused


def exchange_row(exchange: Exchange, time_ns: int | None, value: bytes) -> tuple[Any, ...]:
    """The columns of an exchange, in the order of the table, without `n`."""
    request, response, timing = exchange.request, exchange.response, exchange.timing
    return (
        exchange.id,
        time_ns,
        exchange.source,
        request.method if request else None,
        host_of(request.url) or (request.get("host") if request else None) if request else None,
        request.target if request else None,
        request.url if request else None,
        response.status if response else None,
        exchange.client,
        exchange.server,
        exchange.protocol,
        timing.start_ns,
        timing.response_start_ns,
        timing.end_ns,
        response.body.size if response else None,
        exchange.packets[0] if exchange.packets else None,
        int(is_denial(exchange)),
        worst(exchange.problems),
        value,
    )
