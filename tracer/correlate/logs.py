"""Servers' logs as evidence: who wrote of this denial, and whether it made the answer or passed it on.

A log that names a reason of its own, or says that no server was asked, is near proof; one whose upstream answered
with the same status is exonerated. Logs of one server (`site-access.log`, `site-error.log`) speak for one hop.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from tracer.capture.source import Source
from tracer.formats.logs.reading import Log, read_log
from tracer.model.log import LogLine
from tracer.model.problem import Problem, Severity
from tracer.model.verdict import Cause, Layer, Said

from .evidence import Collection
from .logs_join import Joined, join
from .logs_rule import matched_rule
from .logs_said import Statement, kebab, table
from .logs_subject import Subject, wanted
from .path import ORDER
from .scene import ACCELERATORS

_KIND = re.compile(
    r"(?i)(?<![a-z])(?:access|error|err|audit|debug|info|log|txt|json|gz|zst|out|stdout|stderr|\d+)(?![a-z])"
)
_NOTABLE = 2_000_000_000
"""an offset of clocks that is worth a word"""
_ROUNDS = 3
SURE, LIKELY = 0.9, 0.7
"""entries that are so surely a denial's own are believed about its ids, and about addresses on its way"""
_PER_HOP = 40
"""entries of one hop that are looked at for one denial"""
OWN, NOBODY, CHANGED, RELAYED, REACHED_BEHIND = 8.0, 5.0, 4.0, 3.5, 2.0
ENDS = frozenset({"development-server"})
"""formats of servers that ask nobody because they never do"""
SILENT = 2.0
FEWEST = 3
"""lines of a log that make its silence mean something"""
SLACK_NS = 1_000_000_000
REACHED = {Layer.APP: 3.0, Layer.ORIGIN: 1.5}


class Heard(NamedTuple):
    """One entry that belongs to a denial, and who wrote it."""

    joined: Joined
    layer: Layer | None
    product: str | None
    hop: str
    """the same for all logs of one server"""
    log: str
    """its name, without folders where no other log is called so"""


class Silent(NamedTuple):
    """A server whose log does not have a denial, though it would."""

    layer: Layer
    product: str | None
    hop: str
    log: str


