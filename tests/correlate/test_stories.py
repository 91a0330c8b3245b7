"""Denials with one reason are one story, and stay verdicts of their own."""

from __future__ import annotations

from tests.correlate.scenes import NGINX_403, exchange, verdicts

NGINX = {"Server": "nginx"}
JSON = '{"error":"forbidden","message":"role admin required"}'


def test_one_hop_and_one_reason_are_one_story_whatever_was_asked() -> None:
    told = verdicts(*(exchange(f"e{n}", url=f"http://www.test/{n}", page=NGINX_403, says=NGINX) for n in range(5)))
    assert len(told) == 5
    assert len({v.story for v in told}) == 1


def test_another_server_another_status_or_another_reason_is_another_story() -> None:
    here = exchange("e1", page=NGINX_403, says=NGINX)
    there = exchange("e2", page=NGINX_403, says=NGINX, server="192.0.2.81:80", url="http://other.test/page")
    anonymous = exchange("e3", status=401, says={**NGINX, "WWW-Authenticate": "Basic"})
    role = exchange("e4", page=JSON, says={**NGINX, "Content-Type": "application/json"})
    assert len({v.story for v in verdicts(here, there, anonymous, role)}) == 4


def test_a_story_has_the_same_name_in_every_run() -> None:
    (whole, _) = verdicts(
        exchange("e1", page=NGINX_403, says=NGINX), exchange("e2", page=JSON, at_ms=9, url="http://b.test/")
    )
    (alone,) = verdicts(exchange("e9", page=NGINX_403, says=NGINX))
    assert whole.story == alone.story
