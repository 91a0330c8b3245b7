"""JSON: body length and hash are of the decoded body, or null with the reason; all fields of the contract."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
from typing import Any

import pytest

from tracer.formats.json_export import write, write_lines
from tracer.formats.json_values import exchange_value, handshake_value, stories_value
from tracer.formats.writers import WRITERS, by_ending, load
from tracer.formats.writing import Options
from tracer.model.http import Body, Exchange, Request, Response
from tracer.model.tls import Alert, Certificate, Handshake
from tracer.model.verdict import Verdict
from tracer.store.trace import Trace

PAGE = b"<h1>403</h1>" * 50


def value(body: Body) -> Any:
    with Trace() as trace:
        e = Exchange(id="e1", source="a", protocol="HTTP/1.1", response=Response(status=403, body=body))
        return exchange_value(trace, e, 1 << 20)


def test_length_and_hash_are_of_the_decoded_body() -> None:
    data = gzip.compress(PAGE)
    found = value(Body(size=len(data), data=data, codings=("gzip",)))["response"]
    assert (found["body_length"], found["body_sha256"]) == (len(PAGE), hashlib.sha256(PAGE).hexdigest())


def test_an_empty_body_has_length_zero_and_the_hash_of_nothing() -> None:
    found = value(Body())["response"]
    assert (found["body_length"], found["body_sha256"]) == (0, hashlib.sha256(b"").hexdigest())


@pytest.mark.parametrize(
    "body",
    [
        Body(size=9, data=b"part of i", complete=False),
        Body(size=9),
        Body(size=9, data=b"not gzip!", codings=("gzip",)),
        Body(size=9, data=b"whatever!", codings=("unheard-of",)),
        Body(size=9, spans=((5, 9),)),
    ],
)
def test_what_cannot_be_known_is_null_with_a_problem(body: Body) -> None:
    found = value(body)
    assert found["response"]["body_length"] is None
    assert found["response"]["body_sha256"] is None
    assert [p["code"] for p in found["problems"]] == ["body.unknown"]


def test_a_missing_half_is_null() -> None:
    found = value(Body())
    assert found["request"] is None
    assert found["tls"] is None


def test_a_handshake_has_every_field_and_null_for_what_is_hidden() -> None:
    alert = Alert(client=False, level=2, code=116, name="certificate_required")
    certificate = Certificate(
        subject="CN=a", issuer="CN=b", serial="1f", sha256="ab", not_before_ns=0, not_after_ns=10**18
    )
    found = handshake_value(Handshake(id="t1", source="a", server_certs=(certificate,), alerts=(alert,), sni="h"))
    assert (
        found["alerts"][0].items()
        >= {"from": "server", "level": "fatal", "code": 116, "name": "certificate_required"}.items()
    )
    assert found["server_certs"][0]["not_before"] == "1970-01-01T00:00:00Z"
    assert found["client_certs"] is None
    assert found["client_cert_sent"] is None


def test_both_forms_hold_the_same_and_parse() -> None:
    with Trace() as trace:
        trace.exchange(
            Exchange(id="e1", source="a", protocol="HTTP/1.1", request=Request(method="GET", target="/", url="/"))
        )
        trace.verdict(Verdict(source="a", exchange="e1", status=403, chain=("e0", "e1")))
        whole, lines = io.BytesIO(), io.BytesIO()
        write(trace, whole, Options())
        write_lines(trace, lines, Options())
    document = json.loads(whole.getvalue())
    rows = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert document["chains"] == [["e0", "e1"]]
    assert [r["type"] for r in rows] == ["tracer", "verdict", "chain", "exchange"]
    assert {k: v for k, v in rows[3].items() if k != "type"} == document["exchanges"][0]


def test_stories_group_verdicts_and_never_replace_them() -> None:
    rows = [(0, "one", 0.5), (1, "one", 0.9), (2, "one", 0.4), (3, "two", 0.9)]
    verdicts = [
        Verdict(source="a", exchange=f"e{n}", story=s, confidence=c, time_ns=n * 10**9, headline=f"h{n}")
        for n, s, c in rows
    ]
    one, two = stories_value(reversed(verdicts))
    assert (one["id"], one["count"], one["headline"], one["surest"]) == ("one", 3, "h1", "e1")
    assert (one["first"], one["last"]) == ("1970-01-01T00:00:00.000000000Z", "1970-01-01T00:00:02.000000000Z")
    assert sorted(one["exchanges"]) == ["e0", "e1", "e2"]
    assert (two["id"], two["exchanges"]) == ("two", ["e3"])


@pytest.mark.parametrize("writer", [w for w in WRITERS if w.name not in ("parquet", "mitm")], ids=lambda w: w.name)
def test_every_writer_of_the_table_can_be_found_by_its_ending(writer: Any) -> None:
    assert all(by_ending(f"x{ending}") is writer for ending in writer.endings)
    assert callable(load(writer))
