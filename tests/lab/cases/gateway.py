"""Denials by load balancers and gateways."""

from tests.lab.case import Accept, Case, Proof, curl
from tracer.model.verdict import Cause, Layer

CASES = (
    Case(
        name="haproxy-deny-admin",
        layer=Layer.GATEWAY,
        product="haproxy",
        cause=Cause.PATH_DENIED,
        status=403,
        hop="haproxy",
        route=("haproxy", "flask"),
        steps=(curl("http://app.example.test/"), curl("http://app.example.test/internal/metrics")),
        conf={"haproxy": "    http-request deny if { path_beg /internal/ }"},
        proof=Proof("haproxy", "output.log", r" 403 .*PR--.*GET /internal/metrics"),
        accept=Accept(causes=(Cause.IP_DENIED,)),
        story="The application answers, but /internal/ is a 403 and the application never saw the request.\n"
        "HAProxy denies the path before it chooses a server.",
        curated=True,
    ),
)
