"""HAProxy's HTTP log, with or without its date, and its lines on failed handshakes.

`client:port [date] frontend backend/server TR/Tw/Tc/Tr/Ta status bytes - - PR-- conns queues {captures} "request"`
https://docs.haproxy.org/2.8/configuration.html#8.2.3 and #8.5 (termination state)
"""

from __future__ import annotations

import re

from tracer.model.log import LogLine

from .times import moment
from .words import address, number, request, status

_HTTP = re.compile(
    r"(?:.*?\s)??(?P<client>[0-9a-fA-F.:\[\]]+:\d+) (?:\[(?P<date>[^\]]{11,40})\] )?(?P<frontend>[\w.:~-]+) "
    r"(?P<backend>[^\s/]+)/(?P<server>\S+) (?P<timers>-?\d+(?:/[-+]?\d+){3,5}) (?P<status>-?\d+) \+?(?P<size>\d+) "
    r"(?:\S+ \S+ )??(?P<ended>[A-Z-][A-Z-][A-Z-]{2}) (?P<rest>.*)",
    re.DOTALL,
)
_FAILED = re.compile(
    r"(?:.*?\s)??(?P<client>[0-9a-fA-F.:\[\]]+:\d+) \[(?P<date>[^\]]{11,40})\] (?P<frontend>[\w.~-]+)(?:/[\w.:-]+:)? "
    r"(?P<message>(?:SSL|Connection|Received|Timeout|\w+_err=).*)",
    re.DOTALL,
)
_REQUEST = re.compile(r'"((?:[^"\\]|\\.)*)"')
_PAIR = re.compile(r"(\w{2,20})=(\S+)")
_PLAIN = re.compile(r"\S+://([^/\s]+)(/\S*)?")


def parse(line: str) -> LogLine | None:
    """The entry; None when the line is none of HAProxy's."""
    hit = _HTTP.fullmatch(line)
    if hit is None:
        return _failed(line)
    client, quoted = address(hit["client"]), _REQUEST.search(hit["rest"])
    asked = request(quoted[1]) if quoted else None
    if client is None or (asked is None and not quoted):
        return None
    at = moment(hit["date"]) if hit["date"] else None
    absolute = _PLAIN.fullmatch(asked.target) if asked else None
    nobody = hit["server"] in ("<NOSRV>", "-")
    facts = [("termination", hit["ended"]), ("frontend", hit["frontend"].rstrip("~")), ("backend", hit["backend"])]
    if not nobody:
        facts.append(("backend-server", hit["server"]))
    behind = hit["rest"][quoted.end() :] if quoted else ""
    facts += [(m[1].lower(), m[2]) for m in _PAIR.finditer(behind)][:8]
    return LogLine(
        format="haproxy",
        product="haproxy",
        time_ns=at.ns if at else None,
        resolution_ns=at.resolution_ns if at else 0,
        zoned=at.zoned if at else False,
        client=client[0],
        client_port=client[1],
        method=asked.method if asked else None,
        target=asked.target if asked else None,
        status=status(hit["status"]),
        host=absolute[1] if absolute else None,
        facts=tuple(facts),
        upstream_status=None if nobody or hit["ended"][0] in "PLR" else status(hit["status"]),
        asked_nobody=nobody,
        size=number(hit["size"]),
    )


def _failed(line: str) -> LogLine | None:
    """A connection that came to no request: `client [date] frontend/bind: SSL handshake failure`."""
    hit = _FAILED.fullmatch(line)
    client = address(hit["client"]) if hit else None
    if hit is None or client is None:
        return None
    at = moment(hit["date"])
    return LogLine(
        format="haproxy",
        product="haproxy",
        time_ns=at.ns if at else None,
        resolution_ns=at.resolution_ns if at else 0,
        zoned=at.zoned if at else False,
        client=client[0],
        client_port=client[1],
        message=hit["message"].strip(),
        facts=(("frontend", hit["frontend"]),),
        asked_nobody=True,
    )
