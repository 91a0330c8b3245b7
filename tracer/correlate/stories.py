"""Denials that one hop made for one reason, as one story."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256
from urllib.parse import urlsplit

from msgspec.structs import replace

from tracer.model.verdict import Verdict


def with_stories(verdicts: Iterable[Verdict]) -> Iterator[Verdict]:
    """The same verdicts in the same order, each with the id of its story: equal for equal reasons, in every run."""
    for verdict in verdicts:
        reason = sha256(repr(_reason(verdict)).encode()).hexdigest()
        yield replace(verdict, story=f"story-{reason[:8]}")


def _reason(v: Verdict) -> tuple[object, ...]:
    """Which hop, by its address, else by the host that was asked, and why."""
    return v.status, str(v.layer), v.product, str(v.cause), v.hop.address or _host(v.url)


def _host(url: str | None) -> str:
    try:
        return urlsplit(url or "").hostname or ""
    except ValueError:
        return ""
