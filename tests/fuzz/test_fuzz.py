"""Damaged captures against the whole program: no traceback, no hang, a word for everything that is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.__main__ import cuts, mutations, read_seeds
from tests.fuzz.box import run_all

PCAPS = Path(__file__).parents[2] / "pcaps"
SMALLEST = 4


def test_a_capture_cut_anywhere_is_read_up_to_there_and_says_so() -> None:
    seeds = read_seeds(PCAPS, largest=20_000)
    assert not list(run_all(cuts(seeds[:SMALLEST], step=97)))


def test_damaged_captures_are_read_as_far_as_they_go() -> None:
    seeds = read_seeds(PCAPS, largest=20_000)
    assert not list(run_all(mutations(seeds, count=200, seed=2)))


@pytest.mark.slow
def test_ten_captures_cut_at_every_seventh_byte() -> None:
    seeds = read_seeds(PCAPS, largest=20_000)
    assert not list(run_all(cuts(seeds[:10], step=7)))
