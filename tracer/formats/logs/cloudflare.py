"""Cloudflare Logpush: HTTP requests and firewall events, one JSON object each.

https://developers.cloudflare.com/logs/reference/log-fields/zone/http_requests/ and …/firewall_events/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tracer.model.log import LogLine

from .json_keys import first, flat
from .times import moment
from .words import address, number, status

_ACTION = ("securityaction", "wafaction", "firewallmatchesactions", "action")
_SOURCE = ("securitysources", "firewallmatchessources", "source")
_RULE = ("securityruleid", "wafruleid", "firewallmatchesruleids", "ruleid")
_MESSAGE = ("securityruledescription", "wafrulemessage", "description")
_STOPS = frozenset({"block", "drop", "challenge", "jschallenge", "managedchallenge", "connectionclose"})


def read(value: Mapping[str, Any]) -> LogLine | None:
    """The entry; None when the object is none of Cloudflare's."""
    if not ("EdgeResponseStatus" in value or ("RayID" in value and "Action" in value)):
        return None
    told = flat(value)
    at = moment(told.get("edgestarttimestamp") or told.get("datetime") or "")
    client = address(told.get("clientip", ""))
    origin = status(told.get("originresponsestatus"))
    action = (first(told, _ACTION) or "").lower().replace("_", "")
    facts = [("action", action if action != "unknown" else ""), ("action-source", first(told, _SOURCE) or "")]
    facts += [("rule-id", first(told, _RULE) or ""), ("rule-msg", first(told, _MESSAGE) or "")]
    facts += [("country", told.get("clientcountry", "")), ("cache", told.get("cachecachestatus", ""))]
    ray = told.get("rayid") or told.get("rayname")
    query = told.get("clientrequestquery", "")
    return LogLine(
        format="cloudflare",
        product="cloudflare",
        time_ns=at.ns if at else None,
        resolution_ns=at.resolution_ns if at else 0,
        zoned=True,
        client=client[0] if client else None,
        client_port=number(told.get("clientsrcport")),
        method=told.get("clientrequestmethod"),
        target=told.get("clientrequesturi") or (told.get("clientrequestpath", "") + query) or None,
        status=status(told.get("edgeresponsestatus")),
        host=told.get("clientrequesthost"),
        ids=(ray,) if ray else (),
        facts=tuple((n, v[:300]) for n, v in facts if v),
        upstream_status=origin,
        asked_nobody=action in _STOPS or told.get("originresponsestatus") == "0",
        size=number(told.get("edgeresponsebytes")),
        agent=told.get("clientrequestuseragent"),
    )
