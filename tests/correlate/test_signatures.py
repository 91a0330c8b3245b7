"""Marks are data: every file can be used."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import tracer.correlate.marks as marks
from tracer.correlate.cues import attack_in, cues

FILES = sorted(Path(marks.__file__).with_name("signatures").glob("*.toml"))


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_every_mark_has_a_usable_expression_and_every_cause_mark_a_cause(file: Path) -> None:
    for product in marks.read_signatures(file):
        assert re.fullmatch(r"(std:)?[a-z0-9]+(-[a-z0-9]+)*", product.id)
        assert product.source
        for mark in product.marks:
            re.compile(mark.like)
            re.compile(mark.at.partition(":")[2])


def test_an_unknown_place_is_refused_with_the_products_name(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(
        '[[product]]\nid = "x"\nname = "X"\nlayer = "waf"\n'
        'marks = [{ proves = "present", at = "nowhere", like = "x", strength = "weak" }]\n'
    )
    with pytest.raises(marks.SignatureError, match="x: a mark at 'nowhere'"):
        marks.read_signatures(file)


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
