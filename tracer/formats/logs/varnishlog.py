"""varnishlog's text: one block for each client request and each request to a backend.

https://varnish-cache.org/docs/trunk/reference/vsl.html (tags), …/reference/varnishlog.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tracer.model.log import LogLine

from .times import Moment, moment
from .words import address, number, status

BEGIN = re.compile(r"\*+ +<< (Request|BeReq|Session) +>> +(\d+) *")
_TAG = re.compile(r"-+ +(\w+) *(.*)", re.DOTALL)
_MOST = 400
_IDS = ("x-request-id", "traceparent", "x-correlation-id")


@dataclass(slots=True)
class Varnishlog:
    """Gathers the lines of one block."""

    kind: str = ""
    number: int = 0
    tags: list[tuple[str, str]] = field(default_factory=list)

    def feed(self, line: str, number: int) -> tuple[bool, LogLine | None]:
        """(whether the line is varnishlog's, the entry that ended before it)."""
        hit = BEGIN.fullmatch(line)
        if hit is not None:
            before = self.end()
            self.kind, self.number = hit[1], number
            return True, before
        if not self.kind:
            return False, None
        if not line.strip():
            return True, self.end()
        tag = _TAG.fullmatch(line)
        if tag is None:
            return False, self.end()
        if len(self.tags) < _MOST:
            self.tags.append((tag[1], tag[2].rstrip()))
        return True, None

    def end(self) -> LogLine | None:
        """The entry of what was gathered."""
        kind, tags, at = self.kind, self.tags, self.number
        self.kind, self.tags = "", []
        return _entry(tags, at) if kind == "Request" else None


def _entry(tags: list[tuple[str, str]], line: int) -> LogLine | None:
    told = dict(reversed(tags))
    last = dict(tags)
    fields = {n.lower(): v for t, x in tags if t == "ReqHeader" for n, _, v in (x.partition(": "),)}
    client = told.get("ReqStart", "").split(" ")
    who = address(client[0])
    calls = [v for t, v in tags if t in ("VCL_call", "VCL_return")]
    asked = any(t == "Link" and v.startswith("bereq") for t, v in tags)
    hit = any(t == "Hit" for t, _ in tags)
    code = status(last.get("RespStatus"))
    words = " ".join(v for t, v in tags if t in ("VCL_Log", "VCL_Error", "FetchError", "Error"))[:500]
    at = _start(tags)
    return LogLine(
        format="varnishlog",
        product="varnish",
        number=line,
        time_ns=at.ns if at else None,
        resolution_ns=at.resolution_ns if at else 0,
        client=who[0] if who else None,
        client_port=number(client[1]) if len(client) > 1 else None,
        method=told.get("ReqMethod"),
        target=told.get("ReqURL"),
        status=code,
        host=fields.get("host"),
        ids=tuple(fields[n] for n in _IDS if fields.get(n)),
        message=words,
        facts=(
            ("calls", " ".join(calls)[:200]),
            ("handling", "hit" if hit else "synth" if "SYNTH" in calls else "pass"),
        ),
        upstream_status=code if asked and "SYNTH" not in calls else None,
        asked_nobody=not asked and not hit and bool(calls),
        agent=fields.get("user-agent"),
    )


def _start(tags: list[tuple[str, str]]) -> Moment | None:
    begin = next((v for t, v in tags if t == "Timestamp" and v.startswith("Start: ")), "")
    return moment(begin[7:].partition(" ")[0])
