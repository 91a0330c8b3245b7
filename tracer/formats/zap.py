"""OWASP ZAP's exported messages -> exchanges.

"Export Messages to File" writes `==== N ==========` before each pair of raw messages. (ZAP's HAR export is a HAR,
its reports hold no messages.) Problem code: `zap.empty`.
"""

from __future__ import annotations

import re
from typing import BinaryIO

from tracer.model.problem import Severity
from tracer.transport.conversation import Context, Sink

from .http_talk import Assembler, Place
from .http_text import load, read_messages, say
from .pasted import plain

_MARK = re.compile(rb"(?m)^=+ ?(\d+) ?=+\r?\n")
_SEEN = re.compile(rb"\A\s*={3,} ?\d+ ?={3,}\r?\n(?:[A-Z][A-Z-]* \S+ HTTP/\d|HTTP/\d)")


def kind_of(head: bytes) -> str | None:
    """`zap` when the text begins with ZAP's numbered mark and a message."""
    return "zap" if _SEEN.match(plain(head)) else None


def read(stream: BinaryIO, context: Context, sink: Sink) -> None:
    """Report each numbered pair."""
    data = load(stream, context, sink)
    talk = Assembler(context, sink)
    marks = list(_MARK.finditer(data))
    for index, mark in enumerate(marks):
        end = marks[index + 1].start() if index + 1 < len(marks) else len(data)
        talk.place = Place()
        read_messages(data[mark.end() : end].rstrip(b"\r\n") + b"\r\n", talk)
        talk.flush()
    if not talk.count:
        say(context, sink, "zap.empty", "there is no HTTP message in this export", Severity.ERROR)
