"""Signals to a command that runs until it is told to end."""

from __future__ import annotations

import os
import signal

import pytest

from tracer.cli.ending import Ending

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def told(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", SIGNALS)
def test_before_there_is_something_to_finish_a_signal_undoes_what_was_begun(number: signal.Signals) -> None:
    undone = False

    def begin() -> None:
        nonlocal undone
        with Ending():
            try:
                told(number)
            finally:
                undone = True

    with pytest.raises(SystemExit) as ended:
        begin()
    assert ended.value.code == 128 + number
    assert undone


@pytest.mark.parametrize("number", SIGNALS)
def test_later_it_is_noted_once_and_the_same_again_does_not_wait(number: signal.Signals) -> None:
    with Ending() as ending:
        ending.note()
        assert not ending
        told(number)
        assert ending
        assert ending.code == (130 if number == signal.SIGINT else 0)
        with pytest.raises(SystemExit):
            told(number)


def test_two_ways_of_saying_one_thing_are_one() -> None:
    with Ending() as ending:
        ending.note()
        told(signal.SIGHUP)  # a session that is ended sends both
        told(signal.SIGTERM)
        assert ending.number == signal.SIGHUP


def test_what_is_meant_for_a_child_is_passed_on_until_it_has_ended() -> None:
    passed: list[int] = []
    with Ending() as ending:
        ending.pass_on(passed.append)
        told(signal.SIGTERM)
        assert (passed, bool(ending)) == ([signal.SIGTERM], False)
        ending.note()
        told(signal.SIGTERM)
        assert (passed, bool(ending)) == ([signal.SIGTERM], True)


def test_handlers_are_put_back_and_an_ignored_hangup_stays_ignored() -> None:
    before = [signal.getsignal(n) for n in SIGNALS]
    try:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        with Ending() as ending:
            ending.note()
            told(signal.SIGHUP)
            assert not ending
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before[2])
    assert [signal.getsignal(n) for n in SIGNALS] == before
