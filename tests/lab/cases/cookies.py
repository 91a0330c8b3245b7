"""Cookies that were set and do not come back: Secure over HTTP, another path, another site."""

from functools import partial

from tests.lab.case import Accept, Case, Proof, curl, python
from tracer.model.verdict import Cause, Layer

_H, _S = "http://app.example.test", "https://app.example.test"
_flask = partial(
    Case,
    layer=Layer.APP,
    product="flask",
    cause=Cause.CREDENTIALS_MISSING,
    status=403,
    hop="flask",
    url="/members-only",
    proof=Proof("flask", "output.log", r"refused /members-only: You are not signed in"),
    accept=Accept(products=("gunicorn", "werkzeug"), causes=(Cause.CREDENTIALS_LOST_IN_REDIRECT,)),
)
_JAR = ("-b", "none=1", "-c", "/dev/null")

CASES: tuple[Case, ...] = (
    _flask(
        name="cookie-secure-over-http",
        route=("caddy", "flask"),
        steps=(curl(f"{_H}/members-only", *_JAR, f"{_S}/sign-in/secure", f"{_S}/members-only"),),
        story="The log-in over TLS sets a cookie that is Secure; over TLS the page opens.\n"
        "The link to the page is plain HTTP, where the cookie may not go: 403.",
    ),
    _flask(
        name="cookie-other-path",
        route=("haproxy", "flask"),
        steps=(curl(f"{_H}/members-only", *_JAR, f"{_H}/sign-in/path"),),
        story="The log-in sets its cookie for the path /sign-in.\nThe page next to it gets no cookie: 403.",
    ),
    _flask(
        name="cookie-other-site",
        route=("haproxy", "flask", "nginx"),
        steps=(
            python(
                "browser.py",
                f"{_H}/sign-in/site?then=http://elsewhere.test/offer.html",
                "127.0.3.2",
                "elsewhere.test=127.0.4.1",
                "/members-only",
            ),
        ),
        files={
            "nginx:offer.html": "<form action='http://app.example.test/members-only' method='post'></form>"
            "<script>document.forms[0].submit()</script>\n"
        },
        conf={"nginx:http": "server { listen 127.0.4.1:80; server_name elsewhere.test; }"},
        accept=Accept(products=("gunicorn", "werkzeug"), causes=(Cause.CSRF_FAILED,)),
        story="A browser is signed in with a cookie that is SameSite=Strict; another site's page posts a form.\n"
        "The browser leaves the cookie out: 403, not signed in.",
        curated=True,
    ),
)
