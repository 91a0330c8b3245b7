"""What led to a denial, what was lost on the way, and what was overcome."""

from __future__ import annotations

import msgspec
import pytest

from tests.correlate.scenes import exchange, verdicts
from tracer.model.verdict import Cause, Link, Verdict

FORM = {"Location": "/home"}


def last(*seen: object) -> Verdict:
    return verdicts(*seen)[-1]  # type: ignore[arg-type]


def test_a_redirect_by_location_is_a_link() -> None:
    first = exchange("e1", url="http://www.test/a", status=302, says={"Location": "/page"})
    verdict = last(first, exchange("e2", at_ms=50))
    assert verdict.chain == ("e1", "e2")
    assert verdict.links == (Link(first="e1", then="e2", kind="redirect"),)


@pytest.mark.parametrize(
    ("says", "page", "kind"),
    [
        ({"Refresh": "0; url=/page"}, "", "refresh"),
        ({"Content-Type": "text/html"}, '<meta http-equiv="refresh" content="1; URL=\'/page\'">', "refresh"),
        ({"Content-Type": "text/html"}, "<script>window.location.href = '/page';</script>", "script"),
        ({"Content-Type": "text/html"}, '<script>location.replace("/page")</script>', "script"),
    ],
)
def test_a_page_that_sends_its_browser_on_is_a_link(says: dict[str, str], page: str, kind: str) -> None:
    first = exchange("e1", url="http://www.test/a", status=200, says=says, page=page)
    verdict = last(first, exchange("e2", at_ms=50))
    assert [k.kind for k in verdict.links] == [kind]


def test_a_link_goes_across_hosts_and_connections() -> None:
    first = exchange("e1", url="http://login.test/", status=302, says={"Location": "http://www.test/page"})
    assert last(first, exchange("e2", at_ms=50)).chain == ("e1", "e2")


def test_another_client_is_no_link() -> None:
    first = exchange("e1", url="http://www.test/a", status=302, says={"Location": "/page"}, client="192.0.2.11:4000")
    assert last(first, exchange("e2", at_ms=50)).chain == ("e2",)


def test_a_preflight_leads_to_what_it_asked_for() -> None:
    asks = {"Origin": "http://app.test", "Access-Control-Request-Method": "PUT"}
    first = exchange("e1", method="OPTIONS", asks=asks, status=204)
    verdict = last(first, exchange("e2", method="PUT", asks={"Origin": "http://app.test"}, at_ms=50))
    assert [k.kind for k in verdict.links] == ["preflight"]


def test_what_ran_inside_a_tunnel_is_led_to_by_connect() -> None:
    connect = exchange("e1", url="http://www.test:443", method="CONNECT", status=200)
    inside = msgspec.structs.replace(exchange("e2", url="https://www.test/page", at_ms=50), tunnel="e1")
    assert [k.kind for k in last(connect, inside).links] == ["tunnel"]


def test_the_same_request_again_with_credentials_is_told() -> None:
    first = exchange("e1", status=401, says={"WWW-Authenticate": "Basic"})
    second = exchange("e2", asks={"Authorization": "Basic YTpi"}, at_ms=50)
    (_, verdict) = verdicts(first, second)
    assert verdict.links == (Link(first="e1", then="e2", kind="authenticate", gained=("Authorization",)),)


def test_authorization_that_another_host_did_not_get_is_lost() -> None:
    first = exchange(
        "e1",
        url="http://a.test/",
        asks={"Authorization": "Bearer x"},
        status=302,
        says={"Location": "http://www.test/page"},
    )
    verdict = last(first, exchange("e2", at_ms=50))
    assert verdict.links[0].lost == ("Authorization: another host",)
    assert verdict.cause is Cause.CREDENTIALS_LOST_IN_REDIRECT


