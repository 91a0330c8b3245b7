"""A command is proposed where it would decide, and only there."""

from __future__ import annotations

import pytest

from tracer.model.verdict import Cause, Verdict
from tracer.views.propose import bisect_command


def _verdict(**changes: object) -> Verdict:
    values = {"source": "a b.har", "exchange": "e7", "method": "GET", "status": 403, "cause": Cause.PATH_DENIED}
    return Verdict(**(values | {"cause_confidence": 0.4} | changes))  # type: ignore[arg-type]


def test_a_doubtful_cause_can_be_found_out() -> None:
    assert bisect_command(_verdict()) == "tracer bisect 'a b.har' e7"


@pytest.mark.parametrize(
    "changes",
    [
        {"cause_confidence": 0.9},
        {"cause": Cause.IP_DENIED},
        {"method": None},
        {"method": "CONNECT"},
        {"source": "-"},
        {"source": "a\nb"},
        {"exchange": "s2.e7"},
    ],
)
def test_otherwise_nothing_is_proposed(changes: dict[str, object]) -> None:
    assert bisect_command(_verdict(**changes)) is None
