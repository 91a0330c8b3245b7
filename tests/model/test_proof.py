"""Evidence as it is told: what speaks for the verdict apart from what points elsewhere."""

from __future__ import annotations

import pytest

from tracer.model.proof import agrees, strongest_first, told
from tracer.model.verdict import Cause, Evidence, Layer, Seen, Verdict


def seen(number: int, supports: str, weight: float, value: str = "", **more: str) -> Evidence:
    where = more.pop("where", "response body")
    says = more.pop("says", f"fact {number}")
    return Evidence(
        id=f"v{number}", says=says, supports=supports, weight=weight, seen=Seen(where=where, value=value),
        product=more.get("product"), kind=more.get("kind", "marks"),
    )  # fmt: skip


def verdict(*evidence: Evidence) -> Verdict:
    return Verdict(
        source="a", exchange="e1", status=403, layer=Layer.GATEWAY, product="haproxy", cause=Cause.PATH_DENIED,
        confidence=0.9, evidence=evidence,
    )  # fmt: skip


def names(evidence: list[Evidence]) -> list[str]:
    return [e.id for e in evidence]


@pytest.mark.parametrize(
    ("item", "so"),
    [
        (seen(1, "generated:gateway", 2.0, product="haproxy"), True),
        (seen(1, "generated:gateway", 2.0), True),
        (seen(1, "generated:gateway", 2.0, product="kong"), False),
        (seen(1, "generated:app", 1.0, product="hapi"), False),
        (seen(1, "present:cdn", 1.0, product="varnish"), False),
        (seen(1, "forwarded:cdn", 1.0, product="varnish"), True),
        (seen(1, "forwarded:cdn", 0.0), True),
        (seen(1, "forwarded:gateway", 1.0), False),
        (seen(1, "against:app", 1.0), True),
        (seen(1, "against:gateway", 1.0), False),
        (seen(1, "role:gateway", -0.4), False),
        (seen(1, "role:waf", -0.4), True),
        (seen(1, "present:unknown", 0.0), True),
        (seen(1, "cause:path-denied", 1.0), True),
        (seen(1, "cause:path-denied", -1.0), False),
        (seen(1, "cause:ip-denied", 1.0), False),
        (seen(1, "cause:ip-denied", -1.0), True),
    ],
)
def test_what_speaks_for_a_verdict(item: Evidence, so: bool) -> None:
    assert agrees(item, verdict()) is so


def test_who_why_and_what_points_elsewhere_are_told_apart_the_weightiest_first() -> None:
    evidence = told(
        verdict(
            seen(1, "generated:gateway", 1.0, "a"),
            seen(2, "generated:app", 1.0, "no-cache", product="hapi"),
            seen(3, "cause:path-denied", 0.9, "b"),
            seen(4, "generated:gateway", 3.6, "c", product="haproxy"),
            seen(5, "cause:ip-denied", 2.0, "d"),
        )
    )
    assert (names(evidence.who), names(evidence.why), names(evidence.elsewhere)) == (["v4", "v1"], ["v3"], ["v5", "v2"])


def test_a_capture_of_the_denial_stands_first_and_what_is_usual_last() -> None:
    evidence = told(
        verdict(
            seen(1, "cause:path-denied", 1.5, "x", kind="usual"),
            seen(2, "cause:path-denied", 0.5, "y"),
            seen(3, "generated:gateway", 3.6, "z"),
            seen(4, "present:unknown", 0.0, "403"),
        )
    )
    assert (names(evidence.who), names(evidence.why)) == (["v4", "v3"], ["v2", "v1"])


def test_what_one_place_says_of_one_question_is_told_once() -> None:
    evidence = told(
        verdict(
            seen(1, "generated:gateway", 0.4, "awselb/2.0", where="response header server"),
            seen(2, "generated:gateway", 2.2, "awselb/2.0", where="response header server"),
            seen(3, "cause:path-denied", 2.4, "awselb/2.0", where="response header server"),
        )
    )
    assert (names(evidence.who), names(evidence.why)) == (["v2"], ["v3"])


def test_a_fact_that_speaks_for_several_layers_is_told_once_and_among_what_agrees() -> None:
    both = (
        seen(1, "generated:gateway", 0.3, says="it is JSON"),
        seen(2, "generated:app", 0.7, says="it is JSON"),
        seen(3, "against:origin", 0.6, says="it is JSON"),
    )
    evidence = told(verdict(*both))
    assert (names(evidence.who), names(evidence.elsewhere)) == (["v3"], [])


def test_places_without_a_value_are_told_apart_by_their_sentences() -> None:
    evidence = told(verdict(seen(1, "against:app", 1.0, where="packets"), seen(2, "against:app", 2.0, where="packets")))
    assert names(evidence.who) == ["v2", "v1"]


def test_all_of_it_in_order_loses_nothing() -> None:
    items = (seen(1, "generated:app", 4.0), seen(2, "generated:gateway", 1.0), seen(3, "against:app", 2.0))
    assert names(strongest_first(verdict(*items))) == ["v3", "v2", "v1"]
