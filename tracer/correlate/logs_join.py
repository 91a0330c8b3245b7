"""Which entry of a log belongs to which denial.

An id that both carry is proof, the client's port nearly so. Without them an entry belongs to the denial when it says
the same of what it says: method, path, status, client, agent, size; at a time that fits once the log's clock is put
right. One denial has one access entry in a log; entries with words may be many.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from tracer.model.log import LogLine

from . import logs_clock
from .logs_clock import Pair
from .logs_subject import Subject, last_segment, name_of, path_of

SLACK_NS = 2_000_000_000
TIGHT_NS = 300_000_000
LONGEST_NS = 120_000_000_000
ENOUGH = 4.0
LEAST = 3.4
"""for an entry and a denial that have nobody else"""
SAMPLE = 2000
"""pairs from which the offset of a log's clock is taken"""
CANDIDATES = 64
"""denials that are looked at for one entry"""


class Joined(NamedTuple):
    """One entry that belongs to a denial."""

    entry: LogLine
    how: str
    """what says so, in words"""
    sure: float
    """0 to 1"""


class Match(NamedTuple):
    score: float
    how: str
    sure: float
    exact: bool
    """by id or port"""


class Index:
    """Denials by what entries know them by."""

    def __init__(self, subjects: Sequence[Subject]) -> None:
        self._ids: dict[str, list[Subject]] = defaultdict(list)
        self._ports: dict[tuple[str, int], list[Subject]] = defaultdict(list)
        self._paths: dict[str | None, list[Subject]] = defaultdict(list)
        self._longest = 0
        for subject in sorted(subjects, key=lambda s: s.start_ns or 0):
            for token in subject.tokens:
                self._ids[token].append(subject)
            for host, port in subject.clients:
                if port is not None:
                    self._ports[host, port].append(subject)
            for segment in {last_segment(p) for p in subject.paths}:
                self._paths[segment].append(subject)
            self._paths[None].append(subject)
            if subject.start_ns is not None and subject.end_ns is not None:
                self._longest = max(self._longest, min(subject.end_ns - subject.start_ns, LONGEST_NS))
        self._starts = {key: [s.start_ns or 0 for s in rows] for key, rows in self._paths.items()}

    def exact(self, entry: LogLine) -> list[Subject]:
        """Those with the same id, or the same client's port."""
        found = {s.id: s for i in entry.ids for s in self._ids.get(i, ())[:CANDIDATES]}
        if entry.client and entry.client_port:
            found |= {s.id: s for s in self._ports.get((entry.client, entry.client_port), ())[:CANDIDATES]}
        return list(found.values())

    def near(self, entry: LogLine, ahead: int | None) -> list[Subject]:
        """Those that ask for the same last part of a path at about that time; at any time when `ahead` is None."""
        key = last_segment(path_of(entry.target)) if entry.target is not None else None
        rows = self._paths.get(key, [])
        if ahead is None or entry.time_ns is None:
            return rows[:CANDIDATES]
        at = entry.time_ns - ahead
        begin = bisect_left(self._starts.get(key, []), at - self._longest - SLACK_NS)
        end = bisect_left(self._starts.get(key, []), at + entry.resolution_ns + SLACK_NS + 1)
        return rows[begin:end][-CANDIDATES:] if end - begin > CANDIDATES else rows[begin:end]


