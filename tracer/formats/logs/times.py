"""Times as logs write them -> nanoseconds since the epoch, and whether the zone was told."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import NamedTuple

MONTHS = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1
    )
}
_COMMON = re.compile(
    r"(\d\d)/(\w{3})/(\d{4})[: ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?(?: ?(?:([+-])(\d\d):?(\d\d)|(Z)))?", re.ASCII
)
_ISO = re.compile(
    r"(\d{4})[-/](\d\d)[-/](\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9})\d*)?(?: ?(?:([+-])(\d\d):?(\d\d)|(Z|UTC)))?",
    re.ASCII,
)
_APACHE = re.compile(r"\w{3} (\w{3}) {1,2}(\d{1,2}) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))? (\d{4})", re.ASCII)
_EPOCH = re.compile(r"(\d{9,10})(?:\.(\d{1,9}))?|(\d{13})|(\d{16})|(\d{19})", re.ASCII)
SECOND = 1_000_000_000


class Moment(NamedTuple):
    """A time in a log."""

    ns: int
    resolution_ns: int
    zoned: bool


def moment(text: str) -> Moment | None:
    """The time that this is in any of the forms that logs use; None when it is none.

    Common Log Format, ISO 8601 and RFC 3339 (also with slashes, as nginx's error log), Apache's error log, epoch in
    seconds (with or without a fraction), milli-, micro- or nanoseconds.
    """
    if (hit := _ISO.fullmatch(text)) is not None:
        year, month, day, *rest = hit.groups()
        return _moment((int(year), int(month), int(day)), rest)
    if (hit := _COMMON.fullmatch(text)) is not None:
        day, name, year, *rest = hit.groups()
        return _moment((int(year), MONTHS.get(name.title(), 0), int(day)), rest)
    if (hit := _APACHE.fullmatch(text)) is not None:
        name, day, hour, minute, second, fraction, year = hit.groups()
        date = int(year), MONTHS.get(name.title(), 0), int(day)
        return _moment(date, [hour, minute, second, fraction, None, None, None, None])
    return _epoch(text)


def _moment(date: tuple[int, int, int], rest: list[str | None]) -> Moment | None:
    """`rest`: hour, minute, second, fraction, sign, hours and minutes of the zone, the letter Z."""
    hour, minute, second, fraction, sign, hours, minutes, utc = rest
    away = timedelta(hours=int(hours or 0), minutes=int(minutes or 0)) * (-1 if sign == "-" else 1)
    try:
        at = datetime(*date, int(hour or 0), int(minute or 0), min(int(second or 0), 59), tzinfo=timezone(away))
        seconds = int((at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())
    except (ValueError, OverflowError):
        return None
    digits = fraction or ""
    part = int(digits.ljust(9, "0")) if digits else 0
    return Moment(seconds * SECOND + part, _step(digits), bool(sign or utc))


def _epoch(text: str) -> Moment | None:
    hit = _EPOCH.fullmatch(text)
    if hit is None:
        return None
    seconds, fraction, milli, micro, nano = hit.groups()
    if seconds:
        digits = fraction or ""
        return Moment(int(seconds) * SECOND + int(digits.ljust(9, "0") or 0), _step(digits), True)
    digits = milli or micro or nano
    scale: int = 10 ** (19 - len(digits))
    return Moment(int(digits) * scale, scale, True)


def _step(fraction: str) -> int:
    """Nanoseconds of one unit in the last place; never finer than a microsecond."""
    step: int = 10 ** (9 - len(fraction))
    return max(step, 1000)
