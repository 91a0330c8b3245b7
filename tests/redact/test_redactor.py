"""Redaction: no planted secret leaves, equal secrets stay equal, everything else stays as it was."""

from __future__ import annotations

import base64
import gzip
import json
import re
import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tracer.model.http import Body, Event, Exchange, Request, Response
from tracer.model.problem import Problem, Severity
from tracer.model.verdict import Evidence, Seen, Verdict
from tracer.redact import Redacted, Redactor
from tracer.redact.user import BadRules, user_rules
from tracer.store.trace import Trace

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJlLWhlcmU"
OPAQUE = "q7Zr9tW2xK4mB8nV5cLs"
BASIC = base64.b64encode(b"alice:Tr0ub4dor&3").decode()
AWS = "AKIAIOSFODNN7QWERTYU"
PART = '--b\r\nContent-Disposition: form-data; name="password"\r\n\r\nhunter2!\r\n--b--'
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEAx9\nabcDEF123\n-----END RSA PRIVATE KEY-----"


def request(**changes: Any) -> Request:
    return Request(**{"method": "GET", "target": "/x", "url": "https://h.test/x", **changes})


def exchange(sent: Request | None = None, got: Response | None = None, **changes: Any) -> Exchange:
    return Exchange(id="e1", source="a", protocol="HTTP/1.1", request=sent, response=got, **changes)


def clean(value: Exchange) -> Exchange:
    return Redactor().exchange(value, lambda _s, b: b.data or b"")


def everything(value: Any) -> str:
    """All text and bytes of a value, as one text."""
    return msgspec.json.encode(_plain(value)).decode()


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, msgspec.Struct):
        return {f: _plain(getattr(value, f)) for f in value.__struct_fields__}
    if isinstance(value, (tuple, list)):
        return [_plain(v) for v in value]
    return value


HEADERS = [
    ("Authorization", f"Bearer {OPAQUE}", OPAQUE),
    ("authorization", f"Basic {BASIC}", BASIC),
    ("AUTHORIZATION", f'Digest username="bob", response="{OPAQUE}"', OPAQUE),
    (
        "Authorization",
        f"AWS4-HMAC-SHA256 Credential={AWS}/20260101/us/s3, SignedHeaders=host, Signature={'ab12' * 16}",
        "ab12" * 16,
    ),
    ("Authorization", f"Token {OPAQUE}", OPAQUE),
    ("Authorization", OPAQUE, OPAQUE),
    ("Proxy-Authorization", f"Negotiate {OPAQUE}", OPAQUE),
    ("Cookie", f"theme=dark; sid={OPAQUE}", OPAQUE),
    ("cookie", OPAQUE, OPAQUE),
    ("X-API-Key", OPAQUE, OPAQUE),
    ("X-Company-Key", "12345678", "12345678"),
    ("X-Auth", "letmein-please", "letmein-please"),
    ("Authentication", OPAQUE, OPAQUE),
    ("X-Anything", OPAQUE, OPAQUE),
    ("Sec-WebSocket-Protocol", f"graphql-ws, bearer.{OPAQUE}", OPAQUE),
    ("x-api-key", OPAQUE, OPAQUE),
    ("ApiKey", OPAQUE, OPAQUE),
    ("X-Auth-Token", OPAQUE, OPAQUE),
    ("X-CSRF-Token", OPAQUE, OPAQUE),
    ("X-Amz-Security-Token", OPAQUE, OPAQUE),
    ("Ocp-Apim-Subscription-Key", OPAQUE, OPAQUE),
    ("X-Vault-Token", OPAQUE, OPAQUE),
    ("Private-Token", OPAQUE, OPAQUE),
    ("X-Forwarded-Client-Cert", f"Hash={OPAQUE};Subject=CN=bob", OPAQUE),
    ("X-Company-Secret", OPAQUE, OPAQUE),
    ("X-Session-Id", OPAQUE, OPAQUE),
    ("Referer", f"https://h.test/a?access_token={OPAQUE}&x=1", OPAQUE),
    ("Location", f"https://h.test/cb#id_token={OPAQUE}", OPAQUE),
    ("Location", f"/cb?code={OPAQUE}&state=1", OPAQUE),
    ("Link", f"<https://u:{OPAQUE}@h.test/>; rel=next", OPAQUE),
    ("X-Whatever", f"prefix {JWT} suffix", JWT),
    ("Sec-WebSocket-Protocol", f"graphql, {JWT}", JWT),
    ("Set-Cookie", f"session={OPAQUE}; Path=/; HttpOnly", OPAQUE),
]


