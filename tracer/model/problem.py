"""Something that could not be read, or only in part: a value, not an exception."""

from __future__ import annotations

import enum

import msgspec


class Severity(enum.StrEnum):
    """How much a problem costs the reader; WARN and above make the exit code 4."""

    NOTE = "note"
    """worth knowing, nothing lost"""
    WARN = "warn"
    """part of a source could not be read"""
    ERROR = "error"
    """a source could not be read"""
    BUG = "bug"
    """our own fault; the text holds the traceback"""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that went wrong, where, and why."""

    code: str
    """stable and dotted, stage first: `pcap.truncated`, `tls.record-length`, `http.conflicting-length`"""
    severity: Severity
    text: str
    """what was seen and what was expected, one sentence, no control characters"""
    source: str = ""
    """name of the source (file name or `-`)"""
    packet: int | None = None
    """packet number from 1 as Wireshark counts; entry number for sources without packets"""
    reference: str = ""
    """the rule that was broken: `RFC 9112 section 6.3`"""
