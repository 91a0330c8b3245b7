"""What the answer looks like, apart from the marks of single products: how programs of a kind write answers."""

from __future__ import annotations

import re

from tracer.model.http import Response
from tracer.model.verdict import Evidence, Layer

from .evidence import Collection
from .scene import Scene

FILE_TAGS = (
    (r'(W/)?"[0-9a-f]{8}-[0-9a-f]{1,8}"', "nginx"),
    (r'(W/)?"[0-9a-f]{1,8}-[0-9a-f]{12,14}(;[\w:]+)?"', "apache"),
)
"""nginx: time-size, both hexadecimal; Apache: size-time, the time in microseconds"""
KEPT_FORM = 1.4
"""weight of the form of a header that was not read from packets: whoever kept it may have left out and renamed"""
GO_TEXT = "text/plain; charset=utf-8"
"""what Go's net/http says of text where the handler names no type"""
CONTAINERS = frozenset({"jetty", "tomcat", "iis"})
OVERWRITES = re.compile(r"$|nginx|openresty|apache|ats/", re.IGNORECASE)
"""Server fields that say nothing of who answered: none, or of a hop that puts its name over others"""
NAMES_A_GATEWAY = re.compile(r"x-([\w-]+-)?(gateway|gw)(-[\w-]+)?|(api-?)?gateway(-[\w-]+)?")
DEFAULTS: dict[str, tuple[str, float, str]] = {
    "no-cache, private": ("Symfony's HttpFoundation, and with it Laravel,", 0.9, "laravel"),
    "max-age=0, private, must-revalidate": ("Plug (Phoenix; Rack::ETag on good answers alone)", 1.6, "phoenix"),
}
"""values of Cache-Control: who writes them where the application says nothing, how sure that is, and which product is
most often meant where nothing else names one"""
OF_SPRING = "no-cache, no-store, max-age=0, must-revalidate"
OF_APPLICATIONS = ("x-powered-by", "x-runtime", "x-frame-options", "x-aspnet-version", "x-request-id")


def collect(scene: Scene, found: Collection) -> None:
    """Evidence from the form of body and header."""
    response = scene.exchange.response
    assert response is not None
    _json(scene, response, found)
    _asks_who(scene, response, found)
    _fields(scene, response, found)
    _haproxy(scene, response, found)
    _bare_word(scene, response, found)
    _returned(scene, response, found)
    _file(scene, response, found)
    _inside_a_container(found)


def _file(scene: Scene, response: Response, found: Collection) -> None:
    """An error page that is a file: its ETag is made of the file's time and size, as web servers do it."""
    tag, dated = response.get("etag") or "", response.get("last-modified") or response.get("accept-ranges")
    if dated and re.fullmatch(FILE_TAGS[0][0], tag) and response.status >= 400:
        for supports, weight in ((f"against:{Layer.ORIGIN}", 2.6), (f"generated:{Layer.GATEWAY}", 0.6)):
            found.add(
                "a file from nginx with its date, which nginx leaves out of refusals of its own: a hop in front "
                "put it in place of another answer",
                supports,
                weight,
                exchange=scene.exchange,
                where="response header last-modified",
                value=dated,
                reference="nginx, ngx_http_header_filter: no Last-Modified with an error's status",
            )
        return
    for pattern, product in FILE_TAGS:
        if re.fullmatch(pattern, tag) and (dated or product in (response.get("server") or "").lower()):
            found.add(
                f"the page is a file: {product} makes its ETag of a file's time and size",
                f"generated:{Layer.ORIGIN}",
                2.4,
                exchange=scene.exchange,
                where="response header etag",
                value=tag,
                product=product,
                reference="RFC 9110 section 8.8.3",
            )
            return


def _inside_a_container(found: Collection) -> None:
    """Servers that run the application within themselves put its words into a page of their own."""
    app = any(e.supports == f"generated:{Layer.APP}" and e.product and e.weight >= 3 for e in found.items)
    for item in found.items if app else ():
        if item.supports == f"generated:{Layer.ORIGIN}" and item.product in CONTAINERS:
            found.add(
                f"the page of {item.product} holds the words of the application that runs in it",
                f"against:{Layer.ORIGIN}",
                3.0,
                where="response body",
                value=item.seen.value,
            )
            return


