"""Access logs in Common Log Format and its relatives: combined, with a virtual host, with fields of one's own.

nginx, Apache, lighttpd, varnishncsa, Traefik, gunicorn and many more write it, and operators arrange its fields as
they like. So no order is assumed but one: the status stands behind the request.
https://httpd.apache.org/docs/2.4/logs.html#accesslog, https://nginx.org/en/docs/http/ngx_http_log_module.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from tracer.model.log import LogLine

from . import envoy
from .times import Moment, moment
from .words import Word, address, address_text, is_id, number, request, status, words

_PAIR = re.compile(r'(\w[\w.-]{0,40})=("?)([^\s"]*)\2', re.ASCII)
_TRAEFIK = re.compile(r'"(?P<agent>[^"]*)" (?P<count>\d+) "(?P<router>[^"]*)" "(?P<server>[^"]*)" \d+ms')
_WERKZEUG = re.compile(r" - \S+ \[\d\d/\w{3}/\d{4} \d\d:\d\d:\d\d\] ")
_UVICORN = re.compile(r'(?:INFO|WARNING|ERROR): +\S+:\d+ - "')
_METHODS = frozenset(["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "PROPFIND"])
_RESULT = re.compile(r"(?:TCP|ERR|UDP)_[A-Z_]+")
_WAY = re.compile(r"(?:HIER_)?(?:DIRECT|NONE|PARENT_HIT|[A-Z_]*PARENT[A-Z_]*)/(\S+)")
_NAMES = {
    "id": ("rid", "id", "request_id", "req_id", "reqid", "requestid", "x_request_id", "trace_id", "traceid",
           "unique_id", "uid", "request-id", "x-request-id", "ray", "msec_id", "correlation_id", "amz", "trace"),
    "upstream": ("upstream", "upstream_addr", "ua_addr", "up", "backend", "upaddr", "upstream_host"),
    "upstream_status": ("upstream_status", "upstatus", "us", "upst", "ups", "upstream_response_status"),
    "host": ("host", "http_host", "vhost", "server_name", "authority", "sni"),
    "server": ("server_addr", "listener", "local", "laddr"),
    "agent": ("ua", "agent", "user_agent", "http_user_agent"),
    "client": ("client", "remote_addr", "clientip", "client_ip", "remote", "down", "peer"),
}  # fmt: skip
NAMES = {name: kind for kind, names in _NAMES.items() for name in names}
"""name of a field that operators give -> what it means"""


@dataclass(slots=True)
class _Fields:
    """What was found in the line so far."""

    product: str | None = None
    client: tuple[str, int | None] | None = None
    time: Moment | None = None
    host: str | None = None
    upstream: str | None = None
    upstream_status: int | None = None
    asked_nobody: bool = False
    server: str | None = None
    agent: str | None = None
    ids: list[str] = field(default_factory=list)
    facts: list[tuple[str, str]] = field(default_factory=list)


def parse(line: str) -> LogLine | None:
    """The entry; None when no request with a status behind it stands in the line."""
    if _WERKZEUG.search(line) or _UVICORN.match(line):
        return None
    found = words(line)
    place = _place(found)
    if place is None:
        return None
    at, code, asked = place
    fields = _Fields()
    _before(found[:at], fields)
    _behind(found[code + 1 :], fields)
    _traefik(line, fields)
    size = next((number(w.text) for w in found[code + 1 : code + 2] if w.kind == "plain"), None)
    own = _envoy(found[code + 1 :], fields)
    if own is not None:
        size = own.size
    if fields.time is None and fields.client is None:
        return None
    return _line(fields, asked, status(found[code].text), size)


def _place(found: Sequence[Word]) -> tuple[int, int, tuple[str | None, str]] | None:
    """(where the request begins, where the status stands, the request)."""
    for at, word in enumerate(found):
        asked = _request(word.text) if word.kind == "quoted" else None
        if asked is not None:
            code = next((i for i in range(at + 1, min(at + 3, len(found))) if status(found[i].text)), None)
            if code is not None:
                return at, code, asked
        elif word.kind == "plain" and word.text in _METHODS and at + 2 < len(found) and status(found[at + 2].text):
            return at, at + 2, (word.text, found[at + 1].text)
    return None


def _line(fields: _Fields, asked: tuple[str | None, str], code: int | None, size: int | None) -> LogLine:
    time = fields.time
    return LogLine(
        format="access",
        product=fields.product,
        time_ns=time.ns if time else None,
        resolution_ns=time.resolution_ns if time else 0,
        zoned=time.zoned if time else False,
        client=fields.client[0] if fields.client else None,
        client_port=fields.client[1] if fields.client else None,
        method=asked[0],
        target=asked[1],
        status=code,
        host=fields.host,
        ids=tuple(fields.ids),
        facts=tuple(fields.facts),
        upstream=fields.upstream,
        upstream_status=fields.upstream_status,
        asked_nobody=fields.asked_nobody and fields.upstream_status is None,
        server=fields.server,
        size=size,
        agent=fields.agent,
    )


def _request(text: str) -> tuple[str | None, str] | None:
    known = request(text)
    if known is not None:
        return known
    return (None, "") if text == "-" else None  # a connection that ended before its request: nginx writes "-" or ""


def _before(found: Sequence[Word], fields: _Fields) -> None:
    """Who, when, at which host."""
    for position, word in enumerate(found):
        joined = f"{word.text} {found[position + 1].text}" if position + 1 < len(found) else word.text
        time = moment(word.text) or moment(joined)
        if time is not None:
            fields.time = fields.time or time
        elif (known := address(word.text)) is not None:
            fields.client = fields.client or known
        elif word.kind == "plain" and not _pair(word.text, fields):
            name, _, port = word.text.rpartition(":")
            named = name if name and port.isdigit() else word.text
            if position < 2 and "." in named and fields.host is None and not word.text.startswith("-"):
                fields.host = named


def _behind(found: Sequence[Word], fields: _Fields) -> None:
    """Referer, agent, and whatever the operator added."""
    quoted = [w.text for w in found if w.kind == "quoted"]
    if len(quoted) >= 2:
        fields.agent = quoted[1] if quoted[1] != "-" else None
    for word in found:
        if word.kind == "plain" and _pair(word.text, fields):
            continue
        time = moment(word.text)
        if time is not None and fields.time is None and len(word.text) > 9:
            fields.time = time
        elif _RESULT.fullmatch(word.text):
            fields.facts.append(("result", word.text))
        elif (way := _WAY.fullmatch(word.text)) is not None:
            fields.upstream = address_text(way[1])
            fields.asked_nobody = way[1] == "-"
        elif is_id(word.text):
            fields.ids.append(word.text)


def _pair(text: str, fields: _Fields) -> bool:
    hit = _PAIR.fullmatch(text)
    if hit is None:
        return False
    kind, value = NAMES.get(hit[1].lower()), hit[3]
    empty = value in ("", "-", "null", "None")
    if kind == "id" and not empty and len(value) >= 8:
        fields.ids.append(value)
    elif kind == "upstream":
        fields.upstream = address_text(value.rpartition(",")[2].strip()) if not empty else fields.upstream
        fields.asked_nobody = empty
    elif kind == "upstream_status":
        fields.upstream_status = status(value.rpartition(",")[2].strip())
    elif kind == "host" and not empty:
        fields.host = value
    elif kind == "server" and not empty:
        fields.server = address_text(value)
    elif kind == "client" and not empty:
        fields.client = fields.client or address(value)
    elif kind == "agent" and not empty:
        fields.agent = value
    elif not empty and len(fields.facts) < 16:
        fields.facts.append((hit[1].lower(), value))
    return True


def _traefik(line: str, fields: _Fields) -> None:
    """Count, router and server's URL, which Traefik writes behind the agent.
    https://doc.traefik.io/traefik/observability/access-logs/"""
    hit = _TRAEFIK.search(line)
    if hit is None:
        return
    fields.product = "traefik"
    fields.facts.append(("router", hit["router"]))
    asked = hit["server"].partition("://")[2].partition("/")[0]
    fields.upstream = address_text(asked)
    fields.asked_nobody = not asked


def _envoy(behind: Sequence[Word], fields: _Fields) -> envoy.Envoy | None:
    own = envoy.read(behind)
    if own is None:
        return None
    fields.product = "envoy"
    fields.facts += [(n, v) for n, v in (("response-flags", own.flags), ("details", own.details)) if v]
    fields.upstream = own.upstream or fields.upstream
    fields.asked_nobody = own.asked_nobody or fields.asked_nobody
    fields.host = own.host or fields.host
    fields.agent = own.agent or fields.agent
    if own.id and own.id not in fields.ids:
        fields.ids.append(own.id)
    return own
