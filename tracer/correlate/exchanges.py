"""The exchanges of a trace as the correlator knows them: a few columns of each, the whole when it is asked for.

Nothing that grows is kept but the columns, some ninety bytes for an exchange: numbers, and hashes of the texts that
exchanges are grouped by (64 bits, seeded anew in each process, so that nobody can choose two that are equal).
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property, lru_cache
from typing import Protocol, overload

from msgspec.structs import replace

from tracer.model.http import Body, Exchange, Request, Response, Timing, text

from .locations import joined, plainly

HELD = 2048
"""exchanges that were asked for last and are held whole"""
NEVER = -(2**63)
"""the time of what has none"""
REDIRECTING = frozenset({301, 302, 303, 307, 308})
SMALL = 16 * 1024
"""bytes of a page that is read for where it sends a browser"""
_IDS = {
    name.encode(): name
    for name in ("x-request-id", "traceparent", "x-correlation-id", "x-amzn-trace-id", "cf-ray", "x-b3-traceid",
                 "x-trace-id")
}  # fmt: skip
"""request fields that name a request at every hop"""
_FOR_WHOM = frozenset({b"x-forwarded-for", b"forwarded"})
_ORIGINAL = frozenset({b"x-forwarded-uri", b"x-original-uri", b"x-original-url"})
"""fields in which a gateway that asks whether a request may pass says which one it means (Traefik, Caddy, nginx)"""
SEEKS, SENDS_ON, REDIRECTS = 1, 2, 4
"""flags: it says for whom, or for what, it asks; its answer may send a client elsewhere; and it is known where"""
_TRACE = re.compile(r"^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}|Root=([\w-]+)")


class ById[T](Protocol):
    """Values of a trace, by id."""

    def get(self, name: str, /) -> T | None: ...


class Kept[T]:
    """Values that are read when they are asked for; those that were asked for last are kept."""

    def __init__(self, read: Callable[[str], T | None]) -> None:
        self._read = lru_cache(HELD)(read)

    def get(self, name: str, /) -> T | None:
        """The value; None where there is none."""
        return self._read(name) if name else None


class Exchanges(Sequence[Exchange]):
    """In time order. `lookup` reads some again, by id; without it all are held. `content` gives the bytes of a page.

    Columns, by position: `source`, `asker` (source and host of who asked), `place` (source and host of the URL) and
    `server` number things named in `sources`, `askers`, `places`, `servers`; `status` is -1 without an answer.
    """

    def __init__(
        self,
        exchanges: Iterable[Exchange],
        lookup: Callable[[Sequence[str]], Iterable[Exchange]] | None = None,
        content: Callable[[str, Body], bytes | None] | None = None,
    ) -> None:
        self._lookup = lookup
        self._content = content
        self._names = bytearray()
        self._ends = array("Q", [0])
        self._held: dict[int, Exchange] = {}
        self._at: dict[str, int] = {}
        self._time = array("q")
        self.sources: dict[str, int] = {}
        self.askers: dict[tuple[str, str], int] = {}
        self.places: dict[tuple[str, str], int] = {}
        self.servers: dict[str, int] = {}
        self.source, self.status, self.flags = array("H"), array("h"), array("B")
        self.asker, self.place, self.server = array("i"), array("i"), array("i")
        self.start = array("q")
        """nanoseconds since the epoch, or NEVER"""
        self.waited = array("q")
        """nanoseconds that the answer took, or NEVER"""
        self.asked = array("q")
        """hash of who asked for what: client, its program, method and URL"""
        self.url, self.path, self.folder, self.target = array("q"), array("q"), array("q"), array("q")
        """hashes of the URL as `plain` gives it, its path, that up to the last slash, and the path of the target"""
        self.ids, self.owners = array("q"), array("I")
        """hashes of request ids and trace contexts, and the positions of the exchanges that carry them"""
        self.sought = array("q")
        """hashes of the paths that some are sought by, as `target` has them"""
        self._redirecting, self._sent = array("I"), array("q")
        """positions of answers that redirect, and hashes of the URLs they send their client to"""
        for exchange in exchanges:
            self._add(exchange)

    def _add(self, e: Exchange) -> None:
        request, response, timing = e.request, e.response, e.timing
        url = request.url if request else ""
        site, _, path = url.partition("://")[2].partition("/")
        path = "/" + path.partition("#")[0].partition("?")[0]
        host = host_of(e.client)
        agent, ids, meant = _told_by(request) if request else (b"", [], "")
        flags = 0
        if response is not None:
            if response.status in REDIRECTING:
                flags |= self._redirects(url, response)
            elif self._may_send_on(e.source, response):
                flags |= SENDS_ON
        if meant:
            flags |= SEEKS
            self.sought.append(hash(meant))
        self.ids.extend(ids)
        self.owners.extend([len(self)] * len(ids))
        self._names += e.id.encode("utf-8", "surrogatepass")
        self._ends.append(len(self._names))
        self.source.append(self.sources.setdefault(e.source, len(self.sources)))
        self.asker.append(self.askers.setdefault((e.source, host), len(self.askers)))
        self.place.append(self.places.setdefault((e.source, site.lower()), len(self.places)))
        self.server.append(self.servers.setdefault(e.server or "", len(self.servers)))
        self.status.append(max(0, min(response.status, 32767)) if response is not None else -1)
        self.flags.append(flags)
        self.start.append(timing.start_ns if timing.start_ns is not None else NEVER)
        waited = waited_ns(timing)
        self.waited.append(waited if waited is not None else NEVER)
        time = timing.start_ns if timing.start_ns is not None else timing.response_start_ns
        self._time.append(time if time is not None else self._time[-1] if self._time else 0)
        method = request.method if request else ""
        self.asked.append(hash((e.source, host, agent, method, url.partition("#")[0])))
        self.url.append(hash(plainly(url)))
        self.path.append(hash(path))
        self.folder.append(hash(path.rpartition("/")[0]))
        self.target.append(hash(path_of_target(request)) if request else 0)
        if self._lookup is None:
            self._hold(len(self) - 1, e)

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, position: int) -> Exchange: ...
    @overload
    def __getitem__(self, position: slice) -> list[Exchange]: ...
    def __getitem__(self, position: int | slice) -> Exchange | list[Exchange]:
        if isinstance(position, slice):
            return [self[p] for p in range(*position.indices(len(self)))]
        held = self._held.get(position)
        if held is None:
            if not 0 <= position < len(self) or self._lookup is None:
                raise IndexError(position)
            self.fetch((position,))
            held = self._held.get(position)
            if held is None:
                raise LookupError(f"exchange {self.name(position)} is no longer in the trace")
        return held

    def __iter__(self) -> Iterator[Exchange]:
        return (self[position] for position in range(len(self)))

    def fetch(self, positions: Iterable[int]) -> None:
        """Hold these for a while, read together: for who will ask for each of a few (not more than HELD)."""
        missing = {self.name(p): p for p in positions if p not in self._held}
        if missing and self._lookup is not None:
            for exchange in self._lookup([*missing]):
                self._hold(missing[exchange.id], exchange)

    def hold(self, exchanges: Iterable[Exchange]) -> None:
        """Hold all of them from now on; they are given in the same order."""
        self._lookup = None
        for position, exchange in enumerate(exchanges):
            self._hold(position, exchange)

    def name(self, position: int) -> str:
        """The id of the exchange there."""
        return self._names[self._ends[position] : self._ends[position + 1]].decode("utf-8", "surrogatepass")

    def position(self, exchange: Exchange) -> int:
        """Where the exchange is; raises LookupError when it is none of these."""
        at = self._at.get(exchange.id)
        if at is not None:
            return at
        start = exchange.timing.start_ns if exchange.timing.start_ns is not None else exchange.timing.response_start_ns
        low = bisect_left(self._time, start) if start is not None else 0
        for around in (range(low, len(self)), range(low)):
            for position in around:
                if self.name(position) == exchange.id:
                    self._hold(position, exchange)
                    return position
        raise LookupError(exchange.id)

    def _hold(self, position: int, exchange: Exchange) -> Exchange:
        if self._lookup is not None and len(self._held) >= HELD:
            for old in [*self._held][: HELD // 2]:
                del self._at[self._held.pop(old).id]
        held = self._held[position] = _lean(exchange)
        self._at[exchange.id] = position
        return held

    def _redirects(self, url: str, response: Response) -> int:
        """Flags of an answer that redirects; where to is noted."""
        location = response.get("location")
        try:
            to = plainly(joined(url, location)) if location else ""
        except ValueError:
            return 0
        if not to:
            return 0
        self._redirecting.append(len(self))
        self._sent.append(hash(to))
        return SENDS_ON | REDIRECTS

    def leads(self, first: int, then: int) -> bool:
        """The answer to the first one, as far as columns tell, may send its client to the URL of the other one."""
        flags = self.flags[first]
        if flags & REDIRECTS:
            return self._sent[bisect_left(self._redirecting, first)] == self.url[then]
        return bool(flags & SENDS_ON)

    def _may_send_on(self, source: str, response: Response) -> bool:
        """The answer may send a client elsewhere: by Refresh, or a page short enough to be read for it."""
        short = 0 < response.body.size <= SMALL
        for raw, value in response.headers:
            name = raw.lower()
            if name == b"refresh" or (short and name == b"content-type" and b"html" in value):
                return name == b"refresh" or bool(response.body.codings) or self._says_where(source, response.body)
        return False

    def _says_where(self, source: str, body: Body) -> bool:
        if self._content is None:
            return True
        page = (self._content(source, body) or b"").lower()
        return b"http-equiv" in page or b"location" in page

    @cached_property
    def server_hosts(self) -> list[str]:
        """Addresses of the servers without their ports, by number."""
        return [host_of(server) for server in self.servers]

    @cached_property
    def by_asker(self) -> dict[int, array[int]]:
        """Positions of the exchanges of each client."""
        return self._grouped(self.asker)

    def of_places(self, places: set[int]) -> dict[int, array[int]]:
        """Positions of the exchanges with an answer of each of these hosts."""
        return self._grouped(self.place, lambda p: self.place[p] in places and self.status[p] >= 0)

    def _grouped(self, column: array[int], wanted: Callable[[int], bool] = lambda _: True) -> dict[int, array[int]]:
        groups: dict[int, array[int]] = defaultdict(lambda: array("I"))
        for position, number in enumerate(column):
            if wanted(position):
                groups[number].append(position)
        return dict(groups)


def _lean(exchange: Exchange) -> Exchange:
    """Without what no rule reads, and may be large."""
    return replace(exchange, events=(), interim=()) if exchange.events or exchange.interim else exchange


def _told_by(request: Request) -> tuple[bytes, list[int], str]:
    """(the program that asks, hashes of its ids, the path of the request that it was made for, where it says so)."""
    agent, ids, for_whom, original = b"", [], False, ""
    for raw, value in request.headers:  # once over every request of the trace: no look-up field by field
        name = raw.lower()
        if name in _IDS:
            ids += [hash(named)] if (named := _id_in(name, value)) else []
        elif name in _FOR_WHOM:
            for_whom = for_whom or value != b""
        elif name in _ORIGINAL:
            original = path_without_query(text(value))
        elif name == b"user-agent":
            agent = agent or value
    return agent, ids, original or (path_of_target(request) if for_whom else "")


def ids_of(request: Request) -> list[str]:
    """Request ids and trace contexts that it carries, each with the name of its field."""
    fields = ((raw.lower(), value) for raw, value in request.headers)
    return [named for name, value in fields if name in _IDS and (named := _id_in(name, value))]


def _id_in(name: bytes, value: bytes) -> str:
    """Of a trace context the part that all hops keep: trace-id (W3C Trace Context section 3.2.2.3), X-Ray's Root."""
    if len(value) < 8:
        return ""
    told = text(value)
    hit = _TRACE.search(told)
    return f"{_IDS[name]}:{(hit[1] or hit[2]) if hit else told}"


