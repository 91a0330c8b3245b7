"""In which role a server answered with its own page: as the end of the path, as a reverse proxy, with a firewall in it.

The page is the same in all three (measured: ModSecurity's refusal equals the page of nginx or Apache), so what tells
them apart is what was asked, what else this host answers, and what stands before and behind.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from typing import NamedTuple

from tracer.model.http import Exchange
from tracer.model.verdict import Layer

from . import services
from .evidence import Collection
from .exchanges import path_of
from .forms import APPLICATIONS
from .scene import Scene
from .siblings import is_good

FIREWALL = "modsecurity"
"""the firewall that runs within web servers"""


class Roles(NamedTuple):
    """In which roles a product sends its page, besides the layer where it stands, with logarithms of the odds."""

    gateway: float | None
    waf: float
    firewall: str = FIREWALL
    like: str = ""
    """of the page, where not all of them are shared"""


ROLES = {
    "nginx": Roles(-1.3, -1.75),
    "angie": Roles(-1.3, -1.75),
    "openresty": Roles(-0.6, -1.4),
    "tengine": Roles(-0.8, -1.6),
    "apache": Roles(-1.75, -1.45),
    "litespeed": Roles(-2.8, -0.9),
    "iis": Roles(-2.4, -2.2),
    "lighttpd": Roles(-2.6, -4.0),
    "caddy": Roles(0.7, -4.0),  # its file server hides by 404: 401, 403 and 405 are rules before what it passes on
    # https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
    # (WAF_FILTERED and INVALID_API_KEY say the same)
    "aws-api-gateway": Roles(None, -0.7, "aws-waf", r'^\s*\{"message": ?"Forbidden"\}'),
}
SPOKE = 1.4
"""weight with which evidence says that a server wrote the page"""
GOOD_ENOUGH = 400
MANY = 3
"""like requests that passed, and make one think of a limit"""
FILE = re.compile(r"\.(html?|txt|css|js|map|png|jpe?g|gif|svg|ico|webp|pdf|zip|gz|mp4|mp3|woff2?|xml)$", re.IGNORECASE)
PROGRAM = re.compile(r"\.(php\d?|aspx?|jsp|do|cgi|action)\b|/(api|graphql|rest|v\d)(/|$)", re.IGNORECASE)
LIMITS = frozenset({"nginx", "angie", "openresty", "tengine"})
"""servers of one kind: they serve files by GET and HEAD alone, and limit how often one may ask"""
CHANGING = frozenset({"PUT", "DELETE", "PATCH"})
LATEST = 12
"""other answers whose form is looked at"""


class Telling(NamedTuple):
    """One thing that tells the roles apart: how much it speaks for a reverse proxy, and for a firewall."""

    says: str
    gateway: float
    waf: float
    where: str
    value: str = ""
    exchange: Exchange | None = None
    """where it was seen, when that is another answer of this host"""


def collect(scene: Scene, found: Collection) -> None:
    """The roles of the server whose own page it is; nothing for other answers."""
    product = _whose_page(scene, found)
    if product is None or scene.exchange.response is None:
        return
    roles = ROLES[product]
    says = f"this page is {product}'s whether it ends the path, passes requests on, or runs a firewall"
    reference = "measured: ModSecurity's refusal equals the server's own page"
    odds = {Layer.ORIGIN: 0.0, Layer.GATEWAY: roles.gateway or 0.0, Layer.WAF: roles.waf}
    if roles.gateway is None:
        says = f"this answer is {product}'s whether a rule of its own or the firewall on it refuses"
        reference = "https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html"
    if scene.passes_on or roles.gateway is None:
        del odds[Layer.ORIGIN]
    here = next(iter(odds))
    for layer in odds:
        found.add(
            says,
            f"role:{layer}",
            odds[layer] - odds[here],
            exchange=scene.exchange,
            where="response body",
            reference=reference,
            product=roles.firewall if layer is Layer.WAF else product,
        )


def tell(scene: Scene, found: Collection) -> None:
    """What tells those roles apart; a payload that firewalls look for was looked for before."""
    product = next((e.product for e in found.items if e.supports.startswith("role:") and e.product in ROLES), None)
    if product is None or ROLES[product].gateway is None:
        return
    for telling in _tellings(scene, product, found):
        for layer, weight in ((Layer.GATEWAY, telling.gateway), (Layer.WAF, telling.waf)):
            if weight and (layer is Layer.WAF or not scene.passes_on):
                found.add(
                    telling.says,
                    f"role:{layer}",
                    weight,
                    exchange=telling.exchange or scene.exchange,
                    where=telling.where,
                    value=telling.value,
                )


def is_shared(found: Collection) -> bool:
    """Whether the page may be a firewall's as well."""
    return firewall(found) is not None


def firewall(found: Collection) -> str | None:
    """The firewall whose page it may be as well."""
    return next((e.product for e in found.items if e.supports == f"role:{Layer.WAF}"), None)


def _whose_page(scene: Scene, found: Collection) -> str | None:
    """The server that several roles are open to, where it wrote the page."""
    ends = (f"generated:{Layer.ORIGIN}", f"generated:{Layer.GATEWAY}")
    spoke: dict[str, float] = {}
    for item in found.items:
        if item.product in ROLES and item.supports in ends and re.search(ROLES[item.product].like, scene.body):
            spoke[item.product] = max(spoke.get(item.product, 0.0), item.weight)
    best = max(spoke, key=lambda p: spoke[p], default=None)
    return best if best is not None and spoke[best] >= SPOKE else None