@pytest.mark.parametrize(("name", "value", "secret"), HEADERS)
def test_a_secret_in_a_header_never_leaves(name: str, value: str, secret: str) -> None:
    headers = ((name.encode(), value.encode()),)
    found = everything(clean(exchange(request(headers=headers), Response(status=200, headers=headers))))
    assert secret not in found
    assert "[redacted:" in found


URLS = [
    f"https://u:{OPAQUE}@h.test/x",
    f"https://h.test/x?token={OPAQUE}",
    f"https://h.test/x?a=1&API_KEY={OPAQUE}&b=2",
    f"https://h.test/x?X-Amz-Signature={OPAQUE}",
    f"https://h.test/c?sv=2024&sig={OPAQUE}",
    f"https://h.test/cb?code={OPAQUE}",
    f"https://h.test/x;jsessionid={OPAQUE}",
    f"https://h.test/reset/{OPAQUE}Aa1bB2cC3",
    f"https://h.test/go?next=https%3A%2F%2Fo.test%2F%3Ftoken%3D{OPAQUE}",
    f"https://h.test/x#access_token={OPAQUE}",
    f"https://h.test/t/{JWT}",
    f"https://hooks.slack.com/services/T0000/B000/{OPAQUE}",
    f"https://h.test/x?k={OPAQUE}",
    f"https://h.test/x?t=go.{OPAQUE}&z=1",
    f"https://h.test/v.mp4?hdnts=exp=1~hmac={'ab12' * 10}",
    f"https://h.test/confirm?hash={'AB12' * 8}",
    f"https://h.test/bot123456:{OPAQUE}/sendMessage",
    f"https://h.test/s/{OPAQUE}",
]


@pytest.mark.parametrize("url", URLS)
def test_a_secret_in_a_url_never_leaves(url: str) -> None:
    target = "/" + url.split("/", 3)[3]
    head = f"GET {target} HTTP/1.1\r\n".encode()
    found = everything(clean(exchange(request(url=url, target=target, head=head))))
    assert OPAQUE not in found
    assert JWT not in found


BODIES = [
    ("application/json", json.dumps({"user": "bob", "password": "hunter2!"}), "hunter2!"),
    ("application/json", json.dumps({"a": {"refreshToken": OPAQUE}}), OPAQUE),
    ("application/json", json.dumps({"access_token": OPAQUE, "expires_in": 3600}), OPAQUE),
    ("application/json", json.dumps({"log": json.dumps({"client_secret": OPAQUE})}), OPAQUE),
    ("application/x-www-form-urlencoded", "user=bob&password=hunter2%21&x=1", "hunter2%21"),
    ("application/x-www-form-urlencoded", f"grant_type=authorization_code&code={OPAQUE}", OPAQUE),
    ("application/x-www-form-urlencoded", f"SAMLResponse={OPAQUE}", OPAQUE),
    ("multipart/form-data; boundary=b", PART, "hunter2!"),
    ("text/html", f'<input type=hidden name="csrfmiddlewaretoken" value="{OPAQUE}">', OPAQUE),
    ("text/html", f"<a href='/x?token={OPAQUE}'>reset</a>", OPAQUE),
    ("text/xml", f"<Credentials><SecretAccessKey>{OPAQUE}wJalrXUtnFEMI</SecretAccessKey></Credentials>", OPAQUE),
    ("text/html", f'<input type="password" name="field7" value="{OPAQUE}">', OPAQUE),
    ("text/plain", f"aws_access_key_id = {AWS}", AWS),
    ("text/plain", "db:\n  password: hunter2x\n  host: db1", "hunter2x"),
    ("text/plain", "Server=db1;User Id=app;Password=hunter2x;Pooling=true", "hunter2x"),
    ("text/plain", f"export TOKEN={OPAQUE}", OPAQUE),
    ("application/json", json.dumps({"query": f'mutation {{ login(password: "{OPAQUE}") }}'}), OPAQUE),
    ("", f"session={OPAQUE}", OPAQUE),
    ("text/plain", f"it is pypi-{OPAQUE} and dop_v1_{'ab' * 20}", "ab" * 20),
    ("text/plain", f"WWW-Authenticate: Negotiate {OPAQUE}", OPAQUE),
    ("text/plain", PEM, "MIIEowIBAAKCAQEAx9"),
    ("text/plain", f"Authorization: Bearer {OPAQUE}", OPAQUE),
    ("text/plain", f"DefaultEndpointsProtocol=https;AccountKey={OPAQUE * 2}==", OPAQUE),
    ("text/plain", "CLIENT_RANDOM " + "ab" * 32 + " " + "cd" * 48, "cd" * 48),
    ("application/octet-stream", "\0\0\x01" + JWT, JWT),
    ("text/javascript", f'const apiKey = "{OPAQUE}";', OPAQUE),
]  # fmt: skip


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize(("kind", "words", "secret"), BODIES)
def test_a_secret_in_a_body_never_leaves(kind: str, words: str, secret: str, compressed: bool) -> None:
    data = gzip.compress(words.encode()) if compressed else words.encode()
    body = Body(size=len(data), data=data, codings=("gzip",) if compressed else ())
    value = exchange(request(), Response(status=200, headers=((b"Content-Type", kind.encode()),), body=body))
    found = clean(value).response
    assert found is not None
    assert found.body.codings == ()
    assert secret.encode() not in (found.body.data or b"")
    assert b"[redacted:" in (found.body.data or b"")


