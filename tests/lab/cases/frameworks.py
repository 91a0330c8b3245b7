"""Denials by Django, Django REST framework and FastAPI."""

from functools import partial

from tests.lab.case import CHAIN_A, CHAIN_B, Accept, Case, Proof, Step, curl, python
from tracer.model.verdict import Cause, Layer

_SHOP = "http://shop.example.test"
_API = "http://api.example.test"
_django = partial(Case, layer=Layer.APP, product="django", status=403, hop="django")
_fastapi = partial(Case, layer=Layer.APP, product="fastapi", status=403, hop="fastapi")
_DRF = ("gunicorn", "django-rest-framework", "drf")
_STARLETTE = ("uvicorn", "starlette")


def _shop(text: str) -> Proof:
    return Proof("django", "output.log", text)


def _api(text: str) -> Proof:
    return Proof("fastapi", "output.log", text)


def _web_socket(url: str, origin: str) -> Step:
    head = ("-H", "Connection: Upgrade", "-H", "Upgrade: websocket", "-H", "Sec-WebSocket-Version: 13")
    return curl(url, "--http1.1", *head, "-H", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "-H", f"Origin: {origin}")


_DJANGO = (
    _django(
        name="django-csrf-behind-haproxy",
        cause=Cause.CSRF_FAILED,
        route=("haproxy", "django"),
        steps=(curl(f"{_SHOP}/"), curl(f"{_SHOP}/checkout/", "-d", "item=7")),
        proof=_shop(r"Forbidden \(CSRF cookie not set\.\): /checkout/"),
        accept=Accept(products=_DRF),
        story="A form is posted to a shop behind HAProxy without the CSRF cookie and token.\n"
        "Django's middleware refuses it before the view runs; HAProxy only relayed.",
        curated=True,
    ),
    _django(
        name="django-csrf-token",
        cause=Cause.CSRF_FAILED,
        route=(*CHAIN_A, "django"),
        steps=(
            curl(
                *("https://shop.example.test/checkout/", "-d", "item=7", "-b", f"csrftoken={'a' * 32}"),
                *("-e", "https://shop.example.test/"),
            ),
        ),
        proof=_shop(r"Forbidden \((CSRF token missing|Origin checking|Referer checking).*: /checkout/"),
        accept=Accept(products=_DRF),
        story="The CSRF cookie is there, the form's token is not, through the whole first chain.\nDjango refuses.",
    ),
    _django(
        name="django-not-owner",
        cause=Cause.NOT_OWNER,
        route=("envoy", "django"),
        steps=(curl(f"{_SHOP}/orders/8/"),),
        proof=_shop(r"order 8 belongs to bob, asked by alice"),
        accept=Accept(
            products=_DRF, causes=(Cause.UNKNOWN, Cause.INSUFFICIENT_SCOPE, Cause.RESOURCE_POLICY, Cause.PATH_DENIED)
        ),
        told_by="logs",
        story="Django's plain 403 page for PermissionDenied, through Envoy.\n"
        "Only the log says that the order is bob's.",
    ),
    _django(
        name="django-staff",
        cause=Cause.INSUFFICIENT_SCOPE,
        route=(*CHAIN_B, "django"),
        steps=(curl("https://shop.example.test/staff/"),),
        proof=_shop(r"alice is not in group staff"),
        accept=Accept(products=_DRF),
        story="A page for the staff, with the shop's own 403 page, through the second chain.\nThe role is customer.",
    ),
    _django(
        name="django-unknown-host",
        cause=Cause.HOST_DENIED,
        status=400,
        route=("django",),
        steps=(curl(f"{_SHOP}/", "-H", "Host: www.shop.test"),),
        denial=False,
        proof=_shop(r"Invalid HTTP_HOST header: .www.shop.test."),
        story="The shop is asked under a name that is not in ALLOWED_HOSTS.\nDjango: 400 Bad Request.",
    ),
    _django(
        name="drf-credentials",
        cause=Cause.CREDENTIALS_MISSING,
        route=("traefik", "django"),
        steps=(curl(f"{_SHOP}/api/profile/"),),
        proof=_shop(r"Forbidden: /api/profile/"),
        accept=Accept(products=_DRF),
        story="An API of Django REST framework with session log-in, asked without one.\n"
        "It answers 403, not 401: authentication credentials were not provided.",
        curated=True,
    ),
    _django(
        name="drf-permission",
        cause=Cause.INSUFFICIENT_SCOPE,
        route=("caddy", "django"),
        steps=(curl("https://shop.example.test/api/invoices/"),),
        proof=_shop(r"invoices: not the owner"),
        accept=Accept(products=_DRF, causes=(Cause.NOT_OWNER, Cause.RESOURCE_POLICY)),
        story="Django REST framework: you do not have permission to perform this action.\nThrough Caddy.",
    ),
    _django(
        name="drf-throttled",
        cause=Cause.RATE_LIMITED,
        status=429,
        route=(*CHAIN_A, "django"),
        steps=tuple(curl("https://shop.example.test/api/search/", "-b", "seen=1") for _ in range(2)),
        proof=_shop(r"Too Many Requests: /api/search/"),
        accept=Accept(products=_DRF),
        story="One search a minute is allowed; the second is a 429.\n"
        "Django REST framework's throttle, with Retry-After.",
    ),
    _django(
        name="django-maintenance",
        cause=Cause.MAINTENANCE,
        route=("varnish", "django"),
        steps=(curl(f"{_SHOP}/closed/"),),
        proof=_shop(r"shop is in maintenance mode"),
        accept=Accept(products=_DRF),
        story="The shop is closed for maintenance.\nIts own page says so with a 403, through Varnish.",
    ),
)