def join(entries: Sequence[LogLine], subjects: Sequence[Subject]) -> tuple[dict[str, list[Joined]], int]:
    """({denial: its entries of this log}, nanoseconds by which the log's clock is ahead)."""
    index = Index(subjects)
    exact = [(n, s, m) for n, e in enumerate(entries) for s in index.exact(e) if (m := _match(e, s)) is not None]
    ahead = logs_clock.offset(
        _pairs(entries, [x for x in exact if x[2].exact][:SAMPLE] or _sample(entries, index, ahead=0))
    )
    if ahead is None:
        pairs = _pairs(entries, _sample(entries, index, ahead=None))
        ahead = logs_clock.offset(pairs) if pairs else 0
    tried = {(n, s.id) for n, s, m in exact}
    near = [
        (n, s, m)
        for n, e in enumerate(entries)
        for s in index.near(e, ahead)
        if (n, s.id) not in tried and (m := _match(e, s)) is not None
    ]
    ranked: list[tuple[float, float, int, str, Match]] = []
    weak: list[tuple[int, str, Match]] = []
    for number, subject, match in (*exact, *near):
        away = _distance(entries[number], subject, ahead)
        if away is None and not match.exact:
            continue
        score = match.score - (min(away, 2.0) if away is not None else 1.0)
        if match.exact or score >= ENOUGH:
            ranked.append((-score, away or 0.0, number, subject.id, match))
        elif score >= LEAST and away == 0 and entries[number].target is not None:
            weak.append((number, subject.id, match))
    found = _assign(
        sorted(ranked, key=lambda r: r[:4]),
        entries,
        _rivals(ranked, entries, subjects),
        {s.id: s.known for s in subjects},
    )
    for number, name, _ in _alone(weak, ranked):
        found.setdefault(name, []).append(Joined(entries[number], "the end of the path and the time fit", 0.7))
    return found, ahead or 0


def _alone(
    weak: Sequence[tuple[int, str, Match]], ranked: Sequence[tuple[float, float, int, str, Match]]
) -> list[tuple[int, str, Match]]:
    """Of pairs that fit less well those whose entry and denial have nobody else: behind a hop that changes the path."""
    entries = Counter([*(number for number, _, _ in weak), *(r[2] for r in ranked)])
    denials = Counter([*(name for _, name, _ in weak), *(r[3] for r in ranked)])
    return [w for w in weak if entries[w[0]] == denials[w[1]] == 1]


def _sample(entries: Sequence[LogLine], index: Index, ahead: int | None) -> list[tuple[int, Subject, Match]]:
    """Some pairs that may be one; `ahead` None: at any time."""
    found: list[tuple[int, Subject, Match]] = []
    for number, entry in enumerate(entries):
        if entry.time_ns is None:
            continue
        tried = ((s, _match(entry, s)) for s in index.near(entry, ahead))
        found += [(number, s, match) for s, match in tried if match is not None and match.score >= ENOUGH]
        if len(found) >= SAMPLE:
            break
    return found


def _pairs(entries: Sequence[LogLine], found: Sequence[tuple[int, Subject, Match]]) -> list[Pair]:
    return [
        Pair(subject.id, time - subject.start_ns, entries[number].zoned, match.exact)
        for number, subject, match in found
        if (time := entries[number].time_ns) is not None and subject.start_ns is not None
    ]


def _rivals(
    ranked: Iterable[tuple[float, float, int, str, Match]], entries: Sequence[LogLine], subjects: Sequence[Subject]
) -> dict[str, int]:
    """{denial: clients who asked the same at that time, none of whom is known to be its own}."""
    known = {s.id: s.known for s in subjects}
    clients: dict[str, set[str]] = defaultdict(set)
    for _, _, number, name, match in ranked:
        client = entries[number].client
        if client and not match.exact and client not in known[name]:
            clients[name].add(client)
    return {name: len(found) for name, found in clients.items()}


def _assign(
    ranked: Iterable[tuple[float, float, int, str, Match]],
    entries: Sequence[LogLine],
    rivals: Mapping[str, int],
    known: Mapping[str, set[str]],
) -> dict[str, list[Joined]]:
    """Each entry to the denial that it fits best; where several clients may be meant, none is believed much."""
    found: dict[str, list[Joined]] = defaultdict(list)
    taken: set[int] = set()
    answered: set[str] = set()
    for _, _, number, name, match in ranked:
        entry = entries[number]
        access = entry.status is not None and not entry.message
        if number in taken or (access and name in answered and not match.exact):
            continue
        taken.add(number)
        if access:
            answered.add(name)
        doubt = rivals.get(name, 1) if not match.exact and entry.client not in known[name] else 1
        found[name].append(Joined(entry, match.how, match.sure / max(1, doubt)))
    return {name: sorted(rows, key=lambda j: j.entry.number) for name, rows in found.items()}


