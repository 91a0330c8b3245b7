"""Denials by applications in Flask and their own code."""

import hashlib
import hmac
import time
from functools import partial

from tests.lab.case import CHAIN_A, CHAIN_B, Accept, Case, Proof, curl
from tracer.model.verdict import Cause, Layer

_HTTP = "http://app.example.test"
_TLS = "https://app.example.test"
_app = partial(Case, layer=Layer.APP, product="flask", status=403, hop="flask")
_GUNICORN = ("gunicorn", "werkzeug")
_OK = Accept(products=_GUNICORN)


def _why(text: str) -> Proof:
    return Proof("flask", "output.log", text)


def _also(*causes: Cause) -> Accept:
    return Accept(products=_GUNICORN, causes=causes)


def _key(name: str) -> tuple[str, str]:
    return ("-H", f"X-Api-Key: {name}")


def _sign(text: str) -> str:
    return hmac.new(b"lab signing key", text.encode(), hashlib.sha256).hexdigest()


_NOW = int(time.time())
_OLD = _NOW - 86400
_KEYS = (
    _app(
        name="app-key-missing",
        cause=Cause.CREDENTIALS_MISSING,
        status=401,
        route=("envoy", "flask"),
        steps=(curl(f"{_HTTP}/api/me"),),
        proof=_why(r"refused /api/me: No API key was sent"),
        accept=_OK,
        story="An API is asked without a key, through Envoy.\nThe application answers 401 and names what is missing.",
    ),
    _app(
        name="app-key-wrong",
        cause=Cause.CREDENTIALS_INVALID,
        route=(*CHAIN_A, "flask"),
        steps=(curl(f"{_TLS}/api/me", *_key("k-eve")),),
        proof=_why(r"refused /api/me: Invalid API key"),
        accept=_OK,
        story="A key that nobody has, through the whole first chain.\nThe application's JSON says invalid_api_key.",
    ),
    _app(
        name="app-key-revoked",
        cause=Cause.CREDENTIALS_INVALID,
        route=("caddy", "flask"),
        steps=(curl(f"{_TLS}/api/me", *_key("k-old")),),
        proof=_why(r"refused /api/me: This API key has been revoked"),
        accept=_OK,
        story="A key that worked once, through Caddy.\nThe application: this API key has been revoked.",
    ),
    _app(
        name="app-account-suspended",
        cause=Cause.ACCOUNT_RESTRICTED,
        route=(*CHAIN_B, "flask"),
        steps=(curl(f"{_TLS}/api/me", *_key("k-carol")),),
        proof=_why(r"refused /api/me: Your account is suspended"),
        accept=_OK,
        story="carol's key is right, through the second chain.\nHer account is suspended; the application says so.",
    ),
    _app(
        name="app-role",
        cause=Cause.INSUFFICIENT_SCOPE,
        route=(*CHAIN_A, "flask"),
        steps=(curl(f"{_TLS}/api/me", *_key("k-alice")), curl(f"{_TLS}/api/users", *_key("k-alice"))),
        proof=_why(r"refused /api/users: Role admin is required"),
        accept=_OK,
        story="alice reads her own profile; the list of users is a 403.\nThe application wants role admin.",
        curated=True,
    ),
    _app(
        name="app-not-owner",
        cause=Cause.NOT_OWNER,
        route=("haproxy", "flask"),
        steps=(curl(f"{_HTTP}/api/orders/7", *_key("k-alice")), curl(f"{_HTTP}/api/orders/8", *_key("k-alice"))),
        proof=_why(r"refused /api/orders/8: Order 8 belongs to another user"),
        accept=_OK,
        story="alice reads order 7; order 8 is a 403.\nIt belongs to somebody else.",
        curated=True,
    ),
    _app(
        name="app-plan",
        cause=Cause.PLAN_OR_SUBSCRIPTION,
        route=("traefik", "flask"),
        steps=(curl(f"{_HTTP}/api/export", *_key("k-alice")),),
        proof=_why(r"refused /api/export: Export is not included in your plan"),
        accept=_OK,
        story="Export is for the paid plan, asked through Traefik.\nThe application: upgrade to Pro.",
        curated=True,
    ),
    _app(
        name="app-quota",
        cause=Cause.QUOTA_EXCEEDED,
        route=("envoy", "flask"),
        steps=tuple(curl(f"{_HTTP}/api/report", *_key("k-alice")) for _ in range(3)),
        proof=_why(r"refused /api/report: Monthly quota of 2 reports exceeded"),
        accept=_also(Cause.RATE_LIMITED),
        story="Two reports are made, the third is a 403.\nThe application counts: the month's quota is used up.",
        curated=True,
    ),
    _app(
        name="app-terms",
        cause=Cause.ACCOUNT_RESTRICTED,
        route=("flask",),
        steps=(curl(f"{_HTTP}/api/beta", *_key("k-dave")),),
        proof=_why(r"refused /api/beta: You must accept the terms of use"),
        accept=_also(Cause.PLAN_OR_SUBSCRIPTION),
        story="dave's key is right.\nHe has not accepted the terms of use yet.",
    ),
    _app(
        name="app-hidden",
        cause=Cause.OBJECT_HIDDEN,
        route=(*CHAIN_B, "flask"),
        steps=(
            curl(f"{_TLS}/api/secret/hers", *_key("k-alice")),
            curl(f"{_TLS}/api/secret/nothing", *_key("k-alice")),
        ),
        proof=_why(r"refused /api/secret/nothing: Resource does not exist or you do not have access"),
        accept=_also(Cause.RESOURCE_POLICY, Cause.INSUFFICIENT_SCOPE),
        story="Something that does not exist is a 403 rather than a 404.\n"
        "The application hides which names exist: not there, or no access.",
    ),
)

