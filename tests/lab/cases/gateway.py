"""Denials by HAProxy and Envoy as load balancers and gateways."""

from functools import partial

from tests.lab.case import CHAIN_A, CHAIN_B, Accept, Case, Proof, curl
from tracer.model.verdict import Cause, Layer

_H, _S = "http://app.example.test", "https://app.example.test"
_haproxy = partial(Case, layer=Layer.GATEWAY, product="haproxy", status=403, hop="haproxy", route=("haproxy", "flask"))
_haproxy_b = partial(_haproxy, hop="haproxy/chain", route=(*CHAIN_B, "flask"))
_envoy = partial(Case, layer=Layer.GATEWAY, product="envoy", status=403, hop="envoy", route=("envoy", "flask"))
_envoy_a = partial(_envoy, hop="envoy/chain", route=(*CHAIN_A, "flask"))


def _haproxy_log(text: str) -> Proof:
    return Proof("haproxy", "output.log", text)


def _envoy_log(text: str) -> Proof:
    return Proof("envoy", "output.log", text)


_HAPROXY = (
    _haproxy(
        name="haproxy-deny-admin",
        cause=Cause.PATH_DENIED,
        steps=(curl(f"{_H}/"), curl(f"{_H}/internal/metrics")),
        conf={"haproxy": "    http-request deny if { path_beg /internal/ }"},
        proof=_haproxy_log(r" 403 .*PR--.*GET /internal/metrics"),
        accept=Accept(causes=(Cause.IP_DENIED,)),
        story="The application answers, but /internal/ is a 403 and the application never saw the request.\n"
        "HAProxy denies the path before it chooses a server.",
        curated=True,
    ),
    _haproxy_b(
        name="haproxy-deny-chain-b",
        cause=Cause.PATH_DENIED,
        steps=(curl(f"{_S}/internal/health"),),
        conf={"haproxy": "    http-request deny if { path_beg /internal/ }"},
        proof=_haproxy_log(r" 403 .*PR--.*GET (https://[^/]*)?/internal/health"),
        accept=Accept(causes=(Cause.IP_DENIED,)),
        story="The same rule at the end of the second chain.\nHAProxy's page comes through Apache and Traffic Server.",
    ),
    _haproxy(
        name="haproxy-address",
        cause=Cause.IP_DENIED,
        steps=(curl(f"{_H}/reports"), curl(f"{_H}/reports", "blocked")),
        conf={"haproxy": "    http-request deny if { path /reports } { src 127.0.0.66 }"},
        proof=_haproxy_log(r"127.0.0.66:.* 403 .*PR--.*GET /reports"),
        accept=Accept(causes=(Cause.PATH_DENIED,)),
        story="One client reads the reports, another address gets HAProxy's 403.\nThe rule names the address.",
    ),
    _haproxy(
        name="haproxy-rate-429",
        cause=Cause.RATE_LIMITED,
        status=429,
        steps=tuple(curl(f"{_H}/metered") for _ in range(4)),
        conf={
            "haproxy": "    stick-table type ip size 1k expire 30s store http_req_rate(30s)\n"
            "    http-request track-sc0 src if { path /metered }\n"
            "    http-request deny deny_status 429 if { path /metered } { sc_http_req_rate(0) gt 3 }"
        },
        proof=_haproxy_log(r" 429 .*PR--.*GET /metered"),
        story="Three requests pass, the fourth is a 429.\nHAProxy counts them in a stick table.",
    ),
    _haproxy(
        name="haproxy-agent",
        cause=Cause.CLIENT_DENIED,
        steps=(curl(f"{_H}/", "-A", "python-requests/2.31"),),
        conf={"haproxy": "    http-request deny if { hdr_sub(user-agent) python-requests }"},
        proof=_haproxy_log(r" 403 .*PR--.*GET / "),
        accept=Accept(causes=(Cause.PATH_DENIED, Cause.IP_DENIED)),
        told_by="logs",
        story="A script's User-Agent is refused.\nHAProxy's rule on the header.",
    ),
    _haproxy(
        name="haproxy-basic-401",
        cause=Cause.CREDENTIALS_MISSING,
        status=401,
        steps=(curl(f"{_H}/ops"),),
        conf={
            "haproxy:section": "userlist ops\n    user alice insecure-password wonder",
            "haproxy": "    http-request auth realm ops if { path /ops } !{ http_auth(ops) }",
        },
        proof=_haproxy_log(r" 401 .*(PR|LR)--.*GET /ops"),
        story="No user and password.\nHAProxy asks for them itself: 401.",
    ),
    _haproxy_b(
        name="haproxy-json-plan",
        cause=Cause.PLAN_OR_SUBSCRIPTION,
        steps=(curl(f"{_S}/premium/data"),),
        conf={
            "haproxy": "    http-request return status 403 content-type application/json string "
            '\'{"message":"Your subscription does not include this API"}\' if { path_beg /premium/ }'
        },
        proof=_haproxy_log(r" 403 .*(PR|LR)--.*GET (https://[^/]*)?/premium/data"),
        accept=Accept(layers=(Layer.APP,)),
        decidable=False,
        story="An API outside the subscription, at the end of the second chain.\nHAProxy returns JSON of its own.",
    ),
    _haproxy(
        name="haproxy-key-missing",
        cause=Cause.CREDENTIALS_MISSING,
        steps=(curl(f"{_H}/gate/data"),),
        conf={
            "haproxy": "    http-request return status 403 content-type text/plain string "
            '"API key required" if { path_beg /gate/ } !{ req.hdr(x-gate-key) -m found }'
        },
        proof=_haproxy_log(r" 403 .*(PR|LR)--.*GET /gate/data"),
        accept=Accept(layers=(Layer.APP,)),
        story="The gate wants a key in a header.\nHAProxy itself answers: API key required.",
    ),
    _haproxy(
        name="haproxy-method",
        cause=Cause.METHOD_DENIED,
        status=405,
        steps=(curl(f"{_H}/", "-X", "TRACE"),),
        conf={"haproxy": "    http-request deny deny_status 405 if { method TRACE }"},
        proof=_haproxy_log(r" 405 .*PR--.*TRACE /"),
        story="TRACE is refused.\nHAProxy: 405.",
    ),
    _haproxy(
        name="haproxy-h2-front",
        hop="haproxy/https",
        cause=Cause.PATH_DENIED,
        route=("haproxy/https", "flask"),
        steps=(curl("https://app.example.test:8443/internal/x", "--resolve", "app.example.test:8443:127.0.3.2"),),
        conf={"haproxy": "    http-request deny if { path_beg /internal/ }"},
        proof=_haproxy_log(r" 403 .*PR--.*/internal/x HTTP/2"),
        accept=Accept(causes=(Cause.IP_DENIED,)),
        story="HTTP/2 over TLS to HAProxy itself.\nIts deny is an h2 stream with 403.",
    ),
    _haproxy(
        name="haproxy-forgets-certificate",
        layer=Layer.ORIGIN,
        product="nginx",
        hop="nginx/mtls",
        cause=Cause.CLIENT_CERT_MISSING,
        status=400,
        route=("haproxy", "nginx"),
        steps=(curl("http://static.example.test/behind-mtls"),),
        conf={
            "haproxy": "    use_backend to_mtls if { path /behind-mtls }",
            "haproxy:section": "backend to_mtls\n    source 127.0.3.2\n"
            "    server s1 127.0.8.1:443 ssl verify none sni str(static.example.test)",
        },
        proof=Proof("nginx", "error.log", r"client sent no required SSL certificate"),
        accept=Accept(layers=(Layer.GATEWAY,), causes=(Cause.CONFIG_ERROR,)),
        story="The origin wants the load balancer's certificate, and the load balancer has none set up.\n"
        "nginx's 400 travels back to a client that never spoke TLS.",
        curated=True,
    ),
    _haproxy(
        name="haproxy-reject",
        cause=Cause.PATH_DENIED,
        status=None,
        steps=(curl(f"{_H}/reject/me"),),
        conf={"haproxy": "    http-request reject if { path_beg /reject/ }"},
        proof=_haproxy_log(r"PR--.*GET /reject/me"),
        denial=False,
        decidable=False,
        told_by="logs",
        story="HAProxy closes the connection without an answer.\nIts log says that a rule did it.",
    ),
)

