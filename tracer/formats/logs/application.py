"""What applications and their servers write to standard output: uvicorn, Werkzeug, Django, Python's logging.

https://docs.djangoproject.com/en/5.1/ref/logging/#django-request, https://www.uvicorn.org/settings/#logging
"""

from __future__ import annotations

import re

from tracer.model.log import LogLine

from .times import moment
from .words import address, number, request, status

_UVICORN = re.compile(r'(?:INFO|WARNING|ERROR): +(\S+:\d+) - "([^"]*)" (\d{3})(?: .*)?')
_WERKZEUG = re.compile(r'(?:INFO:werkzeug:)?(\S+) - \S+ \[(\d\d/\w{3}/\d{4} \d\d:\d\d:\d\d)\] "(.*)" (\d{3}) (\S+)')
_SERVED = re.compile(r'\[(\d\d/\w{3}/\d{4} \d\d:\d\d:\d\d)\] "([^"]*)" (\d{3}) (\d+|-)')
_DJANGO = re.compile(
    r"(?:.{0,80}?\b)?(?P<what>Forbidden|Unauthorized|Bad Request|Method Not Allowed)"
    r"(?: \((?P<why>[^)]*(?:\)[^)]*)?)\))?: "
    r"(?P<path>/\S*)"
)
_HOST = re.compile(r"(?:.{0,80}?\b)?Invalid HTTP_HOST header: .*")
_LEVEL = re.compile(
    r"(?:\[?(?P<time>\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?)\]?[ :|-]*)?"
    r"\[?(?P<level>WARNING|WARN|ERROR|CRITICAL|INFO|DEBUG)\]?\b[ :|-]*(?P<message>\S.*)"
)
_CODES = {"Forbidden": 403, "Unauthorized": 401, "Bad Request": 400, "Method Not Allowed": 405}
_PATH = re.compile(r"(?<![\w/.:])(/[\w./%~+-]{1,200})(?=[\s:,;'\")?]|$)")
_REFUSES = re.compile(
    r"(?i)denied|forbid|refus|reject|unauthori[sz]ed|not allowed|invalid|missing|expired|suspended|limit"
)


def parse(line: str) -> LogLine | None:
    """The entry; None when the line has none of these forms."""
    for read in (_uvicorn, _werkzeug, _served, _django, _logged):
        entry = read(line)
        if entry is not None:
            return entry
    return None


def _uvicorn(line: str) -> LogLine | None:
    hit = _UVICORN.fullmatch(line)
    asked, client = (request(hit[2]), address(hit[1])) if hit else (None, None)
    if hit is None or asked is None or client is None:
        return None
    return LogLine(
        format="uvicorn",
        product="uvicorn",
        client=client[0],
        client_port=client[1],
        method=asked.method,
        target=asked.target,
        status=status(hit[3]),
        asked_nobody=True,
    )


def _werkzeug(line: str) -> LogLine | None:
    """Werkzeug writes Common Log Format without a zone."""
    hit = _WERKZEUG.fullmatch(line)
    return _with_time(hit[2], hit[3], hit[4], hit[5], hit[1], "flask") if hit else None


def _served(line: str) -> LogLine | None:
    """Django's `runserver`."""
    hit = _SERVED.fullmatch(line)
    return _with_time(hit[1], hit[2], hit[3], hit[4], "", "django") if hit else None


def _with_time(date: str, quoted: str, code: str, size: str, client: str, product: str) -> LogLine | None:
    asked, at, who = request(quoted), moment(date), address(client)
    if asked is None or at is None:
        return None
    return LogLine(
        format="development-server",
        product=product,
        time_ns=at.ns,
        zoned=False,
        client=who[0] if who else None,
        method=asked.method,
        target=asked.target,
        status=status(code),
        size=number(size),
        asked_nobody=True,
    )


def _django(line: str) -> LogLine | None:
    if _HOST.fullmatch(line):
        return LogLine(format="django", product="django", status=400, message=line[:500], asked_nobody=True)
    hit = _DJANGO.fullmatch(line)
    if hit is None:
        return None
    return LogLine(
        format="django",
        product="django",
        target=hit["path"],
        status=_CODES[hit["what"]],
        message=line[:500],
        asked_nobody=True,
    )


def _logged(line: str) -> LogLine | None:
    """A line of a logging library; kept when it speaks of a refusal and names a path."""
    hit = _LEVEL.fullmatch(line)
    if hit is None:
        return None
    at = moment(hit["time"]) if hit["time"] else None
    path = _PATH.search(hit["message"]) if _REFUSES.search(hit["message"]) else None
    return LogLine(
        format="application",
        time_ns=at.ns if at else None,
        resolution_ns=at.resolution_ns if at else 0,
        zoned=at.zoned if at else False,
        target=path[1] if path else None,
        message=hit["message"][:500] if path else "",
    )