def test_a_compressed_body_that_cannot_be_read_is_not_passed_on() -> None:
    body = Body(size=20, data=b"\x1b\x2c?" + OPAQUE.encode(), codings=("unheard-of",))
    found = clean(exchange(request(), Response(status=200, body=body))).response
    assert found is not None
    assert found.body.data == b""
    assert found.body.complete is False


def test_a_body_that_stopped_at_a_bound_still_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracer.redact.redactor._LIMIT", 4096)
    packed = gzip.compress(bytes(1_000_000))
    body = Body(size=len(packed), data=packed, codings=("gzip",))
    found = clean(exchange(request(), Response(status=200, body=body))).response
    assert found is not None
    assert (found.body.size, found.body.complete) == (4096, False)
    assert found.body.lost == "gzip: decoding stopped at 4096 bytes"


def test_a_secret_that_turns_up_again_elsewhere_is_replaced_there_too() -> None:
    value = exchange(
        request(headers=((b"X-API-Key", OPAQUE.encode()),)),
        Response(status=403, body=Body(size=99, data=f"key {OPAQUE} is not valid".encode())),
        comment=f"sent {OPAQUE}",
        aborted=f"after {OPAQUE}",
        events=(Event(kind="text", client=True, data=f"hello {OPAQUE}".encode(), size=20),),
        problems=(Problem(code="x.y", severity=Severity.NOTE, text=f"odd value {OPAQUE}"),),
        extra={"har.note": OPAQUE},
    )
    assert OPAQUE not in everything(clean(value))


def test_the_password_inside_basic_credentials_is_replaced_where_it_turns_up_again() -> None:
    value = exchange(
        request(headers=((b"Authorization", f"Basic {BASIC}".encode()),)),
        Response(status=401, body=Body(size=30, data=b"Tr0ub4dor&3 is wrong for alice")),
    )
    assert "Tr0ub4dor" not in everything(clean(value))


def test_equal_secrets_get_equal_marks_and_different_ones_do_not() -> None:
    redactor = Redactor()

    def mark(secret: str) -> bytes:
        value = exchange(request(headers=((b"X-API-Key", secret.encode()),)))
        found = redactor.exchange(value, lambda *_: b"").request
        assert found is not None
        return found.headers[0][1]

    assert mark("one-secret") == mark("one-secret")
    assert mark("one-secret") != mark("two-secret")


def test_marks_of_two_exports_cannot_be_compared() -> None:
    value = exchange(request(headers=((b"X-API-Key", OPAQUE.encode()),)))
    assert clean(value) != clean(value)


