"""The addon's options, commands and marks, in mitmproxy's manner."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mitmproxy import exceptions
from mitmproxy.hooks import UpdateHook
from mitmproxy.test import taddons, tflow, tutils

from tracer.live.handover import Handover
from tracer.live.journal import Writer

record = importlib.import_module("addons.record")


@pytest.fixture
def loaded() -> Iterator[tuple[Any, Any]]:
    addon = record.Record()
    with taddons.context(addon) as context:  # type: ignore[no-untyped-call]
        yield addon, context


def denied() -> Any:
    made: Any = tflow.tflow(resp=tutils.tresp(status_code=403, content=b"<h1>403 Forbidden</h1>"))
    made.request.headers["Authorization"] = "Bearer abc.def123ghi456"
    return made


@pytest.mark.parametrize(
    ("option", "value"), [("tracer_body", "many"), ("tracer_save", "/"), ("tracer_save", "/nowhere/at/all.trace")]
)
def test_an_option_that_cannot_be_is_refused(loaded: tuple[Any, Any], option: str, value: str) -> None:
    addon, context = loaded
    with pytest.raises(exceptions.OptionsError, match=option):
        context.configure(addon, **{option: value})


def test_a_denied_flow_is_marked_and_its_comment_is_the_headline(loaded: tuple[Any, Any], tmp_path: Path) -> None:
    addon, context = loaded
    flow = denied()
    updated: list[Any] = []
    context.master.addons.trigger = updated.append
    hooks = addon.hooks = object.__new__(record.Hooks)
    hooks.denied, hooks.handover = {flow.id: flow}, Handover(Writer(tmp_path))
    flow.comment = "mine"
    addon._told({"headline": "403 was said by nginx", "flow": flow.id})
    assert (flow.comment, flow.marked) == ("mine\n403 was said by nginx", record.MARK)
    assert isinstance(updated[0], UpdateHook)
    assert flow.response.content == b"<h1>403 Forbidden</h1>"


def test_marks_can_be_switched_off(loaded: tuple[Any, Any], tmp_path: Path) -> None:
    addon, context = loaded
    context.configure(addon, tracer_mark=False)
    flow = denied()
    hooks = addon.hooks = object.__new__(record.Hooks)
    hooks.denied, hooks.handover = {flow.id: flow}, Handover(Writer(tmp_path))
    addon._told({"headline": "403 was said by nginx", "flow": flow.id})
    assert (flow.comment, flow.marked) == ("", "")


def test_explain_tells_the_verdict_on_flows_at_hand(loaded: tuple[Any, Any], caplog: pytest.LogCaptureFixture) -> None:
    addon, _ = loaded
    with caplog.at_level(logging.WARNING, "tracer"):
        addon.explain([denied()])
    assert "403 " in caplog.text
    assert "abc.def123ghi456" not in caplog.text


def test_export_writes_by_the_ending_without_secrets_and_never_over_a_file(
    loaded: tuple[Any, Any], tmp_path: Path
) -> None:
    addon, _ = loaded
    target = tmp_path / "report.html"
    addon.export([denied()], str(target))
    page = target.read_text()
    assert "403" in page
    assert "abc.def123ghi456" not in page
    assert target.stat().st_mode & 0o777 == 0o600
    with pytest.raises(exceptions.CommandError, match=r"report\.html"):
        addon.export([denied()], str(target))
    with pytest.raises(exceptions.CommandError, match="names no format"):
        addon.export([denied()], str(tmp_path / "report.nonsense"))
