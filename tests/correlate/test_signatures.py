"""Marks are data: every file can be used."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import tracer.correlate.marks as marks
from tests.correlate.scenes import exchange, verdicts
from tracer.correlate.cues import attack_in, cues
from tracer.model.verdict import Layer
from tracer.pipeline import judge_trace
from tracer.store.trace import Trace

FILES = sorted(Path(marks.__file__).with_name("signatures").glob("*.toml"))


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_every_mark_has_a_usable_expression_and_every_cause_mark_a_cause(file: Path) -> None:
    for product in marks.read_signatures(file):
        assert re.fullmatch(r"(std:)?[a-z0-9]+(-[a-z0-9]+)*", product.id)
        assert product.source
        for mark in product.marks:
            re.compile(mark.like)
            re.compile(mark.at.partition(":")[2])


def test_a_product_has_one_identity() -> None:
    """Marks of one product under two identities would speak against each other."""
    known: dict[str, str] = {}
    for product in (p for file in FILES for p in marks.read_signatures(file)):
        name = re.sub(r"\(.*?\)|[^a-z0-9]", "", product.name.lower())
        assert known.setdefault(name, product.id) == product.id, product.name


def test_an_unknown_place_is_refused_with_the_products_name(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(
        '[[product]]\nid = "x"\nname = "X"\nlayer = "waf"\n'
        'marks = [{ proves = "present", at = "nowhere", like = "x", strength = "weak" }]\n'
    )
    with pytest.raises(marks.SignatureError, match="x: a mark at 'nowhere'"):
        marks.read_signatures(file)


def test_a_condition_names_one_field(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(
        '[[product]]\nid = "x"\nname = "X"\nlayer = "waf"\n[[product.marks]]\n'
        'proves = "present"\nat = "body"\nlike = "x"\nstrength = "weak"\n'
        'when = [{ at = "header:x-(a|b)", like = "x" }]\n'
    )
    with pytest.raises(marks.SignatureError, match="a condition at 'header:x-"):
        marks.read_signatures(file)


def test_an_expression_that_cannot_be_used_is_refused_with_its_text(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(OWN.replace("^thing", "(thing"))
    with pytest.raises(marks.SignatureError, match=r"'\(thing' is no regular expression"):
        marks.read_signatures(file)


OWN = """
[[product]]
id = "our-gate"
name = "Our gate"
layer = "gateway"
source = "the wiki"

[[product.marks]]
proves = "generated"
at = "header:x-gate"
like = "^thing"
strength = "strong"
when = [{ at = "body", like = "denied" }]
"""


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    caches = (marks.products, marks.own, marks._by_place, marks._places_of_header, marks._in_short)
    for cached in caches:
        cached.cache_clear()
    folder = tmp_path / "tracer" / "signatures"
    folder.mkdir(parents=True)
    yield folder
    for cached in caches:
        cached.cache_clear()


def test_the_users_own_products_are_looked_for(own_folder: Path) -> None:
    (own_folder / "gate.toml").write_text(OWN)
    (verdict,) = verdicts(exchange("e1", says={"X-Gate": "thing 7"}, page="denied"))
    assert (verdict.layer, verdict.product) == (Layer.GATEWAY, "our-gate")


def test_a_mark_without_what_it_must_stand_beside_proves_nothing(own_folder: Path) -> None:
    (own_folder / "gate.toml").write_text(OWN)
    (verdict,) = verdicts(exchange("e1", says={"X-Gate": "thing 7"}, page="something else"))
    assert verdict.product is None


def test_a_file_of_the_users_that_cannot_be_used_is_a_problem_and_stops_nothing(own_folder: Path) -> None:
    (own_folder / "bad.toml").write_text("[[product\n")
    (own_folder / "gate.toml").write_text(OWN)
    trace = Trace()
    trace.exchange(exchange("e1", says={"X-Gate": "thing 7"}, page="denied"))
    judge_trace(trace)
    assert [v.product for v in trace.verdicts()] == ["our-gate"]
    assert [(p.code, "bad.toml" in p.text) for p in trace.problems()] == [("signatures.invalid", True)]


def test_a_file_that_is_no_toml_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text("[[product\n")
    with pytest.raises(marks.SignatureError, match=r"own\.toml"):
        marks.read_signatures(file)


def test_every_cue_can_be_used() -> None:
    for like in [*(row.like for row in cues().stated), *(row.like for row in cues().attack)]:
        re.compile("|".join(like))


@pytest.mark.parametrize("text", ["/products?page=2&sort=name", "Mozilla/5.0 (X11; Linux x86_64)", "a and b or c"])
def test_an_ordinary_request_is_no_attack(text: str) -> None:
    assert attack_in(text) is None
