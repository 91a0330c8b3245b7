"""What the proxy between has to do with a denial is said, and never as if it had made it."""

from __future__ import annotations

import msgspec
import pytest

from tracer.live.interception import refused_by_client, through_proxy
from tracer.model.tls import Alert, Handshake
from tracer.model.verdict import Cause, Layer, Verdict

CLIENT = Handshake(id="t1", source="live", sni="shop.test", client_random="00" * 32, ja4="t13d1516h2_8daaf6152771_e5")


def verdict(cause: Cause) -> Verdict:
    return Verdict(source="live", exchange="e1", status=403, layer=Layer.WAF, cause=cause, next_steps=("look",))


@pytest.mark.parametrize("code", [42, 46, 48])
def test_a_client_that_refuses_our_certificate_is_no_denial_of_the_server(code: int) -> None:
    alert = Alert(client=True, level=2, code=code, name="some_alert")
    found = refused_by_client(msgspec.structs.replace(CLIENT, alerts=(alert,)))
    assert found is not None
    assert (found.layer, found.cause, found.url) == (Layer.CLIENT, Cause.INTERCEPTION, "https://shop.test/")
    assert "--pass shop.test" in found.next_steps[1]


@pytest.mark.parametrize(
    "handshake",
    [
        msgspec.structs.replace(CLIENT, alerts=(Alert(client=True, level=1, code=0, name="close_notify"),)),
        msgspec.structs.replace(CLIENT, alerts=(Alert(client=False, level=2, code=48, name="unknown_ca"),)),
        msgspec.structs.replace(  # the proxy is the client here: it refused the server
            CLIENT, client_random=None, alerts=(Alert(client=True, level=2, code=48, name="unknown_ca"),)
        ),
    ],
)
def test_other_alerts_are_not_taken_for_it(handshake: Handshake) -> None:
    assert refused_by_client(handshake) is None


def test_a_server_that_looks_at_fingerprints_saw_ours() -> None:
    found = through_proxy(verdict(Cause.CLIENT_DENIED), CLIENT)
    assert "tracer replay TRACE e1 --prove" in found.next_steps[0]
    assert "--pass shop.test" in found.next_steps[0]
    assert Cause.INTERCEPTION in {a.cause for a in found.alternatives}
    assert found.evidence[-1].seen.value == CLIENT.ja4


def test_a_server_that_asks_for_a_certificate_asked_us() -> None:
    assert "--cert client.pem" in through_proxy(verdict(Cause.CLIENT_CERT_MISSING), CLIENT).next_steps[0]


def test_other_verdicts_stay_as_they_are() -> None:
    assert through_proxy(verdict(Cause.WAF_RULE), CLIENT) == verdict(Cause.WAF_RULE)
    assert through_proxy(verdict(Cause.CLIENT_DENIED), None) == verdict(Cause.CLIENT_DENIED)
