"""The report counts what tracer said against what is true."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.lab import report
from tests.lab.judged import VIEWS, Judged, judge
from tests.lab.test_pcaps import PCAPS


def _judged(layer: str, said: str | None, confidence: float = 0.9, **more: Any) -> Judged:
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
        "cause_confidence": 0.5,
        "status": 403,
        "hop": {"address": "127.0.4.1:8080"},
    }
    return Judged(expected, verdict or None, 0, None)


def test_what_is_accepted_counts_as_right_and_the_port_does_not_matter() -> None:
    judged = _judged("origin", "origin")
    assert (judged.layer, judged.product, judged.cause, judged.hop) == (True, True, True, True)


def test_a_denial_without_a_verdict_is_wrong_in_everything() -> None:
    judged = _judged("origin", None)
    assert (judged.said, judged.layer, judged.product, judged.cause, judged.hop) == ("(none)", *[False] * 4)


def test_calibration_compares_what_is_said_with_how_often_it_is_right() -> None:
    some = [_judged("origin", "origin", 0.8) for _ in range(4)] + [_judged("origin", "app", 0.8)]
    brier, error, rows = report.calibration((j.confidence, j.layer) for j in some)
    assert error == pytest.approx(0.0)
    assert brier == pytest.approx((4 * 0.04 + 0.64) / 5)
    assert [(n, round(right, 2)) for _, n, _, right in rows] == [(5, 0.8)]


def test_the_confusion_table_has_a_row_for_each_true_layer_that_was_met() -> None:
    lines = report.lines([_judged("origin", "app"), _judged("waf", None)], VIEWS[1], False)
    start = lines.index("") + 1
    table = [line.split() for line in lines[start : lines.index("", start)]]
    rows = {words[0]: words[1:] for words in table if words and words[0] in ("origin", "waf", "app")}
    assert set(rows) == {"origin", "waf"}
    assert rows["origin"].count("1") == 1
    assert rows["waf"][-1] == "1"


def test_a_control_with_a_verdict_is_reported_as_accused() -> None:
    control = _judged("unknown", "app", control=True, denial=False)
    assert report.summary({VIEWS[1]: [control]})[1].split()[-1] == "1/1"


def test_the_client_may_name_no_address_but_not_a_wrong_one() -> None:
    right, wrong = _judged("origin", "origin"), _judged("origin", "origin", hop="127.0.3.1:80")
    assert (right.hop, right.wrong_hop) == (True, False)
    assert (wrong.hop, wrong.wrong_hop) == (False, True)
    nowhere = _judged("origin", "origin")
    assert nowhere.verdict is not None
    nowhere.verdict["hop"]["address"] = None
    assert (nowhere.hop, nowhere.wrong_hop) == (False, False)


def test_what_logs_alone_tell_counts_only_where_logs_were_given() -> None:
    hidden = _judged("origin", "origin", told_by="logs")
    told = {view.name: report.summary({view: [hidden]})[1].split()[6] for view in VIEWS}
    assert told == {"client": "-", "all": "-", "client+logs": "100.0", "all+logs": "100.0"}


def test_every_view_of_a_case_in_pcaps_is_judged(tmp_path: Path) -> None:
    shutil.copytree(PCAPS / "nginx-deny", tmp_path / "nginx-deny")
    judged = [judge(tmp_path / "nginx-deny", view) for view in VIEWS]
    assert [j.error for j in judged] == [None] * len(VIEWS)
    assert all(j.verdict and j.verdict["status"] == 403 for j in judged)
