"""Rules that say which layer made an answer, apart from the marks of single products."""

from __future__ import annotations

import re

from tracer.model.verdict import Layer

from . import services, standards
from .cues import attack_in
from .evidence import Collection
from .marks import Proves, Strength, find_marks
from .scene import Scene
from .vantage import host_of

WEIGHT = {Strength.STRONG: 3.6, Strength.MEDIUM: 2.2, Strength.WEAK: 1.0}
SERVERS = {
    r"^nginx": (Layer.ORIGIN, "nginx"), r"^apache(?!-coyote|.*traffic)": (Layer.ORIGIN, "apache"),
    r"^lighttpd": (Layer.ORIGIN, "lighttpd"), r"^microsoft-iis": (Layer.ORIGIN, "iis"), r"^h2o": (Layer.ORIGIN, "h2o"),
    r"^caddy": (Layer.GATEWAY, "caddy"), r"^gunicorn": (Layer.APP, "gunicorn"), r"^uvicorn": (Layer.APP, "uvicorn"),
    r"^werkzeug": (Layer.APP, "werkzeug"), r"^(apache-coyote|tomcat)": (Layer.ORIGIN, "tomcat"),
    r"^kestrel": (Layer.APP, "aspnet"), r"^tornado": (Layer.APP, "tornado"), r"^jetty": (Layer.ORIGIN, "jetty"),
    r"^amazons3": (Layer.ORIGIN, "aws-s3"), r"^openresty": (Layer.ORIGIN, "openresty"), r"^litespeed": (Layer.ORIGIN, "litespeed"),
}  # fmt: skip
PAGES = (
    (r"<hr><center>(nginx|openresty|angie|tengine)", "nginx", "nginx's own page"),
    (r"<title>403 Forbidden</title>.*You don't have permission to access this resource", "apache", "Apache's own page"),
    (r"You don't have permission to access .{0,200} on this server", "apache", "Apache's own page"),
    (r"<h1>Forbidden</h1>\s*<p>You don't have permission", "apache", "Apache's own page"),
    (r"<h2>HTTP Error 40[13]|IIS.{0,40}Detailed Error|Server Error in '/' Application|403 - Forbidden: Access is denied", "iis", "an IIS page"),
    (r"<h1>HTTP Status 40\d", "tomcat", "Tomcat's own page"),
)  # fmt: skip


def collect(scene: Scene, found: Collection) -> None:
    """All evidence about the layer."""
    response = scene.exchange.response
    assert response is not None
    _marks(scene, found)
    _standards(scene, found)
    _pages(scene, found)
    _shape(scene, found)
    _tunnel(scene, found)
    _payload(scene, found)
    _service(scene, found)


def _service(scene: Scene, found: Collection) -> None:
    request = scene.exchange.request
    if request is None or request.method == "CONNECT":
        return
    for service, host in services.services_at(request):
        found.add(f"{service.product} answers under this name", f"present:{service.layer}", services.WEIGHT,
                  exchange=scene.exchange, where="request host", value=host, reference=service.reference,
                  product=service.product)  # fmt: skip


def _marks(scene: Scene, found: Collection) -> None:
    exchange = scene.exchange
    assert exchange.response is not None
    for product, mark, where, value in find_marks(exchange.response, scene.body):
        weight = WEIGHT[mark.strength]
        if mark.proves is Proves.GENERATED:
            says, kind = f"{product.name} writes this on answers of its own", "generated"
        elif mark.proves is Proves.FORWARDED:
            says, kind = f"{product.name} leaves this on answers that it relays", "forwarded"
        elif mark.proves is Proves.PRESENT:
            says, kind, weight = f"{product.name} is on the path", "present", weight * 0.16
        else:
            says, kind, weight = f"{product.name} says why in this way", "generated", weight * 0.8
        found.add(says, f"{kind}:{product.layer}", weight, exchange=exchange, where=where, value=value,
                  reference=product.source, product=product.id)  # fmt: skip
        if mark.cause is not None:
            found.add(f"{product.name} means {mark.cause} by it", f"cause:{mark.cause}", WEIGHT[mark.strength],
                      exchange=exchange, where=where, value=value, reference=product.source)  # fmt: skip


def _standards(scene: Scene, found: Collection) -> None:
    assert scene.exchange.response is not None
    for told in standards.read_fields(scene.exchange.response):
        layer = told.layer or Layer.GATEWAY
        found.add(told.says, f"{told.said}:{layer}", told.weight, exchange=scene.exchange, where=told.where,
                  value=told.value, reference=told.reference, product=told.product)  # fmt: skip


