"""Denials by load balancers and gateways: HAProxy, Envoy, Caddy, Traefik."""

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

_caddy = partial(Case, layer=Layer.GATEWAY, product="caddy", status=403, hop="caddy", route=("caddy", "flask"))
_traefik = partial(Case, layer=Layer.GATEWAY, product="traefik", status=403, hop="traefik", route=("traefik", "flask"))


def _caddy_log(text: str) -> Proof:
    return Proof("caddy", "output.log", text)


def _traefik_log(text: str) -> Proof:
    return Proof("traefik", "output.log", text)


def _guarded(name: str, middleware: str, path: str) -> dict[str, str]:
    rule = f'"Host(`app.example.test`) && PathPrefix(`{path}`)"'
    return {
        "traefik:routers": f"    {name}: {{rule: {rule}, service: app, entryPoints: [http], middlewares: [{name}]}}",
        "traefik:middlewares": f"    {name}: {middleware}",
    }


_GO = (
    _caddy(
        name="caddy-respond",
        cause=Cause.PATH_DENIED,
        steps=(curl(f"{_S}/vault/a"),),
        conf={"caddy": '    respond /vault/* "Access denied" 403'},
        proof=_caddy_log(r'"uri":"/vault/a".*"status":403'),
        accept=Accept(layers=(Layer.ORIGIN,), causes=(Cause.UNKNOWN,)),
        story="A path is closed at Caddy.\nIts `respond` directive answers.",
    ),
    _caddy(
        name="caddy-address",
        cause=Cause.IP_DENIED,
        steps=(curl(f"{_S}/lan/a"), curl(f"{_S}/lan/a", "blocked")),
        conf={
            "caddy": "    @outside {\n        path /lan/*\n        remote_ip 127.0.0.66\n    }\n    error @outside 403"
        },
        proof=_caddy_log(r'"remote_ip":"127.0.0.66".*"status":403'),
        accept=Accept(layers=(Layer.ORIGIN,), causes=(Cause.PATH_DENIED,)),
        story="One address is refused, another passes.\nCaddy's remote_ip matcher, with an empty 403.",
    ),
    _caddy(
        name="caddy-forward-auth",
        cause=Cause.RESOURCE_POLICY,
        steps=(curl(f"{_S}/fwd/a"),),
        conf={"caddy": "    forward_auth /fwd/* @authz/http@ {\n        uri /verify\n    }"},
        proof=Proof("authz", "output.log", r"denied: /verify policy says no"),
        accept=Accept(
            layers=(Layer.APP, Layer.ORIGIN),
            hops=("authz",),
            causes=(Cause.INSUFFICIENT_SCOPE, Cause.NOT_OWNER),
            products=("flask", "gunicorn"),
        ),
        decidable=False,
        story="Caddy asks the authorization service before it forwards.\nThat says no.",
    ),
    _caddy(
        name="caddy-basic-401",
        cause=Cause.CREDENTIALS_MISSING,
        status=401,
        steps=(curl(f"{_S}/panel/a"),),
        conf={
            "caddy": "    basic_auth /panel/* {\n"
            "        alice $2a$04$KyVTvOJ1hMaVlQnbWrQwSubEbXWs8BOWSqfK1h8gXL3eFKmhZPZGy\n    }"
        },
        proof=_caddy_log(r'"uri":"/panel/a".*"status":401'),
        accept=Accept(layers=(Layer.ORIGIN,)),
        story="No user and password for Caddy's basic_auth.\n401.",
    ),
    _traefik(
        name="traefik-address",
        cause=Cause.IP_DENIED,
        steps=(curl(f"{_H}/ip/a"),),
        conf=_guarded("ip", '{ipAllowList: {sourceRange: ["10.0.0.0/8"]}}', "/ip/"),
        proof=_traefik_log(r'"GET /ip/a HTTP/1.1" 403'),
        accept=Accept(causes=(Cause.PATH_DENIED,)),
        story="The route is for 10.0.0.0/8.\nTraefik's ipAllowList: Forbidden, nine bytes.",
        curated=True,
    ),
    _traefik(
        name="traefik-basic-401",
        cause=Cause.CREDENTIALS_INVALID,
        status=401,
        steps=(curl(f"{_H}/basic/a", "-u", "alice:guess"),),
        conf=_guarded("basic", '{basicAuth: {users: ["alice:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g="]}}', "/basic/"),
        proof=_traefik_log(r'"GET /basic/a HTTP/1.1" 401'),
        story="A wrong password for Traefik's basicAuth.\n401.",
    ),
    _traefik(
        name="traefik-rate-429",
        cause=Cause.RATE_LIMITED,
        status=429,
        steps=tuple(curl(f"{_H}/rate/a") for _ in range(3)),
        conf=_guarded("rate", "{rateLimit: {average: 1, period: 60s, burst: 2}}", "/rate/"),
        proof=_traefik_log(r'"GET /rate/a HTTP/1.1" 429'),
        story="Two pass, the third is a 429.\nTraefik's rateLimit.",
    ),
    _traefik(
        name="traefik-forward-auth",
        cause=Cause.RESOURCE_POLICY,
        steps=(curl(f"{_H}/fauth/a"),),
        conf=_guarded("fauth", '{forwardAuth: {address: "http://@authz/http@/verify"}}', "/fauth/"),
        proof=Proof("authz", "output.log", r"denied: /verify policy says no"),
        accept=Accept(
            layers=(Layer.APP, Layer.ORIGIN),
            hops=("authz",),
            causes=(Cause.INSUFFICIENT_SCOPE, Cause.NOT_OWNER),
            products=("flask", "gunicorn"),
        ),
        decidable=False,
        story="Traefik asks the authorization service before it forwards.\nThat says no.",
    ),
)

CASES: tuple[Case, ...] = (*_HAPROXY, *_ENVOY, *_GO)
