"""Random characters are told from words."""

from __future__ import annotations

import base64
import random

import pytest

from tracer.redact.random import is_random, replace_random

NAMES = (
    "getUserProfileV2Response",
    "iPhone15ProMaxTitanium",
    "Photos2006JanuaryTripToParis",
    "ListObjectsV2CommandInput",
    "Getting-Started-With-Version-2-Of-X",
    "ERR_INSUFFICIENT_SCOPE_403",
    "MyBucketEUCentral1Prod",
    "IMG_20230412_123456_HDR",
    "com_Example_MyApp2_Release",
    "X509v3SubjectKeyIdentifier",
    "7d3f1c52-95c8-4c86-a2a6-d1f5fca7e5ad",
    "33a64df551425fcc55e4d42a148795d9",
)


@pytest.mark.parametrize("name", NAMES)
def test_names_of_things_are_readable(name: str) -> None:
    assert not is_random(name)
    assert replace_random(f"/a/{name}/b", lambda _: "?") == f"/a/{name}/b"


def test_nearly_every_token_is_not() -> None:
    source = random.Random(403)
    tokens = [base64.urlsafe_b64encode(source.randbytes(size)).decode().rstrip("=") for size in (16, 24, 32, 48)]
    tokens += [base64.urlsafe_b64encode(source.randbytes(18)).decode() for _ in range(1000)]
    assert sum(map(is_random, tokens)) > 0.98 * len(tokens)
    assert all(replace_random(f"say {t}.", lambda _: "?") == "say ?." for t in tokens if is_random(t))


def test_what_is_shorter_than_a_token_stays() -> None:
    assert replace_random("aB3dE5gH7jK9mN1pQ3s", lambda _: "?") == "aB3dE5gH7jK9mN1pQ3s"