class Logs:
    """The logs, read for these denials."""

    def __init__(
        self, origins: Iterable[str | Source], subjects: Sequence[Subject], problem: Callable[[Problem], None]
    ) -> None:
        self._heard: dict[str, list[Heard]] = defaultdict(list)
        self._statuses = {s.id: s.statuses for s in subjects}
        self._relays: set[str] = set()
        """hops whose logs name servers that they asked"""
        want = wanted(subjects)
        logs = [read_log(origin, want) for origin in origins]
        self._names = [_base(log.name) for log in logs]
        joins = _join_all(logs, subjects)
        self._silent: dict[str, list[Silent]] = defaultdict(list)
        for log, (found, ahead) in zip(logs, joins, strict=True):
            for item in (*log.problems, *_clock(log, ahead if found else 0)):
                problem(item)
            self._take(log, found)
            self._note_silence(log, found, subjects, ahead)

    def _writer_of(self, log: Log, entry: LogLine) -> tuple[Layer | None, str | None, str, str]:
        """(layer, product, hop, name to show) of whoever wrote the entry."""
        folder, name = log.name.replace("\\", "/").rpartition("/")[0], _base(log.name)
        shown = name if self._names.count(name) == 1 else log.name
        layer, product = table().writer(entry, (log.program, name, folder.rpartition("/")[2]))
        return layer, product, f"{folder}/{_stem(name)}", shown

    def _take(self, log: Log, found: Mapping[str, Sequence[Joined]]) -> None:
        folder, name = log.name.replace("\\", "/").rpartition("/")[0], _base(log.name)
        hop = f"{folder}/{_stem(name)}"
        names = (log.program, name, folder.rpartition("/")[2])
        if table().relays(names) or any(e.upstream or (e.asked_nobody and e.format not in ENDS) for e in log.entries):
            self._relays.add(hop)
        for subject, rows in found.items():
            for joined in rows:
                layer, product, _, shown = self._writer_of(log, joined.entry)
                self._heard[subject].append(Heard(joined, layer, product, hop, shown))

    def _note_silence(
        self, log: Log, found: Mapping[str, Sequence[Joined]], subjects: Sequence[Subject], ahead: int
    ) -> None:
        """Denials that are not in a log that goes on before and after them and answers their client."""
        if log.example is None or log.first_ns is None or log.last_ns is None or log.count < FEWEST:
            return
        layer, product, hop, shown = self._writer_of(log, log.example)
        if layer is None:
            return
        for subject in subjects:
            at = subject.start_ns
            if at is None or subject.id in found or not log.clients & {host for host, _ in subject.clients}:
                continue
            if log.first_ns + SLACK_NS < at + ahead < log.last_ns - SLACK_NS:
                self._silent[subject.id].append(Silent(layer, product, hop, shown))

    def collect(self, subject: str, found: Collection) -> None:
        """Evidence from every entry that belongs to this denial, and from logs that have none."""
        hops: dict[str, list[Heard]] = defaultdict(list)
        for heard in self._heard.get(subject, ()):
            if len(hops[heard.hop]) < _PER_HOP:
                hops[heard.hop].append(heard)
        deepest = max((self._depth(h) for rows in hops.values() for h in rows), default=-1)
        caches = {e.product for e in found.items if e.product in ACCELERATORS and e.supports.endswith(f":{Layer.CDN}")}
        for rows in hops.values():
            here = [_as_cache(h) for h in rows] if rows[0].product in caches else rows
            self._hop(here, self._statuses[subject], deepest, found)
        for silent in self._silent.get(subject, ()):
            if silent.hop not in hops:
                who = silent.product or "a server"
                says = f"{who} logged this client before and after, and not this: it did not come there"
                layer = Layer.GATEWAY if silent.layer is Layer.ORIGIN and silent.hop in self._relays else silent.layer
                found.add(says, f"against:{layer}", SILENT, where=f"log {silent.log}", product=silent.product)

    def _depth(self, heard: Heard) -> int:
        return ORDER.index(layer) if (layer := self._layer(heard)) is not None else -1

    def _layer(self, heard: Heard) -> Layer | None:
        """A web server that asks others is a gateway here."""
        if heard.layer is Layer.ORIGIN and heard.hop in self._relays:
            return Layer.GATEWAY
        return heard.layer

    def _hop(self, rows: Sequence[Heard], statuses: frozenset[int], deepest: int, found: Collection) -> None:
        said = [(h, s) for h in rows for s in table().statements(h.joined.entry)]
        own = [(h, s) for h, s in said if s.row.said is Said.GENERATED]
        if own:
            best, statement = max(own, key=lambda p: p[1].row.weight)
            layer = statement.row.layer or self._layer(best)
            product = statement.row.product or best.product
            if layer is not None:
                _add(found, best, statement.says, f"generated:{layer}", OWN, product, statement.row.reference)
        else:
            self._passing(rows, [(h, s) for h, s in said if s.row.said is Said.FORWARDED], statuses, deepest, found)
        rule = matched_rule([h.joined.entry for h in rows]) if own else None
        for heard, statement in said:
            cause = statement.row.cause
            elsewhere = cause is Cause.DESTINATION_DENIED and heard.layer is Layer.CDN
            if cause is not None and not (rule and cause is Cause.WAF_RULE) and not elsewhere:
                _add_cause(found, heard, statement)
        if rule is not None:
            rule.note(found, _where(next(h for h in rows if h.joined.entry is rule.entry)))

    def _passing(
        self,
        rows: Sequence[Heard],
        told: Sequence[tuple[Heard, Statement]],
        statuses: frozenset[int],
        deepest: int,
        found: Collection,
    ) -> None:
        """What plain entries say: nobody was asked, somebody else answered so, or only that it came here."""
        for heard in rows:
            entry, layer, name = heard.joined.entry, self._layer(heard), heard.product or "its server"
            if layer is None or (entry.status is None and not told):
                continue
            relayed = next((s for h, s in told if h is heard), None)
            asked = entry.upstream or "the server behind it"
            if relayed is not None:
                says, supports, weight = relayed.says, "forwarded", relayed.row.weight
            elif entry.upstream_status is not None and entry.upstream_status in {*statuses, entry.status}:
                says = f"{name} had this {entry.upstream_status} from {asked}, and passed it on"
                supports, weight = "forwarded", RELAYED
            elif entry.upstream_status is not None and entry.upstream_status < 400:
                says = f"{name} had a {entry.upstream_status} from {asked}, and made a {entry.status} of it"
                supports, weight = "generated", CHANGED
            elif entry.asked_nobody:
                says, supports, weight = f"{name} answered itself: it asked no server", "generated", NOBODY
            elif ORDER.index(layer) < deepest:
                says = f"{name} logged this {entry.status}, and so did a server behind it"
                supports, weight = "forwarded", REACHED_BEHIND
            else:
                says = f"{name} logged this {entry.status}; no log of a server behind it has it"
                supports, weight = "generated", REACHED.get(layer, 0.8)
            _add(found, heard, says, f"{supports}:{layer}", weight, heard.product)


