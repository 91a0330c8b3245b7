"""Squid's access.log: `time elapsed client TCP_DENIED/403 bytes method URL user HIER_NONE/- type`.

https://wiki.squid-cache.org/Features/LogFormat
"""

from __future__ import annotations

import re

from tracer.model.log import LogLine

from .times import moment
from .words import address, address_text, number, status

_LINE = re.compile(
    r"(?P<time>\d{9,10}\.\d{1,6}) +(?P<took>-?\d+) (?P<client>\S+) (?P<result>[A-Z_]+)/(?P<status>\d{3}) (?P<size>\d+) "
    r"(?P<method>\S+) (?P<url>\S+) (?P<user>\S+) (?P<way>[A-Z_]+)/(?P<peer>\S+)(?P<rest>.*)",
    re.DOTALL,
)


def parse(line: str) -> LogLine | None:
    """The entry; None when the line has another form."""
    hit = _LINE.fullmatch(line)
    at = moment(hit["time"]) if hit else None
    if hit is None or at is None:
        return None
    client = address(hit["client"])
    code = status(hit["status"])
    asked = hit["way"] not in ("HIER_NONE", "NONE") and hit["peer"] != "-"
    return LogLine(
        format="squid",
        product=_product(hit["result"], hit["way"]),
        time_ns=at.ns,
        resolution_ns=at.resolution_ns,
        client=client[0] if client else hit["client"],
        method=hit["method"],
        target=hit["url"],
        status=code,
        facts=(("result", hit["result"]), ("way", hit["way"])),
        upstream=address_text(hit["peer"]) if asked else None,
        upstream_status=code if asked else None,
        asked_nobody=not asked and "HIT" not in hit["result"],
        size=number(hit["size"]),
    )


def _product(result: str, way: str) -> str | None:
    """Traffic Server writes the same line; codes of its own are ERR_, Squid's ways begin with HIER_ since 3.2.
    https://docs.trafficserver.apache.org/en/9.2.x/admin-guide/logging/cache-results.en.html"""
    if way.startswith("HIER_"):
        return "squid"
    return "trafficserver" if result.startswith("ERR_") else None
