"""Mutual TLS: certificates that are missing, or not good enough."""

from tests.lab.case import Accept, Case, Proof, curl
from tracer.model.verdict import Cause, Layer

_TLS12 = ("--tls-max", "1.2")


def with_certificate(name: str) -> tuple[str, ...]:
    return ("--cert", f"@pki@/{name}.pem", "--key", f"@pki@/{name}.key")


CASES = (
    Case(
        name="mtls-nginx-none-400",
        layer=Layer.ORIGIN,
        product="nginx",
        cause=Cause.CLIENT_CERT_MISSING,
        status=400,
        hop="nginx/mtls",
        route=("nginx/mtls",),
        steps=(curl("https://static.example.test/"),),
        proof=Proof("nginx", "error.log", r"client sent no required SSL certificate"),
        accept=Accept(layers=(Layer.GATEWAY,)),
        story="nginx wants a client certificate and gets none; the handshake still succeeds.\n"
        "It says so over HTTP: 400 No required SSL certificate was sent.",
        curated=True,
    ),
    Case(
        name="mtls-apache-none-tls13",
        layer=Layer.ORIGIN,
        product="apache",
        cause=Cause.CLIENT_CERT_MISSING,
        status=None,
        hop="apache/mtls",
        route=("apache/mtls",),
        steps=(curl("https://files.example.test/"),),
        proof=Proof("apache", "error.log", r"peer did not return a certificate"),
        accept=Accept(layers=(Layer.GATEWAY,)),
        story="With TLS 1.3 the client believes that it is connected and sends its request.\n"
        "Apache answers with alert 116, certificate required: the client has no certificate.",
        curated=True,
    ),
    Case(
        name="mtls-haproxy-none-tls12",
        layer=Layer.GATEWAY,
        product="haproxy",
        cause=Cause.CLIENT_CERT_MISSING,
        status=None,
        hop="haproxy/mtls",
        route=("haproxy/mtls",),
        steps=(curl("https://app.example.test/", *_TLS12),),
        proof=Proof("haproxy", "output.log", r"mtls.*SSL (client certificate missing|handshake failure)"),
        accept=Accept(layers=(Layer.ORIGIN,)),
        story="With TLS 1.2 a missing client certificate ends the handshake itself: alert 40.\n"
        "HAProxy has `verify required`; no request was ever sent.",
        curated=True,
    ),
)
