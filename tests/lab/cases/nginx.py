"""Denials by nginx that holds the files."""

import base64
import hashlib
from functools import partial

from tests.lab.case import CHAIN_A, CHAIN_B, Accept, Case, Proof, curl
from tracer.model.verdict import Cause, Layer

_AT = "http://static.example.test"
_TLS = "https://static.example.test"
_origin = partial(Case, layer=Layer.ORIGIN, product="nginx", status=403, hop="nginx")
_direct = partial(_origin, route=("nginx",))
_FORBIDDEN = r"access forbidden by rule.*"


def _error(pattern: str) -> Proof:
    return Proof("nginx", "error.log", pattern)


def _access(pattern: str) -> Proof:
    return Proof("nginx", "access.log", pattern)


def _rule(pattern: str) -> Proof:
    return Proof("nginx", "nginx.conf", pattern)


_PATHS = (
    _origin(
        name="nginx-deny",
        cause=Cause.PATH_DENIED,
        route=("varnish", "nginx"),
        steps=(curl(f"{_AT}/"), curl(f"{_AT}/private/report.html")),
        files={"nginx:private/report.html": "<p>figures</p>\n"},
        conf={"nginx": "location /private/ { deny all; }"},
        proof=_error(_FORBIDDEN + "GET /private/report.html"),
        accept=Accept(causes=(Cause.IP_DENIED,)),
        story="The home page comes through Varnish; a page under /private/ is a 403 on the same way.\n"
        "nginx behind Varnish refuses it with `deny all`; Varnish only carried the answer.",
        curated=True,
    ),
    _origin(
        name="nginx-deny-chain-a",
        cause=Cause.PATH_DENIED,
        route=(*CHAIN_A, "nginx"),
        steps=(curl(f"{_TLS}/private/figures.html"),),
        conf={"nginx": "location /private/ { deny all; }"},
        proof=_error(_FORBIDDEN + "GET /private/figures.html"),
        accept=Accept(causes=(Cause.IP_DENIED,)),
        story="A page behind TLS, cache, firewall and gateway is a 403 with nginx's page.\n"
        "Both the firewall and the origin are nginx; the gateway's upstream time says it was the origin.",
        curated=True,
    ),
    _origin(
        name="nginx-deny-chain-b",
        cause=Cause.PATH_DENIED,
        route=(*CHAIN_B, "nginx"),
        steps=(curl(f"{_TLS}/private/numbers.html"),),
        conf={"nginx": "location /private/ { deny all; }"},
        proof=_error(_FORBIDDEN + "GET /private/numbers.html"),
        accept=Accept(causes=(Cause.IP_DENIED,)),
        story="Traffic Server writes its own name over nginx's in the answer.\n"
        "The page is still nginx's: `deny all` at the origin.",
    ),
    _direct(
        name="nginx-dot-file",
        cause=Cause.PATH_DENIED,
        steps=(curl(f"{_AT}/.git/config"),),
        conf={"nginx": "location ~ /[.] { deny all; }"},
        proof=_error(_FORBIDDEN + "GET /.git/config"),
        accept=Accept(causes=(Cause.IP_DENIED,)),
        story="Somebody asks for /.git/config.\nA rule against dot files refuses it.",
    ),
    _direct(
        name="nginx-wrong-case",
        cause=Cause.PATH_DENIED,
        steps=(curl(f"{_AT}/manual/intro.html"), curl(f"{_AT}/Manual/intro.html")),
        files={"nginx:manual/intro.html": "<p>intro</p>\n"},
        conf={"nginx": "location ~ ^/[A-Z] { return 403; }"},
        proof=_access(r"GET /Manual/intro.html HTTP/1.1. 403"),
        accept=Accept(causes=(Cause.OBJECT_HIDDEN,)),
        story="/manual/intro.html can be read, /Manual/intro.html is a 403: a wrong URL.\n"
        "A location with a pattern for capital letters returns 403.",
    ),
    _origin(
        name="nginx-custom-page",
        cause=Cause.PATH_DENIED,
        route=(*CHAIN_B, "nginx"),
        steps=(curl(f"{_TLS}/branded/a.html"),),
        files={"nginx:denied.html": "<h1>Oops</h1><p>You may not see this. Ask the web team.</p>\n"},
        conf={"nginx": "location /branded/ { deny all; error_page 403 /denied.html; }\nlocation = /denied.html { }"},
        proof=_error(_FORBIDDEN + "GET /branded/a.html"),
        accept=Accept(layers=(Layer.APP,), causes=(Cause.RESOURCE_POLICY, Cause.INSUFFICIENT_SCOPE)),
        decidable=False,
        story="The 403 has a page of the company's own, behind the second chain.\n"
        "nginx at the origin said it (`deny all` with error_page), but nothing of nginx shows to the client.",
    ),
)