def test_redacting_twice_changes_nothing_more() -> None:
    value = exchange(
        request(
            url=URLS[2],
            target="/x?token=abcdef123",
            headers=tuple((n.encode(), v.encode()) for n, v, _ in HEADERS),
            body=Body(size=20, data=b'{"password":"hunter2!"}'),
        )
    )
    redactor = Redactor()
    once = redactor.exchange(value, lambda *_: b"")
    assert redactor.exchange(once, lambda *_: b"") == once


def test_what_holds_no_secret_stays_as_it_is() -> None:
    value = exchange(
        request(
            url="https://h.test/docs/Getting-Started-With-V2/ListObjectsV2CommandInput.html?page=2&sort=CreatedAtDescending2",
            target="/fonts/q7Zr9tW2xK4mB8nV5cLs.woff2?id=7d3f1c52-95c8-4c86-a2a6-d1f5fca7e5ad",
            head=b"GET /docs HTTP/1.1\r\n",
            headers=(
                (b"Host", b"h.test"),
                (b"User-Agent", b"curl/8.5.0"),
                (b"Accept", b"text/html,*/*;q=0.8"),
                (b"If-None-Match", b'"33a64df551425fcc55e4d42a148795d9f25f89d4"'),
                (b"X-Request-Id", b"7d3f1c52-95c8-4c86-a2a6-d1f5fca7e5ad"),
                (b"X-Correlation-ID", b"q7Zr9tW2xK4mB8nV5cLs"),
                (b"Content-Type", b"multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW"),
                (b"Surrogate-Key", b"getUserProfileV2Response-2026-January"),
                (b"Traceparent", b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
            ),
        ),
        Response(
            status=401,
            headers=((b"Server", b"nginx"), (b"WWW-Authenticate", b'Bearer realm="api", error="invalid_token"')),
            body=Body(size=60, data=b"<h1>403 Forbidden</h1> Bearer authentication is required"),
        ),
    )
    assert clean(value) == value


def test_a_cookie_keeps_its_name_and_an_authorization_its_scheme() -> None:
    headers = ((b"Cookie", b"theme=dark; sid=1234567"), (b"Authorization", b"Bearer abc123def456"))
    found = clean(exchange(request(headers=headers))).request
    assert found is not None
    assert re.fullmatch(rb"theme=\[redacted:cookie:\w+\]; sid=\[redacted:cookie:\w+\]", found.headers[0][1])
    assert re.fullmatch(rb"Bearer \[redacted:bearer:\w+\]", found.headers[1][1])


def test_the_verdict_quotes_no_secret_of_its_exchange() -> None:
    evidence = Evidence(id="v1", says=f"the key {OPAQUE} is wrong", supports="cause:credentials-invalid", weight=1.0,
                        seen=Seen(exchange="e1", where="request header x-api-key", value=OPAQUE))  # fmt: skip
    verdict = Verdict(source="a", exchange="e1", url=f"https://h.test/?token={OPAQUE}", headline=f"{OPAQUE}!",
                      evidence=(evidence,), next_steps=(f"try another than {OPAQUE}",))  # fmt: skip
    with Trace() as trace:
        trace.exchange(exchange(request(headers=((b"X-API-Key", OPAQUE.encode()),))))
        trace.verdict(verdict)
        (found,) = Redacted(trace, Redactor()).verdicts()
    assert OPAQUE not in everything(found)


def test_what_was_replaced_is_counted_once_by_kind_and_told_with_its_places() -> None:
    redactor = Redactor()
    headers = ((b"Cookie", b"a=1234567; b=7654321"),)
    answered = Response(status=200, headers=((b"Set-Cookie", b"a=1234567; Path=/"),))
    for _ in range(2):
        redactor.exchange(exchange(request(headers=headers), answered), lambda *_: b"")
    assert redactor.marks.counts == {"cookie": 2}
    assert list(redactor.marks.places["cookie"]) == ["header cookie", "header set-cookie"]


def test_a_long_token_is_known_again_in_every_later_exchange_a_plain_word_only_in_its_own() -> None:
    redactor = Redactor()
    headers = ((b"X-API-Key", OPAQUE.encode() * 2), (b"Cookie", b"consent=accepted"))
    redactor.exchange(exchange(request(headers=headers)), lambda *_: b"")
    words = f"{OPAQUE * 2}, accepted".encode()
    later = exchange(request(), Response(status=200, body=Body(size=len(words), data=words)))
    found = redactor.exchange(later, lambda *_: b"").response
    assert found is not None
    assert re.fullmatch(rb"\[redacted:header:\w+\], accepted", found.body.data or b"")


@pytest.mark.parametrize(("coding", "kind"), [("utf-16", "text/plain"), ("utf-16-be", "text/plain; charset=UTF-16BE")])
def test_text_in_sixteen_bits_is_read_too(coding: str, kind: str) -> None:
    data = json.dumps({"password": "hunter2!"}).encode(coding)
    body = Body(size=len(data), data=data)
    found = clean(exchange(request(), Response(status=200, headers=((b"Content-Type", kind.encode()),), body=body)))
    assert found.response is not None
    assert "hunter2" not in (found.response.body.data or b"").decode(coding)


@pytest.mark.parametrize(
    "words",
    [
        '{"code": "ERR_INSUFFICIENT_SCOPE_403", "status": 403, "key": "photos/2006/January/a1.jpg"}',
        "<Error><Code>AccessDenied</Code><Key>photos/2006/January/a1.jpg</Key></Error>",
        "the header Access-Control-Allow-Origin: https://app.test is missing",
        "Content-Security-Policy: default-src 'none'\nX-Request-Id: 4f3a2b1c",
        '{"signature_version": "4", "sig_alg": "RS256"}',
        "it speaks of credentials-expired: a bare web server knows nothing of that",
        "signature-mismatch: clocks differ",
        "the token: expired; the password is required",
    ],
)
def test_what_tells_why_is_not_taken_for_a_secret(words: str) -> None:
    body = Body(size=len(words), data=words.encode())
    value = exchange(request(), Response(status=403, body=body))
    assert clean(value) == value


def test_rules_of_the_users_own_are_followed(tmp_path: Path) -> None:
    path = tmp_path / "redact.toml"
    path.write_text(
        'headers = ["X-Badge"]\nnames = ["^iban$"]\nkeep = ["X-CSRF-Token"]\n'
        '[[patterns]]\nkind = "employee"\npattern = "E[0-9]{6}"\n'
    )
    value = exchange(
        request(
            url="https://h.test/?iban=DE99123456",
            headers=((b"x-badge", b"blue-42"), (b"X-CSRF-Token", b"shown-as-is"), (b"X-Note", b"for E123456")),
        )
    )
    found = everything(Redactor(user_rules(path)).exchange(value, lambda *_: b""))
    assert "blue-42" not in found
    assert "DE99123456" not in found
    assert "E123456" not in found
    assert "shown-as-is" in found


@pytest.mark.parametrize("text", ["headers = 3", "[[patterns]]\npattern = '('", "headrs = []", "= broken"])
def test_rules_that_cannot_be_read_are_an_error_not_a_leak(tmp_path: Path, text: str) -> None:
    (tmp_path / "redact.toml").write_text(text)
    with pytest.raises(BadRules):
        user_rules(tmp_path / "redact.toml")


@pytest.mark.parametrize(
    "step",
    [
        "send it: `curl -v -H 'Authorization: Bearer TOKEN' https://h/x`",
        "send `Authorization: Token KEY`, the account's own",
        "ask it directly: `curl -v -H 'Authorization: …' https://h/x`",
        '`curl -H "Authorization: Bearer $OPENAI_API_KEY" https://h/v1`',
        '`curl -H "Authorization: Bearer $(gcloud auth print-identity-token)" https://h/`',
    ],
)
def test_what_instructions_write_in_place_of_a_secret_stays(step: str) -> None:
    assert Redactor().prose(step) == step


def test_a_value_that_only_begins_like_a_placeholder_is_a_secret() -> None:
    assert "KEYboardcat99" not in Redactor().prose("it sent Authorization: Token KEYboardcat99 and was refused")


def test_a_line_that_another_thread_draws_makes_no_secret_forgotten() -> None:
    redactor = Redactor()
    sent = request(headers=((b"Cookie", b"sid=s3cr3t-one"),))
    redactor.exchange(exchange(sent), lambda _s, b: b.data or b"")
    drawing = threading.Thread(target=redactor.url_alone, args=("https://h.test/y",))
    drawing.start()
    drawing.join()
    assert "s3cr3t-one" not in redactor.prose("it said s3cr3t-one")
