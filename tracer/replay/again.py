"""One request again: what the user wants changed, the credentials kept where they belong, the comparison."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from tracer.model.http import Exchange
from tracer.model.verdict import Verdict
from tracer.redact import Redactor
from tracer.store.trace import Trace

from .asked import Ask, Place
from .change import Change, Kind, apply
from .compare import Difference, Reply, body_lines, compare
from .credentials import credentials
from .door import Answer, Sender
from .keeping import answered, keep, reply_of


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """A request, ready to be sent."""

    ask: Ask
    kept_back: tuple[Change, ...] = ()
    """credentials that another host does not get"""


class Again(msgspec.Struct, frozen=True, kw_only=True):
    """What came of asking again."""

    prepared: Prepared
    answer: Answer
    trace: Trace
    """the new exchange, judged"""
    verdict: Verdict | None
    differences: tuple[Difference, ...]
    lines: tuple[str, ...]
    """of the bodies: the first lines that differ"""


def prepare(
    ask: Ask, changes: Sequence[Change], place: Place, elsewhere: bool, send_credentials: bool, redactor: Redactor
) -> Prepared:
    """The request with its changes, for that place; `elsewhere`: it is not the host that the request was made for.

    Recorded credentials go to the host that they were recorded for. What the user gave is sent as given.
    """
    kept_back: tuple[Change, ...] = ()
    named = [c for c in changes if c.kind is Kind.HEADER and c.name.lower() == "host"]
    host = ask.get(b"host") or ask.place.name.encode()
    if (elsewhere or any(c.value != host for c in named)) and not send_credentials:
        given = {(c.kind, c.at) for c in changes if c.at} | {(c.kind, ()) for c in changes if c.kind is Kind.BODY}
        kept_back = tuple(c for c in credentials(ask, redactor) if (c.kind, c.at) not in given)
        place = msgspec.structs.replace(place, proxy_fields=())
    return Prepared(ask=msgspec.structs.replace(apply(ask, [*kept_back, *changes]), place=place), kept_back=kept_back)


def send_again(trace: Any, recorded: Exchange | None, prepared: Prepared, sender: Sender) -> Again:
    """Send, judge, compare with what was recorded."""
    answer = sender.send(prepared.ask)
    new = keep([answer])
    before, after = reply_of(trace, recorded), answered(answer)
    return Again(
        prepared=prepared,
        answer=answer,
        trace=new,
        verdict=next(new.verdicts(), None),
        differences=tuple(compare(before, after)),
        lines=tuple(body_lines(before, after)) if isinstance(before, Reply) and after else (),
    )
