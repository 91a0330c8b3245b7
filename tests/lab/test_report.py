"""The report counts what tracer said against what is true."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lab import report


def _judged(layer: str, said: str | None, confidence: float = 0.9, **more: Any) -> report.Judged:
    expected = {
        "case": "a-case",
        "control": False,
        "denial": True,
        "layer": layer,
        "product": "nginx",
        "product_told": True,
        "cause": "path-denied",
        "status": 403,
        "hop": "127.0.4.1:80",
        "accept": {"layers": [], "products": [], "causes": ["ip-denied"], "hops": []},
        "decidable": True,
        "told_by": "packets",
    } | more
    verdict = said and {
        "layer": said,
        "product": "nginx",
        "cause": "ip-denied",
        "confidence": confidence,
        "status": 403,
        "hop": {"address": "127.0.4.1:8080"},
    }
    return report.Judged(expected, verdict or None, 0, None)


def test_what_is_accepted_counts_as_right_and_the_port_does_not_matter() -> None:
    judged = _judged("origin", "origin")
    assert (judged.layer, judged.product, judged.cause, judged.hop) == (True, True, True, True)


def test_a_denial_without_a_verdict_is_wrong_in_everything() -> None:
    judged = _judged("origin", None)
    assert (judged.said, judged.layer, judged.product, judged.cause, judged.hop) == ("(none)", *[False] * 4)


def test_calibration_compares_what_is_said_with_how_often_it_is_right() -> None:
    some = [_judged("origin", "origin", 0.8) for _ in range(4)] + [_judged("origin", "app", 0.8)]
    brier, error, rows = report.calibration(some)
    assert error == pytest.approx(0.0)
    assert brier == pytest.approx((4 * 0.04 + 0.64) / 5)
    assert [(n, round(right, 2)) for _, n, _, right in rows] == [(5, 0.8)]


def test_the_confusion_table_has_a_row_for_each_true_layer_that_was_met() -> None:
    lines = report.lines([_judged("origin", "app"), _judged("waf", None)], "all", False)
    table = [line.split() for line in lines[lines.index("") + 1 :]]
    rows = {words[0]: words[1:] for words in table if words and words[0] in ("origin", "waf", "app")}
    assert set(rows) == {"origin", "waf"}
    assert rows["origin"].count("1") == 1
    assert rows["waf"][-1] == "1"


def test_a_control_with_a_verdict_is_reported_as_accused() -> None:
    control = _judged("unknown", "app", control=True, denial=False)
    assert any("controls accused" in line and "1/1" in line for line in report.lines([control], "all", False))
