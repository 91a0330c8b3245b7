"""Tokens and signatures of a request against the time of the answer."""

from __future__ import annotations

import base64
import json

import pytest

from tests.correlate.scenes import START, exchange, verdicts
from tracer.model.verdict import Cause, Verdict

NOW = START // 10**9


def token(claims: dict[str, object], signature: str = "c2ln") -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part(claims)}.{signature}"


def judged(url: str = "http://www.test/page", **asks: str) -> Verdict:
    (verdict,) = verdicts(exchange("e1", url=url, asks={k.replace("_", "-"): v for k, v in asks.items()}, page="no"))
    return verdict


@pytest.mark.parametrize(
    ("claims", "cause"),
    [
        ({"exp": NOW - 3600}, Cause.CREDENTIALS_EXPIRED),
        ({"exp": (NOW - 3600) * 1000}, Cause.CREDENTIALS_EXPIRED),  # milliseconds, against the standard
        ({"exp": NOW + 3600, "nbf": NOW + 600}, Cause.CLOCK_SKEW),
        ({"exp": NOW + 3600, "iat": NOW + 600}, Cause.CLOCK_SKEW),
    ],
)
def test_a_token_out_of_its_time_is_the_cause(claims: dict[str, object], cause: Cause) -> None:
    assert judged(Authorization=f"Bearer {token(claims)}").cause is cause


def test_a_token_within_its_time_is_no_cause() -> None:
    verdict = judged(Authorization=f"Bearer {token({'exp': NOW + 60, 'iat': NOW - 60})}")
    assert not [e for e in verdict.evidence if e.kind == "tokens"]


def test_the_token_itself_is_never_quoted() -> None:
    secret = token({"exp": NOW - 3600, "sub": "alice"})
    assert secret not in str(judged(Authorization=f"Bearer {secret}"))


def test_a_scope_that_the_answer_demands_and_the_token_lacks() -> None:
    says = {"WWW-Authenticate": 'Bearer error="insufficient_scope", scope="write admin"'}
    asks = {"Authorization": f"Bearer {token({'exp': NOW + 60, 'scope': 'read write'})}"}
    (verdict,) = verdicts(exchange("e1", asks=asks, says=says, page="no"))
    assert verdict.cause is Cause.INSUFFICIENT_SCOPE
    assert any("lacks the scope admin" in e.says for e in verdict.evidence)


def test_a_token_without_a_signature_is_told() -> None:
    verdict = judged(Authorization=f"Bearer {token({'exp': NOW + 60}, signature='')}")
    assert any("carries no signature" in e.says for e in verdict.evidence)


@pytest.mark.parametrize("claims", ["[]", '"text"', "not json"])
def test_what_only_looks_like_a_token_is_left_alone(claims: str) -> None:
    part = base64.urlsafe_b64encode(claims.encode()).decode().rstrip("=")
    verdict = judged(Authorization=f"Bearer eyJhbGciOiJIUzI1NiJ9.eyJ{part}.x")
    assert not [e for e in verdict.evidence if e.kind == "tokens"]


POLICY = json.dumps({"Statement": [{"Condition": {"DateLessThan": {"AWS:EpochTime": NOW - 5}}}]})
SIGNED = base64.b64encode(POLICY.encode()).decode().translate(str.maketrans("+=/", "-_~"))


@pytest.mark.parametrize(
    "query",
    [
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20260101T000000Z&X-Amz-Expires=900&X-Amz-Signature=ab12cd34",
        "sv=2024-01-01&st=2026-01-01T00:00:00Z&se=2026-01-02T00:00:00Z&sr=b&sig=abcdef",
        f"Expires={NOW - 10}&Signature=abc&Key-Pair-Id=K1",
        f"hdnts=exp={NOW - 10}~acl=/*~hmac=abcdef",
        f"Policy={SIGNED}&Signature=abc&Key-Pair-Id=K1",
    ],
)
def test_a_link_past_its_time_is_the_cause(query: str) -> None:
    assert judged(f"http://www.test/file?{query}").cause is Cause.CREDENTIALS_EXPIRED


def test_a_signed_request_of_another_hour_has_another_clock() -> None:
    verdict = judged(Authorization="AWS4-HMAC-SHA256 Credential=x", X_Amz_Date="20260101T000000Z")
    assert verdict.cause is Cause.CLOCK_SKEW


def test_a_link_within_its_time_is_no_cause() -> None:
    verdict = judged(f"http://www.test/file?Expires={NOW + 600}&Signature=abc")
    assert not [e for e in verdict.evidence if e.kind == "signed"]


@pytest.mark.parametrize(
    ("audience", "elsewhere"),
    [
        ("https://api.other.test/", True),
        ("https://api.www.test", False),
        ("my-client-id", False),
        (["https://api.other.test", "my-client-id"], False),
    ],
)
def test_a_token_made_out_for_another_host_is_invalid_here(audience: object, elsewhere: bool) -> None:
    verdict = judged(
        url="http://shop.www.test/page",
        Host="shop.www.test",
        Authorization=f"Bearer {token({'aud': audience, 'exp': NOW + 60})}",
    )
    assert any("is made out for" in e.says for e in verdict.evidence) is elsewhere


def test_a_scope_that_the_page_demands_in_words_and_the_token_lacks() -> None:
    sent = {"Authorization": f"Bearer {token({'scope': 'orders:read', 'exp': NOW + 60})}"}
    (verdict,) = verdicts(exchange("e1", asks=sent, page="This call requires the scope 'orders:write'."))
    assert any("lacks the scope orders:write" in e.says for e in verdict.evidence)
    assert verdict.cause is Cause.INSUFFICIENT_SCOPE
