"""Objects of JSON logs as flat names, and the names under which they keep what a request is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_DEPTH = 5
_MEMBERS = 400
_LONGEST = 2000

METHOD = ("request.method", "method", "requestmethod", "http.request.method", "httprequest.requestmethod",
          "httprequest.httpmethod", "request_method", "http_method", "verb", "clientrequestmethod", "req.method",
          "transaction.request.method", "httpmethod", "http.method", "downstream.method", "cs-method")  # fmt: skip
TARGET = ("request.uri", "request_uri", "requestpath", "httprequest.uri", "clientrequesturi", "uri", "path", "target",
          "url", "req.url", "http.target", "url.path", "url.original", "x_envoy_origin_path", "request.path",
          "request.url", "httprequest.requesturl", "transaction.request.uri", "http.url", "clientrequestpath",
          "request_path", "x-envoy-original-path", "cs-uri-stem")  # fmt: skip
STATUS = ("status", "downstreamstatus", "response_code", "status_code", "statuscode", "edgeresponsestatus",
          "http.response.status_code", "httprequest.status", "res.statuscode", "response.status", "http.status_code",
          "transaction.response.http_code", "http_status", "code", "response.code", "sc-status", "responsecode",
          "response_status", "transaction.response.status")  # fmt: skip
HOST = ("request.host", "requesthost", "clientrequesthost", "host", "authority", "http_host", "server_name",
        "url.domain", "req.headers.host", "requestaddr", "request.headers.host", "vhost", "http.host",
        "transaction.request.headers.host", ":authority")  # fmt: skip
CLIENT = ("request.client_ip", "request.remote_ip", "clienthost", "clientip", "httprequest.clientip", "remote_addr",
          "client_ip", "clientaddr", "downstream_remote_address", "client.ip", "source.ip", "remote_ip",
          "httprequest.remoteip", "client", "ip", "req.remoteaddress", "transaction.client_ip", "down",
          "client.address", "transaction.remote_address", "remoteaddr", "peer", "x_forwarded_for",
          "c-ip", "source.address")  # fmt: skip
TIME = ("ts", "startutc", "time", "@timestamp", "timestamp", "start_time", "time_local", "time_iso8601", "datetime",
        "edgestarttimestamp", "transaction.time_stamp", "transaction.time", "date", "msec", "t", "time_utc", "asctime",
        "start", "eventtime", "edgeendtimestamp")  # fmt: skip
IDS = ("request_id", "requestid", "x_request_id", "x-request-id", "rayid", "trace_id", "traceid", "rid", "req_id", "id",
       "request.id", "httprequest.requestid", "transaction.unique_id", "transaction.id", "trace.id", "traceparent",
       "correlation_id", "uuid", "request.headers.x-request-id", "resp_headers.x-request-id", "req.id", "unique_id",
       "request.headers.traceparent", "transaction.transaction_id", "x_amzn_trace_id")  # fmt: skip
UPSTREAM = ("upstream_host", "serviceaddr", "upstream_addr", "upstream", "upstream_address", "originip", "backend",
            "upstream_server")  # fmt: skip
UPSTREAM_STATUS = ("originstatus", "upstream_status", "originresponsestatus", "upstatus", "upstream_response_status")
SERVER = ("downstream_local_address", "server_addr", "listener", "transaction.host_ip", "server.address", "local_addr")
SIZE = ("downstreamcontentsize", "bytes_sent", "body_bytes_sent", "size", "edgeresponsebytes",
        "http.response.body.bytes", "response_size", "bytes", "edgeresponsebodybytes")  # fmt: skip
AGENT = ("request.headers.user-agent", "http_user_agent", "user_agent", "user-agent", "user_agent.original",
         "clientrequestuseragent", "request_user-agent", "useragent", "req.headers.user-agent")  # fmt: skip
MESSAGE = ("msg", "message", "error", "reason", "detail", "exception", "err", "log")


def flat(value: Mapping[str, Any]) -> dict[str, str]:
    """Dotted names in lower case -> scalars as text; a list's first members count from 0 (`a.0`)."""
    found: dict[str, str] = {}
    for name, scalar in _walk(value, "", 0):
        found.setdefault(name.lower(), scalar)
        if len(found) >= _MEMBERS:
            break
    return found


def _walk(value: object, name: str, depth: int) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        inner = [(f"{name}.{k}" if name else str(k), v) for k, v in list(value.items())[:_MEMBERS]]
    elif isinstance(value, list):
        inner = [(f"{name}.{i}" if i else name, v) for i, v in enumerate(value[:20])]
    else:
        if value is not None:
            yield name, ("true" if value else "false") if isinstance(value, bool) else str(value)[:_LONGEST]
        return
    if depth < _DEPTH:
        for key, member in inner:
            yield from _walk(member, key, depth + 1)


def first(told: Mapping[str, str], names: Sequence[str]) -> str | None:
    """The value under the first of these names that has one."""
    return next((told[n] for n in names if told.get(n, "-") not in ("-", "")), None)


def named(told: Mapping[str, str], names: Sequence[str]) -> bool:
    """One of the names is there at all, empty or not."""
    return any(n in told for n in names)
