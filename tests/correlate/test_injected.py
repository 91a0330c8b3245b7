"""Answers whose packets came from somewhere else."""

from __future__ import annotations

import msgspec
import pytest

from tests.correlate.scenes import exchange, saw
from tracer.correlate import correlate
from tracer.model.connection import Connection
from tracer.model.http import Exchange
from tracer.model.verdict import Layer, Verdict


def connection(name: str, ttl: int, *changes: tuple[int, int]) -> Connection:
    return Connection(id=name, source="a.pcap", server_ttl=ttl, server_ttls=changes)


def answer(name: str, packet: int, conn: str, status: int = 403, at_ms: float = 0) -> Exchange:
    e = exchange(name, status=status, page="x", at_ms=at_ms, says={"Server": "x"})
    assert e.response is not None
    return msgspec.structs.replace(e, connection=conn, response=msgspec.structs.replace(e.response, packet=packet))


def told(verdict: Verdict) -> dict[str, float]:
    return {e.supports: e.weight for e in verdict.evidence if e.kind == "injected"}


def test_a_denial_with_another_ttl_than_good_answers_was_put_into_the_connection() -> None:
    first, second = connection("c1", 52), connection("c2", 52, (20, 61))
    (verdict,) = correlate(saw(first, second, answer("e1", 5, "c1", 200), answer("e2", 20, "c2", at_ms=50)))
    assert told(verdict)["against:app"] > 0
    assert verdict.layer not in (Layer.APP, Layer.ORIGIN)


@pytest.mark.parametrize("ttl", [52, 53])
def test_the_same_ttl_or_a_route_of_one_hop_more_tells_nothing(ttl: int) -> None:
    first, second = connection("c1", 52), connection("c2", ttl)
    (verdict,) = correlate(saw(first, second, answer("e1", 5, "c1", 200), answer("e2", 20, "c2", at_ms=50)))
    assert not told(verdict)


def test_a_balancer_that_sets_connections_up_answers_with_another_ttl_always() -> None:
    first, second = connection("c1", 60, (4, 52)), connection("c2", 60, (19, 52))
    (verdict,) = correlate(saw(first, second, answer("e1", 5, "c1", 200), answer("e2", 20, "c2", at_ms=50)))
    assert not told(verdict)


def test_without_good_answers_the_set_up_of_the_connection_says_it_less_surely() -> None:
    (verdict,) = correlate(saw(connection("c1", 52, (20, 61)), answer("e1", 20, "c1")))
    assert 0 < told(verdict)["against:app"] < 2
