"""Who trusts the proxy's authority is found out by asking them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from mitmproxy.certs import CertStore

from tracer.live.trusted import examine

VARIABLES = {"curl": "CURL_CA_BUNDLE", "Python": "SSL_CERT_FILE", "Node": "NODE_EXTRA_CA_CERTS"}


@pytest.fixture(scope="module")
def confdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("confdir")
    CertStore.from_store(folder, "mitmproxy", 2048)
    return folder


@pytest.mark.parametrize("trusting", [True, False])
def test_each_client_is_believed_by_its_handshake(
    confdir: Path, trusting: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = [p for p in ("curl", "python3", "node") if shutil.which(p) is None]
    if missing:
        pytest.skip(f"{missing[0]} is not installed")
    for name in VARIABLES.values():
        monkeypatch.delenv(name, raising=False)
        if trusting:
            monkeypatch.setenv(name, str(confdir / "mitmproxy-ca-cert.pem"))
    found = {t.name: t for t in examine(confdir)}
    assert {name: found[name].trusted for name in VARIABLES} == dict.fromkeys(VARIABLES, trusting)
    assert found["the system"].trusted is False
    assert all(bool(found[name].how) is not trusting for name in VARIABLES)


def test_without_an_authority_there_is_nothing_to_ask(tmp_path: Path) -> None:
    assert examine(tmp_path) == []
