"""Which layer made an answer, by the fields of standards, by what only a proxy answers, by what was asked."""

from __future__ import annotations

from tracer.model.verdict import Layer

from . import services, standards
from .evidence import Collection
from .marks import Strength
from .rules_marks import WEIGHT
from .scene import Scene

SECOND_MARK = {"envoy": "x-envoy-upstream-service-time", "trafficserver": "age"}
"""what hops that name themselves on every answer add to those from behind"""


def standard(scene: Scene, found: Collection) -> None:
    """What fields of standards say of the hops: Via, Proxy-Status, Cache-Status, Age, Server-Timing."""
    assert scene.exchange.response is not None
    response = scene.exchange.response
    for told in standards.read_fields(response):
        second = SECOND_MARK.get(told.product or "")
        alone = second is not None and response.get(second) is None
        if told.said == "forwarded" and (scene.asked_nobody or alone or _spoke(told.product, found)):
            continue
        found.add(
            told.says,
            f"{told.said}:{told.layer or Layer.GATEWAY}",
            told.weight,
            exchange=scene.exchange,
            where=told.where,
            value=told.value,
            reference=told.reference,
            product=told.product,
        )


def _spoke(product: str | None, found: Collection) -> bool:
    """It left a mark of answers of its own: then its name in Via, which some write on those as well, proves nothing."""
    return product is not None and any(
        e.product == product and e.supports.startswith("generated") and e.weight >= WEIGHT[Strength.MEDIUM]
        for e in found.items
    )


def tunnel(scene: Scene, found: Collection) -> None:
    """What none but a proxy answers: CONNECT, 407, 511."""
    exchange = scene.exchange
    assert exchange.response is not None
    if exchange.request and exchange.request.method == "CONNECT":
        found.add(
            "only a forward proxy answers CONNECT",
            f"generated:{Layer.FORWARD_PROXY}",
            7.0,
            exchange=exchange,
            where="request method",
            value="CONNECT",
            reference="RFC 9110 section 9.3.6",
        )
    elif exchange.response.status == 407:
        found.add(
            "407 is a proxy's own demand for credentials",
            f"generated:{Layer.FORWARD_PROXY}",
            6.0,
            exchange=exchange,
            where="response status line",
            value="407",
            reference="RFC 9110 section 15.5.8",
        )
    elif exchange.response.status == 511:
        found.add(
            "511 comes from a proxy that controls access to the network",
            f"generated:{Layer.FORWARD_PROXY}",
            6.0,
            exchange=exchange,
            where="response status line",
            value="511",
            reference="RFC 6585 section 6",
        )


def service(scene: Scene, found: Collection) -> None:
    """The service that the request names by its host, path or fields."""
    request = scene.exchange.request
    if request is None or request.method == "CONNECT":
        return
    for named in services.services_at(request):
        found.add(
            f"the request names {named.service.product}, which is asked in this way",
            f"present:{named.service.layer}",
            named.weight,
            exchange=scene.exchange,
            where=named.where,
            value=named.value,
            reference=named.service.reference,
            product=named.service.product,
        )
