"""A line of a log as words: plain, "quoted", [bracketed]; addresses, ids and requests among them."""

from __future__ import annotations

import re
from typing import NamedTuple

_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"|\[([^\[\]]*(?:\[[^\[\]]*\][^\[\]]*)*)\]|([^\s"\[]\S*)')
_REQUEST = re.compile(r"([A-Z][A-Z-]{1,24}) (\S.*?)(?: (HTTP/\d(?:\.\d)?|QUIC|PRI))?", re.DOTALL)
_ADDRESS = re.compile(
    r"(?:(\d{1,3}(?:\.\d{1,3}){3})|\[([0-9a-fA-F:.]*:[0-9a-fA-F:.]*(?:%\w+)?)\])(?::(\d{1,5}))?"
    r"|([0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7}(?:\d+(?:\.\d+){3})?)",
    re.ASCII,
)
_ID = re.compile(
    r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}|[0-9a-fA-F]{16,64}|(?:Root=)?1-[0-9a-fA-F]{8}-[0-9a-fA-F]{24}"
    r"|(?=[\w@+-]*\d)(?=[\w@+-]*[A-Za-z])[\w@+-]{20,64}={0,2}|\d{9,}\.\d{4,}",
    re.ASCII,
)
WORDS = 64
"""more words than this in one line are not looked at"""


class Word(NamedTuple):
    text: str
    kind: str
    """`plain`, `quoted` or `bracketed`"""
    end: int
    """where it ends in the line"""


class Request(NamedTuple):
    method: str | None
    target: str


def words(line: str, limit: int = WORDS) -> list[Word]:
    """The first words of the line, without their quotes and brackets."""
    found: list[Word] = []
    for hit in _WORD.finditer(line):
        quoted, bracketed, plain = hit.groups()
        if plain is not None:
            found.append(Word(plain, "plain", hit.end()))
        elif bracketed is not None:
            found.append(Word(bracketed, "bracketed", hit.end()))
        else:
            found.append(Word(quoted, "quoted", hit.end()))
        if len(found) >= limit:
            break
    return found


def request(text: str) -> Request | None:
    """Method and target of a request line; None when it is none."""
    hit = _REQUEST.fullmatch(text)
    return Request(hit[1], hit[2]) if hit and (hit[3] or hit[2].startswith(("/", "http", "*"))) else None


def address(text: str) -> tuple[str, int | None] | None:
    """(host, port) of an IP address with or without port, IPv6 in brackets or bare; None when it is none."""
    hit = _ADDRESS.fullmatch(text)
    if hit is None:
        return None
    four, six, port, bare = hit.groups()
    if bare and not any(c.isalnum() for c in bare):
        return None
    return (four or six or bare).lower(), int(port) if port and int(port) < 65536 else None


def address_text(text: str) -> str | None:
    """The address as the trace writes it: `1.2.3.4:80`, `[::1]:80`, `1.2.3.4`; None when it is none."""
    known = address(text)
    if known is None:
        return None
    host = f"[{known[0]}]" if ":" in known[0] and known[1] is not None else known[0]
    return f"{host}:{known[1]}" if known[1] is not None else host


def is_id(text: str) -> bool:
    """Looks like an id made for one request: UUID, long hexadecimal, trace id, Apache's unique_id."""
    return len(text) <= 80 and _ID.fullmatch(text) is not None


def number(text: str | None) -> int | None:
    """The digits as a number; None when it is none, or absurd."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= 15 else None


def status(text: str | None) -> int | None:
    """A status code of HTTP."""
    code = number(text) if text and len(text) == 3 else None
    return code if code is not None and 100 <= code <= 599 else None