def _pages(scene: Scene, found: Collection) -> None:
    exchange = scene.exchange
    assert exchange.response is not None
    server = exchange.response.get("server") or ""
    for pattern, product, says in PAGES:
        hit = re.search(pattern, scene.body, re.IGNORECASE | re.DOTALL)
        if hit:
            found.add(f"the body is {says}: the server made it, not an application behind it", f"generated:{Layer.ORIGIN}", 1.6,
                      exchange=exchange, where="response body", value=hit.group(0), product=product)  # fmt: skip
            break
    for pattern, (layer, product) in SERVERS.items():
        if re.match(pattern, server, re.IGNORECASE):
            found.add(f"the Server field names {product}", f"present:{layer}", 0.7, exchange=exchange,
                      where="response header server", value=server, product=product, reference="RFC 9110 section 10.2.4")  # fmt: skip
            break


def _shape(scene: Scene, found: Collection) -> None:
    """What the answer looks like: applications speak JSON, set cookies and challenge; bare servers do not."""
    exchange, body = scene.exchange, scene.body.lstrip()
    assert exchange.response is not None
    kind = (exchange.response.get("content-type") or "").lower()
    if "json" in kind or body[:1] in ("{", "["):
        found.add("the answer is JSON, as applications and gateways write it", f"generated:{Layer.APP}", 1.0,
                  exchange=exchange, where="response body", value=body[:80])  # fmt: skip
        found.add("the answer is JSON: a bare web server would not", f"against:{Layer.ORIGIN}", 0.6,
                  exchange=exchange, where="response body", value=body[:40])  # fmt: skip
    challenge = exchange.response.get("www-authenticate")
    if challenge and re.match(r"(?i)bearer|token|jwt", challenge):
        found.add("a Bearer challenge: applications and gateways ask for tokens", f"generated:{Layer.APP}", 0.6,
                  exchange=exchange, where="response header www-authenticate", value=challenge,
                  reference="RFC 6750 section 3")  # fmt: skip
    for name in ("x-powered-by", "x-runtime", "x-frame-options", "x-aspnet-version", "x-request-id"):
        value = exchange.response.get(name)
        if value is not None:
            found.add(f"{name} is written by applications", f"generated:{Layer.APP}", 0.45,
                      exchange=exchange, where=f"response header {name}", value=value)  # fmt: skip


def _tunnel(scene: Scene, found: Collection) -> None:
    exchange = scene.exchange
    assert exchange.response is not None
    if exchange.request and exchange.request.method == "CONNECT":
        found.add("only a forward proxy answers CONNECT", f"generated:{Layer.FORWARD_PROXY}", 7.0, exchange=exchange,
                  where="request method", value="CONNECT", reference="RFC 9110 section 9.3.6")  # fmt: skip
    elif exchange.response.status == 407:
        found.add("407 is a proxy's own demand for credentials", f"generated:{Layer.FORWARD_PROXY}", 6.0,
                  exchange=exchange, where="response status line", value="407", reference="RFC 9110 section 15.5.8")  # fmt: skip


def _payload(scene: Scene, found: Collection) -> None:
    """A request that looks like an attack, refused: more often a firewall than anybody else."""
    from urllib.parse import unquote_plus

    request = scene.exchange.request
    if request is None or scene.exchange.response is None or scene.exchange.response.status in (401, 407):
        return
    looked_at = unquote_plus(request.target) + " " + " ".join(request.get_all("user-agent"))
    hit = attack_in(looked_at)
    if hit:
        found.add(f"the request carries what rules against {hit[0]} look for", f"generated:{Layer.WAF}", 1.8,
                  exchange=scene.exchange, where="request target", value=hit[1], reference="OWASP Core Rule Set")  # fmt: skip
        found.add(f"the request carries what rules against {hit[0]} look for", "cause:waf-rule", 2.4,
                  exchange=scene.exchange, where="request target", value=hit[1], reference="OWASP Core Rule Set")  # fmt: skip


def position(scene: Scene, found: Collection) -> None:
    """What the other vantage points prove: how deep the denial went, and what stands there."""
    if not scene.many_seen:
        return
    deepest = scene.exchange
    server = host_of(scene.server)
    where = f"packets from {server}"
    if server in scene.proxies:
        for layer, weight in ((Layer.ORIGIN, 2.2), (Layer.APP, 3.0)):
            found.add("the deciding server passes other requests on: it is no end of the path", f"against:{layer}", weight,
                      exchange=deepest, where=where, value=server)  # fmt: skip
    else:
        for layer in (Layer.CDN, Layer.WAF, Layer.GATEWAY, Layer.FORWARD_PROXY):
            found.add("the deciding server never passes a request on: it is the end of the path", f"against:{layer}", 2.0,
                      exchange=deepest, where=where, value=server)  # fmt: skip
