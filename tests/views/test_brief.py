"""Verdicts in brief: the answer reads the same, and most are never looked at closely."""

from __future__ import annotations

import random

import pytest

from tests.views.test_explain import text, verdict
from tracer.model.verdict import Verdict
from tracer.views.brief import TOLD, brief, told


def many(seed: int, count: int) -> list[Verdict]:
    rnd = random.Random(seed)
    return [
        verdict(n, status=rnd.choice((401, 403)), confidence=rnd.choice((0.5, 0.7, 0.9)), story=rnd.choice("abc"))
        for n in range(count)
    ]


@pytest.mark.parametrize("count", [0, 1, 4, 5, 40])
@pytest.mark.parametrize("seed", range(5))
def test_the_answer_reads_as_with_every_verdict_whole(seed: int, count: int) -> None:
    verdicts = many(seed, count)
    assert text(told(verdicts, lambda v: v)) == text(verdicts)


def test_of_a_story_few_are_cleaned_and_the_rest_say_nothing_secret() -> None:
    cleaned: list[str] = []

    def clean(v: Verdict) -> Verdict:
        cleaned.append(v.exchange)
        return v

    verdicts = [verdict(n, confidence=0.9 if n == 30 else 0.5, url=f"https://h.test/?token={n}") for n in range(40)]
    found = told(verdicts, clean)
    assert cleaned == ["e0", "e1", "e2", "e3", "e30"]
    assert [v.exchange for v in found] == [v.exchange for v in verdicts]
    assert all(v == brief(v) and v.url is None for n, v in enumerate(found) if n > TOLD and n != 30)
