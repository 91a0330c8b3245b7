"""Rules that say which layer made an answer: products' marks, standard fields, names, what was asked."""

from __future__ import annotations

import re
from functools import cache, lru_cache

from tracer.model.verdict import Cause, Layer

from . import rules_payload, rules_position, rules_role, rules_shape, services, standards
from .evidence import Collection
from .literals import Index
from .marks import Found, Proves, Strength, find_marks
from .scene import Scene

WEIGHT = {Strength.STRONG: 3.6, Strength.MEDIUM: 2.2, Strength.WEAK: 1.0}
MEANT = {Strength.STRONG: 4.4, Strength.MEDIUM: 2.4, Strength.WEAK: 1.0}
"""how much a mark says of the cause: a product's own statement weighs more than words that anybody may use"""
PRESENCE = 0.16
"""how much less it says that a product is there, than that it answered"""
PRESENCE_AT_END = 0.45
"""the same for applications and origins: there is nothing behind them that could have answered instead"""
GENERIC = re.compile(
    r"header:(server|age|date|via|x-cache|x-powered-by|content-type|set-cookie|proxy-connection|retry-after|x-ratelimit-.*|cache-control|expires)$"
)
"""fields that many products write: a mark there needs a second one of the same product"""
SECOND_MARK = {"envoy": "x-envoy-upstream-service-time", "trafficserver": "age"}
"""what hops that name themselves on every answer add to those from behind"""
AT_END = 0.8
"""how much more the name of an application's server says: hops in front name themselves, or nobody"""
OF_EDGES = frozenset(
    {Cause.HOST_DENIED, Cause.REQUEST_REJECTED, Cause.TLS_REQUIRED, Cause.CONFIG_ERROR, Cause.METHOD_DENIED}
)
"""causes that a firewall on a CDN's edge has nothing to do with: there the edge itself refuses"""
ANY = "Any "
"""names of rows that stand for a kind of product begin so"""
SERVERS = {
    r"^nginx": (Layer.ORIGIN, "nginx"),
    r"^apache(?!-coyote|.*traffic)": (Layer.ORIGIN, "apache"),
    r"^lighttpd": (Layer.ORIGIN, "lighttpd"),
    r"^microsoft-iis": (Layer.ORIGIN, "iis"),
    r"^h2o": (Layer.ORIGIN, "h2o"),
    r"^caddy": (Layer.GATEWAY, "caddy"),
    r"^gunicorn": (Layer.APP, "gunicorn"),
    r"^uvicorn": (Layer.APP, "uvicorn"),
    r"^werkzeug": (Layer.APP, "flask"),
    r"^(apache-coyote|tomcat)": (Layer.ORIGIN, "tomcat"),
    r"^kestrel": (Layer.APP, "aspnet"),
    r"^(base|simple)http/": (Layer.APP, "python-app-server"),
    r"^tornado": (Layer.APP, "tornado"),
    r"^jetty": (Layer.ORIGIN, "jetty"),
    r"^amazons3": (Layer.ORIGIN, "aws-s3"),
    r"^openresty": (Layer.ORIGIN, "openresty"),
    r"^litespeed": (Layer.ORIGIN, "litespeed"),
    r"^envoy": (Layer.GATEWAY, "envoy"),
    r"^(ats/|apachetrafficserver)": (Layer.CDN, "trafficserver"),
    r"^varnish": (Layer.CDN, "varnish"),
}
PAGES = (
    (r"<hr><center>(nginx|openresty|angie|tengine)", "nginx", "nginx's own page"),
    (
        r"<title>4\d\d [\w ]+</title>.{0,200}<h1>[\w ]+</h1>\s*<p>You don't have permission to access this resource",
        "apache",
        "Apache's own page",
    ),
    (
        r"<h1>Forbidden</h1>\s*<p>You don't have permission to access [^<]{0,200}on this server\.<br",
        "apache",
        "Apache's own page",
    ),
    (r"<h1>Forbidden</h1>\s*<p>You don't have permission", "apache", "Apache's own page"),
    (
        r'^<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2\.0//EN">\s*<html><head>\s*<title>[45]\d\d [\w ]+</title>',
        "apache",
        "Apache's own page",
    ),
    (
        r"<h2>HTTP Error 40[13]|IIS.{0,40}Detailed Error|Server Error in '/' Application|"
        r"403 - Forbidden: Access is denied",
        "iis",
        "an IIS page",
    ),
    (r"<h1>HTTP Status 40\d", "tomcat", "Tomcat's own page"),
    (
        r"^<\?xml version=\"1\.0\" encoding=\"iso-8859-1\"\?>.{0,300}<title>[45]\d\d [\w ]{1,40}</title>",
        "lighttpd",
        "lighttpd's own page",
    ),
)


