"""Segments in order are added at once: what is read is the same as one by one."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench.traffic import ACK, FIN, SYN
from tracer.capture.capture import Capture
from tracer.http.detect import conversation
from tracer.transport.columns import take
from tracer.transport.reader import read_connections
from tracer.transport.runs import find_runs

from .test_tcp import GET, Kept, Talk

BODY = bytes(range(256)) * 4
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY


def conversations(talk: Talk, cuts: list[int], swaps: list[int], acks: int) -> None:
    """Two exchanges whose second answer is cut into segments, some exchanged, some copied, acknowledgements between."""
    talk.open().packet(True, ACK, 1, GET % 1, ack=1).packet(False, ACK, 1, ANSWER, ack=1 + len(GET % 1))
    talk.packet(True, ACK, 1 + len(GET % 1), GET % 2, ack=1 + len(ANSWER))
    places = sorted({0, len(ANSWER), *cuts})
    pieces = list(pairwise(places))
    for at in swaps:
        if at + 1 < len(pieces):
            pieces[at], pieces[at + 1] = pieces[at + 1], pieces[at]
        elif pieces:
            pieces.append(pieces[at % len(pieces)])
    base = 1 + len(ANSWER)
    for number, (low, high) in enumerate(pieces):
        talk.packet(False, ACK, base + low, ANSWER[low:high], ack=1)
        if acks and number % acks == 0:
            talk.packet(True, ACK, 1 + 2 * len(GET % 1), ack=base + low)
    talk.packet(False, FIN | ACK, base + len(ANSWER)).packet(True, FIN | ACK, 1 + 2 * len(GET % 1))


def read(talk: Talk, together: bool) -> Kept:
    talk.read()
    capture = Capture.open(talk.path)
    kept = Kept()
    blocks = list(capture.blocks())
    if not together:
        blocks = [take(block, np.array([i])) for block in blocks for i in range(len(block))]
    read_connections(iter(blocks), capture.base, kept, source="a", converse=conversation)
    return kept


@given(
    st.lists(st.integers(1, len(ANSWER) - 1), max_size=20),
    st.lists(st.integers(0, 24), max_size=3),
    st.integers(0, 3),
    st.sampled_from([5000, 0xFFFFFE00]),
)
def test_a_block_at_once_reads_as_packet_by_packet(cuts: list[int], swaps: list[int], acks: int, isn: int) -> None:
    with TemporaryDirectory() as folder:
        talk = Talk(Path(folder), server_isn=isn)
        conversations(talk, cuts, swaps, acks)
        one, other = read(talk, True), read(talk, False)
    assert one.exchanges == other.exchanges
    assert one.connections == other.connections


@pytest.mark.parametrize(
    ("column", "value", "stops"),
    [
        ("side", 1, [1, 3, 3, 4]),
        ("flags", FIN | ACK, [1, 2, 3, 4]),
        ("flags", SYN | ACK, [1, 2, 3, 4]),
        ("length", 5, [1, 2, 3, 4]),
        ("position", -1, [1, 2, 3, 4]),
        ("seq", 21, [1, 2, 3, 4]),
        ("packet", 9, [4, 4, 4, 4]),
    ],
)
def test_a_run_ends_at_whatever_is_not_the_next_segment(column: str, value: int, stops: list[int]) -> None:
    columns = {
        "key": [7, 7, 7, 7],
        "side": [0, 0, 0, 0],
        "flags": [ACK] * 4,
        "seq": [0, 10, 20, 30],
        "wire": [10] * 4,
        "length": [10] * 4,
        "position": [100, 200, 300, 400],
        "packet": [1, 2, 3, 4],
        "time_ns": [1, 2, 3, 4],
    }
    columns[column][1] = columns[column][2] = value
    assert find_runs(*(np.array(c) for c in columns.values())).stop == stops