def _json(scene: Scene, response: Response, found: Collection) -> None:
    body, kind = scene.body.lstrip(), (response.get("content-type") or "").lower()
    if "json" not in kind and body[:1] not in ("{", "["):
        return
    for layer, weight in ((Layer.APP, 0.75), (Layer.GATEWAY, 0.32)):
        found.add(
            "the answer is JSON, as applications and gateways write it",
            f"generated:{layer}",
            weight,
            exchange=scene.exchange,
            where="response body",
            value=body[:80],
        )
    found.add(
        "the answer is JSON: a bare web server would not",
        f"against:{Layer.ORIGIN}",
        0.6,
        exchange=scene.exchange,
        where="response body",
        value=body[:40],
    )


def _asks_who(scene: Scene, response: Response, found: Collection) -> None:
    """401: who asks for credentials knows callers, as firewalls and CDNs seldom do."""
    for layer, weight in ((Layer.WAF, 0.8), (Layer.CDN, 0.6)) if response.status == 401 else ():
        found.add(
            f"401 asks who the caller is, which a {layer} seldom does",
            f"against:{layer}",
            weight,
            exchange=scene.exchange,
            where="response status line",
            value="401",
            reference="RFC 9110 section 15.5.2",
        )


def _fields(scene: Scene, response: Response, found: Collection) -> None:
    challenge = response.get("www-authenticate")
    if challenge and re.match(r"(?i)bearer|token|jwt", challenge):
        found.add(
            "a Bearer challenge: applications and gateways ask for tokens",
            f"generated:{Layer.APP}",
            0.6,
            exchange=scene.exchange,
            where="response header www-authenticate",
            value=challenge,
            reference="RFC 6750 section 3",
        )
    kind = response.get("content-type") or ""
    if re.fullmatch(r"[a-z/+.-]+;charset=(UTF|utf|ISO|iso)-[\w-]+", kind):
        found.add(
            "a content type without a space before charset: so Java's frameworks and fetch() write it, no web server",
            f"generated:{Layer.APP}",
            0.9,
            exchange=scene.exchange,
            where="response header content-type",
            value=kind,
        )
    named = next(
        (n for raw, _ in response.headers if NAMES_A_GATEWAY.fullmatch(n := raw.decode("latin-1").lower())), None
    )
    if named is not None:
        found.add(
            f"the field {named} speaks of a gateway",
            f"present:{Layer.GATEWAY}",
            1.0,
            exchange=scene.exchange,
            where=f"response header {named}",
            value=response.get(named) or "",
        )
    _caching(scene, response, found)
    for name in OF_APPLICATIONS:
        value = response.get(name)
        if value is not None:
            found.add(
                f"{name} is written by applications",
                f"generated:{Layer.APP}",
                1.3 if name == "x-powered-by" and not value.startswith("ASP.NET") else 0.45,  # IIS adds that itself
                exchange=scene.exchange,
                where=f"response header {name}",
                value=value,
            )


def _caching(scene: Scene, response: Response, found: Collection) -> None:
    """Cache-Control as frameworks write it where the application says nothing."""
    caching = response.get("cache-control") or ""
    if caching in DEFAULTS:
        writer, weight, product = DEFAULTS[caching]
        guessed = weight < 1 and any(_names_one(e, Layer.APP) for e in found.items)
        found.add(
            f"{writer} writes this Cache-Control where the application says nothing",
            f"generated:{Layer.APP}",
            weight,
            exchange=scene.exchange,
            where="response header cache-control",
            value=caching,
            product=None if guessed or response.get("etag") else product,  # old versions of Rack had an ETag beside it
        )
    if caching == OF_SPRING and response.get("expires") == "0" and response.get("pragma") == "no-cache":
        found.add(
            "Cache-Control, Pragma and Expires as Spring Security adds them to what passes through it",
            f"generated:{Layer.APP}",
            1.4,
            exchange=scene.exchange,
            where="response header cache-control",
            value=caching,
            product="spring-security",
            reference="https://docs.spring.io/spring-security/reference/features/exploits/headers.html",
        )


def _names_one(item: Evidence, layer: Layer) -> bool:
    return item.product is not None and item.supports in (f"generated:{layer}", f"present:{layer}")


