"""Denials by forward proxies."""

from tests.lab.case import Case, Proof, curl
from tracer.model.verdict import Cause, Layer

_SQUID = ("--proxy", "http://@squid/http@")

CASES = (
    Case(
        name="squid-connect-refused",
        layer=Layer.FORWARD_PROXY,
        product="squid",
        cause=Cause.DESTINATION_DENIED,
        status=403,
        hop="squid",
        route=("squid",),
        steps=(curl("https://games.example.test/", *_SQUID),),
        conf={"squid": "acl games dstdomain games.example.test\nhttp_access deny games"},
        proof=Proof("squid", "access.log", r"TCP_DENIED/403 .*CONNECT games.example.test:443"),
        story="curl asks the company's proxy for a tunnel to a site and gets 403 for CONNECT.\n"
        "Squid's access list denies the domain; the site was never asked.",
        curated=True,
    ),
)
