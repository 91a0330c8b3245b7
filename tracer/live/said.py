"""What mitmproxy prints -> what a person needs of it: its errors without clock and stack, and what helps."""

from __future__ import annotations

import re

_CLOCK = re.compile(r"^(\[\d\d:\d\d:\d\d\.\d+\] ?|-c: )")
"""and how mitmproxy names itself when it is given bad options"""
_WAY = re.compile(r"^(Stack backtrace:|\d+: \S+$|at \./|Caused by:$|Try specifying a|Error logged during startup)")
"""lines of a stack, and words around an error"""
_NUMBERED = re.compile(r"^\d+: (?=\S+ \S+)")
"""the causes of an error, outermost first"""
_LISTEN = re.compile(r"^\[Errno \d+\] (.+?) failed to listen on (\S+) with .*: ([a-z ]+?)\.?$")
_LINES = 6
HELP = (
    (
        "Failed to run sudo",
        "local mode starts its redirector through sudo, for root too: install sudo; tracer run does without",
    ),
    (
        "[linux-redirector] exited",
        "local mode needs Linux 6.8 or newer and cgroup v2 mounted at /sys/fs/cgroup, which this system does not give; "
        "tracer run and tracer browse do without",
    ),
    ("address already in use", "another program listens there: choose another place with --listen HOST:PORT"),
    ("permission denied", "ports below 1024 need a right: choose another with --listen HOST:PORT"),
    ("cannot assign requested address", "that address is none of this machine's: see --listen HOST:PORT"),
    ("Transparent mode failure", "transparent mode takes connections that the system's firewall redirects to it"),
)
"""(words in an error, what to do)"""


def errors(text: str) -> list[str]:
    """The lines of an error that say something, a few of them."""
    lines = (_CLOCK.sub("", line).strip() for line in text.splitlines())
    kept = (_LISTEN.sub(r"\1 cannot listen on \2: \3", _NUMBERED.sub("", s)) for s in lines if s and not _WAY.match(s))
    return list(dict.fromkeys(kept))[:_LINES]


def advice(text: str) -> str | None:
    """What to do about an error, where it is a known one."""
    lower = text.lower()
    return next((help_ for words, help_ in HELP if words.lower() in lower), None)