_FILES = (
    _direct(
        name="nginx-chmod-000",
        cause=Cause.FILE_PERMISSIONS,
        steps=(curl(f"{_AT}/docs/guide.html"), curl(f"{_AT}/docs/secret.html")),
        files={"nginx:docs/guide.html": "<p>guide</p>\n", "nginx:docs/secret.html": "000 <p>secret</p>\n"},
        proof=_error(r"secret.html. failed \(13: Permission denied\)"),
        accept=Accept(causes=(Cause.PATH_DENIED,)),
        told_by="logs",
        story="One page of /docs/ can be read, its neighbour is a 403.\n"
        "The file has mode 000, and nginx's workers run as www-data.",
        curated=True,
    ),
    _origin(
        name="nginx-dir-700",
        cause=Cause.FILE_PERMISSIONS,
        route=(*CHAIN_A, "nginx"),
        steps=(curl(f"{_TLS}/moved-site/page.html"),),
        files={"nginx:moved-site/page.html": "<p>page</p>\n", "nginx:moved-site": "700 dir"},
        proof=_error(r"moved-site/page.html. failed \(13: Permission denied\)"),
        accept=Accept(causes=(Cause.PATH_DENIED,)),
        told_by="logs",
        story="After a migration every page of a folder is a 403.\nThe folder has mode 700 and belongs to root.",
    ),
    _origin(
        name="nginx-no-index",
        cause=Cause.DIRECTORY_INDEX,
        route=(*CHAIN_A, "nginx"),
        steps=(curl(f"{_TLS}/photos/"),),
        files={"nginx:photos/one.txt": "a photo\n"},
        proof=_error(r"directory index of .*photos/. is forbidden"),
        story="A folder without index.html is asked for through the whole chain.\n"
        "nginx at the origin has autoindex off.",
    ),
    _direct(
        name="nginx-no-index-direct",
        cause=Cause.DIRECTORY_INDEX,
        steps=(curl(f"{_AT}/photos/one.txt"), curl(f"{_AT}/photos/")),
        files={"nginx:photos/one.txt": "a photo\n"},
        proof=_error(r"directory index of .*photos/. is forbidden"),
        story="A file in the folder can be read, the folder itself cannot.\nNo index file, autoindex off.",
    ),
)

