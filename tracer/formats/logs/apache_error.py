"""Apache error log: `[time] [module:level] [pid 37:tid 50] (13)Permission denied: [client a:p] AH00132: message`.

https://httpd.apache.org/docs/2.4/logs.html#errorlog; 2.2 wrote `[time] [level] [client a] message`.
"""

from __future__ import annotations

import re

from tracer.model.log import LogLine

from . import modsecurity
from .times import moment
from .words import address

_HEAD = re.compile(
    r"\[(?P<time>\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d(?:\.\d+)? \d{4})\] \[(?:(?P<module>\w*):)?(?P<level>\w+)\] "
    r"(?:\[pid \d+(?::tid \d+)?\] )?(?P<rest>.*)",
    re.DOTALL,
)
_TOLD = re.compile(r"\[(client|remote|unique_id|hostname|uri) \"?([^\]\"]*)\"?\]")
_CODE = re.compile(r"\b(AH\d{5}): ")
_REFERER = re.compile(r", referer: (\S+)$")
_WHO = re.compile(r"(?:(?:\(\d+\)[^:\[]{0,80}: )?\[(?:client|remote) [^\]]*\] ?)+")


def parse(line: str) -> LogLine | None:
    """The entry; None when the line has no such beginning."""
    hit = _HEAD.fullmatch(line)
    at = moment(hit["time"]) if hit else None
    if hit is None or at is None:
        return None
    rest = hit["rest"]
    told: dict[str, str] = {}
    for name, value in _TOLD.findall(rest[:65536]):
        told.setdefault(name, value)
    client = address(told.get("client", ""))
    rule = modsecurity.read(rest)
    code = _CODE.search(rest)
    facts = [("module", hit["module"] or ""), ("level", hit["level"])]
    if code:
        facts.append(("code", code[1]))
    says = _REFERER.sub("", rest)
    return LogLine(
        format="apache-error",
        product="modsecurity" if rule else "apache",
        time_ns=at.ns,
        resolution_ns=at.resolution_ns,
        zoned=False,
        client=client[0] if client else None,
        client_port=client[1] if client else None,
        target=told.get("uri"),
        status=rule.status if rule else None,
        host=told.get("hostname"),
        ids=(told["unique_id"],) if told.get("unique_id") else (),
        message=_WHO.sub("", says, count=1).strip(),
        facts=(*facts, *(rule.facts if rule else ())),
    )
