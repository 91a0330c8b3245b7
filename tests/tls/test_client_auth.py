"""Would the client's certificate have been accepted? Real handshakes, with every fault."""

from __future__ import annotations

import datetime
import ssl
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from tests.tls.authority import CLIENT, DAY, SERVER, Identity, issue
from tests.tls.talk import far, logged, near, read
from tests.tls.talk import talk as meet
from tracer.model.tls import Handshake
from tracer.tls.client_auth import Acceptance, Bearing, ClientAuth, client_auth

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
BOTH = pytest.mark.parametrize("version", [V12, V13])


@dataclass
class House:
    """A server that trusts one authority, and a place for files."""

    folder: Path
    authority: Identity

    def shake(self, client: Identity | None, version: ssl.TLSVersion, *, keys: bool = True) -> Handshake:
        """The handshake of that client with this server, which names no authorities: the library cannot."""
        log = self.folder / f"log{time.monotonic_ns()}"
        server = issue("a.example").write(self.folder / "server.pem")
        trusts = self.folder / "ca.pem"
        trusts.write_bytes(self.authority.pem)
        own = client.write(self.folder / "client.pem") if client else None
        ends = meet(near(log, version, identity=own), far(server, trusts=trusts))
        return read(ends.sent, logged(log) if keys and log.exists() else None, start_ns=time.time_ns()).handshakes[0]


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path, issue("Good CA", ca=True))


def named(handshake: Handshake) -> Handshake:
    """The same from a server that names its authority, as nginx and Apache do."""
    return msgspec.structs.replace(handshake, acceptable_cas=("CN=Good CA",))


def told(handshake: Handshake) -> tuple[Acceptance, dict[str, Bearing]]:
    answer = client_auth(handshake)
    assert answer is not None
    return answer.verdict, {r.code: r.bearing for r in answer.reasons}


@BOTH
def test_a_certificate_of_the_authority_for_clients_is_accepted(house: House, version: ssl.TLSVersion) -> None:
    verdict, reasons = told(named(house.shake(issue("me", house.authority, usage=(CLIENT,)), version)))
    assert verdict is Acceptance.YES
    assert set(reasons) == {"issuer-acceptable", "went-on"}


@BOTH
def test_no_certificate_where_one_is_required_is_refused(house: House, version: ssl.TLSVersion) -> None:
    verdict, reasons = told(house.shake(None, version))
    assert verdict is Acceptance.NO
    assert reasons["none-sent"] is Bearing.AGAINST


@BOTH
def test_another_authority_is_named_as_the_reason(house: House, version: ssl.TLSVersion) -> None:
    handshake = named(house.shake(issue("me", issue("Other CA", ca=True)), version))
    answer = client_auth(handshake)
    assert answer is not None
    assert answer.verdict is Acceptance.NO
    reason = next(r for r in answer.reasons if r.code == "issuer-not-acceptable")
    assert "CN=Other CA is not among the only authority the server accepts (CN=Good CA)" in reason.text
    assert "alert-unknown-ca" in {r.code for r in answer.reasons}


@BOTH
def test_a_certificate_past_its_time_is_refused(house: House, version: ssl.TLSVersion) -> None:
    verdict, reasons = told(house.shake(issue("me", house.authority, start=-9 * DAY, end=-DAY), version))
    assert verdict is Acceptance.NO
    assert {"expired", "alert-certificate-expired"} <= set(reasons)


def test_a_certificate_before_its_time_is_refused(house: House) -> None:
    _, reasons = told(house.shake(issue("me", house.authority, start=DAY), V13))
    assert reasons["not-yet-valid"] is Bearing.AGAINST


def test_a_certificate_for_servers_is_refused(house: House) -> None:
    verdict, reasons = told(house.shake(issue("me", house.authority, usage=(SERVER,)), V13))
    assert (verdict, reasons["purpose"]) == (Acceptance.NO, Bearing.AGAINST)


def test_a_key_that_may_not_sign_is_refused(house: House) -> None:
    _, reasons = told(house.shake(issue("me", house.authority, signs=False, kind="rsa"), V13))
    assert reasons["key-usage"] is Bearing.AGAINST


def test_a_self_signed_certificate_is_refused_where_authorities_are_named(house: House) -> None:
    _, reasons = told(named(house.shake(issue("me"), V13)))
    assert reasons["self-signed"] is Bearing.AGAINST


