"""Nothing is denied here: good answers through every server, and failures that are not denials."""

from collections.abc import Mapping

from tests.lab.case import Case, Proof, Step, curl
from tracer.model.verdict import Cause, Layer


def _good(
    name: str,
    route: tuple[str, ...],
    steps: tuple[Step, ...],
    proof: Proof,
    *,
    status: int = 200,
    conf: Mapping[str, str] | None = None,
    files: Mapping[str, str] | None = None,
) -> Case:
    return Case(
        name=f"control-{name}",
        layer=Layer.UNKNOWN,
        product="",
        cause=Cause.UNKNOWN,
        status=status,
        hop=route[-1],
        route=route,
        steps=steps,
        proof=proof,
        story=f"A request through {', '.join(route)} that nobody refuses.\nThe answer is {status}.",
        control=True,
        conf=conf or {},
        files=files or {},
    )


_CHAIN_A = ("hitch", "varnish", "waf", "envoy")
_CHAIN_B = ("ats", "waf-apache", "haproxy")
_FLASK = Proof("flask", "output.log", r'"GET /welcome.* HTTP/1\.[01]" 200')

CASES = (
    _good("chain-a", (*_CHAIN_A, "flask"), (curl("https://app.example.test/welcome"),), _FLASK),
    _good("chain-b", (*_CHAIN_B, "flask"), (curl("https://app.example.test/welcome"),), _FLASK),
    _good("envoy", ("envoy", "flask"), (curl("http://app.example.test/welcome"),), _FLASK),
    _good("haproxy", ("haproxy", "flask"), (curl("http://app.example.test/welcome"),), _FLASK),
    _good("caddy", ("caddy", "flask"), (curl("https://app.example.test/welcome"),), _FLASK),
    _good("traefik", ("traefik", "flask"), (curl("https://app.example.test/welcome"),), _FLASK),
    _good("varnish", ("varnish", "flask"), (curl("http://app.example.test/welcome?2"),), _FLASK),
    _good(
        "squid",
        ("squid", "flask"),
        (curl("http://app.example.test/welcome", "--proxy", "http://@squid/http@"),),
        _FLASK,
    ),
    _good(
        "tinyproxy",
        ("tinyproxy", "flask"),
        (curl("http://app.example.test/welcome", "--proxy", "http://@tinyproxy/http@"),),
        _FLASK,
    ),
    _good(
        "privoxy",
        ("privoxy", "flask"),
        (curl("http://app.example.test/welcome", "--proxy", "http://@privoxy/http@"),),
        _FLASK,
    ),
    _good(
        "retry-passed",
        ("envoy", "flask"),
        (curl("http://app.example.test/retried/flaky"),),
        Proof("flask", "output.log", r'"GET /retried/flaky HTTP/1.1" 200'),
    ),
    _good(
        "401-then-password",
        ("nginx",),
        (curl("http://static.example.test/members/list.txt", "--anyauth", "-u", "alice:wonder"),),
        Proof("nginx", "access.log", r"alice .*GET /members/list.txt HTTP/1.1. 200"),
        files={"nginx:htpasswd": "alice:{PLAIN}wonder\n", "nginx:members/list.txt": "alice\n"},
        conf={"nginx": "location /members/ { auth_basic members; auth_basic_user_file @nginx:dir@/www/htpasswd; }"},
    ),
    _good(
        "lighttpd-404",
        ("lighttpd",),
        (curl("http://light.example.test/nothing"),),
        Proof("lighttpd", "access.log", r"GET /nothing HTTP/1.1. 404"),
        status=404,
    ),
    _good(
        "django",
        ("django",),
        (curl("http://shop.example.test/"),),
        Proof("django", "output.log", r'"GET / HTTP/1.1" 200'),
    ),
    _good(
        "fastapi",
        ("fastapi",),
        (curl("http://api.example.test/"),),
        Proof("fastapi", "output.log", r'"GET / HTTP/1.1" 200'),
    ),
    _good(
        "idp",
        ("idp",),
        (curl("https://id.example.test/nothing"),),
        Proof("idp", "./output.log", r"Listening at"),
        status=404,
    ),
)
