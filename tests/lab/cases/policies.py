"""Policies of gateways, firewalls and stores: scopes, tiers, limits as 403, sizes, foreign pages."""

from functools import partial

from tests.lab.case import CHAIN_A, CHAIN_B, Accept, Case, Proof, curl, python
from tracer.model.verdict import Cause, Layer

_H = "http://app.example.test"
_haproxy = partial(Case, layer=Layer.GATEWAY, product="haproxy", status=403, hop="haproxy", route=("haproxy", "flask"))
_s3 = partial(
    Case,
    layer=Layer.ORIGIN,
    product="aws-s3",
    status=403,
    hop="moto",
    route=("moto",),
    before=(python("s3.py", "prepare", "@work@"),),
)
_MOTO = partial(Accept, products=("moto", "werkzeug"), layers=(Layer.APP,))

_GATEWAYS = (
    _haproxy(
        name="haproxy-model-tier",
        cause=Cause.PLAN_OR_SUBSCRIPTION,
        steps=(
            *(
                curl(f"{_H}/v1/chat", "-H", "Content-Type: application/json", "-d", f'{{"model": "{model}"}}')
                for model in ("small-1", "large-1")
            ),
        ),
        conf={
            "haproxy": "    http-request wait-for-body time 2s if { path /v1/chat }\n"
            "    http-request return status 403 content-type application/json string "
            """'{"error":{"code":"model_not_allowed","message":"Model large-1 is not included in your tier"}}' """
            """if { path /v1/chat } { req.body,json_query('$.model') -m str large-1 }"""
        },
        proof=Proof("haproxy", "output.log", r" 403 .*(PR|LR)--.*POST /v1/chat"),
        accept=Accept(layers=(Layer.APP,)),
        decidable=False,
        story="A gateway before language models reads which one is asked for; the small one passes.\n"
        "The large one is not in the caller's tier: HAProxy itself answers 403.",
    ),
    _haproxy(
        name="haproxy-rate-403",
        cause=Cause.RATE_LIMITED,
        steps=tuple(curl(f"{_H}/quick") for _ in range(4)),
        conf={
            "haproxy": "    http-request track-sc1 path table quick if { path /quick }\n"
            "    http-request deny deny_status 403 if { path /quick } { sc_http_req_rate(1) gt 3 }",
            "haproxy:section": "backend quick\n    stick-table type string len 32 size 1k expire 30s "
            "store http_req_rate(30s)",
        },
        proof=Proof("haproxy", "output.log", r" 403 .*PR--.*GET /quick"),
        accept=Accept(causes=(Cause.PATH_DENIED,)),
        story="Three requests pass, the fourth in a moment is a 403 without a word of why.\n"
        "HAProxy counts, and was told to deny rather than to say 429.",
    ),
    Case(
        name="envoy-jwt-scope",
        layer=Layer.GATEWAY,
        product="envoy",
        cause=Cause.INSUFFICIENT_SCOPE,
        status=403,
        hop="envoy",
        route=("envoy", "flask"),
        steps=tuple(curl(f"{_H}/token/{page}", "-H", "Authorization: Bearer @token:good@") for page in ("me", "admin")),
        conf={
            "envoy:deny": "        scope:\n          permissions: [{url_path: {path: {prefix: /token/admin}}}]\n"
            "          principals: [{not_id: {metadata: {filter: envoy.filters.http.jwt_authn, path: [{key: claims}, "
            "{key: scope}], value: {string_match: {contains: admin}}}}}]"
        },
        proof=Proof("envoy", "output.log", r"/token/admin .* 403 .*rbac_access_denied_matched_policy\[scope\]"),
        accept=Accept(causes=(Cause.PATH_DENIED, Cause.RESOURCE_POLICY)),
        story="The same token opens one page and not the other.\n"
        "Envoy's RBAC wants admin among the token's scopes: RBAC: access denied.",
    ),
    Case(
        name="app-feature-flag",
        layer=Layer.APP,
        product="flask",
        cause=Cause.PLAN_OR_SUBSCRIPTION,
        status=403,
        hop="flask",
        route=(*CHAIN_B, "flask"),
        steps=(curl("https://app.example.test/beta-page", "-H", "X-Api-Key: k-alice"),),
        proof=Proof("flask", "output.log", r"refused /beta-page: The feature new-editor is not enabled"),
        accept=Accept(products=("gunicorn", "werkzeug"), causes=(Cause.ACCOUNT_RESTRICTED,)),
        story="A page behind a feature flag, through the second chain.\nThe flag is not on for alice.",
    ),
)

_SIZES = (
    Case(
        name="crs-nginx-long-query",
        layer=Layer.WAF,
        product="modsecurity",
        cause=Cause.WAF_RULE,
        status=403,
        hop="waf",
        route=(*CHAIN_A, "nginx"),
        steps=(curl(f"https://static.example.test/find?q={'long-' * 120}"),),
        conf={"modsecurity": 'SecAction "id:900310,phase:1,pass,nolog,t:none,setvar:tx.arg_length=400"'},
        proof=Proof("waf", "audit.log", r'\[id "920370"\]'),
        accept=Accept(products=("nginx",), causes=(Cause.REQUEST_REJECTED,)),
        decidable=False,
        story="A search of six hundred characters, all harmless.\n"
        "The Core Rule Set is set to arguments of at most 400: rule 920370.",
    ),
    Case(
        name="crs-apache-long-query",
        layer=Layer.WAF,
        product="modsecurity",
        cause=Cause.WAF_RULE,
        status=403,
        hop="waf-apache",
        route=(*CHAIN_B, "apache"),
        steps=(curl(f"https://files.example.test/find?q={'long-' * 120}"),),
        conf={"modsecurity": 'SecAction "id:900310,phase:1,pass,nolog,t:none,setvar:tx.arg_length=400"'},
        proof=Proof("waf-apache", "error.log", r'ModSecurity: .*\[id "920370"\]'),
        accept=Accept(products=("apache",), causes=(Cause.REQUEST_REJECTED,)),
        decidable=False,
        story="The same search through Traffic Server and Apache.\nRule 920370 there too.",
    ),
)

_STORES = (
    _s3(
        name="s3-bucket-policy",
        cause=Cause.RESOURCE_POLICY,
        steps=(python("s3.py", "open", "@work@"), python("s3.py", "sealed", "@work@")),
        proof=Proof("moto", "output.log", r"GET /reports/sealed/plan.txt HTTP/1.1.* 403"),
        accept=_MOTO(causes=(Cause.INSUFFICIENT_SCOPE, Cause.OBJECT_HIDDEN)),
        story="bob reads one object of the bucket, another is a 403 although his own policy allows both.\n"
        "The bucket's policy denies everything under sealed/.",
    ),
    _s3(
        name="s3-cors",
        cause=Cause.CORS_DENIED,
        steps=(
            curl(
                *("http://s3.example.test/shared/a.txt", "-X", "OPTIONS", "-H", "Origin: https://elsewhere.test"),
                *("-H", "Access-Control-Request-Method: GET"),
            ),
        ),
        proof=Proof("moto", "output.log", r"OPTIONS /shared/a.txt HTTP/1.1.* 403"),
        accept=_MOTO(),
        story="A page of another site asks the store whether it may read.\n"
        "The bucket's CORS rules name one origin only: CORSResponse, 403.",
    ),
)

CASES: tuple[Case, ...] = (*_GATEWAYS, *_SIZES, *_STORES)
