"""Chains as sent: in order, signed, named, in time, trusted; and with each fault."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.tls.authority import DAY, SERVER, Identity, issue
from tests.tls.talk import far, logged, near, read, talk
from tracer.model.tls import Handshake
from tracer.tls.certificates import read_certificate
from tracer.tls.chain import client_chain, matches, server_chain

ROOT = issue("Root CA", ca=True)
MIDDLE = issue("Middle CA", ROOT, ca=True)
LEAF = issue("a.example", MIDDLE, names=("a.example", "*.b.example"), usage=(SERVER,))


def sent(*chain: Identity, name: str = "a.example") -> Handshake:
    certificates = tuple(read_certificate(c.der) for c in chain)
    return Handshake(id="t1", source="x", sni=name, server_certs=certificates, start_ns=time.time_ns())


def codes(handshake: Handshake, trusted: bytes | None = None, *, faults: bool = True) -> list[str]:
    return [f.code for f in server_chain(handshake, trusted) if f.fault or not faults]


def test_a_chain_in_order_has_no_fault_and_leads_to_its_root() -> None:
    assert codes(sent(LEAF, MIDDLE), ROOT.pem, faults=False) == ["trusted"]


def test_a_chain_on_the_wire_is_the_one_that_was_loaded(tmp_path: Path) -> None:
    server = Identity(LEAF.certificate, LEAF.key, (MIDDLE.certificate,)).write(tmp_path / "a.pem")
    ends = talk(near(tmp_path / "log"), far(server))
    (handshake,) = read(ends.sent, logged(tmp_path / "log"), start_ns=time.time_ns()).handshakes
    assert codes(handshake, ROOT.pem) == []


def test_the_wrong_order_is_told_and_does_not_change_trust() -> None:
    other = issue("Other", ROOT, ca=True)
    assert codes(sent(LEAF, other, MIDDLE), ROOT.pem) == ["out-of-order", "issuer-missing"]


def test_a_missing_intermediate_is_not_trusted() -> None:
    assert codes(sent(LEAF), ROOT.pem) == ["untrusted"]


def test_a_root_that_was_sent_is_no_fault() -> None:
    assert codes(sent(LEAF, MIDDLE, ROOT), ROOT.pem, faults=False) == ["root-sent", "trusted"]


def test_a_root_that_nobody_trusts_is_told() -> None:
    assert codes(sent(LEAF, MIDDLE, ROOT), issue("Root CA", ca=True).pem) == ["untrusted"]


def test_a_signature_of_another_key_under_the_right_name_is_found() -> None:
    twin = issue("Middle CA", ROOT, ca=True)
    assert codes(sent(LEAF, twin), ROOT.pem) == ["signature", "untrusted"]


def test_an_issuer_that_is_no_authority_is_found() -> None:
    person = issue("person", ROOT)
    assert codes(sent(issue("a.example", person, names=("a.example",)), person)) == ["no-authority"]


def test_a_self_signed_certificate_is_told() -> None:
    assert codes(sent(issue("a.example", names=("a.example",))), ROOT.pem) == ["self-signed", "untrusted"]


def test_times_are_those_of_the_capture() -> None:
    old = issue("a.example", ROOT, names=("a.example",), start=-9 * DAY, end=-DAY)
    young = issue("a.example", ROOT, names=("a.example",), start=DAY)
    assert codes(sent(old)) == ["expired"]
    assert codes(sent(young)) == ["not-yet-valid"]


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        ("a.example", True),
        ("A.Example.", True),
        ("x.b.example", True),
        ("b.example", False),
        ("y.x.b.example", False),
        ("other.example", False),
    ],
)
def test_names_match_whole_or_by_their_first_label(name: str, fits: bool) -> None:
    assert codes(sent(LEAF, MIDDLE, name=name)) == ([] if fits else ["name-mismatch"])


def test_addresses_match_as_addresses() -> None:
    assert matches("::1", ["IP:::1"])
    assert not matches("10.0.0.1", ["DNS:10.0.0.1"])


def test_a_certificate_without_alternative_names_is_for_nobody() -> None:
    assert codes(sent(issue("a.example", ROOT))) == ["no-names"]


def test_without_a_bundle_nothing_is_said_of_trust() -> None:
    assert codes(sent(LEAF, MIDDLE), None, faults=False) == []


def test_a_certificate_that_cannot_be_parsed_is_untrusted_not_an_error() -> None:
    broken = read_certificate(LEAF.der[:200])
    handshake = Handshake(id="t1", source="x", sni="a.example", server_certs=(broken,), start_ns=1)
    assert "untrusted" in codes(handshake, ROOT.pem + b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")


def test_a_clients_chain_is_judged_without_name_and_trust() -> None:
    certificates = tuple(read_certificate(c.der) for c in (LEAF, ROOT))
    handshake = Handshake(id="t1", source="x", sni="z.example", client_certs=certificates, start_ns=time.time_ns())
    assert [f.code for f in client_chain(handshake)] == ["issuer-missing", "root-sent"]
