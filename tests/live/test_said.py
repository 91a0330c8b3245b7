"""mitmproxy's complaints, as people are told them."""

from __future__ import annotations

import pytest

from tracer.live.said import HELP, advice, errors

NO_SUDO = """[16:41:24.824] Failed to run sudo.

Caused by:
    No such file or directory (os error 2)

Stack backtrace:
   0: <unknown>
  10: start_thread
             at ./nptl/pthread_create.c:442:8
Error logged during startup, exiting...
"""


def test_an_error_is_told_without_clock_and_stack() -> None:
    assert errors(NO_SUDO) == ["Failed to run sudo.", "No such file or directory (os error 2)"]
    assert "install sudo" in (advice(NO_SUDO) or "")


def test_causes_stay_in_their_order() -> None:
    text = "Error: it failed\n\nCaused by:\n    0: failed to attach program\n    1: Bad file descriptor (os error 9)\n"
    assert errors(text) == ["Error: it failed", "failed to attach program", "Bad file descriptor (os error 9)"]


def test_a_place_that_is_taken_is_told_once() -> None:
    text = (
        "[10:00:00.1] [Errno 98] HTTP(S) proxy failed to listen on 127.0.0.1:80 with [Errno 98] error while attempting "
        "to bind on address ('127.0.0.1', 80): address already in use\n"
        "Try specifying a different port by using `--mode regular@82`.\n"
    )
    assert errors(text) == ["HTTP(S) proxy cannot listen on 127.0.0.1:80: address already in use"]
    assert "--listen" in (advice(text) or "")


def test_a_flood_is_cut() -> None:
    assert len(errors("\n".join(f"line {n}" for n in range(1000)))) < 10


def test_nothing_known_gives_no_advice() -> None:
    assert advice("the moon is full") is None
    assert errors("\n\n") == []


@pytest.mark.parametrize("words", [words for words, _ in HELP])
def test_each_known_error_is_recognised_however_it_is_written(words: str) -> None:
    assert advice(f"[12:00:00.000] mitmproxy says: {words.upper()}!")
