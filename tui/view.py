"""What the person wants to see of the trace: filter, scope, time window, sorting."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from tracer.filter import Filter, parse
from tracer.filter.terms import Needs
from tracer.store.trace import Where

TEXT = "((unicode(lower({0})) << 32) + (unicode(substr(lower({0}), 2)) << 16) + unicode(substr(lower({0}), 3)))"
"""the first three characters as a number: enough to bring names together"""
SORTS = {
    "time": "time_ns",
    "status": "status",
    "duration": "end_ns - start_ns",
    "size": "size",
    "host": TEXT.format("host || '   '"),
    "method": TEXT.format("method || '   '"),
}
"""name: what SQLite computes, an integer"""


class Scope(NamedTuple):
    """A group that was chosen: its name and its condition over the columns of `exchange`."""

    title: str
    where: Where


@dataclass(frozen=True)
class View:
    expression: str = ""
    denials: bool = False
    scope: Scope | None = None
    window: tuple[int, int] | None = None
    """first and last nanosecond"""
    sort: str = "time"
    descending: bool = False

    @cached_property
    def filter(self) -> Filter | None:
        """The parsed expression. Raises FilterError."""
        return parse(self.expression) if self.expression else None

    @property
    def everything(self) -> bool:
        return not (self.expression or self.denials or self.scope or self.window)

    @property
    def shows_refused(self) -> bool:
        """Handshakes that were refused have neither headers nor a place in most groups."""
        return not self.scope and (not self.expression or self.expression.strip() == "~denied")

    @property
    def asks_verdict(self) -> bool:
        """Whether an exchange is shown may change when it is judged."""
        return self.denials or (
            self.filter is not None and (self.filter.needs is Needs.VERDICT or "~denied" in self.expression)
        )

    @property
    def words(self) -> str:
        """`~c 403 · denials · host shop.example`; empty when everything is shown."""
        parts = [self.expression] if self.expression else []
        parts += ["denials"] if self.denials else []
        parts += [self.scope.title] if self.scope else []
        parts += ["time window"] if self.window else []
        return " · ".join(parts)
