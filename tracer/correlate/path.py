"""The hops between client and denial: those that were captured, and those that left their marks."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from tracer.model.http import Exchange
from tracer.model.verdict import Evidence, Layer, PathEntry, Said

from .evidence import Collection
from .marks import Found, Proves, Strength, find_marks
from .scene import is_cache_here

ORDER = list(Layer)
REAL = 1.5
"""the least weight with which a mark of relaying puts a hop on the path"""


def captured(passing: Sequence[tuple[Exchange, str]], last: Exchange, found: Collection) -> list[PathEntry]:
    """Hops that were seen to pass the answer on, outermost first: (exchange as it reached them, their address);
    `last` is the exchange with the hop that decided."""
    entries = []
    for position, (exchange, server) in enumerate(passing):
        own = _own_mark(exchange, passing[position + 1][0] if position + 1 < len(passing) else last)
        layer, name = (own.product.layer, own.product.id) if own else (Layer.GATEWAY, None)
        if layer in (Layer.ORIGIN, Layer.APP):
            layer = Layer.GATEWAY
        elif is_cache_here(layer, name, exchange):
            layer = Layer.CDN
        says = f"{name or 'the hop'} at {server} asked the next one, and passed its answer on"
        item = found.add(
            says, f"forwarded:{layer}", 0.0, exchange=exchange, where="packets", value=server, product=name
        )
        entries.append(
            PathEntry(layer=layer, product=name, address=server or None, said=Said.FORWARDED, evidence=(item,))
        )
    return entries


def proof(depth: int, last: Exchange, server: str, found: Collection) -> None:
    """That the hops in front are not to blame: the denial was captured on its way to them."""
    hops = "the hop in front" if depth == 1 else f"the {depth} hops in front"
    found.add(
        f"proof: the denial was captured on its way from {server} to {hops}, which only passed it on",
        "present:unknown",
        0.0,
        exchange=last,
        where="response status line",
        value=str(last.response.status if last.response else ""),
    )


def _own_mark(exchange: Exchange, deeper: Exchange) -> Found | None:
    """A mark of the product that left most on the answer that it did not have one hop deeper."""
    assert exchange.response is not None
    before = {(f.product.id, f.value) for f in find_marks(deeper.response, "")} if deeper.response else set()
    new = [f for f in find_marks(exchange.response, "") if (f.product.id, f.value) not in before and _is_real(f)]
    left = Counter(f.product.id for f in new)
    return max(new, key=lambda f: left[f.product.id]) if new else None


def _is_real(found: Found) -> bool:
    return found.mark.strength is Strength.STRONG and found.mark.proves in (Proves.PRESENT, Proves.FORWARDED)


def marked(
    evidence: Iterable[Evidence], known: Iterable[PathEntry], accused: tuple[Layer, str | None]
) -> list[PathEntry]:
    """Hops that left a mark of their own and are not among the known ones."""
    evidence = tuple(evidence)
    have = {e.product for e in known} | _hosts(evidence, accused)
    seen: dict[tuple[Layer, str], dict[str, list[Evidence]]] = defaultdict(lambda: defaultdict(list))
    for item in evidence:
        if item.product and item.product not in have and item.supports.startswith(("forwarded:", "present:")):
            kind, _, what = item.supports.partition(":")
            seen[Layer(what), item.product][kind].append(item)
    entries = []
    for (layer, product), kinds in seen.items():
        relayed = sum(i.weight for i in kinds["forwarded"]) >= REAL
        there = sum(i.weight for i in kinds["present"]) >= 0.5
        same = (layer, product) == accused or (product == accused[1] and not relayed)  # named in another role too
        if same or not (relayed or there):
            continue
        ids = tuple(i.id for group in kinds.values() for i in group)
        entries.append(
            PathEntry(layer=layer, product=product, said=Said.FORWARDED if relayed else Said.PRESENT, evidence=ids)
        )
    return sorted(entries, key=lambda e: ORDER.index(e.layer))


def _hosts(evidence: Iterable[Evidence], accused: tuple[Layer, str | None]) -> set[str | None]:
    """The server in which the accused runs: one hop with it, not one before it."""
    roles = [i for i in evidence if i.supports.startswith("role:") and i.product]
    inside = any(i.supports == f"role:{accused[0]}" and i.product == accused[1] for i in roles)
    return {roles[0].product} if inside else set()


def deciding(evidence: Iterable[Evidence], layer: Layer, product: str | None, address: str | None) -> PathEntry:
    """The hop that made the answer, with what speaks for it."""
    for_it = f"generated:{layer}", f"present:{layer}", f"role:{layer}"
    ids = tuple(i.id for i in evidence if i.supports in for_it and (product is None or i.product in (None, product)))
    return PathEntry(layer=layer, product=product, address=address, said=Said.GENERATED, evidence=ids)


def facing_the_client(before: Sequence[PathEntry], last: PathEntry, *, tunnel: bool) -> tuple[PathEntry, ...]:
    """The path where only the client's own connections were captured: the address that the client was connected to is
    the outermost hop's, and where those behind it listen cannot be known. In a tunnel that hop is the forward proxy."""
    if tunnel and Layer.FORWARD_PROXY not in (last.layer, *(e.layer for e in before)):
        before = (PathEntry(layer=Layer.FORWARD_PROXY, said=Said.FORWARDED), *before)
    outermost = next((e for e in before if _stands_before(e, last)), None)
    if outermost is None:
        return *before, last
    placed = [replace(e, address=last.address) if e is outermost else e for e in before]
    return *placed, replace(last, address=None)


def _stands_before(entry: PathEntry, last: PathEntry) -> bool:
    """A server and the framework in it listen together; a hop of an outer kind, or that passed the answer on, does not
    listen where the one that decided does."""
    if entry.product is not None and entry.product == last.product:
        return False
    outer = ORDER.index(entry.layer) < ORDER.index(Layer.ORIGIN) and ORDER.index(entry.layer) < ORDER.index(last.layer)
    return entry.said is Said.FORWARDED or outer