@pytest.mark.parametrize(
    ("attributes", "to", "why"),
    [
        ("Secure", "http://www.test/page", "it is Secure, the request is not"),
        ("Path=/admin", "http://www.test/page", "it is for paths below /admin"),
        ("", "http://test/page", "it is for www.test alone, the request goes to test"),
        ("Domain=www.test", "http://test/page", "it is for www.test, the request goes to test"),
    ],
)
def test_a_cookie_that_was_not_sent_has_its_reason(attributes: str, to: str, why: str) -> None:
    says = {"Location": to, "Set-Cookie": f"session=abc; {attributes}"}
    verdict = last(exchange("e1", url="http://www.test/login", status=302, says=says), exchange("e2", url=to, at_ms=50))
    assert verdict.links[0].lost == (f"cookie session: {why}",)
    assert any(e.supports == "cause:credentials-lost-in-redirect" for e in verdict.evidence)


def test_a_cookie_that_was_deleted_is_not_missed() -> None:
    says = {"Location": "/page", "Set-Cookie": "session=; Max-Age=0"}
    verdict = last(exchange("e1", url="http://www.test/login", status=302, says=says), exchange("e2", at_ms=50))
    assert verdict.links[0].lost == ()


def test_a_change_of_scheme_and_a_url_asked_before_are_noted() -> None:
    up = exchange("e1", url="http://www.test/page", status=301, says={"Location": "https://www.test/page"})
    down = exchange("e2", url="https://www.test/page", status=302, says={"Location": "http://www.test/page"}, at_ms=10)
    verdict = last(up, down, exchange("e3", url="http://www.test/page", at_ms=20))
    assert [k.notes for k in verdict.links] == [("http to https",), ("https to http", "asked before")]


def test_the_third_time_is_a_loop() -> None:
    urls = [f"http://www.test/{'ab'[n % 2]}" for n in range(5)]
    seen = [exchange(f"e{n}", url=urls[n], status=302, says={"Location": urls[n + 1]}, at_ms=n * 10) for n in range(4)]
    verdict = last(*seen, exchange("e4", url=urls[4], at_ms=40))
    assert verdict.links[-1].notes == ("asked again and again: a loop",)


def test_a_cookie_of_another_site_is_not_missed() -> None:
    says = {"Location": "http://id.other.test/", "Set-Cookie": "session=abc"}
    first = exchange("e1", url="http://www.test/login", status=302, says=says)
    assert last(first, exchange("e2", url="http://id.other.test/", at_ms=50)).links[0].lost == ()


def test_a_post_that_became_a_get_lost_method_and_body() -> None:
    first = exchange("e1", url="http://www.test/a", method="POST", sent="a=1", status=302, says={"Location": "/page"})
    verdict = last(first, exchange("e2", at_ms=50))
    assert verdict.links[0].lost == ("method POST: it became GET", "body")


def test_a_denial_that_a_retry_got_past_is_no_verdict() -> None:
    assert verdicts(exchange("e1"), exchange("e2", status=200, at_ms=900)) == []


def test_a_denial_is_not_overcome_by_another_program_or_much_later() -> None:
    other = exchange("e2", status=200, at_ms=900, asks={"User-Agent": "curl/8"})
    later = exchange("e3", status=200, at_ms=600_000)
    assert [v.exchange for v in verdicts(exchange("e1"), other, later)] == ["e1"]


def test_denials_that_come_and_go_stay() -> None:
    seen = [exchange(f"e{n}", status=403 if n % 2 else 200, at_ms=n * 100) for n in range(4)]
    assert [v.exchange for v in verdicts(*seen)] == ["e1", "e3"]


def test_a_401_is_overcome_however_long_the_log_in_took() -> None:
    late = exchange("e2", status=200, at_ms=600_000, asks={"Authorization": "Bearer x"})
    assert verdicts(exchange("e1", status=401), late) == []


def test_the_chain_of_a_verdict_names_what_was_overcome_before() -> None:
    asked = exchange("e1", url="http://www.test/a", status=401)
    passed = exchange(
        "e2", url="http://www.test/a", status=302, asks={"Authorization": "x"}, says={"Location": "/page"}, at_ms=10
    )
    (verdict,) = verdicts(asked, passed, exchange("e3", at_ms=20))
    assert verdict.chain == ("e1", "e2", "e3")
    assert [k.kind for k in verdict.links] == ["authenticate", "redirect"]