def _distance(entry: LogLine, subject: Subject, ahead: int | None) -> float | None:
    """Seconds between the entry and the denial; 0 within it; None when they cannot be one."""
    if entry.time_ns is None or subject.start_ns is None:
        return 0.5
    if ahead is None:
        return None
    begin, end = subject.start_ns, max(subject.end_ns or subject.start_ns, subject.start_ns)
    at = entry.time_ns - ahead
    away = max(begin - at - entry.resolution_ns, at - end, 0)
    worded = entry.target is None
    slack = TIGHT_NS if worded and entry.resolution_ns < 1_000_000_000 else SLACK_NS
    return away / 1e9 if away <= slack else None


def _match(entry: LogLine, subject: Subject) -> Match | None:
    """How well they fit, time left out of account; None when something contradicts."""
    if any(i in subject.tokens for i in entry.ids):
        return Match(20.0, "the request id is the same", 1.0, True)
    if not _may_be(entry, subject):
        return None
    port = entry.client_port is not None and (entry.client or "", entry.client_port) in subject.clients
    score = _score(entry, subject)
    if port:
        return Match(10.0 + score, "client's address and port are the same", 0.97, True)
    if score < ENOUGH - 1:
        return None
    how = "method, path, status and time fit" if entry.target is not None else "client and time fit"
    return Match(score, how, 0.9 if entry.target is not None and entry.time_ns is not None else 0.7, False)


def _may_be(entry: LogLine, subject: Subject) -> bool:
    if subject.tls:
        return entry.target is None and (entry.status is None or entry.status in (400, 495, 496))
    if entry.status is not None and not {entry.status, entry.upstream_status} & subject.statuses:
        return False
    if entry.method and subject.method and entry.method != subject.method:
        return False
    return entry.target is None or _same_path(entry, subject)


def _same_path(entry: LogLine, subject: Subject) -> bool:
    """The same path, or a prefix put before it or taken off; CONNECT has an authority instead."""
    assert entry.target is not None
    path = path_of(entry.target)
    if not path.startswith("/"):
        path = path if entry.method == "CONNECT" else f"/{path}"
    for other in subject.paths:
        if path == other or (len(path) > 1 and other.endswith(path)) or (len(other) > 1 and path.endswith(other)):
            return True
    return False


def _score(entry: LogLine, subject: Subject) -> float:
    score = 0.0
    if entry.target is not None:
        score += 3.0 if path_of(entry.target) in subject.paths else 2.0
        query = entry.target.partition("?")[2]
        if query and subject.queries:
            score += 0.5 if query in subject.queries else -1.0
    if entry.status is not None:
        score += 1.5
    if entry.method:
        score += 0.5
    if entry.client:
        score += 1.5 if entry.client in subject.known else -0.5
    if entry.host and subject.hosts:
        score += 0.5 if name_of(entry.host) in subject.hosts else -0.3
    if entry.agent and subject.agent:
        score += 0.7 if entry.agent == subject.agent else -1.0
    if entry.size and entry.size in subject.sizes:
        score += 0.7
    if entry.target is None and entry.message:
        score += _words(entry.message, subject)
    return score


def _words(message: str, subject: Subject) -> float:
    """What a message without a request tells: the file it names, certificates for a handshake."""
    if subject.tls:
        return 2.5 if any(w in message for w in ("SSL", "ertificate", "TLS", "handshake")) else 0.0
    for path in subject.paths:
        segment = last_segment(path)
        if segment and (f"/{segment}" in message):
            return 2.5
    return 1.0