def _haproxy(scene: Scene, response: Response, found: Collection) -> None:
    """HAProxy's own answers carry neither Date nor Server, and lower-case names also in HTTP/1."""
    names = [n for n, _ in response.headers]
    if not names or response.get("date") or response.get("server") or response.get("grpc-status"):
        return
    if any(e.supports == f"generated:{Layer.APP}" and e.product and e.weight >= 3 for e in found.items):
        return  # an application says who it is: Sanic leaves Date out as well
    size, kind = response.get("content-length"), response.get("content-type") or ""
    if response.get("via") or any(n != n.lower() for n in names) or size is None or response.status == 401:
        return  # its own challenge comes with its own page; Vert.x and Quarkus send one alone in this shape
    weight = 2.0 if size == "0" or "charset" in kind else 3.4  # else it may as well be Vert.x's, Netty's or Sanic's
    if not response.version.startswith("HTTP/1"):
        weight = min(weight, 2.0)  # HTTP/2 has no other case
    says = "no Date, no Server, all names in lower case: so HAProxy writes answers of its own"
    if not scene.exchange.packets:
        weight = min(weight, KEPT_FORM)
        says += ", and so do those who recorded an answer from elsewhere"
    found.add(
        says,
        f"generated:{Layer.GATEWAY}",
        weight,
        exchange=scene.exchange,
        where="response header content-length",
        value=size,
        product="haproxy",
        reference="measured against HAProxy 2.6",
    )


def _bare_word(scene: Scene, response: Response, found: Collection) -> None:
    """`Forbidden` alone: Express, Koa, Bun, Starlette, Go programs and gateways send it; fields tell some."""
    word = scene.body.strip().lower()
    if word not in ("forbidden", "unauthorized"):
        return
    untyped = response.get("content-type") is None and OVERWRITES.match(response.get("server") or "")
    if scene.body == "Forbidden" and untyped:
        _as_traefik(scene, "one word without a type, which Go's server would have named", found)
        return
    if response.get("server"):
        return
    tag = response.get("etag") or ""
    if tag.startswith('W/"') or response.get("x-powered-by") == "Express":
        found.add(
            "one word with a weak ETag: res.sendStatus of Express",
            f"generated:{Layer.APP}",
            2.4,
            exchange=scene.exchange,
            where="response body",
            value=scene.body,
            product="express",
            reference="expressjs/express lib/response.js",
        )
        for role, product, weight in ((Layer.APP, "express", 0.0), (Layer.GATEWAY, "express-gateway", -2.4)):
            found.add(
                "gateways that are built on Express refuse in the same way as its applications",
                f"role:{role}",
                weight,
                exchange=scene.exchange,
                where="response body",
                value=scene.body,
                product=product,
                reference="ExpressGateway/express-gateway lib/policies",
            )
    elif response.get("keep-alive") or response.get("connection") == "keep-alive":
        found.add(
            "one word from Node's server",
            f"generated:{Layer.APP}",
            1.2,
            exchange=scene.exchange,
            where="response body",
            value=scene.body,
        )
    elif scene.body.endswith("\n") and response.get("x-content-type-options") == "nosniff":
        found.add(
            "one word, a line end and nosniff: http.Error of Go, which programs call themselves",
            f"generated:{Layer.APP}",
            1.6,
            exchange=scene.exchange,
            where="response body",
            value=scene.body,
            reference="golang/go net/http: func Error",
        )
    elif word == "forbidden" and not response.get("via") and (response.get("content-type") or GO_TEXT) == GO_TEXT:
        _as_traefik(scene, "one word, no Server, no connection fields", found)


def _as_traefik(scene: Scene, seen: str, found: Collection) -> None:
    """Packets show all fields that were sent; a record of another kind may have lost those that tell programs apart."""
    whole = bool(scene.exchange.packets)
    others = "" if whole else "; Koa, Bun and Starlette do so with fields that a recorder may leave out"
    for says, layer, weight, product in (
        (f"{seen}: so Traefik refuses{others}", Layer.GATEWAY, 2.2 if whole else 1.5, "traefik"),
        (f"{seen}: so programs refuse as well", Layer.APP, 0.3 if whole else 0.8, None),
    ):
        found.add(
            says,
            f"generated:{layer}",
            weight,
            exchange=scene.exchange,
            where="response body",
            value=scene.body,
            product=product,
            reference="traefik/traefik pkg/middlewares/ipallowlist/ip_allowlist.go",
        )


def _returned(scene: Scene, response: Response, found: Collection) -> None:
    """nginx's `return CODE "text"` sends the text with its default type, which nobody else gives to an error."""
    if (response.get("content-type") or "").lower() != "application/octet-stream" or not scene.body.isprintable():
        return
    if scene.body and re.match(r"nginx|openresty", response.get("server") or "", re.IGNORECASE):
        found.add(
            "text with the type of unknown files: so a `return` in nginx's configuration answers",
            f"generated:{Layer.ORIGIN}",
            3.4,
            exchange=scene.exchange,
            where="response header content-type",
            value="application/octet-stream",
            product="nginx",
            reference="https://nginx.org/en/docs/http/ngx_http_rewrite_module.html#return",
        )
