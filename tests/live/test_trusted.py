"""Who trusts the proxy's authority is found out by asking them."""

from __future__ import annotations

import shutil
import subprocess
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


@pytest.mark.parametrize("place", [".config/mozilla/firefox", ".mozilla/firefox"])
def test_a_firefox_profile_trusts_it_when_it_was_told_to_as_we_say(
    confdir: Path, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if (tool := shutil.which("certutil")) is None:
        pytest.skip("certutil is not installed (libnss3-tools)")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    profile = tmp_path / place / "abc.default"
    profile.mkdir(parents=True)
    subprocess.run([tool, "-N", "-d", f"sql:{profile}", "--empty-password"], check=True)
    (before,) = [t for t in examine(confdir) if t.name.startswith("Firefox")]
    assert (before.name, before.trusted) == ("Firefox (abc.default)", False)
    subprocess.run(before.how, shell=True, check=True)
    (after,) = [t for t in examine(confdir) if t.name.startswith("Firefox")]
    assert (after.trusted, after.how) == (True, "")


def test_without_an_authority_there_is_nothing_to_ask(tmp_path: Path) -> None:
    assert examine(tmp_path) == []
