"""Denials by gateways written in Go: Caddy and Traefik."""

from functools import partial

from tests.lab.case import Accept, Case, Proof, curl
from tracer.model.verdict import Cause, Layer

_H, _S = "http://app.example.test", "https://app.example.test"
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


CASES = (
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
