"""When an answer was made, and times as requests write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from tracer.model.http import Exchange

_FIXED = re.compile(r"[A-Z][a-z]{2}, (\d\d) ([A-Z][a-z]{2}) ([1-9]\d{3}) (\d\d):(\d\d):(\d\d) GMT", re.ASCII)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def answered_at(exchange: Exchange) -> float | None:
    """Seconds since the epoch: the answer's Date (the clock of who checks), else the time of the capture."""
    date = http_date(exchange.response.get("date")) if exchange.response else None
    if date is not None:
        return date
    start = exchange.timing.response_start_ns
    return start / 1e9 if start else None


def http_date(value: str | None) -> float | None:
    """An HTTP date (RFC 9110 section 5.6.7) as seconds since the epoch."""
    hit = _FIXED.fullmatch(value or "")
    if hit is not None and hit[2] in _MONTHS:  # what nearly all write; other forms load much to be read
        day, year, hour, minute, second = map(int, hit.group(1, 3, 4, 5, 6))
        try:
            return datetime(year, _MONTHS.index(hit[2]) + 1, day, hour, minute, second, tzinfo=UTC).timestamp()
        except ValueError:
            return None
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(value).timestamp() if value else None
    except (ValueError, TypeError, OverflowError):
        return None


def iso(value: str | None) -> float | None:
    """`20261123T200000Z` and `2026-11-23T20:00:00Z`, in UTC where no zone is named, as seconds since the epoch."""
    if not value:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (OverflowError, OSError):
        return None
