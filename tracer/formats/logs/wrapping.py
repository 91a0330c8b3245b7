"""What collectors put around a line: syslog, containers' logs, colours. Returns the line as the server wrote it.

RFC 5424 section 6, RFC 3164 section 4.1; Kubernetes' CRI and Docker's json-file log drivers.
"""

from __future__ import annotations

import re

import msgspec

_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_SYSLOG = re.compile(
    r"(?:<\d{1,3}>(?:1 )?)?(?:\w{3} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d)?) "
    r"(?:[\w.:-]+ )?(?P<program>[A-Za-z][\w./-]{0,60})(?:\[\d+\])?: (?P<rest>.*)",
    re.DOTALL,
)
_RFC5424 = re.compile(
    r"<\d{1,3}>1 \S+ \S+ (?P<program>\S+) \S+ \S+ (?:-|(?:\[(?:[^\]\\]|\\.)*\])+) ?(?:\ufeff)?(?P<rest>.*)", re.DOTALL
)
_CRI = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d) (?:stdout|stderr) [FP] (?P<rest>.*)", re.DOTALL)
_COMPOSE = re.compile(r"(?P<program>[\w.-]{1,60}) +\| (?P<rest>.*)", re.DOTALL)


def unwrapped(line: str) -> tuple[str, str]:
    """(the line as its server wrote it, the program's name when the wrapping tells it)."""
    program = ""
    if "\x1b" in line:
        line = _COLOUR.sub("", line)
    if line.startswith('{"log":'):
        line = _docker(line)
    for pattern in (_RFC5424, _CRI, _SYSLOG, _COMPOSE):
        hit = pattern.fullmatch(line)
        if hit is not None:
            line = hit["rest"]
            program = hit.groupdict().get("program") or program
    return line, program.lower()


def _docker(line: str) -> str:
    try:
        value = msgspec.json.decode(line)
    except (msgspec.DecodeError, RecursionError, ValueError):
        return line
    inner = value.get("log") if isinstance(value, dict) and "stream" in value else None
    return inner.rstrip("\r\n") if isinstance(inner, str) else line