_CALLERS = (
    _direct(
        name="nginx-allow-list",
        cause=Cause.IP_DENIED,
        steps=(curl(f"{_AT}/intranet/home.html"),),
        conf={"nginx": "location /intranet/ { allow 10.0.0.0/8; deny all; }"},
        proof=_error(_FORBIDDEN + "GET /intranet/home.html"),
        accept=Accept(causes=(Cause.PATH_DENIED,)),
        told_by="logs",
        story="The intranet's pages are for 10.0.0.0/8; the client comes from elsewhere.\nnginx's allow list refuses.",
    ),
    _direct(
        name="nginx-blocked-address",
        cause=Cause.IP_DENIED,
        steps=(curl(f"{_AT}/open/a.txt"), curl(f"{_AT}/open/a.txt", "blocked")),
        files={"nginx:open/a.txt": "open\n"},
        conf={"nginx": "location /open/ { deny 127.0.0.66; }"},
        proof=_error(_FORBIDDEN + "GET /open/a.txt"),
        accept=Accept(causes=(Cause.PATH_DENIED,)),
        story="The same file: one client gets it, another address gets a 403.\nThat address is on nginx's deny list.",
        curated=True,
    ),
    _direct(
        name="nginx-country",
        cause=Cause.GEO_DENIED,
        steps=(curl(f"{_AT}/film.txt", "blocked"),),
        files={"nginx:film.txt": "film\n"},
        conf={
            "nginx:http": "geo $country { default DE; 127.0.0.66/32 KP; }",
            "nginx": 'location = /film.txt { if ($country = KP) { return 403 "Not available in your country.\\n"; } }',
        },
        proof=_access(r"GET /film.txt HTTP/1.1. 403"),
        accept=Accept(causes=(Cause.IP_DENIED,), layers=(Layer.CDN, Layer.APP)),
        story="A film is not licensed for the country of the client's address.\n"
        "nginx's geo map says so and returns 403.",
    ),
    _origin(
        name="nginx-hotlink",
        cause=Cause.REFERER_DENIED,
        route=("varnish", "nginx"),
        steps=(
            curl(f"{_AT}/img/logo.png", "-H", "Accept: image/*", "-e", "http://static.example.test/"),
            curl(f"{_AT}/img/cat.png", "-H", "Accept: image/*", "-e", "https://elsewhere.test/page"),
        ),
        files={"nginx:img/logo.png": "png\n", "nginx:img/cat.png": "png\n"},
        conf={
            "nginx": "location /img/ { valid_referers none server_names; if ($invalid_referer) { return 403; } }",
        },
        proof=Proof("nginx", "witness.log", r"GET /img/cat.png HTTP/1.1 403 .*referer=\[1\]"),
        story="A picture is embedded in somebody else's page and is a 403; in the own page it shows.\n"
        "nginx checks the Referer (valid_referers).",
        curated=True,
    ),
    _origin(
        name="nginx-user-agent",
        cause=Cause.CLIENT_DENIED,
        route=("nginx",),
        steps=(curl(f"{_AT}/feed.txt", "-A", "Mozilla/5.0"), curl(f"{_AT}/feed.txt", "-A", "BadBot/1.0")),
        files={"nginx:feed.txt": "feed\n"},
        conf={"nginx": "location = /feed.txt { if ($http_user_agent ~* badbot) { return 403; } }"},
        proof=_access(r"GET /feed.txt HTTP/1.1. 403 .*BadBot"),
        story="A crawler with one name is refused, a browser is not.\nnginx matches the User-Agent.",
    ),
    _direct(
        name="nginx-unknown-host",
        cause=Cause.HOST_DENIED,
        steps=(curl("http://www.somebody-else.test/"),),
        conf={"nginx:http": "server { listen 127.0.4.1:80 default_server; server_name _; return 403; }"},
        proof=_access(r"GET / HTTP/1.1. 403"),
        accept=Accept(causes=(Cause.PATH_DENIED,)),
        told_by="logs",
        story="DNS points a name at the wrong machine.\nnginx has no such site; its default server returns 403.",
    ),
    _origin(
        name="nginx-misdirected",
        cause=Cause.HOST_DENIED,
        status=421,
        hop="nginx/mtls",
        route=("nginx/mtls",),
        steps=(curl("https://other.example.test/", "-H", "Host: static.example.test"),),
        conf={
            "nginx:http": "server { listen 127.0.8.1:443 ssl; server_name other.example.test; ssl_verify_client off;\n"
            "  ssl_certificate @pki@/server.pem; ssl_certificate_key @pki@/server.key; }"
        },
        proof=_error(r"client attempted to request the server name different from the one that was negotiated"),
        accept=Accept(layers=(Layer.GATEWAY,)),
        story="The connection was made for one name, the request is for another.\n"
        "The server wants client certificates, so nginx answers 421 Misdirected Request.",
    ),
)


def _signed(text: str) -> str:
    """The signature of nginx's secure_link over `text`, with the secret below."""
    return base64.urlsafe_b64encode(hashlib.md5(f"{text} lab".encode()).digest()).rstrip(b"=").decode()


_LINKS = {
    "nginx": "location /dl/ {\n    secure_link $arg_md5,$arg_expires;\n"
    '    secure_link_md5 "$secure_link_expires$uri lab";\n'
    '    if ($secure_link = "") { return 403; }\n    if ($secure_link = "0") { return 403 "link expired\\n"; }\n}'
}