_SIGNED = (
    _app(
        name="app-clock-skew",
        cause=Cause.CLOCK_SKEW,
        route=("haproxy", "flask"),
        steps=(
            curl(
                *(f"{_HTTP}/api/signed", "-H", f"X-Date: {_OLD}"),
                *("-H", f"X-Signature: {_sign(f'GET{chr(10)}/api/signed{chr(10)}{_OLD}')}"),
            ),
        ),
        proof=_why(r"refused /api/signed: The difference between the request time"),
        accept=_OK,
        story="A signed request whose date is a day old.\nThe application: RequestTimeTooSkewed.",
        curated=True,
    ),
    _app(
        name="app-signature",
        cause=Cause.SIGNATURE_MISMATCH,
        route=("envoy", "flask"),
        steps=(
            curl(f"{_HTTP}/api/signed", "-H", f"X-Date: {_NOW + 120}", "-H", f"X-Signature: {_sign('something else')}"),
        ),
        proof=_why(r"refused /api/signed: The request signature we calculated does not match"),
        accept=_OK,
        story="A signed request with today's date and a signature over something else.\nSignatureDoesNotMatch.",
    ),
    _app(
        name="app-link-expired",
        cause=Cause.CREDENTIALS_EXPIRED,
        route=("varnish", "flask"),
        steps=(curl(f"{_HTTP}/download/plan?expires={_OLD}&sig={_sign(f'plan{chr(10)}{_OLD}')}"),),
        proof=_why(r"refused /download/plan: This link has expired"),
        accept=_OK,
        story="A signed link of yesterday, through Varnish.\nThe signature is right, the time is over.",
    ),
    _app(
        name="app-session-over",
        cause=Cause.CREDENTIALS_EXPIRED,
        route=(*CHAIN_A, "flask"),
        steps=(curl(f"{_TLS}/old-session"), curl(f"{_TLS}/old-session", "-b", "sid=4f1c9a")),
        proof=_why(r"refused /old-session: session is over"),
        accept=_also(Cause.CREDENTIALS_INVALID),
        story="Without the old cookie the page works, with it it is a 403.\n"
        "The session is over; the answer clears the cookie.",
        curated=True,
    ),
)


