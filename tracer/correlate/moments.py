"""When an answer was made, and times as requests write them."""

from __future__ import annotations

from datetime import UTC, datetime

from tracer.model.http import Exchange


def answered_at(exchange: Exchange) -> float | None:
    """Seconds since the epoch: the answer's Date (the clock of who checks), else the time of the capture."""
    date = http_date(exchange.response.get("date")) if exchange.response else None
    if date is not None:
        return date
    start = exchange.timing.response_start_ns
    return start / 1e9 if start else None


def http_date(value: str | None) -> float | None:
    """An HTTP date (RFC 9110 section 5.6.7) as seconds since the epoch."""
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
