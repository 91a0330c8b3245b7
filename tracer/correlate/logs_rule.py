"""The rule of a firewall that matched, out of all that its log says of one request.

With anomaly scoring the rule that denies only adds up (949110, 959100 and 980xxx of the OWASP Core Rule Set); the
ones that raised the score tell the reason. https://coreruleset.org/docs/2-how-crs-works/2-1-anomaly_scoring/
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tracer.model.log import LogLine
from tracer.model.verdict import Cause

from .evidence import Collection

_ADDS_UP = re.compile(r"(?:9[45]9|980|901)\d{3}")
_CORE = re.compile(r"9\d{5}")
_FORMATS = frozenset({"modsecurity", "nginx-error", "apache-error", "json", "application"})


class Matched(NamedTuple):
    """One rule, and what it matched."""

    entry: LogLine
    id: str
    message: str
    variable: str
    """`ARGS:q`, `REQUEST_HEADERS:User-Agent`; empty when the log does not say"""
    data: str

    def note(self, found: Collection, where: str) -> None:
        """As evidence, and as values for the next steps."""
        core = _CORE.fullmatch(self.id)
        found.details[Cause.WAF_RULE] = f"{'crs' if core else 'rule'}-{self.id}"
        at = f" at {self.variable}" if self.variable else ""
        says = f"rule {self.id} matched{at}{f': {self.message}' if self.message else ''}"
        found.add(says, f"cause:{Cause.WAF_RULE}", 9.0, where=where, value=self.data or self.entry.raw)
        found.values |= {k: v for k, v in (("rule", self.id), ("variable", self.variable)) if v}


def matched_rule(entries: Iterable[LogLine]) -> Matched | None:
    """The rule that tells most: one that found something, and names where, before one that adds up."""
    rules = [rule for entry in entries if entry.format in _FORMATS for rule in _rules(entry)]
    return max(rules, key=lambda r: (not _ADDS_UP.fullmatch(r.id), bool(r.variable), bool(r.message)), default=None)


def _rules(entry: LogLine) -> Iterator[Matched]:
    """The facts of an entry are those of its rules one after another; a name that comes again begins the next."""
    facts: dict[str, str] = {}
    for name, value in (*entry.facts, ("action", "")):
        if name in facts or name == "action":
            if "rule-id" in facts:
                yield Matched(
                    entry,
                    facts["rule-id"],
                    facts.get("rule-msg", ""),
                    facts.get("rule-var", ""),
                    facts.get("rule-data", ""),
                )
            facts = {}
        facts[name] = value
