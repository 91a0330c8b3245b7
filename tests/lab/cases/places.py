"""Asked at the wrong place: another server's address, a URL that misses by a little, an edge gone around."""

from functools import partial

from tests.lab.case import Accept, Case, Proof, curl
from tracer.model.verdict import Cause, Layer

_AT = "http://static.example.test"
_nginx = partial(Case, layer=Layer.ORIGIN, product="nginx", status=403, hop="nginx", route=("nginx",))
_app = partial(Case, layer=Layer.APP, product="flask", status=403, hop="flask")
_RULE = r"access forbidden by rule.*"


def _error(pattern: str) -> Proof:
    return Proof("nginx", "error.log", pattern)


_URLS = (
    _nginx(
        name="nginx-wrong-location",
        cause=Cause.PATH_DENIED,
        steps=(curl(f"{_AT}/inland.html"), curl(f"{_AT}/international.html")),
        files={"nginx:inland.html": "<p>inland</p>\n", "nginx:international.html": "<p>abroad</p>\n"},
        conf={"nginx": "location ~ ^/intern { deny all; }"},
        proof=_error(_RULE + "GET /international.html"),
        accept=Accept(causes=(Cause.IP_DENIED,)),
        story="One page opens, the page on foreign trade does not.\n"
        "A location written for /intern/ matches /international.html too.",
    ),
    _nginx(
        name="nginx-trailing-slash",
        cause=Cause.PATH_DENIED,
        steps=(curl(f"{_AT}/figures"), curl(f"{_AT}/figures/")),
        conf={"nginx": 'location = /figures { return 200 "figures\\n"; }\nlocation /figures/ { deny all; }'},
        proof=_error(_RULE + "GET /figures/ "),
        accept=Accept(causes=(Cause.IP_DENIED, Cause.DIRECTORY_INDEX)),
        story="/figures opens, /figures/ is a 403: a slash too many.\nnginx has a location for each of the two.",
    ),
    _nginx(
        name="tls-wrong-server",
        hop="nginx/https",
        route=("nginx/https",),
        cause=Cause.HOST_DENIED,
        steps=(curl("https://www.moved-away.test/", "-k"),),
        conf={
            "nginx:http": "server { listen 127.0.4.1:443 ssl default_server; server_name _; return 403;\n"
            "  ssl_certificate @pki@/server.pem; ssl_certificate_key @pki@/server.key; }"
        },
        proof=Proof("nginx", "witness.log", r"GET / HTTP/(1.1|2.0) 403"),
        accept=Accept(causes=(Cause.PATH_DENIED,)),
        story="DNS still points a name at a machine that no longer serves it.\n"
        "nginx's default site answers 403 under a certificate that does not have the name.",
    ),
)

_ADDRESSES = (
    _nginx(
        name="nginx-sees-the-proxy",
        cause=Cause.IP_DENIED,
        route=("haproxy", "nginx"),
        steps=(curl(f"{_AT}/partners/a.txt", front="nginx"), curl(f"{_AT}/partners/a.txt")),
        files={"nginx:partners/a.txt": "a\n"},
        conf={"nginx": "location /partners/ { allow 127.0.0.10; deny all; }"},
        proof=_error(_RULE + r"client: 127.0.3.2, .*GET /partners/a.txt"),
        accept=Accept(causes=(Cause.PATH_DENIED, Cause.CONFIG_ERROR)),
        story="The client's address is on nginx's allow list, and directly it passes.\n"
        "Through HAProxy nginx sees the load balancer's address instead: 403.",
        curated=True,
    ),
    _app(
        name="app-names-the-address",
        cause=Cause.IP_DENIED,
        route=("haproxy", "flask"),
        steps=(curl("http://app.example.test/office"), curl("http://app.example.test/office", "blocked")),
        proof=Proof("flask", "output.log", r"refused /office: Your IP address 127.0.0.66 is not on the allow list"),
        accept=Accept(products=("gunicorn", "werkzeug")),
        story="One address passes, another is refused by the application behind HAProxy.\n"
        "The answer names the address.",
    ),
    _nginx(
        name="nginx-edge-gone-around",
        cause=Cause.CREDENTIALS_MISSING,
        route=("varnish", "nginx"),
        steps=(curl(f"{_AT}/shielded/a.txt"), curl(f"{_AT}/shielded/a.txt", front="nginx")),
        files={"nginx:shielded/a.txt": "a\n"},
        conf={
            "varnish:recv": '    if (req.url ~ "^/shielded/") { set req.http.X-Edge-Key = "k3y"; }',
            "nginx": 'location /shielded/ { if ($http_x_edge_key != "k3y") '
            '{ return 403 "Direct access to the origin is not allowed.\\n"; } }',
        },
        proof=Proof("nginx", "witness.log", r"GET /shielded/a.txt HTTP/1.1 403"),
        accept=Accept(
            causes=(Cause.IP_DENIED, Cause.HOST_DENIED, Cause.PATH_DENIED, Cause.REQUEST_REJECTED),
            layers=(Layer.APP, Layer.GATEWAY),
        ),
        story="Through the cache the file can be read; straight from the origin it is a 403.\n"
        "nginx wants the key that only the edge adds.",
    ),
)

CASES: tuple[Case, ...] = (*_URLS, *_ADDRESSES)
