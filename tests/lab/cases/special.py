"""The hard ones: old answers, rewritten answers, retries, other protocols, a debugging proxy in between."""

from functools import partial

from tests.lab.case import CHAIN_A, CHAIN_B, Accept, Case, Proof, Step, curl, python
from tracer.model.verdict import Cause, Layer

_GUNICORN = ("gunicorn", "werkzeug")
_H, _S = "http://app.example.test", "https://app.example.test"
_APACHE_DENIED = r"AH01630: client denied by server configuration: .*"
_nginx = partial(Case, layer=Layer.ORIGIN, product="nginx", status=403, hop="nginx")
_apache = partial(Case, layer=Layer.ORIGIN, product="apache", status=403, hop="apache")
_flask = partial(Case, layer=Layer.APP, product="flask", status=403, hop="flask")
_PRIVATE = {"nginx": "location /private/ { deny all; }"}
_KEEP = {
    "varnish:response": '    if (bereq.url ~ "^/cached/") { set beresp.ttl = 120s; unset beresp.http.Set-Cookie; '
    "return (deliver); }"
}
_CACHED = {"apache:cached/a.txt": "a\n", "apache:cached/.htaccess": "Require all denied\n"}
_RULE = r"access forbidden by rule.*"


def _wait(seconds: str) -> Step:
    return Step(("sleep", seconds))


_CACHE = (
    _apache(
        name="cached-denial",
        cause=Cause.STALE_DENIAL,
        route=("varnish", "apache"),
        steps=(
            curl("http://files.example.test/cached/a.txt"),
            _wait("2.2"),
            curl("http://files.example.test/cached/a.txt"),
        ),
        files=_CACHED,
        conf=_KEEP,
        proof=Proof("apache", "error.log", _APACHE_DENIED + "cached/a.txt"),
        accept=Accept(
            layers=(Layer.CDN,), products=("varnish",), causes=(Cause.PATH_DENIED, Cause.IP_DENIED), hops=("varnish",)
        ),
        story="Apache said 403 once; Varnish keeps it for two minutes.\n"
        "The second answer is the old one, Age 2, and the origin was not asked again.",
        curated=True,
    ),
    _apache(
        name="cached-denial-only-hit",
        cause=Cause.STALE_DENIAL,
        route=("varnish", "apache"),
        before=(curl("http://files.example.test/cached/b.txt"), _wait("2.2")),
        steps=(curl("http://files.example.test/cached/b.txt"),),
        files=_CACHED,
        conf=_KEEP,
        proof=Proof("apache", "www/cached/.htaccess", "Require all denied"),
        accept=Accept(
            layers=(Layer.CDN,),
            products=("varnish",),
            causes=(Cause.PATH_DENIED, Cause.IP_DENIED),
            hops=("varnish",),
        ),
        story="Only the cache's answer was captured: a 403 of Age 2 with Apache's page.\n"
        "Varnish served what Apache had said before.",
    ),
)

_LIFTED = (
    _apache(
        name="cached-denial-lifted",
        layer=Layer.CDN,
        product="varnish",
        hop="varnish",
        cause=Cause.STALE_DENIAL,
        route=("varnish", "apache"),
        before=(curl("http://files.example.test/lifted/a.txt"), _wait("1.2")),
        steps=(
            Step(("rm", "@apache:dir@/www/lifted/.htaccess")),
            curl("http://files.example.test/lifted/a.txt", front="apache"),
            curl("http://files.example.test/lifted/a.txt"),
        ),
        files={"apache:lifted/a.txt": "a\n", "apache:lifted/.htaccess": "Require all denied\n"},
        conf={
            "varnish:response": '    if (bereq.url ~ "^/lifted/") { set beresp.ttl = 120s; '
            "unset beresp.http.Set-Cookie; return (deliver); }"
        },
        proof=Proof("apache", "access.log", r"GET /lifted/a.txt HTTP/1.1. 200"),
        accept=Accept(layers=(Layer.ORIGIN,), products=("apache",), hops=("apache",)),
        story="The rule was lifted: straight from Apache the file comes.\nVarnish still serves the 403 of before.",
        curated=True,
    ),
)

