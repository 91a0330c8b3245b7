"""The sentence that says it: as sure as the evidence is, about who and about where."""

from __future__ import annotations

from tracer.correlate.words import headline
from tracer.model.verdict import Cause, Layer

NGINX = (403, Layer.ORIGIN, "nginx", Cause.PATH_DENIED)


def test_a_sure_layer_is_named_without_doubt_wherever_it_stood() -> None:
    assert headline(*NGINX, 0.9) == headline(*NGINX, 0.9, "10.0.0.2:80")
    assert headline(*NGINX, 0.9).startswith("403 was said by nginx (origin): ")


def test_a_likely_layer_is_said_with_doubt() -> None:
    assert headline(*NGINX, 0.6).startswith("403 was probably said by nginx (origin): ")


def test_the_captured_hop_is_named_by_its_address_where_its_role_is_in_doubt() -> None:
    assert headline(*NGINX, 0.6, "10.0.0.2:80").startswith("403 was said at 10.0.0.2:80, probably by nginx (origin): ")
    assert headline(*NGINX, 0.3, "10.0.0.2:80").startswith("403 was said at 10.0.0.2:80, probably by nginx (origin): ")


def test_what_cannot_be_told_is_not_claimed() -> None:
    assert headline(*NGINX, 0.3).startswith("403: cannot tell who said it; the origin server is the likeliest. ")
