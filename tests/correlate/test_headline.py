"""The sentence that says it: as sure as the evidence is, about who, where and why."""

from __future__ import annotations

from itertools import product

import pytest

from tracer.correlate.words import headline
from tracer.model.verdict import Cause, Layer

NGINX = (403, Layer.ORIGIN, "nginx", Cause.PATH_DENIED)
SURE = 0.9


def test_a_sure_layer_is_named_without_doubt_wherever_it_stood() -> None:
    assert headline(*NGINX, 0.9, SURE) == headline(*NGINX, 0.9, SURE, "10.0.0.2:80")
    assert headline(*NGINX, 0.9, SURE) == "403 was said by nginx (origin): a rule denies this path."


def test_a_likely_layer_is_said_with_doubt() -> None:
    assert headline(*NGINX, 0.6, SURE) == "403 was probably said by nginx (origin): a rule denies this path."


def test_the_captured_hop_is_named_by_its_address_where_its_role_is_in_doubt() -> None:
    told = "403 was said at 10.0.0.2:80, probably by nginx (origin): a rule denies this path."
    assert [headline(*NGINX, who, SURE, "10.0.0.2:80") for who in (0.6, 0.3)] == [told, told]


def test_what_cannot_be_told_is_not_claimed() -> None:
    said = headline(*NGINX, 0.3, SURE)
    assert said == "403: cannot tell who said it; the origin server is the likeliest. A rule denies this path."


def test_a_cause_is_stated_supposed_or_guessed() -> None:
    assert [headline(*NGINX, 0.9, why) for why in (0.75, 0.74, 0.5, 0.49)] == [
        "403 was said by nginx (origin): a rule denies this path.",
        "403 was said by nginx (origin): probably a rule denies this path.",
        "403 was said by nginx (origin): probably a rule denies this path.",
        "403 was said by nginx (origin); why is not certain, perhaps a rule denies this path.",
    ]


def test_neither_who_nor_why() -> None:
    assert headline(*NGINX, 0.3, 0.3) == (
        "403: cannot tell who said it; the origin server is the likeliest. "
        "Why is not certain, perhaps a rule denies this path."
    )


def test_an_unknown_cause_is_never_supposed() -> None:
    said = {headline(403, Layer.APP, None, Cause.UNKNOWN, 0.9, why) for why in (0.9, 0.6, 0.2)}
    assert said == {"403 was said by the application: why cannot be told from what was captured."}


def test_a_handshake_is_refused_not_said() -> None:
    for who, why in product((0.9, 0.6, 0.3), (0.9, 0.6, 0.3)):
        said = headline(None, Layer.GATEWAY, "nginx", Cause.CLIENT_CERT_MISSING, who, why)
        assert said.startswith("The TLS handshake")
        assert "refused" in said
        assert "said" not in said


@pytest.mark.parametrize("cause", Cause)
def test_every_sentence_is_one_in_every_degree(cause: Cause) -> None:
    for who, why in product((0.9, 0.6, 0.3), (0.9, 0.6, 0.3)):
        said = headline(403, Layer.APP, "django", cause, who, why)
        assert said.endswith(".")
        assert ".." not in said
        assert ": ;" not in said
        assert len(said) < 170
