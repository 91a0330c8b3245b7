"""AWS WAF's log: one JSON object for each web request that a web ACL looked at.

https://docs.aws.amazon.com/waf/latest/developerguide/logging-fields.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tracer.model.log import LogLine

from .json_keys import flat
from .times import moment
from .words import address, status

_ANSWERS = {"BLOCK": 403, "CAPTCHA": 405, "CHALLENGE": 202}
"""status that each action sends unless the web ACL says otherwise"""


def read(value: Mapping[str, Any]) -> LogLine | None:
    """The entry; None when the object is none of AWS WAF's."""
    if "webaclId" not in value or "action" not in value:
        return None
    told = flat(value)
    at = moment(told.get("timestamp", ""))
    client = address(told.get("httprequest.clientip", ""))
    headers = dict(_headers(value))
    action, code = told["action"].upper(), status(told.get("responsecodesent"))
    query = told.get("httprequest.args")
    path = told.get("httprequest.uri")
    rule = told.get("terminatingruleid", "")
    facts = [("action", action.lower()), ("rule-id", rule), ("rule-type", told.get("terminatingruletype", ""))]
    facts += [("rule-msg", v) for v in _inner(value)]
    for name, key in (("rule-var", "terminatingrulematchdetails.location"), ("country", "httprequest.country")):
        facts.append((name, told.get(key, "")))
    return LogLine(
        format="aws-waf",
        product="aws-waf",
        time_ns=at.ns if at else None,
        resolution_ns=at.resolution_ns if at else 0,
        client=client[0] if client else None,
        method=told.get("httprequest.httpmethod"),
        target=f"{path}?{query}" if path and query else path,
        status=code or _ANSWERS.get(action),
        host=headers.get("host"),
        ids=tuple(v for v in (told.get("httprequest.requestid"), headers.get("x-amzn-trace-id")) if v),
        facts=tuple((n, v) for n, v in facts if v),
        asked_nobody=action in _ANSWERS,
        agent=headers.get("user-agent"),
    )


def _headers(value: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    request = value.get("httpRequest")
    rows = request.get("headers") if isinstance(request, Mapping) else None
    for row in rows[:100] if isinstance(rows, list) else ():
        if isinstance(row, Mapping) and isinstance(row.get("name"), str) and isinstance(row.get("value"), str):
            yield row["name"].lower(), row["value"]


def _inner(value: Mapping[str, Any]) -> Iterator[str]:
    """Rules inside rule groups that ended it: the managed group's own names."""
    groups = value.get("ruleGroupList")
    for group in groups[:50] if isinstance(groups, list) else ():
        rule = group.get("terminatingRule") if isinstance(group, Mapping) else None
        if isinstance(rule, Mapping) and isinstance(rule.get("ruleId"), str):
            yield rule["ruleId"]
