"""ModSecurity's audit log in JSON, as version 2.9 and libmodsecurity 3 write it: one object a transaction.

https://github.com/owasp-modsecurity/ModSecurity/wiki/ModSecurity-2-Data-Formats#json,
https://github.com/owasp-modsecurity/ModSecurity/wiki/Reference-Manual-(v3.x)#secauditlogformat
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tracer.model.log import LogLine

from . import modsecurity
from .json_keys import flat
from .times import moment
from .words import address, address_text, number, request, status

_MOST = 50


def read(value: Mapping[str, Any]) -> LogLine | None:
    """The entry; None when the object is no audit record."""
    transaction = value.get("transaction")
    if not isinstance(transaction, Mapping) or not (
        "audit_data" in value or "messages" in transaction or "request" in value
    ):
        return None
    told = flat(value)
    asked = request(told.get("request.request_line", ""))
    at = moment(told.get("transaction.time", "")) or _asctime(told.get("transaction.time_stamp", ""))
    client = address(told.get("transaction.remote_address") or told.get("transaction.client_ip") or "")
    server = told.get("transaction.local_address") or told.get("transaction.host_ip") or ""
    server_port = told.get("transaction.local_port") or told.get("transaction.host_port") or ""
    names = ("transaction.transaction_id", "transaction.unique_id", "transaction.id")
    facts, message = _rules(value, told)
    code = status(told.get("response.status") or told.get("transaction.response.http_code"))
    return LogLine(
        format="modsecurity",
        product="modsecurity",
        time_ns=at.ns if at else None,
        resolution_ns=at.resolution_ns if at else 0,
        zoned=at.zoned if at else False,
        client=client[0] if client else None,
        client_port=number(told.get("transaction.remote_port") or told.get("transaction.client_port")),
        method=asked.method if asked else told.get("transaction.request.method"),
        target=asked.target if asked else told.get("transaction.request.uri"),
        status=code,
        host=told.get("request.headers.host") or told.get("transaction.request.headers.host"),
        ids=tuple(dict.fromkeys(told[n] for n in names if told.get(n))),
        message=message,
        facts=facts,
        server=address_text(f"[{server}]:{server_port}" if ":" in server else f"{server}:{server_port}"),
        agent=told.get("request.headers.user-agent") or told.get("transaction.request.headers.user-agent"),
    )


def _asctime(text: str) -> Any:
    return moment(" ".join(text.split())) if text else None


def _rules(value: Mapping[str, Any], told: Mapping[str, str]) -> tuple[tuple[tuple[str, str], ...], str]:
    """(facts of the rules, those that denied first; the message of the first)."""
    rules = [rule for text in _texts(value) if (rule := modsecurity.read(text)) is not None]
    rules.sort(key=lambda rule: not rule.denied)
    facts = [fact for rule in rules for fact in rule.facts] + list(_matched(value))
    intercepted = "audit_data.action.intercepted" in told or told.get("transaction.is_interrupted") == "true"
    if intercepted and ("action", "deny") not in facts:
        facts.insert(0, ("action", "deny"))
    texts = list(_texts(value))
    denying = next((t for t in texts if "denied" in t), texts[0] if texts else "")
    return tuple(facts[:_MOST]), denying[:2000]


def _texts(value: Mapping[str, Any]) -> Iterator[str]:
    """Messages of version 2."""
    audit = value.get("audit_data")
    rows = audit.get("messages") if isinstance(audit, Mapping) else None
    for text in rows[:_MOST] if isinstance(rows, list) else ():
        if isinstance(text, str):
            yield f"ModSecurity: {text}"


def _matched(value: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Rules of version 3: `messages` holds a text and its details."""
    rows = value["transaction"].get("messages")
    for row in rows[:_MOST] if isinstance(rows, list) else ():
        details = row.get("details") if isinstance(row, Mapping) else None
        if not isinstance(details, Mapping):
            continue
        for name, text in (
            ("rule-id", details.get("ruleId")),
            ("rule-msg", row.get("message")),
            ("rule-data", details.get("data")),
            ("rule-file", details.get("file")),
        ):
            if isinstance(text, str) and text:
                yield name, text[:200]
