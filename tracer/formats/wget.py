"""`wget -S` and `wget -d` output -> exchanges.

`-S` shows the response fields indented by two spaces and no request; `-d` shows both between `---request begin---`
lines. Without `-S`, only the status of the answer is known.
"""

from __future__ import annotations

import re
from typing import BinaryIO

from tracer.model.problem import Severity
from tracer.transport.conversation import Context, Sink

from .http_talk import STATUS_LINE, Assembler, Place
from .http_text import load, say
from .message import address, target_of
from .pasted import plain

_VISIT = re.compile(r"--\d{4}-\d\d-\d\d \d\d:\d\d:\d\d--\s+(\S+)")
_CONNECTING = re.compile(r"Connecting to (\S+?) ?(?:\(\S+\))?(?:\|([0-9a-fA-F.:]+)\|)?:(\d+)\.\.\. ?(.*)")
_AWAITING = re.compile(r"(HTTP|Proxy) request sent, awaiting response\.\.\. ?(\d{3})?(?: (.*))?")
_SEEN = re.compile(rb"(?m)^--\d{4}-\d\d-\d\d \d\d:\d\d:\d\d--\s+\S+|^DEBUG output created by Wget")
_FAILED = re.compile(r"^(?:ERROR: |Unable to establish SSL|OpenSSL: |GnuTLS: |Read error|No data received|failed: )")


def kind_of(head: bytes) -> str | None:
    """`wget` when the text has wget's dated line before each URL."""
    return "wget" if _SEEN.search(plain(head)) else None


def read(stream: BinaryIO, context: Context, sink: Sink) -> None:
    """Report the exchanges that wget talks of, in order."""
    reader = _Reader(context, sink)
    for line in load(stream, context, sink).split(b"\n"):
        reader.line(line.rstrip(b"\r"))
    reader.finish()


class _Reader:
    def __init__(self, context: Context, sink: Sink) -> None:
        self._context = context
        self._sink = sink
        self._talk = Assembler(context, sink)
        self._url: str | None = None
        self._place = Place()
        self._section: str | None = None
        """`request` or `response` of `-d`, `indented` of `-S`"""
        self._failure = ""

    def line(self, raw: bytes) -> None:
        line = raw.decode("utf-8", "replace")
        if self._section in ("request", "response"):
            self._debug(raw)
        elif raw.startswith(b"---re") and raw.endswith(b" begin---"):
            self._section = "request" if raw.startswith(b"---request") else "response"
        elif found := _VISIT.match(line):
            self._visit(found[1])
        elif found := _CONNECTING.match(line):
            self._place = Place(server=address(found[2] or None, int(found[3])), scheme=self._place.scheme)
            if found[4].startswith("failed"):
                self._failure = line
        elif found := _AWAITING.match(line):
            self._ask()
            if found[2] and self._talk.status is None:
                self._talk.response(f"HTTP/1.1 {found[2]} {found[3] or ''}".encode())
        elif raw[:2] == b"  " and self._talk.active:
            self._indented(raw[2:])
        elif _FAILED.match(line.strip()):
            self._failure = line.strip()
        else:
            self._section = None

    def _visit(self, url: str) -> None:
        self._end()
        self._url = url
        scheme, _, _ = target_of("GET", url)
        self._place = Place(server=self._place.server, scheme=scheme)

    def _ask(self) -> None:
        """The request was sent: as shown by `-d`, else all that is known is the URL."""
        if self._url and not self._talk.active:
            self._talk.place = self._place
            self._talk.request(f"GET {self._url} HTTP/1.1".encode())
            self._talk.extra = {"wget.request": "not shown"}
        self._section = None

    def _indented(self, line: bytes) -> None:
        if STATUS_LINE.match(line.strip()) and self._section is None:
            self._talk.response(line.strip())
            self._section = "indented"
        elif self._section == "indented":
            self._talk.field(line, False)

    def _debug(self, line: bytes) -> None:
        out = self._section == "request"
        if line.startswith(b"---re") and line.endswith(b" end---"):
            self._talk.end_of_head(out)
            self._section = None
        elif out and not self._talk.waiting:
            self._talk.place = self._place
            self._talk.request(line)
        elif not out and STATUS_LINE.match(line):
            self._talk.response(line)
        elif line:
            self._talk.field(line, out)

    def _end(self) -> None:
        if not self._talk.active and self._url and self._failure:
            self._ask()
        self._talk.note, self._failure = self._failure or self._talk.note, ""
        self._talk.flush()
        self._section = None

    def finish(self) -> None:
        self._end()
        if not self._talk.count:
            text = "there is no HTTP message in this wget output"
            say(self._context, self._sink, "text.no-message", text, Severity.WARN)
