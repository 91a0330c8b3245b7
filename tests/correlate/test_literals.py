"""Words that stand for an expression never hide a match of it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.correlate import literals
from tracer.correlate.literals import LONG, SPENT, Index, words_of
from tracer.correlate.marks import products

WORDS = ("waf", "cloudfront", "access denied", "<h1>403", "request id: ", "拒")


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("access denied", ("access denied",)),
        (r"ab|cde", ()),
        (r"(blocked|refused) by .{0,20}cloudfront", ("cloudfront",)),
        (r"colou?r", ("colo",)),
        (r"(attack){2}", ("attack",)),
        (r"(attack)*", ()),
        (r"\bwaf\b", ("waf",)),
        (r"(one|two)", ("one", "two")),
        (r"[", ()),
    ],
)
def test_every_match_holds_one_of_the_words(expression: str, words: tuple[str, ...]) -> None:
    assert words_of(expression) == words


@given(
    st.text(alphabet="abfw <>", max_size=30), st.sampled_from(["waf", "(ab|wa)f", "<a.*b>", "a+b", "ba?f", "(?!ab)wab"])
)
def test_an_index_finds_what_the_expression_alone_finds(text: str, expression: str) -> None:
    alone = re.search(expression, text, re.IGNORECASE | re.DOTALL)
    found = [hit.span() for _, hit in Index([(expression, None)]).matches(text)]
    assert found == ([alone.span()] if alone else [])


@given(
    st.text(max_size=600),
    st.lists(st.sampled_from(WORDS), max_size=3),
    st.integers(0, 600),
)
def test_a_long_text_holds_what_it_holds(noise: str, words: list[str], at: int) -> None:
    text = noise[:at] + "".join(words) + noise[at:] + "." * LONG
    index, busy = (Index([(re.escape(word), word) for word in WORDS]) for _ in range(2))
    one_by_one = [(word, hit.span()) for word, hit in index.matches(text)]
    busy._spent = SPENT
    assert [(word, hit.span()) for word, hit in busy.matches(text)] == one_by_one
    assert {word for word, _ in one_by_one} >= set(words)


def test_what_is_remembered_of_texts_is_bounded_and_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(literals, "REMEMBERED", 1000)
    index = Index([("gr[ae]y", "grey"), ("blue", "blue")])
    texts = [f"{'x' * (n * 37 % 700)} {colour} {n}" for n in range(40) for colour in ("gray", "Blue", "red")]
    for text in [*texts, *texts[-3:] * 2, *texts]:
        expected = ["grey"] * ("gray" in text) + ["blue"] * ("Blue" in text)
        assert [what for what, _ in index.matches(text)] == expected
        assert all(hit.string == text for _, hit in index.matches(text))
        assert sum(map(len, index._known)) <= 1000


def test_most_marks_are_looked_for_by_words() -> None:
    likes = [mark.like for product in products() for mark in product.marks if mark.at == "body"]
    assert sum(bool(words_of(like)) for like in likes) > 0.9 * len(likes)
