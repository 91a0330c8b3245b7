"""What is a denial, and what is none."""

from __future__ import annotations

import pytest

from tests.correlate.scenes import exchange, verdicts


@pytest.mark.parametrize("status", [401, 403, 405, 407, 421, 429, 451, 495, 496, 511])
def test_a_status_that_refuses_is_a_denial_whatever_the_page_says(status: int) -> None:
    assert [v.status for v in verdicts(exchange("e1", status=status))] == [status]


@pytest.mark.parametrize("status", [200, 204, 301, 304, 400, 404, 406, 409, 418, 500, 502, 503])
def test_another_status_alone_is_none(status: int) -> None:
    assert verdicts(exchange("e1", status=status, page="something else")) == []


@pytest.mark.parametrize(
    ("status", "page"),
    [
        (400, "<center>No required SSL certificate was sent</center>"),
        (400, "<center>The SSL certificate error</center>"),
        (400, "<h1>Bad Request (400)</h1> Invalid HTTP_HOST header: DisallowedHost"),
        (503, "<title>Just a moment...</title> Checking your browser"),
        (400, "The plain HTTP request was sent to HTTPS port"),
    ],
)
def test_400_and_503_are_denials_with_evidence(status: int, page: str) -> None:
    assert [v.status for v in verdicts(exchange("e1", status=status, page=page))] == [status]


@pytest.mark.parametrize("page", ["{'error': 'missing field name'}", "Service Unavailable", "upstream connect error"])
def test_400_and_503_about_something_else_are_none(page: str) -> None:
    assert verdicts(exchange("e1", status=400, page=page), exchange("e2", status=503, page=page, at_ms=50)) == []


def test_a_refused_upgrade_is_a_denial() -> None:
    asks = {"Connection": "Upgrade", "Upgrade": "websocket"}
    assert len(verdicts(exchange("e1", status=400, asks=asks))) == 1


def test_an_upgrade_to_nowhere_is_none() -> None:
    assert verdicts(exchange("e1", status=404, asks={"Connection": "Upgrade", "Upgrade": "websocket"})) == []


@pytest.mark.parametrize("status", [403, 404, 502, 503])
def test_a_refused_connect_is_a_denial(status: int) -> None:
    assert len(verdicts(exchange("e1", method="CONNECT", url="http://www.test:443", status=status))) == 1


def test_a_request_without_an_answer_is_none() -> None:
    assert verdicts(exchange("e1", status=None)) == []