_REWRITTEN = (
    _flask(
        name="two-hops-could-deny",
        layer=Layer.GATEWAY,
        product="haproxy",
        hop="haproxy",
        cause=Cause.PATH_DENIED,
        route=("varnish", "haproxy", "flask"),
        steps=(curl("http://balanced-app.example.test/internal/y", "-H", "Host: balanced-app.example.test"),),
        conf={"haproxy": "    http-request deny if { path_beg /internal/ }"},
        proof=Proof("haproxy", "output.log", r" 403 .*PR--.*GET /internal/y"),
        accept=Accept(causes=(Cause.IP_DENIED,)),
        story="Cache, then load balancer: two hops that could have denied.\nHAProxy did; Varnish carried it.",
        curated=True,
    ),
    _flask(
        name="rewritten-by-nginx",
        cause=Cause.INSUFFICIENT_SCOPE,
        route=(*CHAIN_A, "flask"),
        steps=(curl(f"{_S}/branded/thing"),),
        conf={
            "waf": "location = /branded/thing {\n    proxy_pass https://@envoy/chain@/api/users;\n"
            "    proxy_http_version 1.1;\n"
            "    proxy_set_header Host $host;\n    proxy_set_header X-Api-Key k-alice;\n"
            "    proxy_ssl_certificate @pki@/hop.pem;\n    proxy_ssl_certificate_key @pki@/hop.key;\n"
            "    proxy_ssl_server_name on;\n    proxy_ssl_name edge.example.test;\n    proxy_intercept_errors on;\n"
            "    error_page 403 /brand-403;\n}\n"
            "location = /brand-403 { internal; default_type text/html; "
            'return 403 "<h1>Sorry</h1><p>Example Ltd.</p>"; }'
        },
        proof=Proof("flask", "output.log", r"refused /api/users: Role admin is required"),
        accept=Accept(
            products=(*_GUNICORN, "nginx"),
            layers=(Layer.GATEWAY, Layer.WAF),
            causes=(Cause.UNKNOWN, Cause.PATH_DENIED, Cause.RESOURCE_POLICY),
            hops=("waf",),
        ),
        decidable=False,
        told_by="logs",
        story="The application's JSON 403 is replaced by the reverse proxy's branded page.\n"
        "With all hops captured the first speaker is the application; the client cannot tell.",
        curated=True,
    ),
    _flask(
        name="rewritten-by-traefik",
        cause=Cause.INSUFFICIENT_SCOPE,
        route=("traefik", "flask", "nginx"),
        steps=(curl(f"{_H}/api/users", "-H", "X-Api-Key: k-alice", "-H", "Host: branded.example.test"),),
        files={"nginx:denied-403.html": "<h1>Sorry</h1><p>Example Ltd.</p>\n"},
        conf={
            "nginx:http": "server { listen 127.0.4.1:80; server_name branded.example.test; }",
            "traefik:routers": '    branded: {rule: "Host(`branded.example.test`)", service: app, entryPoints: [http], '
            "middlewares: [branded]}",
            "traefik:middlewares": '    branded: {errors: {status: ["403"], service: static, '
            'query: "/denied-403.html"}}',
        },
        proof=Proof("flask", "output.log", r"refused /api/users: Role admin is required"),
        accept=Accept(
            products=(*_GUNICORN, "traefik", "nginx"),
            layers=(Layer.GATEWAY, Layer.ORIGIN),
            causes=(Cause.UNKNOWN, Cause.PATH_DENIED),
        ),
        decidable=False,
        told_by="logs",
        story="Traefik's errors middleware fetches a page of nginx in place of the application's.\n"
        "The application said 403.",
    ),
    _flask(
        name="scrubbed-headers",
        cause=Cause.INSUFFICIENT_SCOPE,
        route=("haproxy", "flask"),
        steps=(curl(f"{_H}/streamed?scrub"),),
        conf={
            "haproxy": "    http-request set-var(txn.scrub) bool(true) if { query scrub }\n"
            + "\n".join(
                f"    http-response del-header {name} if {{ var(txn.scrub) -m bool }}"
                for name in ("server", "date", "content-type")
            )
        },
        proof=Proof("flask", "output.log", r"refused /streamed: no role"),
        accept=Accept(products=_GUNICORN),
        decidable=False,
        story="The load balancer removes every header that names a server.\nOnly the page's words are left.",
    ),
    _flask(
        name="retried-by-envoy",
        cause=Cause.INSUFFICIENT_SCOPE,
        route=("envoy", "flask"),
        steps=(curl(f"{_H}/retried/thing"),),
        proof=Proof("flask", "output.log", r"refused /retried/thing: role viewer"),
        accept=Accept(products=_GUNICORN, causes=(Cause.UNKNOWN, Cause.RESOURCE_POLICY)),
        story="The gateway tries three times, the application says no three times.\nThe client sees one 403.",
        curated=True,
    ),
)

