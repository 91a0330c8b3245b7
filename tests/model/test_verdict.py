"""Evidence as it is told."""

from __future__ import annotations

import pytest

from tracer.model.verdict import Cause, Evidence, Layer, Seen, Verdict, asked, told_once


def said(number: int, supports: str, weight: float, where: str = "packets") -> Evidence:
    return Evidence(
        id=f"v{number}", says="it was never seen to pass a request on", supports=supports, weight=weight,
        seen=Seen(where=where),
    )  # fmt: skip


def test_a_fact_that_speaks_for_several_layers_is_told_once_with_its_greatest_weight() -> None:
    items = (said(1, "generated:app", 0.3), said(2, "generated:origin", -0.9), said(3, "cause:unknown", 0.1))
    assert [e.id for e in told_once(items)] == ["v2"]


def test_the_same_sentence_about_two_places_is_told_of_both() -> None:
    items = (said(1, "forwarded:cdn", 0.3, "header age"), said(2, "forwarded:cdn", 1.2, "header via"))
    assert [e.id for e in told_once(items)] == ["v2", "v1"]


@pytest.mark.parametrize(
    ("method", "url", "status", "words"),
    [("GET", "https://h/x", 403, "GET https://h/x"), (None, None, 403, "(the request was not captured)"),
     (None, "https://h/", None, "TLS handshake https://h/"), (None, None, None, "TLS handshake")],
)  # fmt: skip
def test_what_was_asked_is_told_as_far_as_it_is_known(
    method: str | None, url: str | None, status: int | None, words: str
) -> None:
    verdict = Verdict(
        source="a", exchange="e1", method=method, url=url, status=status, layer=Layer.ORIGIN, cause=Cause.UNKNOWN,
        confidence=0.5,
    )  # fmt: skip
    assert asked(verdict) == words