_AUTH = (
    _direct(
        name="nginx-basic-none",
        cause=Cause.CREDENTIALS_MISSING,
        status=401,
        steps=(curl(f"{_AT}/members/"),),
        files={"nginx:htpasswd": "alice:{PLAIN}wonder\n"},
        conf={"nginx": "location /members/ { auth_basic members; auth_basic_user_file @nginx:dir@/www/htpasswd; }"},
        proof=_access(r"GET /members/ HTTP/1.1. 401"),
        story="No user and password were sent.\nnginx asks for them: 401 with WWW-Authenticate: Basic.",
    ),
    _origin(
        name="nginx-basic-wrong",
        cause=Cause.CREDENTIALS_INVALID,
        status=401,
        route=("haproxy", "nginx"),
        steps=(curl(f"{_AT}/members/", "-u", "alice:guess"),),
        files={"nginx:htpasswd": "alice:{PLAIN}wonder\n"},
        conf={"nginx": "location /members/ { auth_basic members; auth_basic_user_file @nginx:dir@/www/htpasswd; }"},
        proof=_error(r'user "alice": password mismatch'),
        story="alice sends a wrong password through HAProxy.\nnginx answers 401 again.",
    ),
    _direct(
        name="nginx-basic-no-file",
        cause=Cause.CONFIG_ERROR,
        steps=(curl(f"{_AT}/staff/", "-u", "alice:wonder"),),
        conf={"nginx": "location /staff/ { auth_basic staff; auth_basic_user_file @nginx:dir@/nothing; }"},
        proof=_error(r"nothing. failed \(2: No such file or directory\)"),
        accept=Accept(causes=(Cause.CREDENTIALS_INVALID, Cause.PATH_DENIED)),
        told_by="logs",
        story="User and password are right, the answer is 403.\n"
        "The password file that nginx is told to read does not exist.",
    ),
    _direct(
        name="nginx-link-expired",
        cause=Cause.CREDENTIALS_EXPIRED,
        steps=(curl(f"{_AT}/dl/file.txt?md5={_signed('1500000000/dl/file.txt')}&expires=1500000000"),),
        files={"nginx:dl/file.txt": "file\n"},
        conf=_LINKS,
        proof=Proof("nginx", "witness.log", r"GET /dl/file.txt\?md5=.* 403 link=\[0\]"),
        story="A signed link is used after its end.\nnginx's secure_link says expired and returns 403.",
    ),
    _direct(
        name="nginx-link-forged",
        cause=Cause.SIGNATURE_MISMATCH,
        steps=(curl(f"{_AT}/dl/file.txt?md5=AAAAAAAAAAAAAAAAAAAAAA&expires=4000000000"),),
        files={"nginx:dl/file.txt": "file\n"},
        conf=_LINKS,
        proof=Proof("nginx", "witness.log", r"GET /dl/file.txt\?md5=AAAA.* 403 link=\[-?\]"),
        accept=Accept(causes=(Cause.CREDENTIALS_INVALID, Cause.PATH_DENIED)),
        told_by="logs",
        story="A signed link with a signature that does not verify.\nnginx's secure_link returns 403.",
    ),
)

