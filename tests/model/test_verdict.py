"""What a verdict is about, in words."""

from __future__ import annotations

import pytest

from tracer.model.verdict import Cause, Layer, Verdict, asked


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
