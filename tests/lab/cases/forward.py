"""Denials by forward proxies: Squid, tinyproxy, Privoxy."""

from functools import partial

from tests.lab.case import CHAIN_A, Accept, Case, Proof, curl
from tracer.model.verdict import Cause, Layer

_SQUID = ("--proxy", "http://@squid/http@")
_TINY = ("--proxy", "http://@tinyproxy/http@")
_PRIV = ("--proxy", "http://@privoxy/http@")
_squid = partial(
    Case,
    layer=Layer.FORWARD_PROXY,
    product="squid",
    cause=Cause.DESTINATION_DENIED,
    status=403,
    hop="squid",
    route=("squid",),
)
_tiny = partial(
    Case,
    layer=Layer.FORWARD_PROXY,
    product="tinyproxy",
    cause=Cause.DESTINATION_DENIED,
    status=403,
    hop="tinyproxy",
    route=("tinyproxy",),
)


def _squid_log(text: str) -> Proof:
    return Proof("squid", "access.log", text)


_LOGIN = {
    "squid": "auth_param basic program /usr/lib/squid/basic_ncsa_auth @squid:dir@/www/users\n"
    "auth_param basic realm company\nacl known proxy_auth REQUIRED\nacl members dstdomain -n members.example.test\n"
    "http_access allow members known\nhttp_access deny members"
}
_USERS = {"squid:users": "alice:$apr1$lab$8mO8VPzF0dVxSV5tXpFYC1\n"}