def sought_by(request: Request) -> str:
    """Path of the request that it was made for, where it says so, or for whom it was made; else nothing."""
    return _told_by(request)[2]


def original_of(request: Request) -> str:
    """Path of the request that a gateway asks about; nothing where it names none."""
    named = (path_without_query(text(value)) for raw, value in request.headers if raw.lower() in _ORIGINAL)
    return next(reversed([*named]), "")


def waited_ns(timing: Timing) -> int | None:
    """From the end of the request to the first byte of the answer."""
    begin, end = timing.request_end_ns, timing.response_start_ns
    return end - begin if begin is not None and end is not None and end >= begin > 0 else None


def host_of(address: str | None) -> str:
    """The address without its port."""
    return address.rpartition(":")[0] if address else ""


def path_of(exchange: Exchange) -> str:
    """Path of the request without its query."""
    return path_in(exchange.request.url) if exchange.request else "/"


@lru_cache(8192)  # neighbours are asked again and again
def path_in(url: str) -> str:
    """Path of a URL without its query."""
    return "/" + url.partition("://")[2].partition("/")[2].partition("#")[0].partition("?")[0]


def path_of_target(request: Request) -> str:
    """Path of the request, however the target was written, without its query."""
    return path_without_query(request.target)


def path_without_query(target: str) -> str:
    """Path of a target in whatever form."""
    if "://" in target:
        target = "/" + target.split("://", 1)[1].partition("/")[2]
    return target.partition("?")[0]
