"""The numbers of the judge: fitted on labels, measured on others."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from tests.calibrate import fit, table
from tests.calibrate.labelled import Labelled, labelled_in
from tracer.correlate import judge
from tracer.correlate.judge import CALIBRATION
from tracer.model.verdict import Cause, Evidence, Layer, Verdict

PCAPS = Path(__file__).resolve().parents[2] / "pcaps"


def case(group: str, truth: Layer, *supports: tuple[str, float]) -> Labelled:
    items = tuple(Evidence(id=f"v{n}", says="", supports=s, weight=w, kind=s) for n, (s, w) in enumerate(supports))
    verdict = Verdict(source="a", exchange="e1", layer=truth, evidence=items)
    return Labelled(group, group, "made", verdict, truth, frozenset(), frozenset({Cause.PATH_DENIED}))


def test_a_kind_of_evidence_that_misleads_is_believed_less() -> None:
    right = [case(f"p{n}", Layer.WAF, ("generated:waf", 2.0), ("generated:app", 1.0)) for n in range(20)]
    scales = fit.fit(right)
    assert scales["generated:app"] < scales["generated:waf"]


def test_one_case_moves_no_scale_far() -> None:
    scales = fit.fit([case("p", Layer.CDN, ("generated:cdn", 1.0))])
    assert 0.8 < scales["generated:cdn"] / fit.BELIEVED < 1.5


def test_a_denial_by_a_product_that_nobody_described_has_lost_what_names_it() -> None:
    found = next(iter(labelled_in(PCAPS)))
    named = dataclasses.replace(found, names=frozenset(e.product for e in found.verdict.evidence if e.product))
    assert any(e.product for e in found.verdict.evidence)
    assert not any(e.product for e in fit.nameless(named).verdict.evidence)


def test_the_table_says_what_the_judge_says() -> None:
    cases = list(labelled_in(PCAPS))[:40]
    for case, (layer, said) in zip(cases, fit.layer_of(fit.shipped(cases)), strict=True):
        ranked = judge.posterior(judge.weigh(case.verdict.evidence))
        assert layer is next(iter(ranked))
        assert abs(ranked[layer] - said) < 1e-9


def test_a_product_is_never_on_both_sides_of_a_fold() -> None:
    cases = [case(f"p{n % 4}", Layer.APP, ("generated:app", 1.0)) for n in range(12)]
    masks = fit.folds(cases, 3)
    assert np.array(masks).sum(axis=0).tolist() == [1.0] * 12
    for mask in masks:
        held = {c.group for c, m in zip(cases, mask, strict=True) if m}
        assert not held & {c.group for c, m in zip(cases, mask, strict=True) if not m}


def test_the_interval_holds_the_score() -> None:
    said, right = np.array([0.9, 0.8, 0.6, 0.7] * 10), np.array([1.0, 1.0, 0.0, 1.0] * 10)
    low, high = table.interval(said, right)
    assert low < table.brier(said, right) < high


def test_bins_count_every_case_once() -> None:
    rows = table.bins(np.array([0.05, 0.95, 1.0]), np.array([0.0, 1.0, 1.0]))
    assert [(at, n) for at, n, _, _ in rows] == [(0.0, 1), (0.9, 2)]


def test_a_case_of_the_lab_is_read_in_both_views_and_with_its_logs(tmp_path: Path) -> None:
    (tmp_path / "nginx-deny").symlink_to(PCAPS / "nginx-deny")
    found = list(labelled_in(tmp_path))
    assert [c.kind for c in found] == ["lab, all hops", "lab, all hops and logs", "lab, client's view"]
    assert all(c.layer is Layer.ORIGIN for c in found)


def test_every_kind_of_evidence_has_a_scale() -> None:
    kinds = {e.kind for c in labelled_in(PCAPS) for e in c.verdict.evidence if not e.supports.startswith("cause:")}
    assert kinds <= set(CALIBRATION.scale)
