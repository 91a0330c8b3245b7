"""Mutual TLS: certificates that are missing, or not good enough."""

from functools import partial

from tests.lab.case import Accept, Case, Proof, curl
from tracer.model.verdict import Cause, Layer

_OLD = ("--tls-max", "1.2")
_MISSING, _REJECTED = Cause.CLIENT_CERT_MISSING, Cause.CLIENT_CERT_REJECTED


def _with(name: str) -> tuple[str, ...]:
    return ("--cert", f"@pki@/{name}.both.pem")


_nginx = partial(
    Case,
    layer=Layer.ORIGIN,
    product="nginx",
    status=400,
    hop="nginx/mtls",
    route=("nginx/mtls",),
    accept=Accept(layers=(Layer.GATEWAY,)),
)
_apache = partial(
    Case,
    layer=Layer.ORIGIN,
    product="apache",
    status=None,
    hop="apache/mtls",
    route=("apache/mtls",),
    accept=Accept(layers=(Layer.GATEWAY,)),
)
_haproxy = partial(
    Case,
    layer=Layer.GATEWAY,
    product="haproxy",
    status=None,
    hop="haproxy/mtls",
    route=("haproxy/mtls",),
    accept=Accept(layers=(Layer.ORIGIN,)),
)
_envoy = partial(
    Case,
    layer=Layer.GATEWAY,
    product="envoy",
    status=None,
    hop="envoy/mtls",
    route=("envoy/mtls",),
    accept=Accept(layers=(Layer.ORIGIN,)),
)


def _nginx_log(text: str) -> Proof:
    return Proof("nginx", "error.log", text)


def _apache_log(text: str) -> Proof:
    return Proof("apache", "error.log", text)


def _haproxy_log(text: str) -> Proof:
    return Proof("haproxy", "output.log", text)


def _envoy_log(text: str) -> Proof:
    return Proof("envoy", "output.log", text)


_N, _F, _S = "https://static.example.test/", "https://files.example.test/", "https://app.example.test/"

_NGINX = (
    _nginx(
        name="mtls-nginx-none-400",
        cause=_MISSING,
        steps=(curl(_N),),
        proof=_nginx_log(r"client sent no required SSL certificate"),
        story="nginx wants a client certificate and gets none; the handshake still succeeds.\n"
        "It says so over HTTP: 400 No required SSL certificate was sent.",
        curated=True,
    ),
    _nginx(
        name="mtls-nginx-expired",
        cause=_REJECTED,
        steps=(curl(_N, *_with("expired")),),
        proof=_nginx_log(r"client SSL certificate verify error: \(10:certificate has expired\)"),
        story="The client's certificate ended two days ago.\nnginx: 400 The SSL certificate error.",
        curated=True,
    ),
    _nginx(
        name="mtls-nginx-early-tls12",
        cause=_REJECTED,
        steps=(curl(_N, *_OLD, *_with("notyet")),),
        proof=_nginx_log(r"client SSL certificate verify error: \(9:certificate is not yet valid\)"),
        story="The client's certificate begins in twenty days, over TLS 1.2.\nnginx: 400.",
    ),
    _nginx(
        name="mtls-nginx-stranger",
        cause=_REJECTED,
        steps=(curl(_N, *_with("stranger")),),
        proof=_nginx_log(r"client SSL certificate verify error: \((20|21):unable to"),
        story="The client's certificate is signed by somebody else's CA.\nnginx: 400.",
    ),
    _nginx(
        name="mtls-nginx-purpose",
        cause=_REJECTED,
        steps=(curl(_N, *_with("purpose")),),
        proof=_nginx_log(r"client SSL certificate verify error: \(26:unsuitable certificate purpose\)"),
        story="The client shows a certificate for servers (extended key usage).\nnginx: 400.",
    ),
    _nginx(
        name="mtls-nginx-revoked",
        cause=_REJECTED,
        steps=(curl(_N, *_with("revoked")),),
        proof=_nginx_log(r"client SSL certificate verify error: \(23:certificate revoked\)"),
        story="The client's certificate is on the revocation list.\nnginx: 400.",
    ),
    _nginx(
        name="mtls-nginx-optional-403",
        cause=_MISSING,
        status=403,
        hop="nginx/optional",
        route=("nginx/optional",),
        steps=(curl(_N),),
        proof=Proof("nginx", "access.log", r"GET / HTTP/1.1. 403"),
        story="A certificate is asked for but optional; the site's rule looks at the outcome.\n"
        "None was sent: a plain 403 of nginx, and the handshake shows the empty Certificate.",
        curated=True,
    ),
)

_STAFF = {
    "apache:https": "SSLCACertificateFile @pki@/ca.pem\n<Location /staff/>\nSSLVerifyClient require\n</Location>\n"
}

