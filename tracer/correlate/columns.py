"""What the correlator keeps of every exchange: numbers, and hashes of the texts that exchanges are grouped by.

About a hundred bytes each, and nothing else that grows. Hashes have 64 bits, seeded anew in each process, so that
nobody can choose two texts whose hashes are equal.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from itertools import batched, count

from tracer.model.http import Body, Exchange, Response, Timing, text

from .forms import Form, Names, key_of, names_of, places_in
from .locations import joined, plainly
from .request_ids import path_without_query, told_by

NEVER = -(2**63)
"""the time of what has none"""
REDIRECTING = frozenset({301, 302, 303, 307, 308})
SMALL = 16 * 1024
"""bytes of a page that is read for where it sends a browser"""
HIGHEST = 32767
"""statuses above are kept as this"""
SEEKS, SENDS_ON, REDIRECTS, RECORDED = 1, 2, 4, 8
"""flags: it says for whom, or for what, it asks; its answer may send a client elsewhere; and it is known where; a
recording proxy saw it"""
FORMS = 2048
"""forms of answers that are told apart"""
_TOGETHER = 256
"""exchanges whose rows are put into the columns at once"""


class Columns:
    """Of exchanges in time order, by position. `content` gives the bytes of a page.

    `source`, `asker` (source and host of who asked), `place` (source and host of the URL) and `server` number things
    named in `sources`, `askers`, `places`, `servers`; `status` is -1 without an answer.
    """

    def __init__(self, content: Callable[[str, Body], bytes | None] | None = None) -> None:
        self._content = content
        self._names = bytearray()
        self._ends = array("Q", [0])
        self._latest = 0
        self.sources: dict[str, int] = {}
        self.askers: dict[tuple[str, str], int] = {}
        self.places: dict[tuple[str, str], int] = {}
        self.servers: dict[str, int] = {}
        self.source, self.status, self.flags = array("H"), array("h"), array("B")
        self.form = array("h")
        """of a good answer: number of its form in `forms`; -1 where it must be looked at"""
        self.forms: list[Form] = []
        self._forms: dict[tuple[str, Names, bytes | None, str], int] = {}
        self.asker, self.place, self.server = array("i"), array("i"), array("i")
        self.time = array("q")
        """nanoseconds since the epoch by which they are ordered"""
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

    def __len__(self) -> int:
        return len(self._ends) - 1

    def take(self, exchanges: Iterable[Exchange]) -> None:
        """Note what is to be known of them."""
        columns: tuple[array[int], ...] = (
            self.source, self.asker, self.place, self.server, self.status, self.flags, self.form, self.time, self.start,
            self.waited, self.asked, self.url, self.path, self.folder, self.target,
        )  # fmt: skip
        for rows in batched(map(self._row, count(len(self)), exchanges), _TOGETHER):
            for column, values in zip(columns, zip(*rows, strict=True), strict=True):
                column.extend(array(column.typecode, values))  # at once: one by one takes twice as long

    def _row(self, position: int, e: Exchange) -> tuple[int, ...]:
        source, request, response, timing = e.source, e.request, e.response, e.timing
        host = host_of(e.client)
        method, url, agent, target = "", "", b"", 0
        flags = RECORDED if e.extra and "mitm.proxy" in e.extra else 0
        if request is not None:
            method, url, target = request.method, request.url, hash(path_without_query(request.target))
            agent, ids, meant = told_by(request)
            if ids:
                self.ids.extend(ids)
                self.owners.extend([position] * len(ids))
            if meant:
                flags |= SEEKS
                self.sought.append(hash(meant))
        bare = url.partition("#")[0]
        site, _, path = url.partition("://")[2].partition("/")
        path = "/" + path.partition("#")[0].partition("?")[0]
        status = form = -1
        if response is not None:
            status = response.status if 0 <= response.status <= HIGHEST else 0 if response.status < 0 else HIGHEST
            names = names_of(response.headers)
            at = places_in(names)
            if status in REDIRECTING:
                flags |= self._redirects(position, url, response.headers[at.location][1]) if at.location >= 0 else 0
            elif at.refresh >= 0 or (at.content_type >= 0 and self._sends_on(source, response, at.content_type)):
                flags |= SENDS_ON
            if 200 <= status < 300:
                form = self._form(key_of(response, names, at))
        start = timing.start_ns
        time = start if start is not None else timing.response_start_ns
        if time is not None:
            self._latest = time
        waited = waited_ns(timing)
        self._names += e.id.encode("utf-8", "surrogatepass")
        self._ends.append(len(self._names))
        return (
            self.sources.setdefault(source, len(self.sources)),
            self.askers.setdefault((source, host), len(self.askers)),
            self.places.setdefault((source, site.lower()), len(self.places)),
            self.servers.setdefault(e.server or "", len(self.servers)),
            status,
            flags,
            form,
            self._latest,
            start if start is not None else NEVER,
            waited if waited is not None else NEVER,
            hash((source, host, agent, method, bare)),
            hash(plainly(bare)),
            hash(path),
            hash(path.rpartition("/")[0]),
            target,
        )

    def _form(self, key: tuple[str, Names, bytes | None, str]) -> int:
        """Number of a form; -1 for those that are too many."""
        number = self._forms.get(key)
        if number is None:
            if len(self.forms) == FORMS:
                return -1
            number = self._forms[key] = len(self.forms)
            self.forms.append(Form(*key))
        return number

    def _redirects(self, position: int, url: str, location: bytes) -> int:
        """Flags of an answer that redirects; where to is noted."""
        try:
            to = plainly(joined(url, text(location))) if location else ""
        except ValueError:
            return 0
        if not to:
            return 0
        self._redirecting.append(position)
        self._sent.append(hash(to))
        return SENDS_ON | REDIRECTS

    def leads(self, first: int, then: int) -> bool:
        """The answer to the first one, as far as columns tell, may send its client to the URL of the other one."""
        flags = self.flags[first]
        if flags & REDIRECTS:
            return self._sent[bisect_left(self._redirecting, first)] == self.url[then]
        return bool(flags & SENDS_ON)

    def _sends_on(self, source: str, response: Response, content_type: int) -> bool:
        """The answer is a page that may send a client elsewhere, short enough to be read for it."""
        body = response.body
        if not 0 < body.size <= SMALL or b"html" not in response.headers[content_type][1]:
            return False
        if body.codings or self._content is None:
            return True
        page = (self._content(source, body) or b"").lower()
        return b"http-equiv" in page or b"location" in page

    def name(self, position: int) -> str:
        """The id of the exchange there."""
        return self._names[self._ends[position] : self._ends[position + 1]].decode("utf-8", "surrogatepass")

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

    def asking(self) -> set[tuple[str, str]]:
        """(source, host) of what was seen to ask other hosts; of who asks itself, as on one machine, nothing is told.

        A recording proxy sees no hop ask others.
        """
        askers, hosts = [*self.askers], self.server_hosts
        rows: Iterator[tuple[int, int, int]] = zip(self.asker, self.server, self.flags, strict=True)
        pairs = {(asker, server) for asker, server, flags in rows if not flags & RECORDED}
        clients = {askers[asker] for asker, server in pairs if askers[asker][1] != hosts[server]}
        return clients & {(askers[asker][0], hosts[server]) for asker, server in pairs}


def waited_ns(timing: Timing) -> int | None:
    """From the end of the request to the first byte of the answer."""
    begin, end = timing.request_end_ns, timing.response_start_ns
    return end - begin if begin is not None and end is not None and end >= begin > 0 else None


def host_of(address: str | None) -> str:
    """The address without its port."""
    return address.rpartition(":")[0] if address else ""
