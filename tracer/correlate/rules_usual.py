"""What a denial most often is where nothing was said: by the layer, the product, and who asked for what."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from tracer.model.http import Exchange, Request, Response
from tracer.model.verdict import Cause, Layer

from . import client_certificates
from .cues import OWN_PAGE
from .evidence import Collection
from .request_fields import SIGNED, identified, left_out, logs_in
from .scene import Scene
from .siblings import is_good

ROBOT = re.compile(
    r"bot\b|crawl|spider|scrapy|scan|sqlmap|nikto|nmap|masscan|zgrab|wpscan|httrack|libwww|harvest|slurp|grabber|evil|bad",
    re.IGNORECASE,
)
SIMPLE = re.compile(r"application/x-www-form-urlencoded|multipart/form-data|text/plain", re.IGNORECASE)
"""content types that a page may send to another origin without asking (Fetch, CORS-safelisted request-header)"""
STORAGE = frozenset(
    {
        "aws-s3",
        "google-cloud-storage",
        "azure-blob-storage",
        "alibaba-oss",
        "tencent-cos",
        "digitalocean-spaces",
        "minio",
        "cloudflare-r2",
        "ceph-rgw",
        "garage",
        "backblaze-b2",
        "wasabi",
        "supabase-storage",
    }
)
"""object stores: who asks without a right is refused by the policy of the object"""
ASKS_WHO = frozenset(
    {"google-cloud-run", "google-cloud-endpoints", "google-iap", "aws-lambda-url", "aws-service-api", "spring-security"}
)
"""they let in whom they know, and say no more to the others"""

DIRECTORY = re.compile(r"(^|/)(index\.\w+)?$", re.IGNORECASE)
POLICY = re.compile(r"explicit deny|because no|policy", re.IGNORECASE)
"""newer answers of AWS name what refuses"""
STATED = "stated"
"""kind of the evidence that comes from the words of the answer"""


def collect(scene: Scene, layer: Layer, product: str | None, found: Collection) -> None:
    """What such a denial most often is, where nothing was said: by the layer, and by who asked for what."""
    exchange = scene.exchange
    request, response = exchange.request, exchange.response
    if request is None or response is None or response.status != 403:
        return
    shown = identified(request)
    if request.get("authorization") is not None:
        shown = "request header authorization"
    _by_layer(scene, request, response, layer, product, found, known=shown is not None)
    _by_caller(scene, request, layer, product, found, shown)
    _by_greeting(exchange, request, response, product, found)
    if product == "aws-s3" and shown is None and request.method in ("GET", "HEAD"):
        _by_object(scene, request, response, found)
    if product not in STORAGE:  # stores answer whatever page asks: they only leave out what would let it read
        _by_method(exchange, request, page=bool(OWN_PAGE.search(scene.body)), found=found)
    asked = scene.seen.request if scene.seen is not None else None  # a hop may ask another in its own words
    _by_agent(scene.seen or exchange, asked or request, found)


def _by_layer(
    scene: Scene,
    request: Request,
    response: Response,
    layer: Layer,
    product: str | None,
    found: Collection,
    *,
    known: bool,
) -> None:
    exchange = scene.exchange
    usually = {
        Layer.APP: Cause.INSUFFICIENT_SCOPE,
        Layer.FORWARD_PROXY: Cause.DESTINATION_DENIED,
        Layer.WAF: Cause.WAF_RULE,
    }
    api = "json" in (response.get("content-type") or "") or scene.body.lstrip().startswith(("{", "["))
    elsewhere = Cause.INSUFFICIENT_SCOPE if api else Cause.PATH_DENIED  # who answers in JSON knows callers
    cause = Cause.RESOURCE_POLICY if product in STORAGE else usually.get(layer, elsewhere)
    if product in ASKS_WHO and not known and not left_out(exchange):
        cause = Cause.CREDENTIALS_MISSING
    found.add(
        f"no reason is stated: such a refusal at this layer is most often {cause}",
        f"cause:{cause}",
        {Cause.DESTINATION_DENIED: 2.2, Cause.WAF_RULE: 1.4}.get(cause, 0.9),
        exchange=exchange,
        where="request target",
        value=urlsplit(request.url).path,
    )


def _by_caller(
    scene: Scene, request: Request, layer: Layer, product: str | None, found: Collection, shown: str | None
) -> None:
    """Who is known lacks rights, who logs in was not believed; others may have asked for a directory."""
    exchange, path = scene.exchange, urlsplit(request.url).path
    page = bool(OWN_PAGE.search(scene.body)) and request.method in ("GET", "HEAD")
    bare = request.method == "HEAD" and layer is Layer.ORIGIN and product in ("apache", "nginx")
    if shown is not None and request.method != "OPTIONS":
        found.add(
            "the caller showed who it is: 403 then means that this is not enough",
            f"cause:{Cause.INSUFFICIENT_SCOPE}",
            1.5 if request.get("authorization") else 0.9,
            exchange=exchange,
            where=shown,
            value="present",
            reference="RFC 9110 section 15.5.4",
        )
    elif layer in (Layer.APP, Layer.GATEWAY) and logs_in(request, scene.request_body):
        found.add(
            "the request is a log-in: what it carries to prove who asks was not accepted",
            f"cause:{Cause.CREDENTIALS_INVALID}",
            1.5,
            exchange=exchange,
            where="request target",
            value=path,
        )
    elif client_certificates.holder_unwanted(scene, found):
        return
    elif path.endswith("/") and (page or bare) and path != "/":
        found.add(
            "a directory was asked for, and the server's own page came back",
            f"cause:{Cause.DIRECTORY_INDEX}",
            1.6,
            exchange=exchange,
            where="request target",
            value=path,
        )


def _by_greeting(
    exchange: Exchange, request: Request, response: Response, product: str | None, found: Collection
) -> None:
    """What looks like a denial and is none: a server without a site, a link asked with the wrong method."""
    path = urlsplit(request.url).path
    if path == "/" and response.get("last-modified") and response.get("accept-ranges"):
        found.add(
            "the root was asked for, and a page that is a file came back: so a server greets that has no site yet",
            f"cause:{Cause.DIRECTORY_INDEX}",
            1.6,
            exchange=exchange,
            where="response header last-modified",
            value=response.get("last-modified") or "",
            reference="httpd of Red Hat: conf.d/welcome.conf",
        )
    if product in STORAGE and request.method == "HEAD" and SIGNED.search(request.target):
        found.add(
            "a signed link was asked with HEAD: its signature is of one method, and links are made for GET",
            f"cause:{Cause.SIGNATURE_MISMATCH}",
            1.6,
            exchange=exchange,
            where="request method",
            value="HEAD",
            reference="https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html",
        )


def _by_object(scene: Scene, request: Request, response: Response, found: Collection) -> None:
    """S3 refuses what is not there as it refuses what is private, to whoever may not list the bucket."""
    path = urlsplit(request.url).path
    if DIRECTORY.search(path) or POLICY.search(scene.body):
        return
    store = response.get("server")
    others = [s for s in scene.answers if is_good(s.status) and (r := s.whole.response) and r.get("server") == store]
    if others:
        says, more = "other objects of the same bucket are given to the same caller", 2.4
    elif "cloudfront" in (response.get("via") or "").lower():
        says, more = "CloudFront asked the bucket, so it may read from it", 1.3
    else:
        return
    stated = sum(e.weight for e in found.items if e.supports == f"cause:{Cause.RESOURCE_POLICY}" and e.kind == STATED)
    found.add(
        f"{says}: this one is most likely not there, which S3 says with 403 to whoever may not list",
        f"cause:{Cause.OBJECT_HIDDEN}",
        stated + more,
        exchange=scene.exchange,
        where="request target",
        value=path,
        reference="https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html",
    )


def _by_method(exchange: Exchange, request: Request, *, page: bool, found: Collection) -> None:
    if (request.get("upgrade") or "").lower() == "h2c":
        found.add(
            "the request asks to go on in HTTP/2 without TLS: servers that do not speak it refuse",
            f"cause:{Cause.REQUEST_REJECTED}",
            4.0,
            exchange=exchange,
            where="request header upgrade",
            value="h2c",
            reference="RFC 9113 section 3.1: the upgrade from HTTP/1.1 is obsolete",
        )
    elif request.get("upgrade"):
        origin = request.get("origin")
        foreign = origin and (urlsplit(origin).netloc or origin) != (request.get("host") or request.authority)
        cause = Cause.CORS_DENIED if foreign else Cause.REQUEST_REJECTED
        says = "an upgrade asked for by another site's page" if foreign else "an upgrade was refused"
        found.add(
            says,
            f"cause:{cause}",
            2.0,
            exchange=exchange,
            where="request header origin",
            value=origin or request.get("upgrade") or "",
            reference="RFC 6455 section 10.2",
        )
    elif (origin := request.get("origin")) and urlsplit(origin).netloc != (request.get("host") or request.authority):
        form = (
            request.method == "POST" and origin != "null" and SIMPLE.match(request.get("content-type") or "text/plain")
        )
        found.add(
            "the request comes from another origin's page"
            + (", as a form that browsers send anywhere" if form else ""),
            f"cause:{Cause.CSRF_FAILED if form else Cause.CORS_DENIED}",
            1.3,
            exchange=exchange,
            where="request header origin",
            value=origin,
            reference="RFC 6454 section 7",
        )
    elif page and request.method in ("PUT", "DELETE", "PATCH", "TRACE", "PROPFIND", "MKCOL", "COPY", "MOVE"):
        found.add(
            "a method that servers often allow to few",
            f"cause:{Cause.METHOD_DENIED}",
            1.6,
            exchange=exchange,
            where="request method",
            value=request.method,
        )


def _by_agent(exchange: Exchange, request: Request, found: Collection) -> None:
    agent = request.get("user-agent")
    if not agent or not agent.strip():
        if len(request.headers) < 2:  # not a request as it was sent: a source that tells the address alone
            return
        found.add(
            "the request names no User-Agent",
            f"cause:{Cause.CLIENT_DENIED}",
            1.4,
            exchange=exchange,
            where="request header user-agent",
            value="",
        )
    elif hit := ROBOT.search(agent):
        found.add(
            "the User-Agent names a robot or a scanner",
            f"cause:{Cause.CLIENT_DENIED}",
            1.8,
            exchange=exchange,
            where="request header user-agent",
            value=hit.group(0),
        )
