"""The program by its TLS handshake, against the one that the User-Agent names."""

from __future__ import annotations

import pytest

from tests.correlate.scenes import exchange, saw
from tracer.correlate import correlate
from tracer.model.tls import Handshake
from tracer.model.verdict import Cause, Verdict

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"


def judged(ja4: str, agent: str, **asks: str) -> Verdict:
    shaken = Handshake(id="t1", source="a.pcap", ja4=ja4)
    denied = exchange("e1", page="no", tls="t1", asks={"User-Agent": agent, **asks})
    (verdict,) = correlate(saw(shaken, denied))
    return verdict


@pytest.mark.parametrize(
    ("ja4", "agent", "told"),
    [
        ("t13d3112h2_e8f1e7e78f70_b26ce05bbdd6", CHROME, True),
        ("t13d1811h1_85036bcba153_d41ae481755e", FIREFOX, True),
        ("t13d181000_85036bcba153_d41ae481755e", CHROME, True),
        ("t13d1516h2_8daaf6152771_e5627efa2ab1", CHROME, False),
        ("t13d1715h2_5b57614c22b0_3d5424432f57", FIREFOX, False),
        ("q13d0312h3_55b375c5d22e_06cda9e17597", CHROME, False),
        ("t13d3112h2_e8f1e7e78f70_b26ce05bbdd6", "curl/8.5.0", False),
        ("t13d3112h2_e8f1e7e78f70_b26ce05bbdd6", CHROME.replace("Chrome", "HeadlessChrome"), False),
    ],
)
def test_a_browsers_name_over_another_programs_handshake_is_told(ja4: str, agent: str, told: bool) -> None:
    verdict = judged(ja4, agent)
    assert any(e.kind == "client" for e in verdict.evidence) is told
    assert (verdict.cause is Cause.CLIENT_DENIED) is told


def test_a_web_socket_asks_for_http_1_alone() -> None:
    verdict = judged("t13d1516h1_8daaf6152771_e5627efa2ab1", CHROME, Upgrade="websocket")
    assert not [e for e in verdict.evidence if e.kind == "client"]
