"""ModSecurity's native audit log: sections A to Z of one transaction between lines `--boundary-A--`.

https://github.com/owasp-modsecurity/ModSecurity/wiki/ModSecurity-2-Data-Formats#audit-log;
libmodsecurity 3 writes three dashes, and `Z` with a blank line behind it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from tracer.model.log import LogLine

from . import modsecurity
from .times import moment
from .words import address, address_text, request, status

BOUNDARY = re.compile(r"-{2,3}([0-9A-Za-z@-]{4,64}?)-{1,3}([A-Z])--\s*")
_KEPT = 60
"""lines of each section that are kept"""
_ABOUT = re.compile(r"\[([^\]]+)\] (\S+) (\S+) (\d+) (\S+) (\d+)")


@dataclass(slots=True)
class Audit:
    """Gathers the lines of one transaction; sections of others in between are not mixed up: boundaries tell."""

    boundary: str = ""
    section: str = ""
    number: int = 0
    """of the first line"""
    lines: dict[str, list[str]] = field(default_factory=dict)

    def feed(self, line: str, number: int) -> tuple[bool, LogLine | None]:
        """(whether the line belongs to the audit log, the entry when it is complete)."""
        hit = BOUNDARY.fullmatch(line)
        if hit is None:
            if not self.section:
                return False, None
            kept = self.lines.setdefault(self.section, [])
            if len(kept) < _KEPT:
                kept.append(line)
            return True, None
        boundary, section = hit.groups()
        before = None
        if section == "A" or boundary != self.boundary:
            before = self.end()
            self.boundary, self.number = boundary, number
        self.section = section
        if section == "Z":
            before = self.end()
        return True, before

    def end(self) -> LogLine | None:
        """The entry of what was gathered, complete or not."""
        lines, number = self.lines, self.number
        self.lines, self.section, self.boundary = {}, "", ""
        return entry_of(lines, number) if "A" in lines else None


def entry_of(lines: Mapping[str, list[str]], number: int) -> LogLine | None:
    """What the sections of one transaction say."""
    about = _ABOUT.match(next(iter(lines["A"]), ""))
    if about is None:
        return None
    date, name, client, client_port, server, server_port = about.groups()
    at = moment(date)
    asked = request(next((t for t in lines.get("B", ()) if t), ""))
    fields = _fields(lines.get("B", [])[1:])
    answered = next((t for t in lines.get("F", ()) if t), "")
    rules = [r for text in lines.get("H", ()) if (r := modsecurity.read(_named(text))) is not None]
    rules.sort(key=lambda rule: not rule.denied)
    message = next((t for t in lines.get("H", ()) if "denied" in t), next(iter(lines.get("H", ())), ""))
    who = address(client)
    return LogLine(
        format="modsecurity",
        product="modsecurity",
        number=number,
        time_ns=at.ns if at else None,
        resolution_ns=at.resolution_ns if at else 0,
        zoned=at.zoned if at else False,
        client=who[0] if who else None,
        client_port=int(client_port) if len(client_port) < 6 else None,
        method=asked.method if asked else None,
        target=asked.target if asked else next((r.uri for r in rules if r.uri), None),
        status=status(answered.split(" ")[1] if " " in answered else None)
        or next((r.status for r in rules if r.status), None),
        host=fields.get("host"),
        ids=(name,),
        message=message if rules else "",
        facts=tuple(fact for rule in rules for fact in rule.facts)[:50],
        server=address_text(f"[{server}]:{server_port}" if ":" in server else f"{server}:{server_port}"),
        agent=fields.get("user-agent"),
    )


def _named(text: str) -> str:
    """Version 2 begins with `Message:` where version 3 says `ModSecurity:`."""
    return f"ModSecurity: {text[9:]}" if text.startswith("Message: ") else text


def _fields(lines: list[str]) -> dict[str, str]:
    return {name.strip().lower(): value.strip() for name, colon, value in (t.partition(":") for t in lines) if colon}
