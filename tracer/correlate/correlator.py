"""From a trace to verdicts: finds denials, sets the scene of each, collects evidence, asks the judge."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import batched, count
from typing import TYPE_CHECKING, Protocol

from tracer.http.body import decode
from tracer.model.connection import Connection
from tracer.model.http import Body, Exchange, Message
from tracer.model.http import text as as_text
from tracer.model.problem import Problem
from tracer.model.tls import Handshake
from tracer.model.verdict import Alternative, Hop, Layer, PathEntry, Verdict

from . import alerts_told, judge, path, refused, rules_role, rules_usual, step_values, steps, words
from .columns import host_of
from .denials import REFUSES, is_denial, is_silent, refusal, silent_refusal
from .evidence import Collection
from .exchanges import Exchanges, Kept
from .links import Links
from .overcome import overcome
from .rules import RULES
from .scene import Scene, from_cache
from .siblings import Siblings
from .stories import with_stories
from .vantage import Hops, server_of
from .vantage_copies import Copies

if TYPE_CHECKING:
    from tracer.capture.source import Source

    from .logs import Logs

TOGETHER = 32
"""denials that are read at once"""
BODY_READ = 64 * 1024
"""bytes of a decoded body that rules look at"""
LIKELY = 0.1
"""a layer that is at least so likely is worth telling apart"""
BODY_LIMIT = 8 * 1024 * 1024
"""longer bodies are not looked at"""


class Reads(Protocol):
    """What the correlator needs of a trace."""

    def exchanges(self) -> Iterator[Exchange]: ...
    def exchanges_named(self, names: Sequence[str], /) -> Iterator[Exchange]: ...
    def handshakes(self) -> Iterator[Handshake]: ...
    def handshakes_named(self, names: Sequence[str], /) -> Iterator[Handshake]: ...
    def connections_named(self, names: Sequence[str], /) -> Iterator[Connection]: ...
    def content(self, source: str, body: Body) -> bytes | None: ...


def correlate(
    trace: Reads,
    *,
    statuses: frozenset[int] | None = None,
    only: frozenset[str] | None = None,
    logs: Sequence[str | Source] = (),
    problem: Callable[[Problem], None] = lambda _: None,
) -> Iterator[Verdict]:
    """A verdict for every denial, ordered by the start of the response; `statuses` and `only` (ids) narrow it.

    `logs`: paths of servers' logs, or logs that are open; `problem` takes what is wrong with them.
    """
    view = _View(trace)
    if logs:
        from . import logs_subject
        from .logs import Logs

        view.logs = Logs(logs, list(logs_subject.subjects(view)), problem)
    yield from with_stories(view.verdicts(statuses, only))


class _View:
    """The trace as the correlator sees it: once over all exchanges, then each that is needed by itself."""

    def __init__(self, trace: Reads) -> None:
        self.trace = trace
        self.handshakes = Kept(trace.handshakes_named)
        self.connections = Kept(trace.connections_named)
        self.logs: Logs | None = None
        self.tunnels: set[str] = set()
        """ids of connections that became a tunnel"""
        self._denied: dict[int, int] = {}
        """position -> when the answer began, of what is a denial by itself"""
        self._told: list[tuple[Handshake, refused.Refusal]] = []
        self._perhaps = {h.id: h for h in trace.handshakes() if refusal(h) or is_silent(h)}
        """handshakes that the server may have refused"""
        self._answered: set[str] = set()
        self._unanswered: set[str] = set()
        self.exchanges = Exchanges(map(self._note, count(), trace.exchanges()), trace.exchanges_named, trace.content)
        several = len(self.exchanges.sources) > 1
        if several:
            self.exchanges.hold(trace.exchanges())
        self.copies = Copies(self.exchanges if several else (), trace.content)
        self.hops = Hops(self.exchanges, self.copies)
        self.links = Links(self.exchanges, self._page)
        self._asking = self.exchanges.asking()

    def _note(self, position: int, e: Exchange) -> Exchange:
        """Take what is to be known of all exchanges from the one that passes."""
        response = e.response
        if e.request is not None and e.request.method == "CONNECT" and e.connection and _opened_a_tunnel(e):
            self.tunnels.add(e.connection)
        if e.tls and e.tls in self._perhaps:
            (self._unanswered if response is None else self._answered).add(e.tls)
        if response is None:
            self._told += alerts_told.told([e])
        elif response.status >= REFUSES and is_denial(e, lambda: self.body(e)):
            self._denied[position] = e.timing.response_start_ns or 0
        return e

    def _passes_on(self, source: str, server: str) -> bool:
        """It was seen, by this source, to pass other requests on; what one source shows, another may not."""
        asking = host_of(server) != "" and (source, host_of(server)) in self._asking
        return asking or (source, server) in self.hops.passing

    def verdicts(self, statuses: frozenset[int] | None, only: frozenset[str] | None) -> Iterator[Verdict]:
        """In the order of the answers."""
        due: list[tuple[int, int | tuple[Handshake, refused.Refusal]]] = []
        for position in self._final:
            wanted = only is None or self.exchanges.name(position) in only
            if wanted and (statuses is None or self.exchanges.status[position] in statuses):
                due.append((self._denied[position], position))
        for handshake, how in self.refusals if statuses is None else ():
            if only is None or handshake.id in only:
                ended = how.alert.time_ns if how.alert else handshake.end_ns
                due.append((ended or 0, (handshake, how)))
        due.sort(key=lambda d: d[0])
        for some in batched(due, TOGETHER):
            self._fetch([what for _, what in some if isinstance(what, int)])
            for _, what in some:
                yield self._verdict(self.exchanges[what]) if isinstance(what, int) else self._refusal(*what)

    def _fetch(self, positions: list[int]) -> None:
        """Read these denials together, what each is compared with, and what it ran over."""
        self.exchanges.fetch(positions)
        self.siblings.fetch(positions)
        denials = [self.exchanges[p] for p in positions]
        self.connections.fetch(e.connection for e in denials if e.connection)
        self.handshakes.fetch(e.tls for e in denials if e.tls)

    # -- HTTP

    @cached_property
    def _final(self) -> list[int]:
        """Positions of denials as their clients saw them, without those that were overcome."""
        past = overcome(self.exchanges, self._denied)
        left = [p for p in self._denied if p not in past]
        if not self.hops.sources and len(self.exchanges.sources) < 2:
            return left
        return [p for p in left if self._is_clients(self.exchanges[p])]

    @property
    def denials(self) -> Iterator[Exchange]:
        """The exchanges with a denial that gets a verdict."""
        return (self.exchanges[position] for position in self._final)

    @cached_property
    def siblings(self) -> Siblings:
        return Siblings(self.exchanges, self._denied)

    def _is_clients(self, exchange: Exchange) -> bool:
        """No hop was seen to ask for it, and of several copies it is the one nearest to the client."""
        return self.copies.of(exchange)[0].id == exchange.id and self.hops.asked_by(exchange) is None

    def _verdict(self, exchange: Exchange) -> Verdict:
        group = self.copies.of(exchange)
        fullest = max(
            group, key=lambda e: (bool(e.response and e.response.body.size), bool(e.connection), e.id == exchange.id)
        )
        copies = self.hops.deeper(exchange)
        deciding = copies[-1] if copies else fullest
        scene = self._scene(exchange, deciding)
        found = Collection()
        for kind, rule in RULES:
            found.kind = kind
            rule(scene, found)
        if self.logs is not None:
            found.kind = "logs"
            self.logs.collect(exchange.id, found)
        scales = judge.weigh(found.items)
        layer = next(iter(judge.posterior(scales)))
        found.kind = "usual"
        rules_usual.collect(scene, layer, judge.choose_product(scales, layer), found)
        found.kind = "hops"
        if copies:
            path.proof(len(copies), deciding, server_of(deciding), found)
        return self._conclude(
            exchange, deciding, [e for e in group if e.id != fullest.id], [fullest, *copies], found, scene
        )

    def _scene(self, exchange: Exchange, deciding: Exchange) -> Scene:
        server = server_of(deciding)
        chain, links = self.links.chain(exchange)
        request = deciding.request or exchange.request
        asked = self.hops.asked_for(deciding)
        asked_nobody = not asked and not from_cache(deciding.response)
        return Scene(
            exchange=deciding,
            server=server,
            body=self.body(deciding),
            request_body=self._text(deciding, request) if request else "",
            seen=exchange,
            handshake=next((h for e in self.copies.of(exchange) if (h := self.handshakes.get(e.tls or ""))), None),
            connections=self.connections,
            handshakes=self.handshakes,
            chain=chain,
            links=links,
            passes_on=asked_nobody and self._passes_on(deciding.source, server),
            asked_nobody=asked_nobody and deciding.source in self.hops.sources,
            answered_behind=rules_role.answered_behind(deciding, asked),
            depth=self.hops.depth(deciding),
            answers=self.siblings.of(deciding, same_server=deciding.source in self.hops.sources),
            round_trip_ns=self._round_trip(deciding),
        )

    def _round_trip(self, exchange: Exchange) -> int | None:
        connection = self.connections.get(exchange.connection or "")
        return connection.rtt_ns if connection else None

    def _conclude(
        self,
        exchange: Exchange,
        deciding: Exchange,
        twins: list[Exchange],
        hops: list[Exchange],
        found: Collection,
        scene: Scene,
    ) -> Verdict:
        evidence = found.items
        scales = judge.weigh(evidence)
        ranked = judge.posterior(scales)
        layer = next(iter(ranked))
        confidence = min(judge.CALIBRATION.ceiling, ranked[layer])
        product = judge.choose_product(scales, layer)
        cause, cause_confidence = judge.choose_cause(scales, layer)
        response, request = exchange.response, exchange.request
        assert response is not None
        way = self._path(hops, found, layer, product)
        detail = found.details.get(cause)
        others = tuple(k for k in list(ranked)[1:] if ranked[k] >= LIKELY and not _is_settled(scene, layer, k))
        case = steps.Case(layer, product, cause, detail, confidence, cause_confidence, others)
        return Verdict(
            source=exchange.source,
            exchange=exchange.id,
            method=request.method if request else None,
            url=request.url if request else None,
            status=response.status,
            original_status=_other_status(deciding, exchange),
            time_ns=exchange.timing.response_start_ns,
            layer=layer,
            product=product,
            cause=cause,
            cause_detail=detail,
            confidence=round(confidence, 3),
            cause_confidence=round(cause_confidence, 3),
            hop=Hop(name=product or str(layer), address=way[-1].address),
            alternatives=tuple(
                Alternative(layer=k, product=judge.choose_product(scales, k), cause=cause, confidence=round(p, 3))
                for k, p in list(ranked.items())[1:4]
                if p >= 0.03
            ),
            path=way,
            evidence=tuple(found.items),
            chain=(*(e.id for e in scene.chain), exchange.id),
            links=scene.links,
            seen_at=tuple(e.id for e in (*twins, *hops) if e.id != exchange.id),
            headline=words.headline(
                response.status,
                layer,
                product,
                cause,
                confidence,
                cause_confidence,
                way[-1].address if len(hops) > 1 else None,
            ),
            next_steps=tuple(steps.next_steps(case, step_values.values_of(exchange, found.values, cause, detail))),
        )

    def body(self, exchange: Exchange) -> str:
        """Decoded text of the answer, cut at a bound; empty when it was not kept."""
        response = exchange.response
        return self._text(exchange, response) if response is not None and response.status >= 400 else ""

    def _page(self, exchange: Exchange) -> str:
        return self._text(exchange, exchange.response) if exchange.response is not None else ""

    def _path(
        self, copies: list[Exchange], found: Collection, layer: Layer, product: str | None
    ) -> tuple[PathEntry, ...]:
        """The hops; `copies`: the denial as each captured hop saw it, from the client inwards."""
        evidence = list(found.items)
        *passing, deciding = copies
        hops = path.captured([(e, server_of(e)) for e in passing], deciding, found)
        marks = path.marked(evidence, hops, (layer, product))
        before = (
            sorted([*hops, *marks], key=lambda e: path.ORDER.index(e.layer)) if marks and not hops else [*hops, *marks]
        )
        last = path.deciding(evidence, layer, product, server_of(deciding) or None)
        if hops or deciding.source in self.hops.sources:
            return *before, last
        return path.facing_the_client(before, last, tunnel=deciding.connection in self.tunnels)

    def _text(self, exchange: Exchange, message: Message) -> str:
        if not 0 < message.body.size <= BODY_LIMIT:
            return ""
        raw = self.trace.content(exchange.source, message.body)
        return as_text(decode(raw, message.body.codings, BODY_READ).data) if raw else ""

    # -- TLS

    def _refusal(self, handshake: Handshake, how: refused.Refusal) -> Verdict:
        server = handshake.server or ""
        return refused.verdict(
            handshake, how, server, passes_on=self._passes_on(handshake.source, server), logs=self.logs
        )

    @cached_property
    def refusals(self) -> list[tuple[Handshake, refused.Refusal]]:
        """Handshakes that the server refused, and how."""
        found = []
        for handshake in self._perhaps.values():
            if handshake.id in self._answered:
                continue
            connection = self.connections.get(handshake.connection or "")
            unanswered = handshake.id in self._unanswered
            how = refusal(handshake) or silent_refusal(handshake, connection, unanswered=unanswered)
            if how is not None:
                found.append((handshake, how))
        return [*found, *self._told]


def _is_settled(scene: Scene, layer: Layer, other: Layer) -> bool:
    """A capture behind it would tell nothing new: it is there, and shows that nobody was asked."""
    return scene.asked_nobody and {layer, other} == {Layer.GATEWAY, Layer.ORIGIN}


def _opened_a_tunnel(exchange: Exchange) -> bool:
    if "mitm.proxy" in exchange.extra and "mitm.upstream-proxy" not in exchange.extra:
        return False  # into the recording proxy only
    request, response = exchange.request, exchange.response
    return bool(request and response and request.method == "CONNECT" and response.status < 300)


def _other_status(deciding: Exchange, exchange: Exchange) -> int | None:
    first = deciding.response.status if deciding.response else None
    seen = exchange.response.status if exchange.response else None
    return first if first != seen else None
