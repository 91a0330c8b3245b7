"""What the standard fields say of the hops: Via, Age, Cache-Status, Proxy-Status, and what they prove."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from tracer.model.http import Response
from tracer.model.verdict import Layer, Said

GENERATED_ERRORS = frozenset(
    [
        "http_request_denied",
        "http_request_error",
        "proxy_configuration_error",
        "proxy_internal_error",
        "proxy_loop_detected",
        "destination_ip_prohibited",
        "tls_certificate_error",
        "http_upgrade_failed",
    ]
)


class Told(NamedTuple):
    """What a field says of a hop."""

    said: Said
    layer: Layer | None
    product: str | None
    weight: float
    where: str
    value: str
    says: str
    reference: str


VIA_PRODUCTS = (
    (r"varnish", Layer.CDN, "varnish"),
    (r"cloudfront", Layer.CDN, "aws-cloudfront"),
    (r"squid", Layer.FORWARD_PROXY, "squid"),
    (r"trafficserver|ATS/", Layer.CDN, "trafficserver"),
    (r"\bgoogle\b", Layer.GATEWAY, "google-cloud-lb"),
    (r"vegur|heroku", Layer.GATEWAY, "heroku"),
    (r"fly\.io", Layer.GATEWAY, "fly-io"),
    (r"caddy", Layer.GATEWAY, "caddy"),
    (r"envoy", Layer.GATEWAY, "envoy"),
    (r"nghttpx", Layer.GATEWAY, "nghttpx"),
    (r"kong", Layer.GATEWAY, "kong"),
    (r"tinyproxy", Layer.FORWARD_PROXY, "tinyproxy"),
    (r"haproxy", Layer.GATEWAY, "haproxy"),
)


def read_fields(response: Response) -> Iterator[Told]:
    """What the response's standard fields tell, field by field."""
    yield from _via(response)
    yield from _proxy_status(response)
    yield from _cache(response)


def _via(response: Response) -> Iterator[Told]:
    for value in response.get_all("via"):
        for member in value.split(","):
            if (known := _via_product(member)) is not None:
                layer, product = known
                yield Told(
                    Said.FORWARDED,
                    layer,
                    product,
                    1.6,
                    "response header via",
                    member.strip()[:120],
                    f"{product} put itself into Via, as hops do that relay; few do on answers of their own",
                    "RFC 9110 section 7.6.3",
                )


@lru_cache(4096)
def _via_product(member: str) -> tuple[Layer, str] | None:
    return next(((layer, p) for like, layer, p in VIA_PRODUCTS if re.search(like, member, re.IGNORECASE)), None)


def _proxy_status(response: Response) -> Iterator[Told]:
    for value in response.get_all("proxy-status"):
        for member in value.split(","):
            name = member.split(";")[0].strip().strip('"')
            error = re.search(r"error=([a-z_]+)", member)
            received = re.search(r"received-status=(\d{3})", member)
            if error and error[1] in GENERATED_ERRORS:
                yield Told(
                    Said.GENERATED,
                    Layer.GATEWAY,
                    None,
                    5.0,
                    "response header proxy-status",
                    member.strip()[:160],
                    f"the intermediary {name!r} says that it made this answer: {error[1]}",
                    "RFC 9209 section 2.1.1",
                )
            elif received:
                yield Told(
                    Said.FORWARDED,
                    None,
                    None,
                    4.0,
                    "response header proxy-status",
                    member.strip()[:160],
                    f"the intermediary {name!r} received the status {received[1]} from behind it",
                    "RFC 9209 section 2.1.5",
                )


def _cache(response: Response) -> Iterator[Told]:
    for value in response.get_all("cache-status"):
        for member in value.split(","):
            if "fwd-status=" in member or re.search(r";\s*hit\b", member):
                yield Told(
                    Said.FORWARDED,
                    Layer.CDN,
                    None,
                    3.0,
                    "response header cache-status",
                    member.strip()[:160],
                    "the cache has this answer from behind it",
                    "RFC 9211 section 2",
                )
    age = response.get("age")
    if age is not None and age.strip().isdigit():
        yield Told(
            Said.FORWARDED,
            Layer.CDN,
            None,
            2.2,
            "response header age",
            age[:20],
            f"a cache has held this answer for {age.strip()} s: it was made behind it",
            "RFC 9111 section 5.1",
        )
