"""Text as a tool wrote it, before a terminal, a mail, a ticket or a chat had it."""

from __future__ import annotations

import html
import re

_ANSI = re.compile(rb"\x1b\[[0-9;:?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?")
_NO_BREAK = re.compile(rb"(?m)^[ \t>|]{0,20}[*<>]?\xc2\xa0")
_ESCAPED = re.compile(rb"(?m)^[ \t]{0,20}&(?:gt; [A-Z]{3,20} \S+ HTTP/|lt; HTTP/)\d")
_LINK = re.compile(rb" ?<(?:https?://|mailto:)?([^<>\s]{4,2000}?)/?>")
"""what a mail program puts behind a word that it takes for a link: the word, once more"""
_BROKEN = re.compile(rb"(?m)^(> [A-Z]{3,20} \S{40,}?)\r?\n(?![<>*] )([^\s<>]*)[ \t]*(HTTP/\d(?:\.\d)?[ \t]*\r?)$")
"""a request line that was too long for a mail"""
_CURL = (
    rb"> [A-Z]{3,20} \S+ HTTP/\d|< HTTP/\d|curl: \(\d|\* {1,4}(?:Trying |Connected to |Host \S+ was|Uses proxy|"
    rb"Could not|Rebuilt URL|About to connect|ALPN|TLSv1|SSL connection)"
)
_PLAIN = rb"HTTP/\d(?:\.\d)? \d{3}|[A-Z]{3,10} \S+ HTTP/\d|--\d{4}-\d\d-\d\d \d\d:|send: b?['\"]|--[0-9a-zA-Z]{4,}-A--"
_BEGIN = re.compile(rb"(?m)^(?P<margin>[ \t>|]{0,60}?)(?:(?P<curl>" + _CURL + rb")|" + _PLAIN + rb")")
"""the first line that a tool wrote, behind what a quotation or a block of code puts before each"""
_SIGNED = re.compile(rb"(?m)^> (?:HTTP/\d|[*<] )")
"""a quotation: curl signs no answer and no sign so"""
_DEEPEST = 5
_FOLD = b"  "
"""how wget indents fields: no margin"""


def plain(data: bytes) -> bytes:
    """The text in UTF-8 without colour codes, entities, the links of mail programs and the margin of its block."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        data = data[: len(data) & ~1].decode("utf-16", "replace").encode("utf-8", "replace")
    data = data.removeprefix(b"\xef\xbb\xbf")
    data = _ANSI.sub(b"", data) if b"\x1b" in data else data
    if b"\xc2\xa0" in data and _NO_BREAK.search(data):
        data = data.replace(b"\xc2\xa0", b" ")
    if _ESCAPED.search(data):
        data = html.unescape(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
    if b"<http" in data or b"<mailto:" in data:
        data = _without_links(data)
    for _ in range(_DEEPEST):
        before, data = data, _without_margin(data)
        if data is before:
            break
    return _BROKEN.sub(rb"\1\2 \3", data)


def dedented(data: bytes) -> bytes:
    """The text without the white space that every line begins with."""
    lines = [line for line in data.split(b"\n", 200)[:200] if line.strip()]
    margin = min((len(line) - len(line.lstrip(b" \t")) for line in lines), default=0)
    return re.sub(rb"(?m)^[ \t]{1,%d}" % margin, b"", data) if margin else data


def _without_links(data: bytes) -> bytes:
    parts, done = [], 0
    for found in _LINK.finditer(data):
        word = found[1]
        if data[max(found.start() - len(word), 0) : found.start()] == word:
            parts.append(data[done : found.start()])
            done = found.end()
    return b"".join((*parts, data[done:]))


def _without_margin(data: bytes) -> bytes:
    """What a tool wrote without the margin of its first line; words behind the last line that has it are no part."""
    found = _BEGIN.search(data)
    margin = found["margin"] if found else b""
    if not margin and _SIGNED.search(data):
        margin = b"> "
    if not found or not margin or (margin == _FOLD and not found["curl"]):
        return data
    blank = margin.rstrip()
    lines, last = data[found.start() :].split(b"\n"), 0
    for number, line in enumerate(lines):
        if line.startswith(margin):
            lines[number], last = line[len(margin) :], number
        elif line.rstrip() == blank:
            lines[number] = b""
        elif _BEGIN.match(line):
            last = number
    return data[: found.start()] + b"\n".join(lines[: last + 1]) + b"\n"
