"""Lines of key logs, as programs write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.model.problem import Severity
from tracer.tls.key_log import PREMASTER_RSA, SESSION_ID, Secret, read_line
from tracer.tls.keys import Keys

RANDOM, MASTER = bytes(range(32)), bytes(range(48))


@pytest.mark.parametrize(
    "label",
    [
        "CLIENT_EARLY_TRAFFIC_SECRET",
        "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
        "SERVER_HANDSHAKE_TRAFFIC_SECRET",
        "CLIENT_TRAFFIC_SECRET_0",
        "SERVER_TRAFFIC_SECRET_0",
        "EXPORTER_SECRET",
        "EARLY_EXPORTER_SECRET",
        "CLIENT_RANDOM",
        "PMS_CLIENT_RANDOM",
        "A_LABEL_OF_THE_FUTURE",
    ],
)
def test_a_line_gives_label_random_and_secret(label: str) -> None:
    line = f"{label} {RANDOM.hex()} {MASTER.hex().upper()}".encode()
    assert read_line(line) == Secret(label, RANDOM, MASTER)


def test_labels_of_early_quic_mean_those_of_tls() -> None:
    secret = read_line(f"QUIC_CLIENT_TRAFFIC_SECRET_0 {RANDOM.hex()} {MASTER[:32].hex()}".encode())
    assert secret == Secret("CLIENT_TRAFFIC_SECRET_0", RANDOM, MASTER[:32])


def test_a_premaster_secret_is_named_by_the_start_of_what_was_encrypted() -> None:
    assert read_line(f"RSA 0102030405060708 {MASTER.hex()}".encode()) == Secret(
        PREMASTER_RSA, bytes(range(1, 9)), MASTER
    )


def test_a_session_is_named_by_its_id() -> None:
    line = f"RSA Session-ID:{RANDOM.hex()} Master-Key:{MASTER.hex()}".encode()
    assert read_line(line) == Secret(SESSION_ID, RANDOM, MASTER)


@pytest.mark.parametrize(
    "line",
    [
        b"nonsense",
        b"CLIENT_RANDOM abc def",
        b"CLIENT_RANDOM " + b"00" * 31 + b" " + b"11" * 48,
        b"CLIENT_RANDOM " + b"00" * 32 + b" " + b"11" * 47,
        b"CLIENT_RANDOM " + b"00" * 32 + b" " + b"11" * 48 + b" more",
    ],
)
def test_lines_that_are_cut_or_lie_are_none(line: bytes) -> None:
    assert read_line(line) is None


def test_bad_lines_are_one_problem_with_count_and_first_line() -> None:
    keys = Keys()
    keys.add(b"# comment\n\nbad\nCLIENT_RANDOM %b %b\r\nworse\n" % (RANDOM.hex().encode(), MASTER.hex().encode()), "f")
    (problem,) = keys.take_problems()
    assert (problem.code, problem.severity, problem.source) == ("keys.bad-line", Severity.WARN, "f")
    assert problem.text.startswith("2 lines")
    assert "line 3" in problem.text
    assert keys.master(RANDOM, b"", None) == MASTER


@given(st.binary(max_size=400))
def test_any_bytes_are_a_key_log_with_at_most_a_problem(data: bytes) -> None:
    keys = Keys()
    keys.add(data, "f")
    assert len(list(keys.take_problems())) <= 1


def test_half_a_digit_in_a_session_id_is_a_bad_line_and_costs_no_other() -> None:
    keys = Keys()
    bad = f"RSA Session-ID:abc Master-Key:{MASTER.hex()}"
    keys.add(f"{bad}\nCLIENT_RANDOM {RANDOM.hex()} {MASTER.hex()}\n".encode())
    assert [p.code for p in keys.take_problems()] == ["keys.bad-line"]
    assert keys.master(RANDOM, b"", None) == MASTER
