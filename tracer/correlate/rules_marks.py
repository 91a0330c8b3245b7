"""What products' marks prove of who answered, and of why."""

from __future__ import annotations

import re

from tracer.model.verdict import Cause, Layer

from .evidence import Collection
from .marks import Found, Proves, Strength, find_marks
from .request_fields import identified, left_out
from .scene import Scene, placed

WEIGHT = {Strength.STRONG: 3.6, Strength.MEDIUM: 2.2, Strength.WEAK: 1.0}
MEANT = {Strength.STRONG: 4.4, Strength.MEDIUM: 2.4, Strength.WEAK: 1.0}
"""how much a mark says of the cause: a product's own statement weighs more than words that anybody may use"""
DOUBTFUL = 0.4
"""how much of that is left of words in a body where only another names itself"""
PRESENCE = 0.16
"""how much less it says that a product is there, than that it answered"""
PRESENCE_AT_END = 0.45
"""the same for applications and origins: there is nothing behind them that could have answered instead"""
GENERIC = re.compile(
    r"header:(server|age|date|via|x-cache|x-powered-by|content-type|set-cookie|proxy-connection|retry-after|x-ratelimit-.*|cache-control|expires)$"
)
"""fields that many products write: a mark there needs a second one of the same product"""
OF_EDGES = frozenset(
    {Cause.HOST_DENIED, Cause.REQUEST_REJECTED, Cause.TLS_REQUIRED, Cause.CONFIG_ERROR, Cause.METHOD_DENIED}
)
"""causes that a firewall on a CDN's edge has nothing to do with: there the edge itself refuses"""
ANY = "Any "
"""names of rows that stand for a kind of product begin so"""


def collect(scene: Scene, found: Collection) -> None:
    """Evidence from the marks that products leave in an answer."""
    assert scene.exchange.response is not None
    marks = list(find_marks(scene.exchange.response, scene.body))
    if len(scene.exchange.response.get_all("server")) > 1:  # of two who name themselves one relayed: neither is proof
        marks = [m for m in marks if m.mark.at != "header:server" or m.mark.proves is not Proves.GENERATED]
    speaking = {m.product.id for m in marks if m.mark.proves is not Proves.CAUSE}
    specific = {m.product.id for m in marks if not _is_vague(m)}
    sure = {m.product.id for m in marks if _stands_alone(m)}
    guessed = {m.product.layer for m in marks if m.product.id in sure - specific}
    wrote = any(m.mark.proves is Proves.GENERATED and m.mark.strength is not Strength.WEAK for m in marks)
    named = scene.exchange.response.get("server") is not None
    in_head = {m.product.id for m in marks if m.mark.at.startswith("header:")}
    if (
        len(guessed) > 1 or wrote
    ):  # words that products of several layers send tell none of them, nor where one is known
        sure &= specific
    for mark in marks:
        product = mark.product.id
        if product not in sure or product.startswith("std:"):
            continue
        if _mark(scene, found, mark, alone=product not in specific, known=product in speaking):
            _meaning(scene, found, mark, doubtful=named and product not in in_head)


def _stands_alone(hit: Found) -> bool:
    """It tells its product by itself: fields that many products write need a second mark of the same one."""
    if not GENERIC.match(hit.mark.at):
        return True
    weak = hit.mark.strength is Strength.WEAK or hit.mark.at == "header:expires"
    return not weak and hit.mark.proves not in (Proves.FORWARDED, Proves.CAUSE)


def _is_vague(hit: Found) -> bool:
    """Words in a body that others write as well."""
    return hit.mark.at == "body" and hit.mark.strength is Strength.WEAK


def _mark(scene: Scene, found: Collection, hit: Found, *, alone: bool, known: bool) -> bool:
    """Whether it counts. `alone`: only by a weak mark in the body; `known`: by another mark than words for a cause."""
    product, mark, where, value = hit
    layer, weight = placed(product.layer, scene, product.id), WEIGHT[mark.strength]
    if layer is Layer.WAF and mark.cause in OF_EDGES:
        layer = Layer.CDN
    if product.name.startswith(ANY):
        _mark_of_any(scene, found, hit)
        return True
    if alone:
        weight *= 0.4
    if mark.proves is Proves.GENERATED:
        says, kind = f"{product.name} writes this on answers of its own", "generated"
    elif mark.proves is Proves.FORWARDED:
        if scene.asked_nobody:
            return False
        says, kind = f"{product.name} leaves this on answers that it relays", "forwarded"
    elif mark.proves is Proves.PRESENT:
        at_end = layer in (Layer.ORIGIN, Layer.APP) and where != "response header server"
        says, kind = f"{product.name} is on the path", "present"
        weight *= PRESENCE_AT_END if at_end else PRESENCE
    elif known or mark.strength is Strength.STRONG:
        says, kind, weight = f"{product.name} says why in this way", "generated", weight * (0.8 if known else 0.3)
    else:  # words that others use as well: of a product that nothing else speaks of
        return False
    found.add(
        says,
        f"{kind}:{layer}",
        weight,
        exchange=scene.exchange,
        where=where,
        value=value,
        reference=product.source,
        product=product.id,
    )
    return True


def _meaning(scene: Scene, found: Collection, hit: Found, *, doubtful: bool) -> None:
    """Why the product refuses in these words; `doubtful`: another names itself in the head, and it does not."""
    product, mark, where, value = hit
    cause, sent = mark.cause, ""
    if cause is None:
        return
    doubtful = doubtful and mark.strength is not Strength.STRONG and not product.name.startswith(ANY)
    request = scene.exchange.request
    if cause is Cause.CREDENTIALS_INVALID and request and not left_out(scene.exchange) and not identified(request):
        cause, sent = Cause.CREDENTIALS_MISSING, " where none were sent"
    found.add(
        f"{product.name} means {cause} by it{sent}",
        f"cause:{cause}",
        MEANT[mark.strength] * (DOUBTFUL if doubtful else 1.0),
        exchange=scene.exchange,
        where=where,
        value=value,
        reference=product.source,
    )


def _mark_of_any(scene: Scene, found: Collection, hit: Found) -> None:
    """A mark that belongs to a kind of product: it tells the layer of a forward proxy, and no name."""
    if hit.product.layer is Layer.FORWARD_PROXY and hit.mark.proves is Proves.GENERATED:
        found.add(
            f"{hit.product.name} writes this",
            f"generated:{hit.product.layer}",
            WEIGHT[hit.mark.strength],
            exchange=scene.exchange,
            where=hit.where,
            value=hit.value,
            reference=hit.product.source,
        )
