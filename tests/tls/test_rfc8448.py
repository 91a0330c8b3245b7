"""The simple handshake of RFC 8448 section 3, byte for byte."""

from __future__ import annotations

import pytest

from tests.tls.talk import Sent, read
from tracer.tls.keys import Keys
from tracer.tls.protection import Tls13Protection
from tracer.tls.search import Search
from tracer.tls.suites import suite_of

HELLO = bytes.fromhex(
    "16030100c4010000c00303cb34ecb1e78163ba1c38c6dacb196a6dffa21a8d9912ec18a2ef6283024dece70000061301130313020100"
    "00910000000b0009000006736572766572ff01000100000a00140012001d001700180019010001010102010301040023000000330026"
    "0024001d002099381de560e4bd43d23d8e435a7dbafeb3c06e51c13cae4d5413691e529aaf2c002b0003020304000d0020001e040305"
    "030603020308040805080604010501060102010402050206020202002d00020101001c00024001"
)
ANSWER = bytes.fromhex(
    "160303005a020000560303a6af06a4121860dc5e6e60249cd34c95930c8ac5cb1434dac155772ed3e2692800130100002e00330024001d"
    "0020c9828876112095fe66762bdbf7c672e156d6cc253b833df1dd69b1b04e751f0f002b00020304"
)
FLIGHT = bytes.fromhex(
    "17030302a2d1ff334a56f5bff6594a07cc87b580233f500f45e489e7f33af35edf7869fcf40aa40aa2b8ea73f848a7ca"
    "07612ef9f945cb960b4068905123ea78b111b429ba9191cd05d2a389280f526134aadc7fc78c4b729df828b5ecf7b13b"
    "d9aefb0e57f271585b8ea9bb355c7c79020716cfb9b1183ef3ab20e37d57a6b9d7477609aee6e122a4cf51427325250c"
    "7d0e509289444c9b3a648f1d71035d2ed65b0e3cdd0cbae8bf2d0b227812cbb360987255cc744110c453baa4fcd61092"
    "8d809810e4b7ed1a8fd991f06aa6248204797e36a6a73b70a2559c09ead686945ba246ab66e5edd8044b4c6de3fcf2a8"
    "9441ac66272fd8fb330ef8190579b3684596c960bd596eea520a56a8d650f563aad27409960dca63d3e688611ea5e22f"
    "4415cf9538d51a200c27034272968a264ed6540c84838d89f72c24461aad6d26f59ecaba9acbbb317b66d902f4f292a3"
    "6ac1b639c637ce343117b659622245317b49eeda0c6258f100d7d961ffb138647e92ea330faeea6dfa31c7a84dc3bd7e"
    "1b7a6c7178af36879018e3f252107f243d243dc7339d5684c8b0378bf30244da8c87c843f5e56eb4c5e8280a2b48052c"
    "f93b16499a66db7cca71e4599426f7d461e66f99882bd89fc50800becca62d6c74116dbd2972fda1fa80f85df881edbe"
    "5a37668936b335583b599186dc5c6918a396fa48a181d6b6fa4f9d62d513afbb992f2b992f67f8afe67f76913fa388cb"
    "5630c8ca01e0c65d11c66a1e2ac4c85977b7c7a6999bbf10dc35ae69f5515614636c0b9b68c19ed2e31c0b3b66763038"
    "ebba42f3b38edc0399f3a9f23faa63978c317fc9fa66a73f60f0504de93b5b845e275592c12335ee340bbc4fddd50278"
    "4016e4b3be7ef04dda49f4b440a30cb5d2af939828fd4ae3794e44f94df5a631ede42c1719bfdabf0253fe5175be898e"
    "750edc53370d2b"
)
FINISHED = bytes.fromhex(
    "170303003575ec4dc238cce60b298044a71e219c56cc77b0517fe9b93c7a4bfc44d87f38f80338ac98fc46deb384bd1caeacab6867d726"
    "c40546"
)
SERVER_DATA = bytes.fromhex(
    "17030300432e937e11ef4ac740e538ad36005fc4a46932fc3225d05f82aa1b36e30efaf97d90e6dffc602dcb501a59a8fcc49c4bf2e5f0"
    "a21c0047c2abf332540dd032e167c2955d"
)
CLIENT_ALERT = bytes.fromhex("1703030013c9872760655666b74d7ff1153efd6db6d0b0e3")
SERVER_ALERT = bytes.fromhex("1703030013b58fd67166ebf599d24720cfbe7efa7a8864a9")
RANDOM = "cb34ecb1e78163ba1c38c6dacb196a6dffa21a8d9912ec18a2ef6283024dece7"
SECRETS = {
    "CLIENT_HANDSHAKE_TRAFFIC_SECRET": "b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21",
    "SERVER_HANDSHAKE_TRAFFIC_SECRET": "b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38",
    "CLIENT_TRAFFIC_SECRET_0": "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5",
    "SERVER_TRAFFIC_SECRET_0": "a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643",
}
TICKET = 227
"""bytes of the record that carries the NewSessionTicket, left out here"""
SENT: Sent = [(True, HELLO), (False, ANSWER + FLIGHT), (True, FINISHED)]


def keys() -> Keys:
    log = Keys()
    log.add("".join(f"{label} {RANDOM} {secret}\n" for label, secret in SECRETS.items()).encode(), "rfc8448")
    return log


def test_the_handshake_is_read_whole() -> None:
    (handshake,) = read(SENT, keys()).handshakes
    assert (handshake.sni, handshake.version, handshake.cipher) == ("server", "TLSv1.3", "TLS_AES_128_GCM_SHA256")
    assert (handshake.group, handshake.resumed, handshake.decrypted) == ("x25519", False, True)
    assert [(m.client, m.name) for m in handshake.messages] == [
        (True, "ClientHello"),
        (False, "ServerHello"),
        (False, "EncryptedExtensions"),
        (False, "Certificate"),
        (False, "CertificateVerify"),
        (False, "Finished"),
        (True, "Finished"),
    ]
    assert [c.subject for c in handshake.server_certs or ()] == ["CN=rsa"]


def test_records_after_a_lost_ticket_open_again() -> None:
    sent = [*SENT, (False, SERVER_DATA), (False, SERVER_ALERT)]
    (handshake,) = read(sent, keys(), gaps={4: TICKET}).handshakes
    assert [(a.client, a.name) for a in handshake.alerts] == [(False, "close_notify")]


def test_data_is_the_plaintext_of_the_rfc() -> None:
    suite = suite_of(0x1301)
    assert suite is not None
    protection, search = Tls13Protection(suite, bytes.fromhex(SECRETS["SERVER_TRAFFIC_SECRET_0"])), Search()
    search.passed(1)
    assert protection.open(SERVER_DATA[:5], SERVER_DATA[5:], search) == (23, bytes(range(50)))


@pytest.mark.parametrize("label", SECRETS)
def test_a_secret_that_is_missing_is_told(label: str) -> None:
    log = keys()
    del log.secrets[label, bytes.fromhex(RANDOM)]
    sent = [*SENT, (False, SERVER_DATA), (True, CLIENT_ALERT)]
    (handshake,) = read(sent, log, gaps={4: TICKET}).handshakes
    assert handshake.decrypted
    if label.endswith("SECRET_0"):
        assert handshake.why_not == "some of its secrets are missing"
