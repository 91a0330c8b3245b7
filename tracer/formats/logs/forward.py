"""Logs of small forward proxies (tinyproxy, Privoxy), and lighttpd's error log: words on who was refused.

https://tinyproxy.github.io/, https://www.privoxy.org/user-manual/config.html#DEBUG, https://redmine.lighttpd.net/
"""

from __future__ import annotations

import re
from collections import OrderedDict

from tracer.model.log import LogLine

from .times import moment
from .words import address, request

_TINYPROXY = re.compile(r"(\w{4,9}) +(\w{3} [ \d]\d \d\d:\d\d:\d\d(?:\.\d+)?) \[(\d+)\]: (.*)", re.DOTALL)
_DESCRIPTOR = re.compile(r"(Connect|Request) \(file descriptor (\d+)\): (.*)")
_QUOTED = re.compile(r'"([^"]{1,500})"')
_REFUSES = re.compile(r"refused|Refused|Unauthorized|denied|not allowed")
_PRIVOXY = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+) [0-9a-f]+ (\w[\w -]{2,30}): (.*)", re.DOTALL)
_LIGHTTPD = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d): \(([\w.]+)[.:]\d+\) ?(.*)", re.DOTALL)
_MOST = 256


class Tinyproxy:
    """Reads one log; it remembers each process's client and request, which stand in lines of their own."""

    def __init__(self) -> None:
        self._about: OrderedDict[str, dict[str, str]] = OrderedDict()

    def parse(self, line: str) -> LogLine | None:
        """The entry of a refusal, or one without a request for other lines; None when the form is another."""
        hit = _TINYPROXY.fullmatch(line)
        if hit is None:
            return None
        _, _, process, message = hit.groups()
        about = self._about.setdefault(process, {})
        if len(self._about) > _MOST:
            self._about.popitem(last=False)
        said = _DESCRIPTOR.match(message)
        if said is not None:
            if said[1] == "Connect":
                about.clear()
            about[said[1]] = said[3]
        if not _REFUSES.search(message):
            return LogLine(format="tinyproxy", product="tinyproxy")
        quoted = _QUOTED.search(message)
        asked = request(about.get("Request", ""))
        client = address(about.get("Connect", "").rpartition(" ")[2]) or address(quoted[1] if quoted else "")
        return LogLine(
            format="tinyproxy",
            product="tinyproxy",
            client=client[0] if client else None,
            method=asked.method if asked else None,
            target=asked.target if asked else None,
            message=message.strip(),
            asked_nobody=True,
        )


def privoxy(line: str) -> LogLine | None:
    """The entry; Privoxy says `Crunch:` when it answers itself."""
    hit = _PRIVOXY.fullmatch(line)
    at = moment(hit[1]) if hit else None
    if hit is None or at is None:
        return None
    crunched = hit[2] == "Crunch"
    return LogLine(
        format="privoxy",
        product="privoxy",
        time_ns=at.ns,
        resolution_ns=at.resolution_ns,
        zoned=False,
        target=hit[3].rpartition(": ")[2].strip() if crunched else None,
        message=f"Crunch: {hit[3]}"[:500] if crunched else "",
        asked_nobody=crunched,
    )


def lighttpd(line: str) -> LogLine | None:
    """The entry of lighttpd's error log."""
    hit = _LIGHTTPD.fullmatch(line)
    at = moment(hit[1]) if hit else None
    if hit is None or at is None:
        return None
    refused = "denied" in hit[3] or "403" in hit[3]
    path = re.search(r"(/\S*)\s*$", hit[3])
    return LogLine(
        format="lighttpd-error",
        product="lighttpd",
        time_ns=at.ns,
        resolution_ns=at.resolution_ns,
        zoned=False,
        target=path[1] if path and refused else None,
        message=hit[3][:500] if refused else "",
    )
