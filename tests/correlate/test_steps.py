"""Next steps: each cause has some, few and in order, with what was seen put in so that they can be pasted."""

from __future__ import annotations

import re
import shlex

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.correlate.scenes import exchange
from tracer.correlate import steps
from tracer.correlate.marks import products
from tracer.correlate.step_values import values_of
from tracer.correlate.steps import MOST, BadCauseError, Case, causes, fill, next_steps, read_cause
from tracer.model.verdict import Cause, Layer

SURE = Case(Layer.ORIGIN, "nginx", Cause.PATH_DENIED, None, 0.95, 0.9)


@pytest.mark.parametrize("cause", list(Cause))
def test_every_cause_has_words_and_at_most_five_steps_for_everybody(cause: Cause) -> None:
    for product in (None, *causes()[cause].product):
        told = next_steps(Case(Layer.ORIGIN, product, cause, None, 0.5, 0.3, (Layer.APP,)), {})
        assert 2 <= len(told) <= MOST
        assert len(set(told)) == len(told)
        assert all(len(step) < 420 for step in told)


def test_products_that_have_steps_are_products_that_marks_can_name() -> None:
    known = {p.id for p in products()}
    alike = steps._shipped().apart.alike
    named = {p for text in causes().values() for p in text.product} | set(alike) | set(alike.values())
    assert named <= known


def test_a_products_own_steps_come_before_the_general_ones() -> None:
    told = next_steps(SURE, {"path": "/admin"})
    assert told[0].startswith("its error log tells")
    assert "location = /admin { allow all; }" in told[1]
    assert told[2:] == list(causes()[Cause.PATH_DENIED].check[:3])[: len(told) - 2] or "/admin" in told[2]


def test_a_relative_of_a_product_has_its_steps() -> None:
    assert next_steps(SURE._replace(product="openresty-x"), {}) != next_steps(SURE, {})
    assert next_steps(SURE._replace(product="tengine"), {}) == next_steps(SURE, {})


def test_when_the_hop_is_in_doubt_the_first_step_tells_the_two_apart_and_the_last_one_says_what_to_read() -> None:
    told = next_steps(Case(Layer.WAF, None, Cause.WAF_RULE, None, 0.5, 0.4, (Layer.ORIGIN,)), {})
    assert told[0].startswith("send it again with the suspicious part harmless")
    assert told[-1].startswith("to be sure: look into the firewall's log")


def test_a_sure_verdict_asks_for_no_capture() -> None:
    assert not any("to be sure" in step for step in next_steps(SURE, {}))


def test_rule_and_parameter_stand_in_the_exclusion() -> None:
    attacked = exchange("e1", url="http://www.test/shop?page=1&q=1'+or+1=1--+")
    values = values_of(attacked, {"rule": "942100"}, Cause.WAF_RULE, "crs-942100")
    told = next_steps(Case(Layer.WAF, "modsecurity", Cause.WAF_RULE, "crs-942100", 0.9, 0.9), values)
    assert any('SecRuleUpdateTargetById 942100 "!ARGS:q"' in step for step in told)
    assert any('"@beginsWith /shop"' in step for step in told)


def test_bucket_and_key_are_read_from_either_form_of_the_address() -> None:
    for url in ("https://pics.s3.eu-west-1.amazonaws.com/a/b.png", "https://s3.eu-west-1.amazonaws.com/pics/a/b.png"):
        values = values_of(exchange("e1", url=url), {}, Cause.RESOURCE_POLICY, None)
        assert (values["bucket"], values["key"]) == ("pics", "a/b.png")


def test_a_tunnels_destination_is_the_host() -> None:
    asked = exchange("e1", method="CONNECT", url="http://x/")
    assert asked.request is not None
    tunnel = replace(asked, request=replace(asked.request, url="games.test:443", target="games.test:443"))
    assert values_of(tunnel, {}, Cause.DESTINATION_DENIED, None)["host"] == "games.test"


def test_queries_stay_out_of_steps() -> None:
    asked = exchange("e1", url="https://www.test/a?token=s3cr3t-s3cr3t-s3cr3t")
    assert not any("s3cr3t" in v for v in values_of(asked, {}, Cause.UNKNOWN, None).values())


@given(st.text(max_size=400))
@example("{{")
def test_whatever_came_from_the_wire_is_one_word_of_a_pasted_command(value: str) -> None:
    values = dict.fromkeys(("url", "host", "path", "client"), value)
    line = fill("curl -e {host!conf|HOST} {url!sh|URL} # {path!sh|/PATH}", values)
    found = shlex.split(line)
    assert len(found) == 6
    assert found[2] in (value, "HOST")
    assert found[3] in (value, "URL")
    assert not re.search(r"[\x00-\x1f\x7f]", line)
    assert not found[2].startswith("-")
    assert not found[3].startswith("-")


@given(st.text(max_size=200))
def test_configuration_takes_only_what_needs_no_quotes(value: str) -> None:
    line = fill('location = {path!conf|/PATH} {{ allow all; }} "{path!conf|/PATH}"', {"path": value})
    assert re.fullmatch(r'location = [\w./:@%+=,-]+ \{ allow all; \} "[\w./:@%+=,-]+"', line, re.ASCII)


@pytest.mark.parametrize(
    ("step", "fault"),
    [
        ("see {nothing|X}", "nothing is called 'nothing'"),
        ("`curl {url|URL}`", "must be !sh or !conf"),
        ("location { deny all; }", "written twice"),
    ],
)
def test_a_step_that_cannot_be_used_is_told(step: str, fault: str) -> None:
    with pytest.raises(BadCauseError, match=fault):
        read_cause(f"says = 'x'\ncheck = ['''{step}''']\n")


def test_an_unknown_field_of_a_cause_is_told() -> None:
    with pytest.raises(BadCauseError, match="fix"):
        read_cause("says = 'x'\ncheck = ['y']\nfix = ['z']\n")
