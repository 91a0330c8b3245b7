"""Lines of one log -> entries. Each line goes to the format that read the last one, then to the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tracer.model.log import LogLine

from . import access, alb, apache_error, application, forward, haproxy, json_lines, nginx_error, squid
from .modsecurity_audit import Audit
from .varnishlog import Varnishlog
from .w3c import W3C
from .wrapping import unwrapped

Parse = Callable[[str], LogLine | None]
RAW = 600
"""characters of an entry that are kept as they stand"""


class Lines:
    """Reads the lines of one log in order; bounded memory."""

    def __init__(self) -> None:
        self.read = 0
        """lines in a known form"""
        self.unread = 0
        self.first_unread = 0
        """its number"""
        self.program = ""
        """name of the program, where the lines are wrapped by syslog or a container's log"""
        self._audit = Audit()
        self._varnish = Varnishlog()
        self._w3c = W3C()
        self._parsers: list[Parse] = [
            access.parse, nginx_error.parse, apache_error.parse, json_lines.parse, haproxy.parse, squid.parse,
            alb.parse, self._w3c.parse, application.parse, forward.Tinyproxy().parse, forward.privoxy, forward.lighttpd,
        ]  # fmt: skip

    def feed(self, line: str, number: int) -> Iterator[LogLine]:
        """Entries that are complete with this line."""
        line = line.rstrip("\r\n ")
        for block in (self._audit, self._varnish):
            belongs, entry = block.feed(line, number)
            if entry is not None:
                yield entry
            if belongs:
                self.read += 1
                return
        if not line.strip():
            return
        line, program = unwrapped(line)
        self.program = program or self.program
        entry = self._parse(line)
        if entry is not None:
            self.read += 1
            yield _with(entry, number, line)
        elif _is_known(line):
            self.read += 1
        elif not _continues(line):
            self.unread += 1
            self.first_unread = self.first_unread or number

    def end(self) -> Iterator[LogLine]:
        """Entries that the end of the log completes."""
        for block in (self._audit, self._varnish):
            entry = block.end()
            if entry is not None:
                yield entry

    @property
    def steady(self) -> bool:
        """The last line was of a format that tells a status on every line."""
        return self._parsers[0] in (access.parse, squid.parse, alb.parse)

    def _parse(self, line: str) -> LogLine | None:
        for position, parse in enumerate(self._parsers):
            entry = parse(line)
            if entry is not None:
                if position:
                    self._parsers.insert(0, self._parsers.pop(position))
                return entry
        return None


def _with(entry: LogLine, number: int, line: str) -> LogLine:
    from msgspec.structs import replace

    return replace(entry, number=number, raw=line[:RAW])


def _is_known(line: str) -> bool:
    """A directive of W3C logs, or a JSON object that speaks of no request."""
    return line.startswith("#") or (line.startswith("{") and line.endswith(("}", "},")))


def _continues(line: str) -> bool:
    """Part of what was said before: a traceback's lines, brackets of a JSON array."""
    return line[0] in " \t" or line.startswith(("Traceback (", "Caused by", "at ")) or line in ("[", "]")