_PROTOCOLS = (
    _flask(
        name="keep-alive-mixed",
        cause=Cause.INSUFFICIENT_SCOPE,
        route=("haproxy", "flask"),
        steps=(
            curl(
                *(f"{_H}/api/users", "-H", "X-Api-Key: k-alice", f"{_H}/page/1", f"{_H}/page/2"),
            ),
        ),
        url="/api/users",
        proof=Proof("flask", "output.log", r"refused /api/users: Role admin is required"),
        accept=Accept(products=_GUNICORN),
        story="One connection, several requests: pages that pass and one that does not.\n"
        "The application wants role admin.",
    ),
    _flask(
        name="h2-multiplex",
        cause=Cause.INSUFFICIENT_SCOPE,
        route=("caddy", "flask"),
        steps=(
            curl(
                *(f"{_S}/page/1", "--http2", "-H", "X-Api-Key: k-alice", "--parallel", "--parallel-immediate"),
                *(f"{_S}/page/2", f"{_S}/page/3", f"{_S}/api/users"),
            ),
            curl(f"{_S}/api/users", "-H", "X-Api-Key: k-alice"),
        ),
        url="/api/users",
        proof=Proof("flask", "output.log", r"refused /api/users: Role admin is required"),
        accept=Accept(products=_GUNICORN),
        story="Four h2 streams side by side, one of them a 403.\nCaddy carries it from the application.",
    ),
    _nginx(
        name="h2-front-h1-behind",
        cause=Cause.PATH_DENIED,
        route=("caddy", "nginx"),
        steps=(curl("https://static.example.test/private/h2"),),
        conf=_PRIVATE,
        proof=Proof("nginx", "error.log", _RULE + "GET /private/h2"),
        accept=Accept(causes=(Cause.IP_DENIED,)),
        story="HTTP/2 in front, HTTP/1.1 behind.\nnginx's page comes through Caddy, two Server fields.",
        curated=True,
    ),
    Case(
        name="h3-envoy-rbac",
        layer=Layer.GATEWAY,
        product="envoy",
        cause=Cause.PATH_DENIED,
        status=403,
        hop="envoy/https",
        route=("envoy/https", "flask"),
        steps=(python("h3.py", "127.0.3.1", "8443", "app.example.test", "/closed-area/h3", "@pki@/ca.pem"),),
        conf={
            "envoy:deny": "        closed:\n          permissions: [{url_path: {path: {prefix: /closed-area/}}}]\n"
            "          principals: [{any: true}]"
        },
        proof=Proof("envoy", "output.log", r"/closed-area/h3 HTTP/3.* 403 .*rbac_access_denied"),
        accept=Accept(causes=(Cause.RESOURCE_POLICY, Cause.INSUFFICIENT_SCOPE)),
        story="HTTP/3 over QUIC to the gateway.\nEnvoy: RBAC: access denied.",
        curated=True,
    ),
    Case(
        name="h3-caddy-respond",
        layer=Layer.GATEWAY,
        product="caddy",
        cause=Cause.PATH_DENIED,
        status=403,
        hop="caddy",
        route=("caddy", "flask"),
        steps=(python("h3.py", "127.0.3.3", "443", "app.example.test", "/vault/h3", "@pki@/ca.pem"),),
        conf={"caddy": '    respond /vault/* "Access denied" 403'},
        proof=Proof("caddy", "output.log", r'"proto":"HTTP/3.0".*"uri":"/vault/h3".*"status":403'),
        accept=Accept(layers=(Layer.ORIGIN,), causes=(Cause.UNKNOWN,)),
        story="HTTP/3 over QUIC to Caddy.\nIts respond directive: Access denied.",
    ),
    _apache(
        name="expect-continue",
        cause=Cause.PATH_DENIED,
        route=("apache",),
        steps=(
            curl(
                *("http://files.example.test/cached/up.txt", "-T", "@pki@/ca.pem", "-H", "Expect: 100-continue"),
                *("--expect100-timeout", "3"),
            ),
        ),
        files=_CACHED,
        proof=Proof("apache", "error.log", _APACHE_DENIED + "cached/up.txt"),
        accept=Accept(causes=(Cause.METHOD_DENIED, Cause.IP_DENIED)),
        story="The client asks before it sends its body.\nApache's 403 comes instead of 100 Continue.",
    ),
    _nginx(
        name="head-no-body",
        cause=Cause.PATH_DENIED,
        route=(*CHAIN_B, "nginx"),
        steps=(curl("https://static.example.test/private/head", "-I"),),
        conf=_PRIVATE,
        proof=Proof("nginx", "error.log", _RULE + "HEAD /private/head"),
        accept=Accept(layers=(Layer.WAF, Layer.GATEWAY, Layer.APP), causes=(Cause.IP_DENIED, Cause.UNKNOWN)),
        decidable=False,
        told_by="logs",
        story="HEAD has no page to look at, and Traffic Server writes its own Server field.\n"
        "nginx at the origin said it.",
    ),
)