def _bearer(name: str, *more: str) -> tuple[str, ...]:
    return ("-H", f"Authorization: Bearer @token:{name}@", *more)


_TOKENS = (
    _app(
        name="app-token-missing",
        cause=Cause.CREDENTIALS_MISSING,
        status=401,
        route=(*CHAIN_B, "flask"),
        steps=(curl(f"{_TLS}/"), curl(f"{_TLS}/api/token/profile")),
        proof=_why(r"refused /api/token/profile: No bearer token"),
        accept=_OK,
        story="The public page passes, the profile does not.\nNo token was sent: 401.",
    ),
    _app(
        name="app-token-expired",
        cause=Cause.CREDENTIALS_EXPIRED,
        status=401,
        route=("haproxy", "flask"),
        steps=(curl(f"{_HTTP}/api/token/profile", *_bearer("expired")),),
        proof=_why(r"refused /api/token/profile: The token expired"),
        accept=_OK,
        story="The token ended two hours before the request.\nThe application says so: invalid_token, expired.",
        curated=True,
    ),
    _app(
        name="app-token-audience",
        cause=Cause.CREDENTIALS_INVALID,
        status=401,
        route=("caddy", "flask"),
        steps=(curl(f"{_TLS}/api/token/profile", *_bearer("audience")),),
        proof=_why(r"refused /api/token/profile: Audience doesn't match"),
        accept=_OK,
        story="The token is for audience billing, the API is api.\nThe application refuses it.",
    ),
    _app(
        name="app-token-issuer",
        cause=Cause.CREDENTIALS_INVALID,
        status=401,
        route=("flask",),
        steps=(curl(f"{_HTTP}/api/token/profile", *_bearer("issuer")),),
        proof=_why(r"refused /api/token/profile: Invalid issuer"),
        accept=_OK,
        story="The token comes from another issuer.\nThe application refuses it.",
    ),
    _app(
        name="app-token-early",
        cause=Cause.CLOCK_SKEW,
        status=401,
        route=("traefik", "flask"),
        steps=(curl(f"{_HTTP}/api/token/profile", *_bearer("early")),),
        proof=_why(r"refused /api/token/profile: The token is not yet valid"),
        accept=_also(Cause.CREDENTIALS_INVALID),
        story="The token's times lie in the future.\nThe application: the token is not yet valid.",
    ),
    _app(
        name="app-token-forged",
        cause=Cause.CREDENTIALS_INVALID,
        status=401,
        route=("varnish", "flask"),
        steps=(curl(f"{_HTTP}/api/token/profile", *_bearer("forged")),),
        proof=_why(r"refused /api/token/profile: Signature verification failed"),
        accept=_also(Cause.SIGNATURE_MISMATCH),
        story="The token is signed with another key, as after a key change.\nSignature verification failed.",
    ),
    _app(
        name="app-token-scope",
        cause=Cause.INSUFFICIENT_SCOPE,
        route=("envoy", "flask"),
        steps=(
            curl(f"{_HTTP}/api/token/profile", *_bearer("good")),
            curl(f"{_HTTP}/api/token/profile?write=1", *_bearer("good")),
        ),
        proof=_why(r"refused /api/token/profile: Scope write is needed"),
        accept=_OK,
        story="With the same token reading works, writing is a 403.\nThe token has scope read only.",
    ),
)

