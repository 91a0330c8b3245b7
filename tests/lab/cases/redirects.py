"""Denials at the end of redirects: log-in chains, lost credentials, changed methods."""

from functools import partial

from tests.lab.case import CHAIN_A, Accept, Case, Proof, curl
from tracer.model.verdict import Cause, Layer

_S = "https://app.example.test"
_GUNICORN = ("gunicorn", "werkzeug")
_app = partial(Case, layer=Layer.APP, product="flask", status=403, hop="flask", route=(*CHAIN_A, "flask", "idp"))
_FOLLOW = ("-L", "-b", "none=1", "-c", "/dev/null", "--resolve", "id.example.test:443:127.0.7.2")
_LOST = Cause.CREDENTIALS_LOST_IN_REDIRECT
_PLAIN = {
    "varnish:recv": '    if (local.socket == "plain") { return (synth(301, "https://" + req.http.host + req.url)); }',
    "varnish:synth": "    if (resp.status == 301) { set resp.http.Location = resp.reason; "
    'set resp.reason = "Moved Permanently"; return (deliver); }',
}


def _why(text: str) -> Proof:
    return Proof("flask", "output.log", text)


CASES = (
    _app(
        name="redirect-login-role",
        cause=Cause.INSUFFICIENT_SCOPE,
        steps=(curl("http://app.example.test/account", *_FOLLOW),),
        conf=_PLAIN,
        url="/account",
        proof=_why(r"refused /account: alice is viewer"),
        accept=Accept(products=_GUNICORN),
        story="http to https, to the identity provider, back to the callback, to the page: 403.\n"
        "The log-in worked; alice's role may not see the page.",
        curated=True,
    ),
    _app(
        name="redirect-state-mismatch",
        cause=Cause.CSRF_FAILED,
        steps=(curl(f"{_S}/callback?code=c0de&state=0123456789abcdef", "-b", "none=1"),),
        proof=_why(r"refused /callback: state mismatch"),
        accept=Accept(products=_GUNICORN, causes=(Cause.REQUEST_REJECTED, Cause.CREDENTIALS_INVALID)),
        story="The callback of a log-in is opened without the session that began it.\nInvalid OAuth state: 403.",
    ),
    _app(
        name="redirect-idp-refuses",
        hop="idp",
        cause=Cause.ACCOUNT_RESTRICTED,
        route=("idp",),
        steps=(curl("https://id.example.test/authorize?client_id=banned&state=x&redirect_uri=https://x.test/"),),
        proof=Proof("idp", "output.log", r"refused: application banned is not assigned to alice"),
        accept=Accept(
            products=_GUNICORN,
            layers=(Layer.ORIGIN, Layer.GATEWAY),
            causes=(Cause.INSUFFICIENT_SCOPE, Cause.RESOURCE_POLICY),
        ),
        story="The identity provider itself refuses the application.\nIt is not assigned to the user.",
    ),
    _app(
        name="redirect-authorization-dropped",
        product="fastapi",
        hop="fastapi",
        cause=_LOST,
        status=401,
        route=("caddy", "flask", "fastapi"),
        steps=(curl(f"{_S}/to-api", "-L", "-H", "Authorization: Bearer @token:good@"),),
        url="/private",
        proof=Proof("fastapi", "output.log", r'"GET /private HTTP/1.1" 401'),
        accept=Accept(products=("uvicorn", "starlette"), causes=(Cause.CREDENTIALS_MISSING,)),
        story="The token is sent to the first host; the redirect leads to another.\n"
        "curl drops Authorization across hosts, so the API answers 401.",
        curated=True,
    ),
    _app(
        name="redirect-authorization-leaked",
        product="fastapi",
        hop="fastapi",
        cause=_LOST,
        status=401,
        route=("caddy", "flask", "fastapi"),
        steps=(curl(f"{_S}/to-items", "--location-trusted", "-H", "Authorization: Bearer @token:audience@"),),
        url="/items",
        proof=Proof("fastapi", "output.log", r"token: Audience doesn't match"),
        accept=Accept(products=("uvicorn", "starlette"), causes=(Cause.CREDENTIALS_INVALID,)),
        story="The client is told to send its token to every host, and the redirect leads to another one.\n"
        "That API gets a token meant for somebody else, and refuses it: 401.",
        curated=True,
    ),
    _app(
        name="redirect-post-302",
        cause=_LOST,
        route=(*CHAIN_A, "flask"),
        steps=(curl(f"{_S}/moved/302", "-L", "-d", "a=1"),),
        url="/submit",
        proof=_why(r"refused /submit: GET without a body"),
        accept=Accept(products=_GUNICORN, causes=(Cause.METHOD_DENIED,)),
        story="A form is posted, redirected with 302, and arrives as GET without its body.\nOnly POST may submit: 403.",
        curated=True,
    ),
    _app(
        name="redirect-post-301",
        cause=_LOST,
        route=("haproxy", "flask"),
        steps=(curl("http://app.example.test/moved/301", "-L", "-d", "a=1"),),
        url="/submit",
        proof=_why(r"refused /submit: GET without a body"),
        accept=Accept(products=_GUNICORN, causes=(Cause.METHOD_DENIED,)),
        story="The same with 301.\nPOST became GET on the way.",
    ),
    _app(
        name="control-redirect-post-307",
        cause=Cause.UNKNOWN,
        status=200,
        control=True,
        route=(*CHAIN_A, "flask"),
        steps=(curl(f"{_S}/moved/307", "-L", "-d", "a=1"),),
        proof=_why(r'"POST /submit HTTP/1.[01]" 200'),
        story="With 307 method and body are kept.\nThe form arrives.",
    ),
    _app(
        name="control-redirect-trusted",
        product="fastapi",
        hop="fastapi",
        cause=Cause.UNKNOWN,
        status=200,
        control=True,
        route=("caddy", "flask", "fastapi"),
        steps=(curl(f"{_S}/to-api", "--location-trusted", "-H", "Authorization: Bearer @token:good@"),),
        proof=Proof("fastapi", "output.log", r'"GET /private HTTP/1.1" 200'),
        story="The client is told to trust every host with its token.\nIt passes (and has leaked).",
    ),
    _app(
        name="redirect-loop",
        cause=Cause.CONFIG_ERROR,
        status=302,
        route=(*CHAIN_A, "flask"),
        steps=(curl(f"{_S}/loop", "-L", "--max-redirs", "5", "-b", "none=1", "-c", "/dev/null"),),
        proof=_why(r'"GET /login\?next=/loop HTTP/1.[01]" 302'),
        denial=False,
        accept=Accept(products=_GUNICORN, causes=(_LOST,)),
        story="The log-in sets its cookie for a path that the page is not under.\nThe client goes round and round.",
    ),
)
