"""What was found, in the vocabulary of verdicts and in one sentence."""

from __future__ import annotations

import base64
import json
import time

import pytest

from tests.replay.asks import ask_from
from tracer.model.verdict import Cause, Verdict
from tracer.replay.change import Change, Kind
from tracer.replay.findings import Told, tell
from tracer.replay.outcome import Seen
from tracer.replay.search import Conclusion, Finding
from tracer.replay.subject import Subject


def _token(ends: float) -> bytes:
    """A JSON Web Token whose time is over at `ends`."""
    head, claims = (
        base64.urlsafe_b64encode(json.dumps(v).encode()).rstrip(b"=") for v in ({"alg": "x"}, {"exp": ends})
    )
    return b"Bearer %b.%b.c2ln" % (head, claims)


def _told(*changes: Change, verdict: Cause = Cause.UNKNOWN, **finding: object) -> Told:
    found = {
        "conclusion": Conclusion.FOUND,
        "changes": changes,
        "denied": Seen(status=403),
        "passed": Seen(status=200, reason="OK"),
        "confirmed": True,
        "minimal": True,
    }
    subject = Subject(
        exchange="e1",
        ask=ask_from(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"),
        verdict=Verdict(source="a", exchange="e1", cause=verdict),
        greeting="t13d1",
    )
    made = Finding(**(found | finding))  # type: ignore[arg-type]
    return tell(made, subject, lambda change, value: value.decode())


def _header(name: str, was: bytes = b"", value: bytes | None = None) -> Change:
    return Change(kind=Kind.HEADER, name=name, at=(1,) if was else (), value=value, was=was)


@pytest.mark.parametrize(
    ("change", "verdict", "cause"),
    [
        (Change(kind=Kind.QUERY, name="q", at=(0,), was=b"q=%27 OR 1"), Cause.PATH_DENIED, Cause.WAF_RULE),
        (
            Change(kind=Kind.QUERY, name="sig", at=(0,), was=b"sig=abc"),
            Cause.SIGNATURE_MISMATCH,
            Cause.SIGNATURE_MISMATCH,
        ),
        (_header("User-Agent", b"BadBot/1"), Cause.PATH_DENIED, Cause.CLIENT_DENIED),
        (_header("User-Agent", b"() { :; }; cat /etc/passwd"), Cause.PATH_DENIED, Cause.WAF_RULE),
        (_header("Referer", b"https://b.test/"), Cause.UNKNOWN, Cause.REFERER_DENIED),
        (_header("Origin", b"https://b.test"), Cause.CSRF_FAILED, Cause.CSRF_FAILED),
        (_header("Authorization", value=b"Bearer x"), Cause.UNKNOWN, Cause.CREDENTIALS_MISSING),
        (_header("Authorization", _token(time.time() - 60), b"y"), Cause.UNKNOWN, Cause.CREDENTIALS_EXPIRED),
        (_header("Authorization", _token(time.time() + 86_400), b"y"), Cause.UNKNOWN, Cause.CREDENTIALS_INVALID),
        (_header("X-CSRF-Token", value=b"abc"), Cause.UNKNOWN, Cause.CSRF_FAILED),
        (_header("X-Tenant", value=b"a"), Cause.UNKNOWN, Cause.REQUEST_REJECTED),
        (Change(kind=Kind.COOKIE, name="sid", at=(0, 0), was=b"sid=a1"), Cause.UNKNOWN, Cause.CREDENTIALS_INVALID),
        (Change(kind=Kind.COOKIE, name="x", at=(0, 0), was=b"x=<script>"), Cause.UNKNOWN, Cause.WAF_RULE),
        (
            Change(kind=Kind.PATH, name="/a", at=(0,), value=b"x", was=b"a"),
            Cause.FILE_PERMISSIONS,
            Cause.FILE_PERMISSIONS,
        ),
        (Change(kind=Kind.CERTIFICATE, name="c.pem"), Cause.CLIENT_CERT_REJECTED, Cause.CLIENT_CERT_REJECTED),
    ],
)
def test_an_element_stands_for_a_cause(change: Change, verdict: Cause, cause: Cause) -> None:
    assert _told(change, verdict=verdict).cause is cause


def test_the_end_of_a_token_is_named() -> None:
    told = _told(_header("Authorization", _token(1_500_000_000), b"y"), group="passing e3")
    assert "it ended 2017-07-14 02:40 UTC" in told.sentence
    assert told.sentence.endswith("as e3 had it.")


@pytest.mark.parametrize("status", [413, 414, 431])
def test_what_is_refused_for_its_size_breaks_no_rule_of_a_firewall(status: int) -> None:
    told = _told(Change(kind=Kind.FORM, name="note", at=(0,), was=b"note=aaaa"), denied=Seen(status=status))
    assert told.cause is Cause.REQUEST_REJECTED
    assert told.sentence.endswith("note is too large.")


def test_what_goes_along_with_a_method_is_not_named() -> None:
    method = Change(kind=Kind.METHOD, name="GET", value=b"GET", was=b"PUT")
    told = _told(method, Change(kind=Kind.BODY, value=b""), _header("Content-Type", b"text/plain"))
    assert told.sentence == "With GET instead of PUT it passes (200 OK): the method PUT is not allowed here."
    assert told.element == "method PUT"


def test_another_greeting_is_named_where_the_denial_does_not_happen_again() -> None:
    seen = Seen(status=200, greeting="t13d2")
    told = _told(conclusion=Conclusion.NOT_REPRODUCED, passed=seen)
    assert "JA4 t13d1 then, t13d2 now" in told.sentence
    assert (told.cause, told.element) == (None, None)


def test_a_certificate_that_was_asked_for_is_proposed() -> None:
    told = _told(conclusion=Conclusion.NOTHING, denied=Seen(refused="certificate_required", wants_certificate=True))
    assert "--cert" in told.sentence
    assert told.cause is Cause.CLIENT_CERT_MISSING


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (_header("X-Debug", b"1"), "the header X-Debug is not wanted here."),
        (_header("X-Tenant", value=b"a"), "the header X-Tenant is missing."),
        (_header("X-Tenant", b"b", b"a"), "the header X-Tenant is not accepted."),
        (
            _header("X-HTTP-Method-Override", b"DELETE"),
            "the method that the header X-HTTP-Method-Override asks for is not allowed here.",
        ),
    ],
)
def test_a_field_that_was_there_is_not_called_missing(change: Change, rule: str) -> None:
    assert _told(change).sentence.endswith(f"it passes (200 OK): {rule}")


def test_a_body_that_is_one_long_name_does_not_fill_the_screen() -> None:
    told = _told(Change(kind=Kind.FORM, name="x" * 3000, at=(0,), was=b"x" * 3000))
    assert len(told.sentence) < 250
    assert len(told.element or "") < 100