OWN_PAGES = re.compile(r"nginx|apache(?!-coyote|.*traffic)|lighttpd|openresty", re.IGNORECASE)
"""servers whose own pages PAGES knows"""


def placed(layer: Layer, scene: Scene) -> Layer:
    """Where a product of that layer stands here: a web server that passes requests on is a gateway or a proxy."""
    request = scene.exchange.request
    if request is not None and request.method == "CONNECT":
        return Layer.FORWARD_PROXY
    return Layer.GATEWAY if scene.passes_on and layer in (Layer.ORIGIN, Layer.APP) else layer


def _marks(scene: Scene, found: Collection) -> None:
    assert scene.exchange.response is not None
    marks = list(find_marks(scene.exchange.response, scene.body))
    weak = (Proves.FORWARDED, Proves.CAUSE)
    sure = {
        m.product.id
        for m in marks
        if not GENERIC.match(m.mark.at) or (m.mark.proves not in weak and m.mark.at != "header:expires")
    }
    if len(scene.exchange.response.get_all("server")) > 1:  # of two who name themselves one relayed: neither is proof
        marks = [m for m in marks if m.mark.at != "header:server" or m.mark.proves is not Proves.GENERATED]
    speaking = {m.product.id for m in marks if m.mark.proves is not Proves.CAUSE}
    specific = {m.product.id for m in marks if not (m.mark.at == "body" and m.mark.strength is Strength.WEAK)}
    guessed = {m.product.layer for m in marks if m.product.id in sure - specific}
    if len(guessed) > 1:  # words that products of several layers send tell none of them
        sure &= specific
    for mark in marks:
        if mark.product.id in sure and not mark.product.id.startswith("std:"):
            _mark(scene, found, mark, alone=mark.product.id not in specific, known=mark.product.id in speaking)


def _mark(scene: Scene, found: Collection, hit: Found, *, alone: bool, known: bool) -> None:
    """`alone`: only by a weak mark in the body; `known`: by another mark than words for a cause."""
    product, mark, where, value = hit
    layer, weight = placed(product.layer, scene), WEIGHT[mark.strength]
    if layer is Layer.WAF and mark.cause in OF_EDGES:
        layer = Layer.CDN
    if product.name.startswith(ANY):
        _mark_of_any(scene, found, hit)
        return
    if alone:
        weight *= 0.4
    if mark.proves is Proves.GENERATED:
        says, kind = f"{product.name} writes this on answers of its own", "generated"
    elif mark.proves is Proves.FORWARDED:
        if scene.asked_nobody:
            return
        says, kind = f"{product.name} leaves this on answers that it relays", "forwarded"
    elif mark.proves is Proves.PRESENT:
        at_end = layer in (Layer.ORIGIN, Layer.APP) and where != "response header server"
        says, kind = f"{product.name} is on the path", "present"
        weight *= PRESENCE_AT_END if at_end else PRESENCE
    elif known or mark.strength is Strength.STRONG:
        says, kind, weight = f"{product.name} says why in this way", "generated", weight * (0.8 if known else 0.3)
    else:  # words that others use as well: of a product that nothing else speaks of
        return
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
    if mark.cause is not None:
        found.add(
            f"{product.name} means {mark.cause} by it",
            f"cause:{mark.cause}",
            MEANT[mark.strength],
            exchange=scene.exchange,
            where=where,
            value=value,
            reference=product.source,
        )


