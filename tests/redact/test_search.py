"""What is quick at finding where a secret may stand never overlooks one."""

from __future__ import annotations

import json
import random
import re
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tracer.model.http import Body, Exchange, Response
from tracer.redact import Redactor
from tracer.redact.names import Names
from tracer.redact.rules import FIELD_WORDS, HEADER, HEADERS, JSON_NAME, MEMBER_WORDS, SHAPES, WEAK_NAME, header_kind
from tracer.redact.search import _BLOCK, Search, runs

from .planted import PLACES, plants

WORDS = st.lists(st.text("aAbB-é\u2028\U0001f600", min_size=1, max_size=8), min_size=1, max_size=4)


@given(st.lists(WORDS, max_size=5), st.text("aAbB-é\u2028\U0001f600", max_size=60))
def test_every_place_of_every_word_is_found(groups: list[list[str]], text: str) -> None:
    text = text.ljust(61)  # no end that cuts a word is taken for one
    for words, places in zip(groups, Search(groups).places(text), strict=True):
        there = {
            at for word in words for at in range(len(text)) if _ascii_lower(text).startswith(_ascii_lower(word), at)
        }
        assert there <= set(places)
        assert places == sorted(set(places))


def _ascii_lower(text: str) -> str:
    return "".join(c.lower() if c.isascii() else c for c in text)


@pytest.mark.parametrize("at", [0, 1, _BLOCK - 7, _BLOCK - 3, _BLOCK - 1, _BLOCK, 2 * _BLOCK + 5])
def test_a_word_at_the_seam_of_two_blocks_is_found(at: int) -> None:
    text = " " * at + "needle" + " " * _BLOCK
    assert Search([["needle"]]).places(text) == [[at]]


@given(st.text("aZ9_-. é", max_size=80), st.integers(1, 8))
def test_runs_are_what_an_expression_finds(text: str, least: int) -> None:
    assert runs(text, least) == [m.span() for m in re.finditer(rf"[A-Za-z0-9_-]{{{least},}}", text)]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: s.kind)
@settings(max_examples=20)
@given(data=st.data())
def test_every_shape_begins_with_one_of_its_words(shape: Any, data: st.DataObject) -> None:
    example = data.draw(st.from_regex(shape.pattern))
    found = shape.pattern.search(example)
    assume(found is not None)
    assert found[0].lower().startswith(shape.words)


@given(st.from_regex(JSON_NAME) | st.from_regex(WEAK_NAME) | st.sampled_from(["pass", "PWD", "pin", "code_verifier"]))
def test_every_name_of_a_secret_holds_one_of_the_words(name: str) -> None:
    assume(Names().may_be(name))
    assume(name.isascii())  # letters whose lower case is ASCII and which are not: nobody names a field so
    assert any(word in name.lower() for word in MEMBER_WORDS)


@given(st.from_regex(HEADER) | st.sampled_from(sorted(HEADERS)))
def test_every_field_of_a_secret_holds_one_of_the_words(name: str) -> None:
    assume(header_kind(name.lower()) and re.fullmatch("[A-Za-z0-9-]+", name))
    assert any(word in name.lower() for word in FIELD_WORDS)


def test_in_a_long_text_as_in_a_short_one() -> None:
    """Every kind of secret, as it stands in bodies of every sort, also in the midst of much else."""
    chance = random.Random(3)
    filler = " ".join("".join(chance.choices("abcdefghijklmnop", k=6)) for _ in range(300))
    found: dict[str, tuple[list[str], list[str]]] = {}
    for place, plant in plants():
        exchange = PLACES[place](plant)
        body = exchange["response"].body if "response" in exchange else Body()
        if not body.data or body.codings or place == "echo":
            continue
        kind = exchange["response"].get("content-type") or ""
        short, long = (
            _clean(words.encode(), kind) for words in (body.data.decode(), f"{filler}\n{body.data.decode()}\n{filler}")
        )
        texts = found.setdefault(place, ([], []))
        texts[0].append(short.decode())
        texts[1].append(long.decode().removeprefix(f"{filler}\n").removesuffix(f"\n{filler}"))
    assert len(found) >= 9
    for short_ones, long_ones in found.values():
        assert long_ones == short_ones


def _clean(data: bytes, kind: str) -> bytes:
    response = Response(status=403, headers=((b"Content-Type", kind.encode()),), body=Body(size=len(data), data=data))
    exchange = Exchange(id="e1", source="a", protocol="HTTP/1.1", response=response)
    clean = Redactor(key=b"key").exchange(exchange, lambda _, body: body.data or b"").response
    assert clean is not None
    assert clean.body.data is not None
    return clean.body.data


def test_many_secrets_seen_are_all_found_again_in_a_long_text() -> None:
    names = [f"n{number}={number:012d}" for number in range(200)]
    cookie = "; ".join(names).encode()
    text = ("\n".join(reversed([name.partition("=")[2] for name in names])) + " " * 40_000).encode()
    headers = ((b"Cookie", cookie), (b"Content-Type", b"text/plain"))
    response = Response(status=403, headers=headers, body=Body(size=len(text), data=text))
    exchange = Exchange(id="e1", source="a", protocol="HTTP/1.1", response=response)
    clean = Redactor().exchange(exchange, lambda _, body: body.data or b"").response
    assert clean is not None
    assert clean.body.data is not None
    assert re.findall(rb"\d{12}", clean.body.data) == []


QUOTED = "the proxy sent X-Api-Key: abc123def and X-Auth-Token: ghi456jkl, then gave up"


def test_two_fields_in_one_sentence_are_two_secrets() -> None:
    text = _clean(QUOTED.encode(), "text/plain").decode()
    assert re.sub(r"\[[^]]*\]", "*", text) == "the proxy sent X-Api-Key: * and X-Auth-Token: *, then gave up"


def test_json_in_json_in_json_is_read() -> None:
    text = json.dumps({"log": json.dumps({"inner": json.dumps({"password": "hunter2!"})})})
    assert b"hunter2" not in _clean(text.encode(), "application/json")