_OTHERS = (
    _app(
        name="app-region-451",
        cause=Cause.GEO_DENIED,
        status=451,
        route=("haproxy", "flask"),
        steps=(curl(f"{_HTTP}/region"), curl(f"{_HTTP}/region", "blocked")),
        conf={"haproxy": "    http-request set-header X-Country KP if { src 127.0.0.66 }"},
        proof=_why(r"refused /region: not licensed for KP"),
        accept=_OK,
        story="A page is not licensed for one country; the load balancer tells the country by address.\n"
        "The application: 451.",
    ),
    _app(
        name="app-client-too-old",
        cause=Cause.CLIENT_DENIED,
        route=("traefik", "flask"),
        steps=(curl(f"{_HTTP}/client", "-A", "App/3.1"), curl(f"{_HTTP}/client", "-A", "App/1.4")),
        proof=_why(r"refused /client: This version of the app is no longer supported"),
        accept=_OK,
        story="An old version of the app is refused, a new one is not.\nThe application reads User-Agent.",
    ),
    _app(
        name="app-method",
        cause=Cause.METHOD_DENIED,
        status=405,
        route=("varnish", "flask"),
        steps=(curl(f"{_HTTP}/api/things", "-X", "DELETE"),),
        proof=_why(r'"DELETE /api/things HTTP/1.1" 405'),
        accept=_OK,
        story="DELETE where only GET is routed.\nFlask answers 405 with Allow.",
    ),
    _app(
        name="app-header-required",
        cause=Cause.REQUEST_REJECTED,
        route=("envoy", "flask"),
        steps=(curl(f"{_HTTP}/api/upload", "-d", "x=1"),),
        proof=_why(r"refused /api/upload: Header X-Requested-With is required"),
        accept=_also(Cause.CSRF_FAILED),
        story="An upload without a header that the API wants.\nThe application names it.",
    ),
    _app(
        name="app-maintenance",
        cause=Cause.MAINTENANCE,
        route=(*CHAIN_A, "flask"),
        steps=(curl(f"{_TLS}/closed"),),
        proof=_why(r"refused /closed: maintenance"),
        accept=_OK,
        story="The application is closed for maintenance and says so with a 403.\nUntil 18:00.",
    ),
    _app(
        name="app-gzip",
        cause=Cause.INSUFFICIENT_SCOPE,
        route=("haproxy", "flask"),
        steps=(curl(f"{_HTTP}/packed", "--compressed"),),
        proof=_why(r"refused /packed: no role"),
        accept=_OK,
        story="The 403's page is gzip-compressed.\nOnly inside does it say: missing role editor.",
    ),
    _app(
        name="app-chunked",
        cause=Cause.INSUFFICIENT_SCOPE,
        route=(*CHAIN_A, "flask"),
        steps=(curl(f"{_TLS}/streamed"),),
        proof=_why(r"refused /streamed: no role"),
        accept=_OK,
        story="The 403's page comes in three chunks.\nEach says that the role may not see this.",
    ),
    _app(
        name="app-admin-plain",
        cause=Cause.UNKNOWN,
        route=("flask",),
        steps=(curl(f"{_HTTP}/admin"),),
        proof=_why(r"refused /admin: viewer is not admin"),
        accept=_also(Cause.INSUFFICIENT_SCOPE, Cause.RESOURCE_POLICY, Cause.PATH_DENIED),
        told_by="logs",
        story="Flask's own page for abort(403), straight from gunicorn.\nWhy is only in the application's log.",
    ),
    _app(
        name="app-websocket-origin",
        cause=Cause.CORS_DENIED,
        route=("haproxy", "flask"),
        steps=(
            curl(
                *(f"{_HTTP}/live", "--http1.1", "-H", "Connection: Upgrade", "-H", "Upgrade: websocket"),
                *("-H", "Sec-WebSocket-Version: 13", "-H", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
                *("-H", "Origin: https://evil.test"),
            ),
        ),
        proof=_why(r"refused /live: origin https://evil.test"),
        accept=_also(Cause.CSRF_FAILED),
        story="A WebSocket upgrade from a foreign page is a 403.\nThe application checks Origin.",
    ),
)

CASES: tuple[Case, ...] = (*_KEYS, *_SIGNED, *_TOKENS, *_OTHERS)