_FASTAPI = (
    _fastapi(
        name="fastapi-no-token",
        cause=Cause.CREDENTIALS_MISSING,
        status=401,
        route=(*CHAIN_A, "fastapi"),
        steps=(curl("https://api.example.test/private"),),
        proof=_api(r'"GET /private HTTP/1.1" 401'),
        accept=Accept(products=_STARLETTE),
        story="No bearer token.\nFastAPI's HTTPBearer: Not authenticated.",
    ),
    _fastapi(
        name="fastapi-expired",
        cause=Cause.CREDENTIALS_EXPIRED,
        status=401,
        route=("haproxy", "fastapi"),
        steps=(curl(f"{_API}/items", "-H", "Authorization: Bearer @token:expired@"),),
        proof=_api(r"token: Signature has expired"),
        accept=Accept(products=_STARLETTE),
        story="The token is two hours over.\nThe API: could not validate credentials.",
    ),
    _fastapi(
        name="fastapi-scope",
        cause=Cause.INSUFFICIENT_SCOPE,
        route=(*CHAIN_B, "fastapi"),
        steps=(
            curl("https://api.example.test/items", "-H", "Authorization: Bearer @token:good@"),
            curl("https://api.example.test/items/new", "-H", "Authorization: Bearer @token:good@"),
        ),
        proof=_api(r"scope missing: \['write'\]"),
        accept=Accept(products=_STARLETTE),
        story="Reading items works, writing is a 403 with the same token.\nNot enough permissions: scope write.",
    ),
    _fastapi(
        name="fastapi-wrong-key",
        cause=Cause.CREDENTIALS_INVALID,
        route=("caddy", "fastapi"),
        steps=(curl("https://api.example.test/keyed", "-H", "X-Key: open"),),
        proof=_api(r"wrong key"),
        accept=Accept(products=_STARLETTE),
        story="A wrong API key, through Caddy.\nThe API: Invalid API key.",
    ),
    _fastapi(
        name="fastapi-preflight",
        cause=Cause.CORS_DENIED,
        status=400,
        route=("envoy", "fastapi"),
        steps=(
            curl(
                *(f"{_API}/items", "-X", "OPTIONS", "-H", "Origin: https://evil.test"),
                *("-H", "Access-Control-Request-Method: GET"),
            ),
        ),
        denial=False,
        proof=_api(r'"OPTIONS /items HTTP/1.1" 400'),
        story="A preflight from an origin that is not allowed.\n"
        "Starlette's CORS middleware: 400, Disallowed CORS origin.",
    ),
    _fastapi(
        name="wss-foreign-page",
        cause=Cause.CORS_DENIED,
        route=("caddy", "fastapi"),
        steps=(
            python(
                *("ws.py", "127.0.3.3", "api.example.test", "/ws", "@pki@/ca.pem"),
                *("https://app.example.test", "https://evil.test"),
            ),
        ),
        proof=_api(r"websocket refused: origin https://evil.test"),
        accept=Accept(products=_STARLETTE, causes=(Cause.UNKNOWN, Cause.CSRF_FAILED)),
        story="Two WebSockets over TLS through Caddy: one from the application's page, which is greeted and closed.\n"
        "The other one from a foreign page: the application refuses it, and the client sees a 403.",
        curated=True,
    ),
    _fastapi(
        name="fastapi-websocket",
        cause=Cause.CORS_DENIED,
        route=("haproxy", "fastapi"),
        steps=(_web_socket(f"{_API}/ws", "https://evil.test"),),
        proof=_api(r"websocket refused: origin https://evil.test"),
        accept=Accept(products=_STARLETTE, causes=(Cause.UNKNOWN, Cause.CSRF_FAILED)),
        story="A WebSocket from a foreign page is closed before it is accepted.\nuvicorn turns that into a 403.",
    ),
)

CASES: tuple[Case, ...] = (*_DJANGO, *_FASTAPI)