_BROWSER = (
    _nginx(
        name="chromium-private",
        cause=Cause.PATH_DENIED,
        route=("haproxy", "nginx"),
        steps=(python("browser.py", "http://static.example.test/private/browser.html", "127.0.3.2"),),
        conf=_PRIVATE,
        url="/private/browser.html",
        proof=Proof("nginx", "error.log", _RULE + "GET /private/browser.html"),
        accept=Accept(causes=(Cause.IP_DENIED,)),
        story="A real browser opens a private page through HAProxy.\nnginx at the origin denies.",
    ),
    Case(
        name="chromium-challenge-passed",
        layer=Layer.WAF,
        product="varnish",
        cause=Cause.BOT_CHALLENGE,
        status=200,
        hop="varnish",
        route=("varnish", "flask"),
        steps=(python("browser.py", "http://app.example.test/guarded/browser", "127.0.1.2"),),
        proof=Proof("flask", "output.log", r'"GET /guarded/browser HTTP/1.[01]" 200'),
        denial=False,
        accept=Accept(layers=(Layer.CDN,)),
        story="A real browser runs the challenge's script and comes again with the cookie.\nThe page is then shown.",
    ),
)

_GAVE_UP = (
    Case(
        name="client-gave-up",
        layer=Layer.CLIENT,
        product="curl",
        cause=Cause.UNKNOWN,
        status=None,
        hop="envoy",
        route=("envoy", "flask"),
        steps=(curl(f"{_H}/slow", "-m", "1"),),
        proof=Proof("envoy", "output.log", r"GET /slow HTTP/1.1. 0 DC "),
        denial=False,
        story="The page takes three seconds, the client waits for one and closes.\n"
        "Nobody refused; Envoy's log has DC, downstream connection termination.",
    ),
)

_MITM = ("--proxy", "http://@mitmproxy/http@")
_INTERCEPTED = (
    Case(
        name="interception-client-certificate",
        layer=Layer.ORIGIN,
        product="nginx",
        cause=Cause.INTERCEPTION,
        status=400,
        hop="nginx/mtls",
        route=("mitmproxy", "nginx"),
        steps=(
            curl(
                *("https://static.example.test/", *_MITM, "--cert", "@pki@/client.both.pem", "-k"),
                *("--connect-to", "static.example.test:443:127.0.8.1:443"),
            ),
        ),
        proof=Proof("nginx", "error.log", r"client sent no required SSL certificate"),
        accept=Accept(
            layers=(Layer.FORWARD_PROXY, Layer.GATEWAY), products=("mitmproxy",), causes=(Cause.CLIENT_CERT_MISSING,)
        ),
        story="The client has its certificate, but a debugging proxy stands between and opens its own connection.\n"
        "The server sees no certificate: 400. Without the proxy it works.",
        curated=True,
    ),
    Case(
        name="interception-fingerprint",
        layer=Layer.GATEWAY,
        product="haproxy",
        cause=Cause.INTERCEPTION,
        status=403,
        hop="haproxy/https",
        route=("mitmproxy", "haproxy/https", "flask"),
        steps=(
            curl("https://app.example.test:8443/choosy", "--resolve", "app.example.test:8443:127.0.3.2"),
            curl(
                *("https://app.example.test:8443/choosy", *_MITM, "-k"),
                *("--connect-to", "app.example.test:8443:127.0.3.2:8443"),
            ),
        ),
        conf={
            "haproxy": "    http-request deny if { path /choosy } "
            "{ ssl_fc_cipherlist_hex -m beg -i 130213031301c02bc02f }"
        },
        proof=Proof("haproxy", "output.log", r"127.0.6.4:.* 403 .*PR--.*/choosy"),
        accept=Accept(layers=(Layer.WAF, Layer.FORWARD_PROXY), products=("mitmproxy",), causes=(Cause.CLIENT_DENIED,)),
        story="Directly the page opens, through the debugging proxy it is a 403.\n"
        "The load balancer denies by TLS fingerprint, and the proxy's handshake is not curl's.",
        curated=True,
    ),
    Case(
        name="interception-pinned",
        layer=Layer.CLIENT,
        product="curl",
        cause=Cause.INTERCEPTION,
        status=None,
        hop="mitmproxy",
        route=("mitmproxy", "nginx"),
        steps=(curl("https://static.example.test/", *_MITM),),
        proof=Proof("mitmproxy", "output.log", r"[Cc]lient TLS handshake failed"),
        accept=Accept(layers=(Layer.FORWARD_PROXY,), products=("mitmproxy",)),
        denial=False,
        story="The client does not know the debugging proxy's certificate and gives up.\nAlert 48 from the client.",
    ),
)

CASES: tuple[Case, ...] = (*_CACHE, *_LIFTED, *_GAVE_UP, *_REWRITTEN, *_PROTOCOLS, *_BROWSER, *_INTERCEPTED)
