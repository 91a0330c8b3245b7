"""What next steps may name, as it was seen: address, path, bucket, rule, parameter, file."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl

from tracer.model.http import Exchange, Request
from tracer.model.verdict import Cause

from .cues import attack_in
from .evidence import redacted

NAMES = frozenset({
    "url", "host", "path", "method", "origin", "client", "bucket", "key", "rule", "variable", "file", "directory",
    "zone", "policy",
})  # fmt: skip
_BUCKET = re.compile(r"(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\.(?:s3|storage|cos|oss|obs|blob)\b")
_RULE = re.compile(r"(?:crs|rule)-(\d+)")
_PARAMETERS = 100


def values_of(exchange: Exchange, known: Mapping[str, str], cause: Cause, detail: str | None) -> dict[str, str]:
    """The values for this denial; `known`: what its evidence names. Queries are left out: they hold secrets."""
    values = {k: redacted(v) for k, v in known.items() if k in NAMES and v}
    request = exchange.request
    if request is not None:
        url = request.url.partition("#")[0].partition("?")[0]
        host, _, path = (url.partition("://")[2] or url.removeprefix("/")).partition("/")
        name = re.sub(r":\d+$", "", host)
        asked = {
            "url": url,
            "host": name,
            "path": f"/{path}" if "://" in url else "",
            "method": request.method,
            **_stored(name, path),
        }
        asked["origin"] = request.get("origin") or ""
        values |= {k: redacted(v) for k, v in asked.items()}
        if cause is Cause.WAF_RULE and "variable" not in values:
            values["variable"] = _variable(request)
    rule = _RULE.fullmatch(detail or "")
    if rule and "rule" not in values:
        values["rule"] = rule[1]
    if "file" in values:
        values["directory"] = values["file"].rpartition("/")[0]
    values["client"] = _address(values.get("client", ""))
    return values


def _stored(host: str, path: str) -> dict[str, str]:
    """Bucket and key, as the host or the first part of the path names them."""
    hit = _BUCKET.match(host)
    if hit is not None:
        return {"bucket": hit["bucket"], "key": path}
    bucket, _, key = path.partition("/")
    return {"bucket": bucket, "key": key}


def _variable(request: Request) -> str:
    """Where the payload is, as ModSecurity names it."""
    query = request.target.partition("?")[2]
    for name, value in parse_qsl(query, keep_blank_values=True, max_num_fields=_PARAMETERS) if _few(query) else ():
        if attack_in(value):
            return f"ARGS:{name}"
    return "REQUEST_HEADERS:User-Agent" if attack_in(request.get("user-agent") or "") else ""


def _few(query: str) -> bool:
    return query.count("&") < _PARAMETERS


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text)) if text else ""
    except ValueError:
        return ""
