"""ModSecurity's messages, wherever they stand: error logs of nginx and Apache, section H of the audit log.

`ModSecurity: Access denied with code 403 (phase 2). … [file "…"] [id "949110"] [msg "…"] [unique_id "…"]`
https://github.com/owasp-modsecurity/ModSecurity/wiki/ModSecurity-2-Data-Formats#alert-action-description
"""

from __future__ import annotations

import re
from typing import NamedTuple

_TAG = re.compile(r'\[(file|line|id|msg|data|severity|tag|hostname|uri|unique_id) "((?:[^"\\]|\\.)*)"\]')
_DENIED = re.compile(
    r"(?:Access denied|denied) (?:with code (\d{3})|with (?:connection close|redirection))(?: \(phase (\d)\))?"
)
_VARIABLE = re.compile(r"(?:\bat |against variable [`'])([A-Z_]+(?::[^\s'`\".]+)?)")
_SHORT = 200


class Rule(NamedTuple):
    """What one message tells."""

    denied: bool
    status: int | None
    ids: tuple[str, ...]
    host: str | None
    uri: str | None
    facts: tuple[tuple[str, str], ...]
    """`rule-id`, `rule-msg`, `rule-var`, `rule-data`, `rule-file`, `rule-phase`, `action` (`deny` or `warn`)"""


def read(message: str) -> Rule | None:
    """What the message tells; None when it is none of ModSecurity's."""
    if "ModSecurity" not in message and '[id "' not in message:
        return None
    tags: dict[str, str] = {}
    for hit in _TAG.finditer(message):
        tags.setdefault(hit[1], hit[2])
    denied = _DENIED.search(message)
    if not denied and "id" not in tags:
        return None
    facts = [("action", "deny" if denied else "warn")]
    for name, tag in (("rule-id", "id"), ("rule-msg", "msg"), ("rule-data", "data"), ("rule-file", "file")):
        if tags.get(tag):
            facts.append((name, tags[tag][:_SHORT]))
    if (variable := _VARIABLE.search(message)) is not None:
        facts.append(("rule-var", variable[1][:_SHORT]))
    if denied and denied[2]:
        facts.append(("rule-phase", denied[2]))
    return Rule(
        denied=denied is not None,
        status=int(denied[1]) if denied and denied[1] else None,
        ids=(tags["unique_id"],) if tags.get("unique_id") else (),
        host=tags.get("hostname"),
        uri=tags.get("uri"),
        facts=tuple(facts),
    )
