"""Running the program as a person does, and small sources to run it on."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tracer.cli import main, reading

ROOT = Path(__file__).parents[2]
DENIED = (
    b"GET /admin?token=sup3rs3cretvalue HTTP/1.1\r\nHost: shop.test\r\nAuthorization: Bearer abc.def123ghi456\r\n\r\n"
    b"HTTP/1.1 403 Forbidden\r\nServer: nginx/1.24.0\r\nContent-Type: text/html\r\nContent-Length: 14\r\n\r\n"
    b"403 Forbidden\n"
)
ALLOWED = b"GET / HTTP/1.1\r\nHost: shop.test\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
Run = Callable[..., subprocess.CompletedProcess[bytes]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    """Run tracer with arguments; standard input and environment on request."""
    monkeypatch.chdir(tmp_path)
    for name in ("SSLKEYLOGFILE", "NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))

    def runner(*arguments: str, stdin: bytes = b"", **env: str) -> subprocess.CompletedProcess[bytes]:
        with monkeypatch.context() as patch:
            for name, value in env.items():
                patch.setenv(name, value)
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
            capfdbinary.readouterr()
            reading.redactor.cache_clear()  # a run counts what it redacts from nought
            code = main(arguments)
            sys.stderr.flush()
        out, err = capfdbinary.readouterr()
        return subprocess.CompletedProcess(arguments, code, out, err)

    return runner


@pytest.fixture
def denied(tmp_path: Path) -> str:
    (tmp_path / "denied.http").write_bytes(DENIED)
    return "denied.http"


@pytest.fixture
def allowed(tmp_path: Path) -> str:
    (tmp_path / "allowed.http").write_bytes(ALLOWED)
    return "allowed.http"
