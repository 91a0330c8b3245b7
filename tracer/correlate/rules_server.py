"""Which server wrote an answer: by the page that is its own, the name that it gives, what it adds when it relays."""

from __future__ import annotations

import re
from functools import cache, lru_cache

from tracer.model.verdict import Layer

from .evidence import Collection
from .literals import Index
from .scene import Scene, placed

AT_END = 0.8
"""how much more the name of an application's server says: hops in front name themselves, or nobody"""
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
    r"^twistedweb": (Layer.APP, "twisted"),
    r"^(cherrypy|cheroot)": (Layer.APP, "cherrypy"),
    r"^python/[\d.]+ aiohttp": (Layer.APP, "aiohttp"),
    r"^hypercorn": (Layer.APP, "hypercorn"),
    r"^daphne": (Layer.APP, "daphne"),
    r"^waitress": (Layer.APP, "waitress"),
    r"^mojolicious": (Layer.APP, "mojolicious"),
    r"^puma": (Layer.APP, "puma"),
    r"^mini_httpd": (Layer.ORIGIN, "mini-httpd"),
    r"^transmission": (Layer.APP, "transmission"),
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
        r'^<!DOCTYPE HTML PUBLIC "-//(IETF//DTD HTML 2\.0|W3C//DTD HTML 4\.01)//EN"[^>]{0,60}>\s*<html><head>\s*'
        r"<title>[45]\d\d [\w ]+</title>",
        "apache",
        "Apache's own page",
    ),
    (
        r"<h2>HTTP Error 40\d\.\d+ |IIS.{0,40}Detailed Error|Server Error in '/' Application|"
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


WITH_APACHE = re.compile(r"apache(?!-coyote|.*traffic)|nginx|openresty|cloudflare", re.IGNORECASE)
"""Apache, and servers that stand before one and put their name over its own; none of them writes that content type"""
SERVER = "response header server"
NAMED = re.compile(r"([A-Za-z][\w.-]{2,30})(/[\w.+-]+)?( \([^()]*\))?")
"""one product as RFC 9110 section 10.1.5 writes it, perhaps with a comment"""
NO_NAMES = frozenset((
    "server", "webserver", "web-server", "web", "http", "https", "httpd", "unknown", "none", "null", "nil", "proxy",
    "gateway", "waf", "cdn", "edge", "origin", "default", "secure", "hidden", "private", "protected", "cloud", "api",
    "app", "backend", "frontend", "localhost", "undefined", "test", "www",
))  # fmt: skip
OWN_PAGES = re.compile(r"nginx|apache(?!-coyote|.*traffic)|lighttpd|openresty", re.IGNORECASE)
"""servers whose own pages PAGES knows"""


@cache
def _pages_known() -> Index[tuple[str, str]]:
    return Index((like, (product, says)) for like, product, says in PAGES)


@lru_cache(4096)
def _server_named(value: str) -> tuple[Layer, str] | None:
    """Layer and product that a Server field names."""
    return next((known for like, known in SERVERS.items() if re.match(like, value, re.IGNORECASE)), None)


def page(scene: Scene, found: Collection) -> None:
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
    if WITH_APACHE.match(server) and kind.lower() == "text/html; charset=iso-8859-1":
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
    elif OWN_PAGES.match(server) and not scene.asked_nobody:
        _no_own_page(scene, server.partition("/")[0], kind, found)


def _no_own_page(scene: Scene, server: str, kind: str, found: Collection) -> None:
    """A web server names itself, and writes a page with each refusal of its own: here is another text, or none."""
    if not scene.body.strip() and not _is_empty(scene):
        return
    against, app = 0.9, 0.4
    if server.lower().startswith("lighttpd") and not kind.lower().startswith("text/html"):
        against, app = 2.2, 0.8  # it has no setting for another text than a file of HTML
    elif not scene.body:
        against, app = 1.2, 0.6
    for supports, weight in ((f"against:{Layer.ORIGIN}", against), (f"generated:{Layer.APP}", app)):
        found.add(
            f"{server} is named, and this is not the page that it writes itself",
            supports,
            weight,
            exchange=scene.exchange,
            where="response body",
            value=scene.body[:80],
        )


def _is_empty(scene: Scene) -> bool:
    """The answer has no content, and not only none because a method or status forbids it."""
    request, response = scene.exchange.request, scene.exchange.response
    if request is None or response is None or request.method == "HEAD" or response.body.size:
        return False
    if response.status not in (401, 403, 405):  # nginx has no page for every status
        return False
    return response.get("content-length") == "0" and response.body.complete


def named(scene: Scene, found: Collection) -> None:
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
    elif servers and not relayed and (name := _unheard_of(servers[0])) and not _is_marked(found):
        for layer in (Layer.WAF, Layer.CDN):
            found.add(
                f"the Server field names {name}: whoever protects or carries sites for others is known by name",
                f"against:{layer}",
                0.8,
                exchange=scene.exchange,
                where=SERVER,
                value=servers[0],
                product=name,
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


def _unheard_of(value: str) -> str | None:
    """The id of a program that calls itself by a name of its own; None for words that say nothing."""
    hit = NAMED.fullmatch(value.strip())
    name = re.sub(r"[._]+", "-", hit[1].lower()).strip("-") if hit else ""
    return name if name and name not in NO_NAMES else None


def _is_marked(found: Collection) -> bool:
    """A mark knows the name, or there is a program that is known to have written the answer."""
    return any(e.product and (e.seen.where == SERVER or e.supports.startswith("generated")) for e in found.items)


def alone(scene: Scene, found: Collection) -> None:
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
            where="response header via" if "envoy" in via.lower() else "response header server",
            value=via if "envoy" in via.lower() else server,
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