def _join_all(logs: Sequence[Log], subjects: Sequence[Subject]) -> list[tuple[dict[str, list[Joined]], int]]:
    """Each log joined with the denials. What one log adds (an id, the next server's address) may join the next."""
    by_id = {s.id: s for s in subjects}
    for _ in range(_ROUNDS):
        joins = [join(log.entries, subjects) for log in logs]
        told = [(by_id[name], row) for found, _ in joins for name, rows in found.items() for row in rows]
        learned = [subject.learn(row.entry, ids=row.sure >= SURE) for subject, row in told if row.sure >= LIKELY]
        if not any(learned) or len(logs) == 1:
            break
    return joins


def _clock(log: Log, ahead: int) -> Iterator[Problem]:
    if abs(ahead) >= _NOTABLE:
        way = "ahead of" if ahead > 0 else "behind"
        text = f"its clock, or the zone it does not write, is {abs(ahead) / 1e9:.0f} s {way} the capture's; corrected"
        yield Problem(code="log.clock", severity=Severity.NOTE, text=text, source=log.name)


def _as_cache(heard: Heard) -> Heard:
    """What a proxy logged that stands before servers here."""
    return heard._replace(layer=Layer.CDN) if heard.layer is Layer.FORWARD_PROXY else heard


def _add_cause(found: Collection, heard: Heard, statement: Statement) -> None:
    row = statement.row
    assert row.cause is not None
    _add(found, heard, statement.says, f"cause:{row.cause}", row.weight, None, row.reference)
    if statement.detail and row.said is not None:
        found.details[row.cause] = statement.detail
    found.values |= {k: v for k, v in _values(heard.joined.entry, statement.values).items() if v}


def _values(entry: LogLine, groups: Mapping[str, str]) -> dict[str, str]:
    """What steps may name: the client's address as the server saw it, a file, a zone, a policy."""
    named = {"file" if k in ("path", "htaccess") else k: v for k, v in groups.items()}
    return {**named, "client": entry.client or ""}


def _add(
    found: Collection, heard: Heard, says: str, supports: str, weight: float, product: str | None, reference: str = ""
) -> None:
    found.add(
        says,
        supports,
        weight * heard.joined.sure,
        where=_where(heard),
        value=heard.joined.entry.raw or heard.joined.entry.message,
        reference=reference,
        product=product,
    )


def _where(heard: Heard) -> str:
    entry = heard.joined.entry
    return f"log {heard.log}:{entry.number} ({heard.joined.how})"


def _base(name: str) -> str:
    """The file's name without its folders."""
    return name.replace("\\", "/").rpartition("/")[2]


def _stem(name: str) -> str:
    """The name without what tells the kind of log: `waf-access.log` and `waf-error.log` are one server's."""
    return kebab(_KIND.sub("", name))
