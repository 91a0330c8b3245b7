"""JSON, one object a line: Caddy, Traefik, Envoy, Cloudflare Logpush, AWS WAF, ModSecurity, and what people make up.

https://caddyserver.com/docs/caddyfile/directives/log, https://doc.traefik.io/traefik/observability/access-logs/,
https://developers.cloudflare.com/logs/reference/log-fields/zone/http_requests/,
https://docs.aws.amazon.com/waf/latest/developerguide/logging-fields.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from tracer.model.log import LogLine

from . import aws_waf, cloudflare, json_keys, modsecurity_json
from .envoy import details_of, flags_of
from .times import moment
from .words import address, address_text, number, request, status

_FACTS = {
    "details": ("response_code_details", "details", "rcd"),
    "response-flags": ("response_flags", "flags"),
    "router": ("routername",),
    "logger": ("logger",),
    "error-id": ("err_id",),
    "level": ("level", "severity"),
    "limit": ("limit_req_status", "lim"),
}
_METHODS = re.compile(r"[A-Z][A-Z-]{2,20}")


def parse(line: str) -> LogLine | None:
    """The entry; None when it is no JSON object, or speaks of no request."""
    if not line.startswith("{"):
        return None
    try:
        value = msgspec.json.decode(line.removesuffix(","))
    except (msgspec.DecodeError, RecursionError, ValueError):
        return None
    if not isinstance(value, dict):
        return None
    for read in (modsecurity_json.read, aws_waf.read, cloudflare.read):
        entry = read(value)
        if entry is not None:
            return entry
    return _read(json_keys.flat(value))


def _read(told: Mapping[str, str]) -> LogLine | None:
    asked = request(json_keys.first(told, ("request", "request_line", "message")) or "")
    method = json_keys.first(told, json_keys.METHOD) or (asked.method if asked else None)
    target = json_keys.first(told, json_keys.TARGET) or (asked.target if asked else None)
    code = next((c for n in json_keys.STATUS if (c := status(told.get(n))) is not None), None)
    message = "; ".join(told[n] for n in json_keys.MESSAGE if told.get(n))[:2000]
    if code is None and not (message and (target or method)):
        return None
    at = next((m for n in json_keys.TIME if n in told and (m := moment(told[n])) is not None), None)
    client = _client(told)
    upstream = json_keys.first(told, json_keys.UPSTREAM)
    facts = _facts(told)
    relayed = told.get("logger") == "http.handlers.reverse_proxy"
    return LogLine(
        format="json",
        product=_product(told, facts),
        time_ns=at.ns if at else None,
        resolution_ns=at.resolution_ns if at else 0,
        zoned=at.zoned if at else False,
        client=client[0] if client else None,
        client_port=client[1] if client else None,
        method=method if method and _METHODS.fullmatch(method) else None,
        target=target,
        status=code,
        host=json_keys.first(told, json_keys.HOST),
        ids=tuple(dict.fromkeys(told[n] for n in json_keys.IDS if len(told.get(n, "")) >= 8)),
        message=message,
        facts=facts,
        upstream=address_text(upstream.rpartition("//")[2].partition("/")[0]) if upstream else None,
        upstream_status=code if relayed else status(json_keys.first(told, json_keys.UPSTREAM_STATUS)),
        asked_nobody=upstream is None and _has_place(told),
        server=address_text(json_keys.first(told, json_keys.SERVER) or ""),
        size=number(json_keys.first(told, json_keys.SIZE)),
        agent=json_keys.first(told, json_keys.AGENT),
    )


def _has_place(told: Mapping[str, str]) -> bool:
    """There would be a server that was asked, had one been: Traefik's zero status, or an empty field."""
    return told.get("originstatus") == "0" or json_keys.named(told, json_keys.UPSTREAM) or "details" in told


def _client(told: Mapping[str, str]) -> tuple[str, int | None] | None:
    for name in json_keys.CLIENT:
        known = address(told.get(name, "").partition(",")[0].strip())
        if known is not None:
            port = number(
                told.get("request.remote_port") or told.get("clientport") or told.get("transaction.client_port")
            )
            if name == "down" and known[1] == 0:
                return known[0], None
            return known[0], known[1] if known[1] is not None else port
    return None


def _facts(told: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    found = [(name, value) for name, names in _FACTS.items() if (value := json_keys.first(told, names)) is not None]
    return tuple((n, v[:300]) for n, v in found if n != "response-flags" or flags_of(v))


def _product(told: Mapping[str, str], facts: tuple[tuple[str, str], ...]) -> str | None:
    """Whose field names these are."""
    known = dict(facts)
    if told.get("logger", "").startswith(("http.log.", "http.handlers", "tls")):
        return "caddy"
    if "downstreamstatus" in told or "entrypointname" in told or "traefik" in told.get("caller", ""):
        return "traefik"
    if "response-flags" in known or details_of(known.get("details", "")) or "x_envoy_origin_path" in told:
        return "envoy"
    return None