CASES = (
    _squid(
        name="squid-connect-refused",
        steps=(curl("https://games.example.test/", *_SQUID),),
        conf={"squid": "acl games dstdomain -n games.example.test\nhttp_access deny games"},
        proof=_squid_log(r"TCP_DENIED/403 .*CONNECT games.example.test:443"),
        story="curl asks the company's proxy for a tunnel to a site and gets 403 for CONNECT.\n"
        "Squid's access list denies the domain; the site was never asked.",
        curated=True,
    ),
    _squid(
        name="squid-http-site",
        steps=(curl("http://games.example.test/play", *_SQUID),),
        conf={"squid": "acl games dstdomain -n games.example.test\nhttp_access deny games"},
        proof=_squid_log(r"TCP_DENIED/403 .*GET http://games.example.test/play"),
        story="The same site over plain HTTP.\nSquid's own 403 page, with X-Squid-Error.",
    ),
    _squid(
        name="squid-connect-port",
        steps=(curl("https://files.example.test:8443/", *_SQUID),),
        proof=_squid_log(r"TCP_DENIED/403 .*CONNECT files.example.test:8443"),
        story="A tunnel to a port that is not 443.\nSquid allows CONNECT to 443 only.",
    ),
    _squid(
        name="squid-address",
        cause=Cause.IP_DENIED,
        steps=(curl("http://static.example.test/", *_SQUID, "blocked"),),
        conf={"squid": "acl outsider src 127.0.0.66\nhttp_access deny outsider"},
        proof=_squid_log(r"127.0.0.66 TCP_DENIED/403 .*GET http://static.example.test/"),
        accept=Accept(causes=(Cause.DESTINATION_DENIED,)),
        told_by="logs",
        story="A machine that may not use the proxy at all.\nSquid's acl on the source.",
    ),
    _squid(
        name="squid-login-missing",
        cause=Cause.CREDENTIALS_MISSING,
        status=407,
        steps=(curl("http://members.example.test/", *_SQUID),),
        conf=_LOGIN,
        files=_USERS,
        proof=_squid_log(r"TCP_DENIED/407 .*GET http://members.example.test/"),
        story="The proxy wants a log-in for this site.\nSquid: 407 with Proxy-Authenticate.",
    ),
    _squid(
        name="squid-login-wrong",
        cause=Cause.CREDENTIALS_INVALID,
        status=407,
        steps=(curl("http://members.example.test/", *_SQUID, "-U", "alice:guess"),),
        conf=_LOGIN,
        files=_USERS,
        proof=_squid_log(r"TCP_DENIED/407 .*GET http://members.example.test/ alice"),
        story="A wrong password for the proxy.\nSquid: 407 again.",
    ),
    _squid(
        name="squid-agent",
        cause=Cause.CLIENT_DENIED,
        steps=(curl("http://static.example.test/", *_SQUID, "-A", "Updater/1"),),
        conf={"squid": "acl updater browser ^Updater\nhttp_access deny updater"},
        proof=_squid_log(r"TCP_DENIED/403 .*GET http://static.example.test/"),
        accept=Accept(causes=(Cause.DESTINATION_DENIED,)),
        told_by="logs",
        story="A program is refused for its User-Agent.\nSquid's acl of type browser.",
    ),
    Case(
        name="squid-passes-origin",
        layer=Layer.ORIGIN,
        product="nginx",
        cause=Cause.PATH_DENIED,
        status=403,
        hop="nginx",
        route=("squid", "nginx"),
        steps=(curl("http://static.example.test/private/through-squid", *_SQUID),),
        conf={"nginx": "location /private/ { deny all; }"},
        proof=Proof("nginx", "error.log", r"access forbidden by rule.*GET /private/through-squid"),
        accept=Accept(causes=(Cause.IP_DENIED,)),
        story="A 403 comes through the company's proxy, which only carried it.\nnginx at the other end said it.",
        curated=True,
    ),
    Case(
        name="squid-tunnel-app",
        layer=Layer.APP,
        product="flask",
        cause=Cause.INSUFFICIENT_SCOPE,
        status=403,
        hop="flask",
        route=("squid", "caddy", "flask"),
        steps=(
            curl(
                *("https://app.example.test/api/users", *_SQUID, "-H", "X-Api-Key: k-alice"),
                *("--connect-to", "app.example.test:443:127.0.3.3:443"),
            ),
        ),
        proof=Proof("flask", "output.log", r"refused /api/users: Role admin is required"),
        accept=Accept(products=("gunicorn", "werkzeug")),
        story="Through a tunnel of the company's proxy and Caddy.\nThe application says that role admin is missing.",
    ),
    _squid(
        name="squid-opens-tls",
        hop="squid/opening",
        route=("squid/opening", "nginx"),
        steps=tuple(
            curl(
                *(f"https://static.example.test/{page}", "--proxy", "http://@squid/opening@"),
                *("--cacert", "@pki@/other-ca.pem"),
            )
            for page in ("", "videos/a.mp4")
        ),
        conf={"squid": "acl videos url_regex ^https://static[.]example[.]test/videos/\nhttp_access deny videos"},
        proof=_squid_log(r"TCP_DENIED/403 .*GET https://static.example.test/videos/a.mp4"),
        url="/videos/a.mp4",
        story="The company's proxy opens TLS with certificates of its own authority; the home page comes through.\n"
        "Its list forbids the site's videos: a 403 of Squid inside what looks like the site's own connection.",
        curated=True,
    ),
    _tiny(
        name="tinyproxy-filter",
        steps=(curl("http://casino.example.test/", *_TINY),),
        conf={"tinyproxy:filter": "casino"},
        proof=Proof("tinyproxy", "tinyproxy.log", r"(refused|filtered).*casino|casino.*(refused|filtered)"),
        story="A site on the filter list.\ntinyproxy: 403 Filtered.",
    ),
    _tiny(
        name="tinyproxy-connect-port",
        steps=(curl("https://static.example.test:8443/", *_TINY),),
        proof=Proof("tinyproxy", "tinyproxy.log", r"Refused CONNECT method on port 8443"),
        story="A tunnel to a port that is not on the list.\ntinyproxy: 403 Access violation.",
    ),
    _tiny(
        name="tinyproxy-address",
        cause=Cause.IP_DENIED,
        steps=(curl("http://static.example.test/", *_TINY, "blocked"),),
        proof=Proof("tinyproxy", "tinyproxy.log", r"Unauthorized connection from .127.0.0.66"),
        accept=Accept(causes=(Cause.DESTINATION_DENIED,)),
        story="A machine that may not use the proxy.\ntinyproxy: 403 Access denied.",
    ),
    Case(
        name="privoxy-blocked",
        layer=Layer.FORWARD_PROXY,
        product="privoxy",
        cause=Cause.DESTINATION_DENIED,
        status=403,
        hop="privoxy",
        route=("privoxy",),
        steps=(curl("http://ads.example.test/banner.html", *_PRIV),),
        conf={"privoxy": "{+block{advertisements}}\nads.example.test"},
        proof=Proof("privoxy", "output.log", r"ads.example.test/banner.html"),
        story="An advertisement is blocked on the way out.\nPrivoxy: 403 Request blocked by Privoxy.",
    ),
    Case(
        name="captive-portal-511",
        layer=Layer.FORWARD_PROXY,
        product="nginx",
        cause=Cause.CREDENTIALS_MISSING,
        status=511,
        hop="nginx/portal",
        route=("nginx/portal",),
        steps=(curl("http://www.somewhere.test/news"),),
        proof=Proof("nginx", "access.log", r"GET /news HTTP/1.1. 511"),
        accept=Accept(layers=(Layer.GATEWAY,), causes=(Cause.DESTINATION_DENIED, Cause.ACCOUNT_RESTRICTED)),
        story="The hotel's network answers in place of every site until the guest has logged in.\n"
        "511 Network Authentication Required, from nginx at the portal's address.",
    ),
    Case(
        name="squid-passes-edge",
        layer=Layer.GATEWAY,
        product="envoy",
        cause=Cause.PATH_DENIED,
        status=403,
        hop="envoy/chain",
        route=("squid", *CHAIN_A, "flask"),
        steps=(
            curl(
                *("https://app.example.test/closed-area/b", *_SQUID),
                *("--connect-to", "app.example.test:443:127.0.1.1:443"),
            ),
        ),
        conf={
            "envoy:deny": "        closed:\n          permissions: [{url_path: {path: {prefix: /closed-area/}}}]\n"
            "          principals: [{any: true}]"
        },
        proof=Proof("envoy", "output.log", r"/closed-area/b .* 403 .*rbac_access_denied_matched_policy\[closed\]"),
        accept=Accept(causes=(Cause.RESOURCE_POLICY, Cause.INSUFFICIENT_SCOPE)),
        story="Through the company's tunnel into the first chain.\nEnvoy's RBAC said no, five hops away.",
    ),
)