def test_an_empty_list_and_a_server_that_goes_on_is_a_yes(house: House) -> None:
    assert told(house.shake(issue("me", house.authority), V13)) == (Acceptance.YES, {"went-on": Bearing.FOR})


def test_an_intermediate_in_the_chain_leads_to_the_authority(house: House) -> None:
    middle = issue("Middle", house.authority, ca=True)
    client = issue("me", Identity(middle.certificate, middle.key, (house.authority.certificate,)))
    verdict, reasons = told(named(house.shake(client, V13)))
    assert (verdict, reasons["issuer-acceptable"]) == (Acceptance.YES, Bearing.FOR)


def test_without_keys_tls_1_3_leaves_it_open(house: House) -> None:
    assert client_auth(house.shake(issue("me", house.authority), V13, keys=False)) is None


# -- what the standard library does not do: the same handshakes with one fact changed


@pytest.fixture
def good(house: House) -> Handshake:
    return named(house.shake(issue("me", house.authority, usage=(CLIENT,)), V12))


def changed(handshake: Handshake, **facts: object) -> tuple[Acceptance, dict[str, Bearing]]:
    return told(msgspec.structs.replace(handshake, **facts))


def test_an_empty_list_of_authorities_says_nothing(good: Handshake) -> None:
    cut = good.messages[:-3]
    verdict, reasons = changed(good, acceptable_cas=(), messages=cut)
    assert (verdict, reasons) == (Acceptance.UNKNOWN, {"authorities-unknown": Bearing.OPEN})


def test_names_of_authorities_compare_without_case(good: Handshake) -> None:
    assert changed(good, acceptable_cas=("CN=gOOD  ca",))[1]["issuer-acceptable"] is Bearing.FOR


def test_a_type_of_key_the_server_does_not_take_is_refused(good: Handshake) -> None:
    assert changed(good, acceptable_key_types=("rsa_sign",))[1]["key-type"] is Bearing.AGAINST


def test_signature_algorithms_that_do_not_fit_the_key_are_a_reason(good: Handshake) -> None:
    _, reasons = changed(good, acceptable_signatures=("rsa_pkcs1_sha256", "ed25519"))
    assert reasons["signature-algorithm"] is Bearing.AGAINST


def test_tls_1_3_ties_the_algorithm_to_the_curve(good: Handshake) -> None:
    only = ("ecdsa_secp384r1_sha384",)
    assert "signature-algorithm" in changed(good, version="TLSv1.3", acceptable_signatures=only)[1]
    assert "signature-algorithm" not in changed(good, acceptable_signatures=only)[1]


def test_a_certificate_without_proof_of_its_key_is_refused(good: Handshake) -> None:
    without = tuple(m for m in good.messages if m.name != "CertificateVerify")
    assert changed(good, messages=without)[1]["proof-missing"] is Bearing.AGAINST


def test_a_server_that_asked_for_nothing_is_not_judged(good: Handshake) -> None:
    facts = {"client_cert_requested": False, "client_certs": ()}
    assert client_auth(msgspec.structs.replace(good, **facts)) is None


def test_an_optional_certificate_that_was_not_sent_leaves_it_open(tmp_path: Path) -> None:
    server = far(
        issue("a.example").write(tmp_path / "a.pem"), trusts=issue("CA", ca=True).write(tmp_path / "c"), required=False
    )
    ends = meet(near(tmp_path / "log"), server)
    answer = client_auth(read(ends.sent, logged(tmp_path / "log")).handshakes[0])
    assert answer is not None
    assert answer.verdict is Acceptance.UNKNOWN
    assert "the server went on" in answer.reasons[0].text


def test_the_answer_is_a_frozen_value(good: Handshake) -> None:
    answer = client_auth(good)
    assert isinstance(answer, ClientAuth)
    with pytest.raises(AttributeError):
        answer.verdict = Acceptance.NO  # type: ignore[misc]


def test_times_are_those_of_the_capture_not_of_the_reading(house: House, good: Handshake) -> None:
    later = good.start_ns or 0
    assert "expired" in changed(good, start_ns=later + 40 * 86400 * 10**9)[1]
    assert datetime.datetime.now(datetime.UTC) < house.authority.certificate.not_valid_after_utc
