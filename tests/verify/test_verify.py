"""tshark as an oracle: nothing in pcaps/ is read otherwise by it, but for what it is known not to show."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.bench.sealed import SealedMaker
from tests.bench.traffic import ACK, PSH, SYN, Mix, Side, frame, make
from tests.relay import Sent
from tests.tls.authority import issue
from tests.tls.openssl_ends import needs_openssl, of
from tracer.cli import main

FOLDER = Path(__file__).parents[2] / "pcaps"
EVERY = sorted(FOLDER.glob("*/capture.pcapng"))
SPOKEN = ("h2-", "h3-", "mtls-", "tls-", "ws-", "grpc-", "quic-", "interception-")
"""beginnings of the names of those whose protocols are worth a look each; of the others some"""
PCAPS = [p for i, p in enumerate(EVERY) if p.parent.name.startswith(SPOKEN) or i % 6 == 0]
needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="not installed: tshark")
Capture = pytest.CaptureFixture[str]


def verify(capsys: Capture, *arguments: str) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    code = main(("verify", "--json", "-q", *arguments))
    return code, json.loads(capsys.readouterr().out)


@needs_tshark
@pytest.mark.parametrize("path", PCAPS, ids=lambda path: str(path.parent.name))
def test_tshark_reads_a_capture_of_ours_alike(path: Path, capsys: Capture) -> None:
    code, found = verify(capsys, str(path))
    assert ([d for d in found["differences"] if d["limit"] is None], code) == ([], 0)


@needs_tshark
def test_connections_of_tls_1_2_and_1_3_with_both_http_versions_are_read_alike(tmp_path: Path, capsys: Capture) -> None:
    """The handshakes are OpenSSL's, the frames those of h2; records and segments are cut as they come."""
    path, keys = tmp_path / "a.pcap", tmp_path / "a.keys"
    mix = Mix(copies=0.01, reorder=0.01)
    _, truth = make(path, mix, connections=40, maker=SealedMaker(mix, keys))
    code, found = verify(capsys, str(path), "--keylog", str(keys))
    # tshark shows no response that ends with its connection: those are the only ones it may lack
    assert ({d["limit"] for d in found["differences"]}, code) == ({"until-close-in-tls"}, 0)
    assert found["exchanges"]["agree"] == len(truth) - len(found["differences"])
    assert found["handshakes"] == {"ours": 40, "theirs": 40, "agree": 40}


@needs_tshark
def test_a_disagreement_ends_with_code_1_and_is_shown(tmp_path: Path, capsys: Capture) -> None:
    path, keys = tmp_path / "a.pcap", tmp_path / "a.keys"
    mix = Mix(copies=0, reorder=0)
    make(path, mix, connections=1, maker=SealedMaker(mix, keys))
    # a rule that makes tshark take the connection for something else
    code = main(("verify", "-q", "--keylog", str(keys), "-d", "tcp.port==443,echo", str(path)))
    told = capsys.readouterr().out
    assert (code, "only tracer shows GET" in told, "handshake: only tracer shows bench.example" in told) == (
        1,
        True,
        True,
    )


def packets(sent: Sent) -> bytes:
    """What two ends sent, as a capture."""
    client, server = Side(bytes((10, 0, 0, 1)), 40000, 100), Side(bytes((10, 0, 0, 2)), 443, 900)
    out = [struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, 1)]

    def add(source: Side, target: Side, flags: int, data: bytes = b"") -> None:
        made = frame(source, target, flags, data)
        out.append(struct.pack("<IIII", 1_700_000_000, len(out) * 1000, len(made), len(made)) + made)
        source.seq += len(data) + (flags & SYN and 1)

    add(client, server, SYN)
    add(server, client, SYN | ACK)
    for by_client, data in sent:
        for low in range(0, len(data), 1400):
            ends = (client, server) if by_client else (server, client)
            add(*ends, PSH | ACK, data[low : low + 1400])
    return b"".join(out)


@needs_tshark
@needs_openssl
@pytest.mark.parametrize("password", [None, "s3cret"])
def test_the_servers_private_key_is_handed_to_tshark_as_well(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, password: str | None
) -> None:
    server = issue("a.example", kind="rsa", signs=None)
    options = ("-tls1_2", "-cipher", "AES128-GCM-SHA256")
    sent, _ = of(tmp_path, "-cert", str(server.write(tmp_path / "a.pem")), *options, client=options)
    path, key = tmp_path / "a.pcap", tmp_path / "key.pem"
    path.write_bytes(packets(sent))
    key.write_bytes(server.private(password.encode() if password else None))
    if password:
        monkeypatch.setenv("TRACER_KEY_PASSWORD", password)
    code, found = verify(capsys, str(path), "--keylog", str(key))
    assert (code, found["exchanges"]) == (0, {"ours": 1, "theirs": 1, "agree": 1})


def test_without_tshark_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert main(("verify", str(EVERY[0]))) == 2
    assert "tshark is not installed" in capsys.readouterr().err


@needs_tshark
def test_what_is_no_capture_is_refused(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "a.har").write_text('{"log": {"version": "1.2", "creator": {}, "entries": []}}')
    assert main(("verify", str(tmp_path / "a.har"))) == 2
    assert "compares captures" in capsys.readouterr().err


@needs_tshark
def test_a_capture_that_is_cut_is_compared_up_to_there(tmp_path: Path, capsys: Capture) -> None:
    cut = tmp_path / "cut.pcapng"
    cut.write_bytes((FOLDER / "nginx-deny" / "capture.pcapng").read_bytes()[:-7])
    assert subprocess.run(["tshark", "-r", str(cut)], capture_output=True, check=False, timeout=60).returncode != 0
    assert verify(capsys, str(cut))[0] == 0