def _mark_of_any(scene: Scene, found: Collection, hit: Found) -> None:
    """A mark that belongs to a kind of product: it tells the cause, and the layer of a forward proxy, no name."""
    if hit.mark.cause is not None:
        found.add(
            f"{hit.product.name} means {hit.mark.cause} by it",
            f"cause:{hit.mark.cause}",
            MEANT[hit.mark.strength],
            exchange=scene.exchange,
            where=hit.where,
            value=hit.value,
            reference=hit.product.source,
        )
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


def _standards(scene: Scene, found: Collection) -> None:
    assert scene.exchange.response is not None
    response = scene.exchange.response
    for told in standards.read_fields(response):
        second = SECOND_MARK.get(told.product or "")
        alone = second is not None and response.get(second) is None
        if told.said == "forwarded" and (scene.asked_nobody or alone or _spoke(told.product, found)):
            continue
        found.add(
            told.says,
            f"{told.said}:{told.layer or Layer.GATEWAY}",
            told.weight,
            exchange=scene.exchange,
            where=told.where,
            value=told.value,
            reference=told.reference,
            product=told.product,
        )


def _spoke(product: str | None, found: Collection) -> bool:
    """It left a mark of answers of its own: then its name in Via, which some write on those as well, proves nothing."""
    return product is not None and any(
        e.product == product and e.supports.startswith("generated") and e.weight >= WEIGHT[Strength.MEDIUM]
        for e in found.items
    )


@cache
def _pages_known() -> Index[tuple[str, str]]:
    return Index((like, (product, says)) for like, product, says in PAGES)


@lru_cache(4096)
def _server_named(value: str) -> tuple[Layer, str] | None:
    """Layer and product that a Server field names."""
    return next((known for like, known in SERVERS.items() if re.match(like, value, re.IGNORECASE)), None)


def _pages(scene: Scene, found: Collection) -> None:
    """A page that a web server writes itself; or another one than the server that names itself writes."""
    for (product, says), hit in _pages_known().matches(scene.body):
        found.add(
            f"the body is {says}: the server made it, not an application behind it",
            f"generated:{placed(Layer.ORIGIN, scene)}",
            1.6,
            exchange=scene.exchange,
            where="response body",
            value=hit.group(0),
            product=product,
        )
        return
    response = scene.exchange.response
    assert response is not None
    server, kind = response.get("server") or "", response.get("content-type") or ""
    if server.lower().startswith("apache") and kind.lower() == "text/html; charset=iso-8859-1":
        found.add(
            "Apache writes this content type on errors of its own, also where their text was configured",
            f"generated:{placed(Layer.ORIGIN, scene)}",
            1.4,
            exchange=scene.exchange,
            where="response header content-type",
            value=kind,
            product="apache",
            reference="apache/httpd modules/http/http_protocol.c: ap_send_error_response",
        )
    elif scene.body.strip() and not scene.asked_nobody and OWN_PAGES.match(server):
        for supports, weight in ((f"against:{Layer.ORIGIN}", 0.9), (f"generated:{Layer.APP}", 0.4)):
            found.add(
                f"{server.partition('/')[0]} is named, and this is not the page that it writes itself",
                supports,
                weight,
                exchange=scene.exchange,
                where="response body",
                value=scene.body[:80],
            )


def _server(scene: Scene, found: Collection) -> None:
    """The Server field: of the last who writes one; of the speaker itself where nobody else can have."""
    assert scene.exchange.response is not None
    servers = scene.exchange.response.get_all("server")
    relayed = bool(scene.exchange.response.get("via") or scene.exchange.response.get("age") or len(servers) > 1)
    if servers and (known := _server_named(servers[0])) is not None:
        layer, product = known
        if scene.asked_nobody:
            says, weight = f"the server that spoke, and asked nobody, calls itself {product}", 2.6
        elif relayed:
            says, weight = f"the Server field names {product}; others may have written or kept it", 0.5
        else:
            says, weight = f"the Server field names {product}", 1.0
        if layer is Layer.APP and not scene.asked_nobody:
            says += ", which no hop in front does on answers of its own"
            weight += AT_END
        found.add(
            says,
            f"present:{placed(layer, scene)}",
            weight,
            exchange=scene.exchange,
            where="response header server",
            value=servers[0],
            product=product,
            reference="RFC 9110 section 10.2.4",
        )
    if len(servers) > 1 and any(s.lower().startswith("caddy") for s in servers):
        found.add(
            "two Server fields: Caddy adds its own to what it relays",
            f"forwarded:{Layer.GATEWAY}",
            3.6,
            exchange=scene.exchange,
            where="response header server",
            value=", ".join(servers),
            product="caddy",
            reference="measured against Caddy 2.6",
        )


