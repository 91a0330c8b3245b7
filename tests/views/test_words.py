"""Numbers as people read them."""

from __future__ import annotations

import pytest

from tracer.cli.terminal import amount, describe
from tracer.opening import Progress
from tracer.views.words import duration, plural, size, wrap_commands


@pytest.mark.parametrize(
    ("ns", "words"),
    [
        (None, "-"),
        (0, "0 µs"),
        (350_000, "350 µs"),
        (1_200_000, "1.2 ms"),
        (12_000_000, "12 ms"),
        (1_240_000_000, "1.24 s"),
    ],
)
def test_durations(ns: int | None, words: str) -> None:
    assert duration(ns) == words


@pytest.mark.parametrize(("count", "words"), [(None, "-"), (512, "512 B"), (1234, "1.2 kB"), (3_400_000, "3.4 MB")])
def test_sizes(count: int | None, words: str) -> None:
    assert size(count) == words


def test_one_is_not_many() -> None:
    assert (plural(1, "packet"), plural(0, "packet")) == ("1 packet", "0 packets")


def test_progress_tells_share_speed_and_time_left() -> None:
    line = describe(Progress("/x/a.pcap", 500_000_000, 1_000_000_000, 1_000_000), 2.0)
    assert line == "a.pcap  [##########··········]   50%  500 MB of 1.0 GB  500 kpackets/s  2 s left"


def test_progress_of_a_pipe_knows_no_end() -> None:
    assert describe(Progress("-", 1_500_000, None, 0), 1.0) == "-  1.5 MB"


def test_amounts_have_a_prefix() -> None:
    assert [amount(n) for n in (7, 999, 1200, 45_000, 2_500_000_000)] == ["7 ", "999 ", "1.2 k", "45 k", "2.5 G"]


def test_a_command_stays_on_one_line_so_that_it_can_be_copied() -> None:
    command = "`grep -h -A3 'id \"9' /var/log/modsec_audit.log | tail -40`"
    lines = wrap_commands(f"look the rule up in the log of the firewall: {command}; then exclude it", 50, "   ")
    assert any(command in line for line in lines)
    assert all(len(line) <= 50 for line in lines if command not in line)
