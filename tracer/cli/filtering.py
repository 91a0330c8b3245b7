"""`--filter` for every command that reads: the option, and what it lets through."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from .program import Failure
from .reading import USAGE


def _parsed(_ctx: click.Context, _parameter: click.Parameter, expression: str | None) -> Any:
    if expression is None:
        return None
    from tracer.filter import FilterError, parse

    try:
        return parse(expression)
    except FilterError as error:
        shown = error.pointed().replace("\n", "\n  ")
        raise Failure(f"the filter cannot be read:\n  {shown}", USAGE) from None


FILTER = click.option(
    "--filter",
    "wanted",
    metavar="EXPR",
    callback=_parsed,
    help="Only what matches: mitmproxy's filter language; also ~denied ~layer ~cause ~product.",
)


def needs_verdicts(wanted: Any) -> bool:
    """The filter asks for something that only judging tells."""
    from tracer.filter.terms import Needs

    return wanted is not None and (wanted.needs is Needs.VERDICT or "~denied" in wanted.text)


def by_row(wanted: Any) -> bool:
    """Nothing but the row of a listing is needed to decide."""
    from tracer.filter.terms import Needs

    return wanted is None or (wanted.needs is Needs.ROW and not needs_verdicts(wanted))


def row_subject(row: Any) -> Any:
    """What a filter looks at when a row is all there is."""
    from tracer.filter.subject import RowSubject

    return RowSubject(row.method, row.url, row.host, row.status, row.client, row.server, row.denied)


def matching_rows(trace: Any, wanted: Any) -> Iterator[Any]:
    """Rows of exchanges that match, from columns alone where that is enough."""
    from tracer.filter.subject import Subject
    from tracer.filter.terms import Needs
    from tracer.store.listing import rows

    if wanted is None:
        yield from rows(trace)
        return
    marks = trace.marks() if wanted.needs >= Needs.EXCHANGE else {}
    for row in rows(trace, wanted.where):
        subject: Any
        if wanted.needs is Needs.ROW:
            subject = row_subject(row)
        else:
            exchange = trace.exchange(row.id)
            if exchange is None:
                continue
            subject = Subject(exchange, trace.content, trace.verdict_on, lambda i: marks.get(i, ("", "")), row.denied)
        if wanted.matches(subject):
            yield row


def matching_ids(trace: Any, wanted: Any) -> frozenset[str] | None:
    """Ids of exchanges, and of refused handshakes, that match; None without a filter: all of them."""
    if wanted is None:
        return None
    from tracer.filter.subject import HandshakeSubject

    found = {row.id for row in matching_rows(trace, wanted)}
    for verdict in trace.verdicts():
        handshake = trace.handshake(verdict.exchange) if trace.exchange(verdict.exchange) is None else None
        if handshake is not None and wanted.matches(HandshakeSubject(handshake, verdict)):
            found.add(verdict.exchange)
    return frozenset(found)