_REQUESTS = (
    _direct(
        name="nginx-limit-except",
        cause=Cause.METHOD_DENIED,
        steps=(curl(f"{_AT}/readonly/a.txt"), curl(f"{_AT}/readonly/a.txt", "-X", "PUT", "-d", "x")),
        files={"nginx:readonly/a.txt": "read me\n"},
        conf={"nginx": "location /readonly/ { limit_except GET { deny all; } }"},
        proof=_error(_FORBIDDEN + "PUT /readonly/a.txt"),
        story="GET works, PUT is a 403.\nnginx has limit_except GET { deny all; }.",
    ),
    _origin(
        name="nginx-post-405",
        cause=Cause.METHOD_DENIED,
        status=405,
        route=(*CHAIN_A, "nginx"),
        steps=(curl(f"{_TLS}/photos/one.txt", "-d", "a=1"),),
        files={"nginx:photos/one.txt": "a photo\n"},
        proof=_access(r"POST /photos/one.txt HTTP/1.1. 405"),
        story="A form is posted to a static file.\nnginx: 405 Not Allowed.",
    ),
    _direct(
        name="nginx-preflight",
        cause=Cause.CORS_DENIED,
        steps=(
            curl(
                *(f"{_AT}/data/list.json", "-X", "OPTIONS", "-H", "Origin: https://app.example.test"),
                *("-H", "Access-Control-Request-Method: PUT", "-H", "Access-Control-Request-Headers: x-token"),
            ),
        ),
        files={"nginx:data/list.json": "[]\n"},
        conf={"nginx": "location /data/ { if ($request_method = OPTIONS) { return 403; } }"},
        proof=_access(r"OPTIONS /data/list.json HTTP/1.1. 403"),
        accept=Accept(causes=(Cause.METHOD_DENIED,)),
        story="A browser asks first whether it may PUT across origins.\n"
        "nginx refuses the preflight itself: OPTIONS is a 403.",
        curated=True,
    ),
    _direct(
        name="nginx-https-only",
        cause=Cause.TLS_REQUIRED,
        steps=(curl(f"{_AT}/bank/"),),
        conf={"nginx": 'location /bank/ { if ($scheme = http) { return 403 "HTTPS is required.\\n"; } }'},
        proof=_access(r"GET /bank/ HTTP/1.1. 403"),
        accept=Accept(layers=(Layer.APP, Layer.GATEWAY)),
        story="A page is asked for over plain HTTP.\nThe site wants TLS and says so with a 403.",
    ),
    _direct(
        name="nginx-plain-to-tls-port",
        cause=Cause.TLS_REQUIRED,
        status=400,
        hop="nginx/https",
        steps=(curl("http://static.example.test:443/bank/"),),
        denial=False,
        proof=_error(r"client sent plain HTTP request to HTTPS port"),
        story="Plain HTTP is spoken to the TLS port.\nnginx: 400, the plain HTTP request was sent to HTTPS port.",
    ),
    _direct(
        name="nginx-limit-req-403",
        cause=Cause.RATE_LIMITED,
        steps=tuple(curl(f"{_AT}/slow/a.txt") for _ in range(3)),
        files={"nginx:slow/a.txt": "slow\n"},
        conf={
            "nginx:http": "limit_req_zone $binary_remote_addr zone=slow:1m rate=2r/m;",
            "nginx": "location /slow/ { limit_req zone=slow burst=1 nodelay; limit_req_status 403; }",
        },
        proof=_error(r"limiting requests, excess.*zone .slow."),
        accept=Accept(causes=(Cause.PATH_DENIED,)),
        story="Two requests pass, the third within a second is a 403.\nnginx's limit_req is told to answer with 403.",
        curated=True,
    ),
    _origin(
        name="nginx-limit-req-429",
        cause=Cause.RATE_LIMITED,
        status=429,
        route=("envoy", "nginx"),
        steps=tuple(curl(f"{_AT}/slower/a.txt") for _ in range(3)),
        files={"nginx:slower/a.txt": "slow\n"},
        conf={
            "nginx:http": "limit_req_zone $binary_remote_addr zone=slower:1m rate=2r/m;",
            "nginx": "location /slower/ { limit_req zone=slower burst=1 nodelay; limit_req_status 429; }",
        },
        proof=_error(r"limiting requests, excess.*zone .slower."),
        story="The third request within a second, through Envoy, is a 429.\nThe limit is nginx's own at the origin.",
    ),
    _origin(
        name="nginx-maintenance",
        cause=Cause.MAINTENANCE,
        route=(*CHAIN_B, "nginx"),
        steps=(curl(f"{_TLS}/service/status"),),
        conf={
            "nginx": "location /service/ { default_type application/json; "
            'return 403 \'{"error":"maintenance","message":"Service is down for maintenance"}\'; }'
        },
        proof=_access(r"GET /service/status HTTP/1.1. 403"),
        accept=Accept(layers=(Layer.APP, Layer.GATEWAY)),
        decidable=False,
        story="The service was switched off on purpose and says so in JSON.\nnginx itself returns it, at the origin.",
    ),
)

CASES: tuple[Case, ...] = (*_PATHS, *_FILES, *_CALLERS, *_AUTH, *_REQUESTS)
