"""Requests are sent to a real server, and what came back reads like a capture."""

from __future__ import annotations

import msgspec
import pytest

from tests.replay.asks import ask_from
from tests.replay.conftest import Site
from tracer.replay.asked import Ask
from tracer.replay.door import Answer, Sender
from tracer.replay.tls_side import Trust

GET = b"GET /path?x=1 HTTP/1.1\r\nHost: site.example.test\r\nUser-Agent: t\r\n\r\n"


def _ask(site: Site, port: str, raw: bytes = GET, version: str = "HTTP/1.1", **changes: object) -> Ask:
    scheme = "http" if port == "http" else "https"
    ask = ask_from(raw, scheme, f"127.0.0.1:{getattr(site, port)}")
    return msgspec.structs.replace(ask, version=version, **changes)


def _sender(site: Site, **trust: object) -> Sender:
    return Sender(Trust(roots=str(site.pki / "ca.pem"), **trust), timeout=8)  # type: ignore[arg-type]


def _body(answer: Answer) -> bytes:
    assert answer.exchange is not None, answer.error
    assert answer.exchange.response is not None, answer.error
    return answer.exchange.response.body.data or b""


@pytest.mark.parametrize(
    ("port", "version"), [("http", "HTTP/1.1"), ("http", "HTTP/1.0"), ("https", "HTTP/1.1"), ("https", "HTTP/2")]
)
def test_the_answer_is_read_whole(site: Site, port: str, version: str) -> None:
    answer = _sender(site).send(_ask(site, port, version=version))
    spoken = "HTTP/2.0" if version == "HTTP/2" else version
    assert (answer.status, answer.error) == (200, "")
    assert _body(answer) == f"GET /path?x=1 over {spoken}\n".encode()
    assert answer.exchange is not None
    assert answer.exchange.protocol == version
    assert answer.took_ns > 0


def test_a_handshake_is_seen_as_in_a_capture_with_keys(site: Site) -> None:
    answer = _sender(site).send(_ask(site, "https", version="HTTP/2"))
    handshake = answer.handshake
    assert handshake is not None
    assert (handshake.sni, handshake.alpn, handshake.version) == ("site.example.test", "h2", "TLSv1.3")
    assert handshake.decrypted
    assert handshake.server_certs
    assert handshake.server_certs[0].subject == "CN=example.test"
    assert answer.exchange is not None
    assert answer.exchange.tls == handshake.id


@pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/2"])
def test_a_body_goes_along(site: Site, version: str) -> None:
    body = b"x" * 300_000
    raw = b"POST /post HTTP/1.1\r\nHost: site.example.test\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    answer = _sender(site).send(_ask(site, "https", raw, version))
    assert answer.status == 200
    assert _body(answer).startswith(b"POST / over")
    assert answer.exchange is not None
    assert answer.exchange.request is not None
    assert answer.exchange.request.body.size == len(body)


def test_a_missing_client_certificate_is_an_answer_of_its_own(site: Site) -> None:
    without = _sender(site).send(_ask(site, "mtls"))
    assert without.status == 400
    assert without.handshake is not None
    assert (without.handshake.client_cert_requested, without.handshake.client_cert_sent) == (True, False)
    sender = _sender(site, certificate=str(site.pki / "client.pem"), key=str(site.pki / "client.key"))
    assert sender.send(_ask(site, "mtls")).status == 400
    answer = sender.send(_ask(site, "mtls", certificate=True))
    assert _body(answer) == b"hello CN=alice\n"


def test_a_server_that_nobody_trusts_gets_no_request(site: Site) -> None:
    before = len(site.log)
    answer = Sender(Trust(), timeout=8).send(_ask(site, "https"))
    assert answer.status is None
    assert answer.own_fault
    assert "--cacert" in answer.error
    assert len(site.log) == before
    assert Sender(Trust(insecure=True)).send(_ask(site, "https")).status == 200


@pytest.mark.parametrize("name", ["usual", "tls1.2", "few-ciphers"])
def test_fingerprint_classes_differ_on_the_wire(site: Site, name: str) -> None:
    answer = _sender(site).send(_ask(site, "https", tls=name))
    usual = _sender(site).send(_ask(site, "https"))
    assert answer.status == 200
    assert answer.handshake is not None
    assert usual.handshake is not None
    assert (answer.handshake.ja4 == usual.handshake.ja4) == (name == "usual")


def test_nobody_there_is_said(site: Site) -> None:
    ask = _ask(site, "http")
    answer = Sender(timeout=2).send(
        msgspec.structs.replace(ask, place=msgspec.structs.replace(ask.place, address="127.0.0.1:9"))
    )
    assert answer.own_fault
    assert "127.0.0.1:9" in answer.error


@pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/2"])
def test_a_browser_greets_otherwise_and_asks_the_same(site: Site, version: str) -> None:
    pytest.importorskip("curl_cffi", reason="not installed: curl_cffi (tracer[browsers])")
    raw = b"GET /a/../b%20c?x='1 HTTP/1.1\r\nHost: site.example.test\r\nX-Empty:\r\nx-low: 1\r\n\r\n"
    answer = _sender(site).send(_ask(site, "https", raw, version, tls="chrome"))
    assert answer.error == ""
    assert answer.exchange is not None
    assert answer.exchange.protocol == version
    assert _body(answer) == b"GET /a/../b%%20c?x='1 over %s\n" % version.replace("HTTP/2", "HTTP/2.0").encode()
    assert site.log[-1].endswith('"-" "-"')  # no field of curl's own


def test_browsers_put_a_reserved_cipher_first_or_none(site: Site) -> None:
    """RFC 8701: Chrome does, Firefox does not; their lists differ from each other and from OpenSSL's."""
    pytest.importorskip("curl_cffi", reason="not installed: curl_cffi (tracer[browsers])")
    raw = b"GET /greeting HTTP/1.1\r\nHost: site.example.test\r\n\r\n"
    lists = {t: _body(_sender(site).send(_ask(site, "https", raw, tls=t))) for t in ("usual", "chrome", "firefox")}
    assert len(set(lists.values())) == 3
    assert [lists[t].startswith(b"0x") for t in lists] == [False, True, False]


def test_a_browser_posts_shows_certificates_and_trusts_nobody_else(site: Site) -> None:
    pytest.importorskip("curl_cffi", reason="not installed: curl_cffi (tracer[browsers])")
    body = b"x" * 100_000
    raw = b"POST /post HTTP/1.1\r\nHost: site.example.test\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    assert _body(_sender(site).send(_ask(site, "https", raw, tls="firefox"))).startswith(b"POST / over")
    sender = _sender(site, certificate=str(site.pki / "client.pem"), key=str(site.pki / "client.key"))
    assert _body(sender.send(_ask(site, "mtls", certificate=True, tls="chrome"))) == b"hello CN=alice\n"
    answer = Sender(Trust(), timeout=8).send(_ask(site, "https", tls="chrome"))
    assert answer.status is None
    assert "certificate" in answer.error.lower()
