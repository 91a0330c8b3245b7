"""Many cursors find what one would."""

from __future__ import annotations

from struct import pack

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tracer.capture import walk as module
from tracer.capture.view import View
from tracer.capture.walk import Layout, walk

LAYOUT = Layout(8, 16, 16, 0, 262144, "<")


def chain(sizes: list[int], damage: int | None) -> bytes:
    parts = [pack("<IIII", 1, 1, size, size) + bytes(size) for size in sizes]
    if damage is not None and sizes:
        parts[damage % len(parts)] = pack("<IIII", 1, 1, 0x7FFFFFFF, 1) + bytes(8)
    return b"".join(parts)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.integers(0, 90), max_size=120),
    st.lists(st.integers(0, 8000), max_size=12),
    st.none() | st.integers(0, 1000),
    st.integers(0, 60),
)
def test_wrong_guesses_cost_nothing_but_time(
    sizes: list[int], guesses: list[int], damage: int | None, cut: int
) -> None:
    data = chain(sizes, damage)
    data = data[: max(0, len(data) - cut)]
    view = View(data)
    expected, end = module._walk_one_by_one(view, LAYOUT, 0, len(data), len(data))
    starts = [0, *sorted({g for g in guesses if 0 < g < len(data) - 16})]
    if len(data) < 16:
        return
    chains = module._walk_lockstep(view, LAYOUT, starts, len(data))
    found, after = module._join(view, LAYOUT, starts, len(data), chains)
    assert found.tolist() == expected.tolist()
    assert after == end


def test_a_range_of_many_records_is_walked_in_lockstep_to_the_same_end() -> None:
    sizes = (np.random.default_rng(5).integers(0, 1500, 6000)).tolist()
    data = chain(sizes, None)
    starts = np.concatenate([[0], np.cumsum(np.array(sizes) + 16)])
    marks = set(starts.tolist())

    def guess(low: int, high: int) -> int:
        return next((at for at in range(low, high) if at in marks), high)

    found, end = walk(View(data), LAYOUT, 0, len(data), guess)
    assert found.tolist() == starts[:-1].tolist()
    assert end == len(data)
