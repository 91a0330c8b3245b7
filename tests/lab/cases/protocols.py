"""The same denials by what is in use today: a real browser over HTTP/2 and HTTP/3, curl over HTTP/2, a call of gRPC."""

from functools import partial

from tests.lab.case import Accept, Case, Proof, curl, python
from tracer.model.verdict import Cause, Layer

_AT = "https://static.example.test"
_nginx = partial(Case, layer=Layer.ORIGIN, product="nginx", hop="nginx/https", route=("nginx/https",))
_RULE = r"access forbidden by rule.*"
_PRIVATE = {"nginx": "location /private/ { deny all; }"}

CASES = (
    _nginx(
        name="chromium-h2",
        cause=Cause.PATH_DENIED,
        status=403,
        steps=(python("browser.py", f"{_AT}/private/browser.html", "127.0.4.1", "trust=@pki@/server.pem"),),
        conf=_PRIVATE,
        url="/private/browser.html",
        proof=Proof("nginx", "error.log", _RULE + "GET /private/browser.html HTTP/2.0"),
        accept=Accept(causes=(Cause.IP_DENIED,)),
        story="A real browser opens a private page over HTTP/2.\nA rule of nginx denies the path.",
        curated=True,
    ),
    _nginx(
        name="nginx-curl-h2",
        cause=Cause.PATH_DENIED,
        status=403,
        steps=(curl(f"{_AT}/private/curl.html", f"{_AT}/", "--http2"),),
        conf=_PRIVATE,
        proof=Proof("nginx", "error.log", _RULE + "GET /private/curl.html HTTP/2.0"),
        accept=Accept(causes=(Cause.IP_DENIED,)),
        story="curl asks twice on one HTTP/2 connection, and the second page is private.\nA rule of nginx denies it.",
        curated=True,
    ),
    Case(
        name="chromium-h3",
        layer=Layer.GATEWAY,
        product="caddy",
        cause=Cause.PATH_DENIED,
        status=403,
        hop="caddy",
        route=("caddy", "flask"),
        steps=(
            python(
                *("browser.py", "https://app.example.test/vault/browser", "127.0.3.3"),
                *("trust=@pki@/server.pem", "quic=app.example.test:443"),
            ),
        ),
        conf={"caddy": '    respond /vault/* "Access denied" 403'},
        url="/vault/browser",
        proof=Proof("caddy", "output.log", r'"proto":"HTTP/3.0".*"uri":"/vault/browser".*"status":403'),
        accept=Accept(layers=(Layer.ORIGIN,), causes=(Cause.UNKNOWN,)),
        story="A real browser asks Caddy over HTTP/3.\nIts respond directive: Access denied.",
        curated=True,
    ),
    Case(
        name="grpc-permission-denied",
        layer=Layer.APP,
        product="grpc",
        cause=Cause.NOT_OWNER,
        status=200,
        hop="grpc",
        route=("nginx/https", "grpc"),
        steps=(python("rpc.py", "127.0.4.1:443", "rpc.example.test", "/shop.Orders/Cancel", "@pki@/ca.pem"),),
        conf={
            "nginx:http": "server { listen 127.0.4.1:443 ssl http2; server_name rpc.example.test;\n"
            "  ssl_certificate @pki@/server.pem; ssl_certificate_key @pki@/server.key;\n"
            "  location / { grpc_pass grpc://@grpc/http@; } }"
        },
        proof=Proof("grpc", "output.log", r"/shop.Orders/Cancel PERMISSION_DENIED"),
        denial=False,
        story="A gRPC call through nginx: HTTP says 200.\nThe service's trailer says PERMISSION_DENIED.",
        curated=True,
    ),
)
