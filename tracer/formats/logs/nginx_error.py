"""nginx error log: `2026/11/24 14:04:22 [error] 83#83: *10 message, client: …, server: …, request: "…", host: "…"`.

https://nginx.org/en/docs/ngx_core_module.html#error_log; the fields are added by ngx_http_log_error.
"""

from __future__ import annotations

import re

from tracer.model.log import LogLine

from . import modsecurity
from .times import moment
from .words import address, address_text, request

_HEAD = re.compile(r"(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) \[(\w+)\] (\d+)#(\d+): (?:\*(\d+) )?(.*)", re.DOTALL)
_FIELD = re.compile(
    r', (client|server|request|upstream|host|referrer|subrequest|request_id): (?:"((?:[^"\\]|\\.)*)"|([^,]*))'
)
_OPENRESTY = re.compile(r"\[lua\] ")


def parse(line: str) -> LogLine | None:
    """The entry; None when the line has no such beginning."""
    hit = _HEAD.fullmatch(line)
    if hit is None:
        return None
    date, level, _, _, connection, rest = hit.groups()
    fields = {m[1]: m[2] if m[2] is not None else m[3].strip() for m in _FIELD.finditer(rest)}
    first = _FIELD.search(rest)
    message = rest[: first.start()] if first else rest
    asked = request(fields.get("request", ""))
    client = address(fields.get("client", ""))
    at = moment(date)
    rule = modsecurity.read(message)
    facts = [("level", level)]
    if connection:
        facts.append(("connection", connection))
    return LogLine(
        format="nginx-error",
        product="modsecurity" if rule else "openresty" if _OPENRESTY.search(message) else "nginx",
        time_ns=at.ns if at else None,
        zoned=False,
        client=client[0] if client else None,
        client_port=client[1] if client else None,
        method=asked.method if asked else None,
        target=asked.target if asked else None,
        status=rule.status if rule else None,
        host=fields.get("host") or None,
        ids=rule.ids if rule else tuple(v for k, v in fields.items() if k == "request_id" and v),
        message=message.strip(),
        facts=(*facts, *(rule.facts if rule else ())),
        upstream=address_text(re.sub(r"^\w+://", "", fields.get("upstream", "")).partition("/")[0]),
    )
