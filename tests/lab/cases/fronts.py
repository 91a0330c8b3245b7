"""Programs in a place where one seldom looks for them: Squid in front of sites, lighttpd in front of an application."""

from functools import partial

from tests.lab.case import Accept, Case, Proof, curl
from tracer.model.verdict import Cause, Layer

_cache = partial(Case, layer=Layer.CDN, product="squid", status=403, hop="squid-cache", route=("squid-cache", "nginx"))
_light = partial(Case, status=403, route=("lighttpd", "flask"))
_TO_FLASK = {
    "lighttpd": '$HTTP["host"] == "app.example.test" {\n'
    '  proxy.server = ( "" => (( "host" => "@flask@", "port" => 80 )) )\n'
    '  $HTTP["useragent"] =~ "HarvestMan" { url.access-deny = ( "" ) }\n}'
}


def _denied(text: str) -> Proof:
    return Proof("squid-cache", "access.log", rf"TCP_DENIED/403 .*GET {text}")


CASES = (
    _cache(
        name="squid-cache-hotlink",
        cause=Cause.REFERER_DENIED,
        steps=(curl("http://static.example.test/cat.png", "-e", "http://forum.other.test/t/7"),),
        conf={
            "squid-cache": "acl own referer_regex -i example[.]test\nacl linked referer_regex .\n"
            "acl picture urlpath_regex [.]png$\nhttp_access deny picture linked !own"
        },
        proof=_denied("http://static.example.test/cat.png"),
        story="A picture is embedded in another site's page.\nSquid, as the site's cache, denies foreign referrers.",
    ),
    _cache(
        name="squid-cache-robot",
        cause=Cause.CLIENT_DENIED,
        steps=(curl("http://static.example.test/", "-A", "HTTrack/3.49"),),
        conf={"squid-cache": "acl copiers browser -i httrack\nhttp_access deny copiers"},
        proof=_denied("http://static.example.test/"),
        story="A program that copies whole sites.\nSquid, as the site's cache, knows it by its User-Agent.",
    ),
    _cache(
        name="squid-cache-passes-nginx",
        layer=Layer.ORIGIN,
        product="nginx",
        cause=Cause.PATH_DENIED,
        hop="nginx",
        steps=(curl("http://static.example.test/internal/plan.html"),),
        conf={"nginx": "location /internal/ { deny all; }"},
        proof=Proof("nginx", "error.log", r"access forbidden by rule.*GET /internal/plan.html"),
        accept=Accept(layers=(Layer.GATEWAY,), causes=(Cause.IP_DENIED,)),
        decidable=False,
        told_by="logs",
        story="The cache asks the origin, and that refuses.\nnginx: deny all; Squid passes the page on.",
    ),
    _cache(
        name="squid-cache-keeps-credentials",
        layer=Layer.APP,
        product="fastapi",
        cause=Cause.CREDENTIALS_MISSING,
        status=401,
        hop="fastapi",
        route=("squid-cache", "fastapi"),
        steps=(curl("http://api.example.test/private", "-H", "Authorization: Bearer @token:good@"),),
        proof=Proof("fastapi", "output.log", r"GET /private HTTP/1.1. 401"),
        accept=Accept(products=("uvicorn",), causes=(Cause.CREDENTIALS_INVALID,)),
        story="The client sends its token, and the application says that there is none.\n"
        "Squid as a cache hands Authorization on only where its peer has login=PASS.",
    ),
    _light(
        name="lighttpd-before-flask",
        layer=Layer.APP,
        product="flask",
        cause=Cause.INSUFFICIENT_SCOPE,
        hop="flask",
        steps=(curl("http://app.example.test/admin"),),
        conf=_TO_FLASK,
        proof=Proof("flask", "output.log", r"GET /admin HTTP/1.1. 403"),
        accept=Accept(products=("gunicorn",), causes=(Cause.UNKNOWN, Cause.RESOURCE_POLICY, Cause.PATH_DENIED)),
        story="An application behind lighttpd refuses.\nlighttpd passes its page on under its own name.",
    ),
    _light(
        name="lighttpd-before-flask-robot",
        layer=Layer.GATEWAY,
        product="lighttpd",
        cause=Cause.CLIENT_DENIED,
        hop="lighttpd",
        steps=(curl("http://app.example.test/", "-A", "HarvestMan/2.0"),),
        conf=_TO_FLASK,
        proof=Proof("lighttpd", "access.log", r"GET / HTTP/1.1. 403 .*HarvestMan"),
        accept=Accept(layers=(Layer.ORIGIN,)),
        decidable=False,
        story="A harvester asks lighttpd, which stands before an application.\nA rule of lighttpd denies the program.",
    ),
)
