"""Commands that would tell more about a denial than the sources do."""

from __future__ import annotations

import shlex

from tracer.model.verdict import Cause, Verdict

SURE = 0.75
"""a cause that is this sure needs no experiment"""
_ELSEWHERE = frozenset(
    (
        Cause.RATE_LIMITED,
        Cause.QUOTA_EXCEEDED,
        Cause.IP_DENIED,
        Cause.GEO_DENIED,
        Cause.MAINTENANCE,
        Cause.STALE_DENIAL,
        Cause.FILE_PERMISSIONS,
        Cause.DIRECTORY_INDEX,
        Cause.CONFIG_ERROR,
        Cause.INTERCEPTION,
        Cause.DESTINATION_DENIED,
        Cause.CREDENTIALS_LOST_IN_REDIRECT,
    )
)
"""causes that no change of the request decides"""


def bisect_command(v: Verdict) -> str | None:
    """`tracer bisect capture.pcapng e41` where changing the request would decide what its cause is; else None."""
    if v.cause_confidence >= SURE or v.cause in _ELSEWHERE or v.method in (None, "CONNECT") or not v.source:
        return None
    if v.source == "-" or not v.source.isprintable() or "." in v.exchange.split("e")[0]:
        return None  # the id of a later source is another one when that is read alone
    return f"tracer bisect {shlex.quote(v.source)} {v.exchange}"