def _tellings(scene: Scene, product: str, found: Collection) -> Iterator[Telling]:
    yield from _place(scene, found)
    yield from _of_status(scene, product)
    if not any(e.kind == "payload" and e.supports.startswith("role:") for e in found.items):
        yield from _of_request(scene, product)
    yield from _of_siblings(scene, product)
    if scene.answered_behind:
        says = "it had a good answer from behind, and refused it: so a filter of answers does"
        yield Telling(says, 2.0, 3.6, "packets")


def _place(scene: Scene, found: Collection) -> Iterator[Telling]:
    """What stands before it."""
    response = scene.exchange.response
    assert response is not None
    passed = next((e.seen for e in found.items if e.supports == f"forwarded:{Layer.GATEWAY}" and e.weight >= 2), None)
    edge = next((n for n in ("via", "age", "x-cache") if response.get(n)), None)
    if passed is not None:
        says = "a gateway in front passed this on: behind one stands the end"
        yield Telling(says, -2.8, -3.4, passed.where, passed.value)
    elif scene.depth > 2:
        more = scene.depth - 2
        yield Telling(f"{scene.depth} hops passed the request on before it", -1.2 * more, -1.2 * more, "packets")
    elif scene.seen not in (None, scene.exchange) or edge is not None:
        says, where = "behind an edge stands a reverse proxy as often as an origin", f"response header {edge}"
        yield Telling(says, 0.55, 0.35, where if edge else "packets", response.get(edge) or "" if edge else "")


def _of_status(scene: Scene, product: str) -> Iterator[Telling]:
    assert scene.exchange.response is not None
    status = scene.exchange.response.status
    asked = scene.handshake is not None and scene.handshake.client_cert_requested
    if asked or status in (400, 495, 496):
        says = "a refusal about certificates or the request's form is the server's own"
        yield Telling(says, -2.6, -3.6, "response status line", str(status))
    elif status == 429 and product in LIMITS:
        yield Telling("who counts requests stands before what they are for", 0.8, -0.8, "response status line", "429")
    elif status == 403 and product in LIMITS and (method := _changing(scene)):
        says = f"{product} answers {method} of its own files with 405: a rule before what it passes on refuses"
        yield Telling(says, 0.9, 0.0, "request method", method)
    elif status == 405 and product == "caddy" and scene.exchange.response.get("allow") is None:
        says = "Caddy's file server names the methods it allows: a rule before what it passes on refuses"
        yield Telling(says, 0.6, 0.0, "response status line", "405")
    elif status != 403:
        says = f"firewalls in web servers rarely refuse with {status}"
        yield Telling(says, -1.0 if status == 405 else -0.4, -2.0, "response status line", str(status))


def _changing(scene: Scene) -> str:
    """The method, when it is one that changes things and no file is served by."""
    request = scene.exchange.request
    return request.method if request is not None and request.method in CHANGING else ""


def _of_request(scene: Scene, product: str) -> Iterator[Telling]:
    """What was asked for: a folder and a file are an origin's, an application's path is not nginx's own."""
    request = scene.exchange.request
    if request is None:
        return
    path = path_of(scene.exchange)
    runs_programs = product in ("apache", "litespeed", "iis")
    named = any(n.service.layer is Layer.APP and n.where == "request target" for n in services.services_at(request))
    if named or PROGRAM.search(path):
        if not runs_programs:
            says = f"an application's path, which {product} itself does not serve: a rule in front of it refuses"
            yield Telling(says, 0.9, 0.6, "request target", path)
    elif path.endswith("/") and path != "/" and request.method in ("GET", "HEAD"):
        yield Telling("a folder was asked for: who lists none serves files", -1.6, -1.8, "request target", path)
    elif FILE.search(path):
        yield Telling("a file was asked for, as origins serve them", -0.3, -0.3, "request target", path)


def _of_siblings(scene: Scene, product: str) -> Iterator[Telling]:
    """What this host's good answers are: files that the server itself holds, or an application's; the very same."""
    if product == "apache":  # nginx itself limits how often one may ask
        before = sum(is_good(s.status) and s.here and _asks_the_same(s.whole, scene.exchange) for s in scene.answers)
        says = "the same had passed: who refuses by how often one asks is a firewall (mod_evasive) in Apache"
        if before >= MANY:
            yield Telling(says, 0.4, 1.6, "request target", f"{before} good answers")
    good = [s for s in scene.answers[-LATEST:] if is_good(s.status)]
    files, apps = ([s for s in good if s.form.kind == kind] for kind in ("file", "application"))
    if files and not apps:
        says, last = "good answers of this host are files that the server holds", files[-1].whole
        yield Telling(says, -0.9, -0.4, *_first(last, (b"etag",)), last)
    elif len(apps) > len(files):
        says = "good answers of this host come from an application behind this server"
        last = apps[-1].whole
        yield Telling(says, 0.9, 0.4, *_first(last, APPLICATIONS), last)


def _first(exchange: Exchange, names: Container[bytes]) -> tuple[str, str]:
    """(place, value) of the first of those fields in the answer."""
    headers = exchange.response.headers if exchange.response else ()
    name, value = next((n.lower(), v) for n, v in headers if n.lower() in names)
    return f"response header {name.decode('latin-1')}", value.decode("latin-1")


def _asks_the_same(a: Exchange, b: Exchange) -> bool:
    return a.request is not None and b.request is not None and a.request.method == b.request.method


def answered_behind(exchange: Exchange, asked: list[Exchange]) -> bool:
    """The same was asked behind it, and answered well."""
    alike = [e for e in asked if e.response is not None and path_of(e) == path_of(exchange)]
    return bool(alike) and all(e.response is not None and e.response.status < GOOD_ENOUGH for e in alike)
