"""Access log of AWS Application Load Balancers: 29 and more fields in fixed order.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html#access-log-entry-format
"""

from __future__ import annotations

from tracer.model.log import LogLine

from .times import moment
from .words import address, address_text, number, request, status, words

_KINDS = frozenset({"http", "https", "h2", "grpcs", "ws", "wss"})
_ELB, _CLIENT, _TARGET, _CODE, _TARGET_CODE, _SENT, _REQUEST, _AGENT, _TRACE, _SNI = 2, 3, 4, 8, 9, 11, 12, 13, 17, 18
_ACTIONS, _REDIRECT, _REASON = 22, 23, 24


def parse(line: str) -> LogLine | None:
    """The entry; None when the fields are others."""
    if line.partition(" ")[0] not in _KINDS:
        return None
    found = [w.text for w in words(line)]
    at = moment(found[1]) if len(found) > _TRACE else None
    asked = request(found[_REQUEST]) if at else None
    if at is None or asked is None:
        return None
    client = address(found[_CLIENT])
    facts = [("actions", found[_ACTIONS])] if len(found) > _ACTIONS else []
    if len(found) > _REASON and found[_REASON] != "-":
        facts.append(("error-reason", found[_REASON]))
    return LogLine(
        format="alb",
        product="aws-elb",
        time_ns=at.ns,
        resolution_ns=at.resolution_ns,
        client=client[0] if client else None,
        client_port=client[1] if client else None,
        method=asked.method,
        target=asked.target,
        status=status(found[_CODE]),
        host=found[_SNI] if len(found) > _SNI and found[_SNI] != "-" else None,
        ids=(found[_TRACE],) if found[_TRACE] != "-" else (),
        facts=tuple(facts),
        upstream=address_text(found[_TARGET]),
        upstream_status=status(found[_TARGET_CODE]),
        asked_nobody=found[_TARGET] == "-",
        size=number(found[_SENT]),
        agent=found[_AGENT],
    )
