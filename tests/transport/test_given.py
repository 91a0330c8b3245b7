"""Numbers of values that begin in one packet."""

from __future__ import annotations

import tracemalloc
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tracer.transport.given import Given

numbers = st.integers(0, 9) | st.sampled_from([4095, 4096, 1 << 20, 1 << 40])


@given(st.lists(st.tuples(st.sampled_from("et"), numbers)))
def test_each_value_of_a_packet_gets_the_next_number(asked: list[tuple[str, int]]) -> None:
    ids, expected = Given(), Counter[tuple[str, int]]()
    for key in asked:
        expected[key] += 1
        assert ids.count(*key) == expected[key]


def test_a_million_packets_cost_a_bit_each() -> None:
    ids = Given()
    tracemalloc.start()
    for packet in range(0, 1 << 20, 16):
        ids.count("e", packet)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size < 400_000