def _named_but_alone(scene: Scene, found: Collection) -> None:
    """Hops that name themselves on every answer, and leave a second mark on those from behind: here without it."""
    response = scene.exchange.response
    assert response is not None
    via = ", ".join(response.get_all("via"))
    server = response.get("server") or ""
    if re.search(r"envoy", f"{via} {server}", re.IGNORECASE) and response.get("x-envoy-upstream-service-time") is None:
        weight = 3.4 if server.lower().startswith("envoy") else 2.6
        built_on_it = any(
            e.supports == f"generated:{Layer.GATEWAY}" and e.product not in (None, "envoy") and e.weight >= 2
            for e in found.items
        )
        found.add(
            "Envoy names itself, and x-envoy-upstream-service-time, which it adds to answers from behind, is absent",
            f"generated:{Layer.GATEWAY}",
            weight,
            exchange=scene.exchange,
            where="response header via",
            value=via or server,
            product=None if built_on_it else "envoy",
            reference="https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/router_filter",
        )
    if re.search(r"ApacheTrafficServer|^ATS/", f"{via} {server}") and response.get("age") is None:
        found.add(
            "Traffic Server names itself, and Age, which it adds to what it relays, is absent",
            f"generated:{Layer.CDN}",
            3.2,
            exchange=scene.exchange,
            where="response header server",
            value=server or via,
            product="trafficserver",
            reference="measured against Traffic Server 9.2",
        )


def _tunnel(scene: Scene, found: Collection) -> None:
    exchange = scene.exchange
    assert exchange.response is not None
    if exchange.request and exchange.request.method == "CONNECT":
        found.add(
            "only a forward proxy answers CONNECT",
            f"generated:{Layer.FORWARD_PROXY}",
            7.0,
            exchange=exchange,
            where="request method",
            value="CONNECT",
            reference="RFC 9110 section 9.3.6",
        )
    elif exchange.response.status == 407:
        found.add(
            "407 is a proxy's own demand for credentials",
            f"generated:{Layer.FORWARD_PROXY}",
            6.0,
            exchange=exchange,
            where="response status line",
            value="407",
            reference="RFC 9110 section 15.5.8",
        )
    elif exchange.response.status == 511:
        found.add(
            "511 comes from a proxy that controls access to the network",
            f"generated:{Layer.FORWARD_PROXY}",
            6.0,
            exchange=exchange,
            where="response status line",
            value="511",
            reference="RFC 6585 section 6",
        )


def _service(scene: Scene, found: Collection) -> None:
    request = scene.exchange.request
    if request is None or request.method == "CONNECT":
        return
    for named in services.services_at(request):
        found.add(
            f"the request names {named.service.product}, which is asked in this way",
            f"present:{named.service.layer}",
            named.weight,
            exchange=scene.exchange,
            where=named.where,
            value=named.value,
            reference=named.service.reference,
            product=named.service.product,
        )


RULES = (
    ("marks", _marks),
    ("standards", _standards),
    ("page", _pages),
    ("shape", rules_shape.collect),
    ("server", _server),
    ("alone", _named_but_alone),
    ("tunnel", _tunnel),
    ("role", rules_role.collect),
    ("payload", rules_payload.collect),
    ("role", rules_role.tell),
    ("service", _service),
    ("position", rules_position.collect),
)
"""kind of evidence, and who looks for it; later ones may look at what earlier ones found"""
