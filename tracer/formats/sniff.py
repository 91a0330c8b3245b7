"""What a source is, by its first bytes: a saved trace, an outside format, a server log."""

from __future__ import annotations

import re

SQLITE = b"SQLite format 3\0"
_LOG_LINES = tuple(
    re.compile(pattern)
    for pattern in (
        rb'\S+ \S+ \S+ \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "',  # Common Log Format and its relatives
        rb"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[\w+\] \d+#",  # nginx error log
        rb"\[\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d\.\d+ \d{4}\] \[",  # Apache error log
        rb"\d{9,10}\.\d{3} +\d+ \S+ [A-Z_]+/\d{3} ",  # Squid access log
        rb"(?:\w{3} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT[\d:.+Z-]+) \S+ \w[\w./-]*\[\d+\]: ",  # syslog
        rb"--[0-9a-zA-Z]+-+A--\s*$",  # ModSecurity audit log
    )
)


def kind_of(head: bytes) -> str | None:
    """`trace`, the name of an outside format, `log`, or None when these bytes (64 KiB are enough) are none of these."""
    if head.startswith(SQLITE):
        return "trace"
    from . import outside

    return outside.kind_of(head) or ("log" if is_log(head) or _is_read(head) else None)


def is_log(head: bytes) -> bool:
    """Most of the first lines look like those of a server's log."""
    lines = [line for line in head[:16384].splitlines()[:20] if line.strip()]
    if len(lines) > 1 and len(head) >= 16384:
        lines.pop()
    hits = sum(any(p.match(line) for p in _LOG_LINES) or _is_json_entry(line) for line in lines)
    return bool(lines) and hits * 2 > len(lines)


def _is_read(head: bytes) -> bool:
    """The readers of logs can make entries of its first lines, and of most of them."""
    from .logs.dispatch import Lines

    if b"\0" in head[:1024]:
        return False
    lines, entries = Lines(), 0
    for number, line in enumerate(head[:16384].split(b"\n")[:60], 1):
        entries += sum(1 for _ in lines.feed(line.decode("utf-8", "replace"), number))
    entries += sum(1 for _ in lines.end())
    return entries > 0 and lines.read > lines.unread


def _is_json_entry(line: bytes) -> bool:
    """One JSON object a line that names a status or a request, as access logs in JSON do."""
    line = line.strip()
    keys = (b'"status', b'"response_code"', b'"request"', b'"DownstreamStatus"', b'"RequestPath"', b'"OriginStatus"')
    return line.startswith(b"{") and line.endswith(b"}") and any(key in line for key in keys)