_TOKEN = partial(_envoy, accept=Accept())


def _bearer(name: str) -> tuple[str, str]:
    return ("-H", f"Authorization: Bearer @token:{name}@")


_RBAC = {
    "envoy:deny": "        closed:\n          permissions: [{url_path: {path: {prefix: /closed-area/}}}]\n"
    "          principals: [{any: true}]"
}
_ENVOY = (
    _envoy_a(
        name="envoy-rbac-path",
        cause=Cause.PATH_DENIED,
        steps=(curl(f"{_S}/closed-area/a"),),
        conf=_RBAC,
        proof=_envoy_log(r"/closed-area/a .* 403 .*rbac_access_denied_matched_policy\[closed\]"),
        accept=Accept(causes=(Cause.RESOURCE_POLICY, Cause.INSUFFICIENT_SCOPE)),
        story="A path is closed at the gateway, behind cache and firewall.\nEnvoy: RBAC: access denied.",
        curated=True,
    ),
    _envoy(
        name="envoy-rbac-address",
        cause=Cause.IP_DENIED,
        steps=(curl(f"{_H}/zone/a"), curl(f"{_H}/zone/a", "blocked")),
        conf={
            "envoy:deny": "        address:\n          permissions: [{url_path: {path: {prefix: /zone/}}}]\n"
            "          principals: [{direct_remote_ip: {address_prefix: 127.0.0.66, prefix_len: 32}}]"
        },
        proof=_envoy_log(r"127.0.0.66.*rbac_access_denied_matched_policy\[address\]"),
        accept=Accept(causes=(Cause.PATH_DENIED, Cause.RESOURCE_POLICY)),
        story="One address is refused where another passes.\nEnvoy's RBAC on the peer's address.",
    ),
    _envoy(
        name="envoy-rbac-header",
        cause=Cause.REQUEST_REJECTED,
        steps=(curl(f"{_H}/tenant/a"),),
        conf={
            "envoy:deny": "        tenant:\n          permissions: [{and_rules: {rules: [{url_path: {path: "
            "{prefix: /tenant/}}}, {header: {name: x-tenant, present_match: true, invert_match: true}}]}}]\n"
            "          principals: [{any: true}]"
        },
        proof=_envoy_log(r"/tenant/a .*rbac_access_denied_matched_policy\[tenant\]"),
        accept=Accept(causes=(Cause.PATH_DENIED, Cause.RESOURCE_POLICY, Cause.INSUFFICIENT_SCOPE)),
        told_by="logs",
        story="A header that names the tenant is missing.\nEnvoy's RBAC refuses without a word why.",
    ),
    _TOKEN(
        name="envoy-jwt-missing",
        cause=Cause.CREDENTIALS_MISSING,
        status=401,
        steps=(curl(f"{_H}/"), curl(f"{_H}/token/me")),
        proof=_envoy_log(r"/token/me .* 401 .*jwt_authn_access_denied\{Jwt_is_missing\}"),
        story="Public pages pass, /token/ needs a JWT and none was sent.\nEnvoy: Jwt is missing.",
    ),
    _envoy_a(
        name="envoy-jwt-expired",
        cause=Cause.CREDENTIALS_EXPIRED,
        status=401,
        steps=(curl(f"{_S}/token/me", *_bearer("expired")),),
        proof=_envoy_log(r"/token/me .* 401 .*jwt_authn_access_denied\{Jwt_is_expired\}"),
        story="The token ended two hours ago; the whole first chain is before the gateway.\nEnvoy: Jwt is expired.",
        curated=True,
    ),
    _TOKEN(
        name="envoy-jwt-audience",
        cause=Cause.CREDENTIALS_INVALID,
        steps=(curl(f"{_H}/token/me", *_bearer("audience")),),
        proof=_envoy_log(r"/token/me .* 403 .*jwt_authn_access_denied\{Audiences_in_Jwt_are_not_allowed\}"),
        accept=Accept(causes=(Cause.INSUFFICIENT_SCOPE,)),
        story="The token is for another audience.\nEnvoy answers 403: Audiences in Jwt are not allowed.",
        curated=True,
    ),
    _TOKEN(
        name="envoy-jwt-issuer",
        cause=Cause.CREDENTIALS_INVALID,
        status=401,
        steps=(curl(f"{_H}/token/me", *_bearer("issuer")),),
        proof=_envoy_log(r"/token/me .* 401 .*jwt_authn_access_denied\{Jwt_issuer_is_not_configured\}"),
        story="The token comes from another issuer.\nEnvoy: Jwt issuer is not configured.",
    ),
    _TOKEN(
        name="envoy-jwt-early",
        cause=Cause.CLOCK_SKEW,
        status=401,
        steps=(curl(f"{_H}/token/me", *_bearer("early")),),
        proof=_envoy_log(r"/token/me .* 401 .*jwt_authn_access_denied\{Jwt_not_yet_valid\}"),
        accept=Accept(causes=(Cause.CREDENTIALS_INVALID,)),
        story="The token begins in a quarter of an hour: the issuer's clock is ahead.\nEnvoy: Jwt not yet valid.",
    ),
    _TOKEN(
        name="envoy-jwt-forged",
        cause=Cause.CREDENTIALS_INVALID,
        status=401,
        steps=(curl(f"{_H}/token/me", *_bearer("forged")),),
        proof=_envoy_log(r"/token/me .* 401 .*jwt_authn_access_denied\{Jwt_verification_fails\}"),
        accept=Accept(causes=(Cause.SIGNATURE_MISMATCH,)),
        story="The token is signed with another key.\nEnvoy: Jwt verification fails.",
    ),
    _envoy(
        name="envoy-csrf",
        cause=Cause.CSRF_FAILED,
        steps=(curl(f"{_H}/form/send", "-d", "a=1", "-H", "Origin: https://evil.test"),),
        proof=_envoy_log(r"/form/send .* 403 .*csrf_origin_mismatch"),
        story="A form is sent from a foreign page.\nEnvoy: Invalid origin.",
    ),
    _envoy(
        name="envoy-rate-429",
        cause=Cause.RATE_LIMITED,
        status=429,
        steps=tuple(curl(f"{_H}/limited/a") for _ in range(3)),
        proof=_envoy_log(r"/limited/a .* 429 .*local_rate_limited"),
        story="Two tokens are in the bucket, the third request is a 429.\nEnvoy: local_rate_limited.",
    ),
    _envoy_a(
        name="envoy-ext-authz",
        cause=Cause.RESOURCE_POLICY,
        steps=(curl(f"{_S}/approved/plan"),),
        proof=Proof("authz", "output.log", r"denied: /approved/plan policy says no"),
        accept=Accept(
            layers=(Layer.APP, Layer.ORIGIN),
            hops=("authz",),
            causes=(Cause.INSUFFICIENT_SCOPE, Cause.NOT_OWNER),
            products=("flask", "gunicorn"),
        ),
        decidable=False,
        story="The gateway asks an authorization service first.\nThat says no; Envoy passes its JSON on.",
        curated=True,
    ),
    _envoy(
        name="envoy-direct-response",
        cause=Cause.PATH_DENIED,
        steps=(curl(f"{_H}/fixed/a"),),
        proof=_envoy_log(r"/fixed/a .* 403 .*direct_response"),
        story="A route answers by itself.\nEnvoy: direct_response 403.",
    ),
    _envoy(
        name="envoy-upgrade-refused",
        cause=Cause.REQUEST_REJECTED,
        steps=(
            curl(
                *(f"{_H}/socket", "--http1.1", "-H", "Connection: Upgrade", "-H", "Upgrade: websocket"),
                *("-H", "Sec-WebSocket-Version: 13", "-H", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
            ),
        ),
        proof=_envoy_log(r"/socket .* 403 .*upgrade_failed"),
        accept=Accept(causes=(Cause.METHOD_DENIED, Cause.CONFIG_ERROR, Cause.UNKNOWN)),
        story="A WebSocket is asked for on a route that does not allow upgrades.\nEnvoy: 403 with nothing in it.",
    ),
)

CASES: tuple[Case, ...] = (*_HAPROXY, *_ENVOY)