_APACHE = (
    _apache(
        name="mtls-apache-none-tls13",
        cause=_MISSING,
        steps=(curl(_F),),
        proof=_apache_log(r"peer did not return a certificate"),
        story="With TLS 1.3 the client believes that it is connected and sends its request.\n"
        "Apache answers with alert 116, certificate required: the client has no certificate.",
        curated=True,
    ),
    _apache(
        name="mtls-apache-none-tls12",
        cause=_MISSING,
        steps=(curl(_F, *_OLD),),
        proof=_apache_log(r"peer did not return a certificate"),
        story="The same with TLS 1.2: the handshake itself fails.\nAlert 40.",
    ),
    _apache(
        name="mtls-apache-post-handshake",
        cause=_MISSING,
        hop="apache/https",
        route=("apache/https",),
        steps=(curl("https://files.example.test/staff/"),),
        conf=_STAFF,
        proof=_apache_log(r"AH02263: Re-negotiation handshake failed: Client certificate missing"),
        story="Only one folder asks for a certificate: with TLS 1.3 Apache asks after the request was sent.\n"
        "Inside the connection: CertificateRequest, an empty Certificate, then the refusal.",
        curated=True,
    ),
    _apache(
        name="mtls-apache-renegotiation",
        cause=_MISSING,
        hop="apache/https",
        route=("apache/https",),
        steps=(curl("https://files.example.test/staff/", *_OLD),),
        conf=_STAFF,
        proof=_apache_log(r"AH02261: Re-negotiation handshake failed"),
        story="The same folder with TLS 1.2: a second handshake inside the first one.\n"
        "It fails for want of a certificate, and the request gets no answer.",
    ),
    _apache(
        name="mtls-apache-stranger",
        cause=_REJECTED,
        steps=(curl(_F, *_with("stranger")),),
        proof=_apache_log(r"AH02276: Certificate Verification: Error \(2[01]\)"),
        story="A certificate of somebody else's CA.\nApache: alert 48, unknown CA.",
    ),
    _apache(
        name="mtls-apache-expired-tls12",
        cause=_REJECTED,
        steps=(curl(_F, *_OLD, *_with("expired")),),
        proof=_apache_log(r"AH02276: Certificate Verification: Error \(10\): certificate has expired"),
        story="An expired certificate, TLS 1.2.\nApache: alert 45, certificate expired, in clear.",
    ),
    _apache(
        name="mtls-apache-revoked",
        cause=_REJECTED,
        steps=(curl(_F, *_with("revoked")),),
        proof=_apache_log(r"AH02276: Certificate Verification: Error \(23\): certificate revoked"),
        story="A revoked certificate, TLS 1.3.\nApache: alert 44.",
    ),
    _apache(
        name="mtls-apache-require-403",
        cause=_MISSING,
        status=403,
        hop="apache/optional",
        route=("apache/optional",),
        steps=(curl(f"{_F}cert/a.txt"),),
        files={"apache:cert/a.txt": "a\n"},
        conf={"apache:optional": '<Location /cert/>\n    SSLRequire %{SSL_CLIENT_S_DN_CN} eq "alice"\n</Location>'},
        proof=_apache_log(r"access to .*cert/a.txt failed, reason: SSL requirement expression not fulfilled"),
        story="A certificate is optional in the handshake; SSLRequire wants alice's.\n"
        "None was sent: Apache's 403 page.",
    ),
    _apache(
        name="mtls-apache-other-name-403",
        cause=_REJECTED,
        status=403,
        hop="apache/optional",
        route=("apache/optional",),
        steps=(curl(f"{_F}cert/a.txt", *_with("hop")),),
        files={"apache:cert/a.txt": "a\n"},
        conf={"apache:optional": '<Location /cert/>\n    SSLRequire %{SSL_CLIENT_S_DN_CN} eq "alice"\n</Location>'},
        proof=_apache_log(r"access to .*cert/a.txt failed, reason: SSL requirement expression not fulfilled"),
        accept=Accept(layers=(Layer.GATEWAY,), causes=(Cause.INSUFFICIENT_SCOPE,)),
        told_by="logs",
        story="A good certificate, but of edge, not of alice.\nApache's SSLRequire: 403.",
    ),
)

