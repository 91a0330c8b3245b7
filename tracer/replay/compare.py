"""Two answers to one question -> what differs, in the order in which a person looks."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

import msgspec

from tracer.correlate.marks import find_marks
from tracer.http.body import decode
from tracer.model.http import Response, text

_CHANGING = frozenset((b"date", b"expires", b"last-modified", b"age", b"etag", b"set-cookie", b"content-length"))
"""fields whose values differ between any two answers"""
_ID = re.compile(rb"(?:^|-)(?:ray|id|trace|uuid|nonce|time|timing|timer|runtime|signature|traceparent)(?:$|-)")
LIMIT = 1 << 20
"""bytes of a decoded body that are compared"""
_LINES = 12


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One difference; None: it is not there."""

    what: str
    """`status`, `protocol`, `marks` (products that left marks), `header server`, `body`"""
    before: str | None = None
    after: str | None = None
    expected: bool = False
    """differs between any two answers: a date, a request id"""


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """A response with its body's bytes, content codings on."""

    response: Response
    content: bytes = b""

    @property
    def body(self) -> bytes:
        """The decoded body, cut at a bound."""
        return decode(self.content, self.response.body.codings, LIMIT).data if self.content else b""


def compare(before: Reply | None, after: Reply | None) -> Iterator[Difference]:
    """What differs between two answers; None stands for no answer."""
    one, two = (reply.response if reply else None for reply in (before, after))
    if (one and one.status) != (two and two.status):
        yield Difference(what="status", before=_status(one), after=_status(two))
    if before is None or after is None:
        return
    if before.response.version != after.response.version:
        yield Difference(what="protocol", before=before.response.version, after=after.response.version)
    marks = [_products(reply) for reply in (before, after)]
    if marks[0] != marks[1]:
        yield Difference(what="marks", before=marks[0], after=marks[1])
    yield from _headers(before.response, after.response)
    if before.body != after.body:
        yield Difference(what="body", before=_told(before), after=_told(after))


def _products(reply: Reply) -> str | None:
    """The products whose marks are on the answer."""
    names = sorted({found.product.id for found in find_marks(reply.response, text(reply.body[:65536]))})
    return ", ".join(names) or None


def body_lines(before: Reply, after: Reply) -> list[str]:
    """The first differing lines of two bodies of text, as `- old` and `+ new`; empty when they are not text."""
    try:
        old, new = (reply.body[:65536].decode() for reply in (before, after))
    except UnicodeDecodeError:
        return []
    lines = difflib.unified_diff(old.splitlines()[:2000], new.splitlines()[:2000], lineterm="", n=0)
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))][:_LINES]


def _status(response: Response | None) -> str | None:
    return f"{response.status} {response.reason}".strip() if response else None


def _headers(one: Response, two: Response) -> Iterator[Difference]:
    names = dict.fromkeys(n.lower() for n, _ in (*one.headers, *two.headers))
    for name in names:
        old, new = (b", ".join(v for n, v in r.headers if n.lower() == name) for r in (one, two))
        there = [any(n.lower() == name for n, _ in r.headers) for r in (one, two)]
        if old != new or there[0] != there[1]:
            yield Difference(
                what=f"header {text(name)}",
                before=text(old) if there[0] else None,
                after=text(new) if there[1] else None,
                expected=all(there) and (name in _CHANGING or bool(_ID.search(name))),
            )


def _told(reply: Reply) -> str:
    body = reply.body
    found = re.search(rb"<title[^>]*>\s*([^<]{1,80})", body, re.IGNORECASE)
    title = f", “{text(found[1]).strip()}”" if found else ""
    kind = (reply.response.get("content-type") or "").partition(";")[0]
    return f"{len(body)} bytes{' of ' + kind if kind else ''}{title}"