_GATEWAYS = (
    _haproxy(
        name="mtls-haproxy-none-tls12",
        cause=_MISSING,
        steps=(curl(_S, *_OLD),),
        proof=_haproxy_log(r"mtls.*SSL handshake failure"),
        story="With TLS 1.2 a missing client certificate ends the handshake itself: alert 40.\n"
        "HAProxy has `verify required`; no request was ever sent.",
        curated=True,
    ),
    _haproxy(
        name="mtls-haproxy-expired",
        cause=_REJECTED,
        steps=(curl(_S, *_with("expired")),),
        proof=_haproxy_log(r"mtls.*SSL client certificate not trusted"),
        story="An expired certificate, TLS 1.3.\nHAProxy: alert 45, readable with the keys only.",
        curated=True,
    ),
    _haproxy(
        name="mtls-haproxy-revoked",
        cause=_REJECTED,
        steps=(curl(_S, *_OLD, *_with("revoked")),),
        proof=_haproxy_log(r"mtls.*SSL client certificate not trusted"),
        story="A revoked certificate, TLS 1.2.\nHAProxy: alert 44.",
    ),
    _haproxy(
        name="mtls-haproxy-optional-403",
        cause=_MISSING,
        status=403,
        hop="haproxy/optional",
        route=("haproxy/optional",),
        steps=(curl(_S),),
        proof=_haproxy_log(r"mtls_optional.* 403 .*PR--"),
        story="HAProxy asks for a certificate, takes none for an answer, and denies the request.\n"
        "403 with HAProxy's page; the handshake shows the empty Certificate.",
    ),
    _envoy(
        name="mtls-envoy-none",
        cause=_MISSING,
        steps=(curl(_S),),
        proof=_envoy_log(r"mtls .*tls=.*PEER_DID_NOT_RETURN_A_CERTIFICATE"),
        story="No certificate, TLS 1.3.\nEnvoy: alert 116, after the request.",
    ),
    _envoy(
        name="mtls-envoy-none-tls12",
        cause=_MISSING,
        steps=(curl(_S, *_OLD),),
        proof=_envoy_log(r"mtls .*tls=.*PEER_DID_NOT_RETURN_A_CERTIFICATE"),
        story="No certificate, TLS 1.2.\nEnvoy: alert 40 in the handshake.",
    ),
    _envoy(
        name="mtls-envoy-stranger",
        cause=_REJECTED,
        steps=(curl(_S, *_with("stranger")),),
        proof=_envoy_log(r"mtls .*tls=.*CERTIFICATE_VERIFY_FAILED"),
        story="A certificate of somebody else's CA.\nEnvoy: alert 48.",
    ),
    _envoy(
        name="mtls-envoy-expired-tls12",
        cause=_REJECTED,
        steps=(curl(_S, *_OLD, *_with("expired")),),
        proof=_envoy_log(r"mtls .*tls=.*CERTIFICATE_VERIFY_FAILED"),
        story="An expired certificate, TLS 1.2.\nEnvoy: alert 45.",
    ),
    Case(
        name="mtls-caddy-none",
        layer=Layer.GATEWAY,
        product="caddy",
        cause=_MISSING,
        status=None,
        hop="caddy/mtls",
        route=("caddy/mtls",),
        steps=(curl("https://api.example.test/"),),
        proof=Proof("caddy", "output.log", r"client didn.t provide a certificate"),
        accept=Accept(layers=(Layer.ORIGIN,)),
        story="Caddy wants a certificate, none is sent.\nAlert 116 of Go's TLS.",
    ),
    Case(
        name="mtls-traefik-expired",
        layer=Layer.GATEWAY,
        product="traefik",
        cause=_REJECTED,
        status=None,
        hop="traefik/mtls",
        route=("traefik/mtls",),
        steps=(curl("https://api.example.test/", *_with("expired")),),
        proof=Proof("traefik", "output.log", r"certificate has expired or is not yet valid"),
        accept=Accept(layers=(Layer.ORIGIN,)),
        story="An expired certificate for Traefik.\nAlert 45 of Go's TLS.",
    ),
    Case(
        name="tls-traefik-unknown-name",
        layer=Layer.GATEWAY,
        product="traefik",
        cause=Cause.HOST_DENIED,
        status=None,
        hop="traefik/https",
        route=("traefik/https",),
        steps=(curl("https://www.somebody-else.test/"),),
        proof=Proof("traefik", "output.log", r"strict SNI enabled"),
        accept=Accept(layers=(Layer.ORIGIN,)),
        denial=False,
        story="The name in the handshake (SNI) is not served here.\n"
        "Traefik with sniStrict: alert 112, unrecognized name.",
    ),
)

_GOOD = (
    Case(
        name="control-mtls-nginx",
        layer=Layer.UNKNOWN,
        product="",
        cause=Cause.UNKNOWN,
        status=200,
        hop="nginx/mtls",
        route=("nginx/mtls",),
        steps=(curl(_N, *_with("client")),),
        proof=Proof("nginx", "access.log", r"GET / HTTP/1.1. 200"),
        control=True,
        story="alice's certificate is good.\nnginx greets her.",
    ),
)

CASES: tuple[Case, ...] = (*_NGINX, *_APACHE, *_GATEWAYS, *_GOOD)
