"""What is imported when: the library loads nothing, the command line nothing it does not need."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ("numpy", "textual", "rich", "scapy", "pyshark", "mitmproxy", "cryptography", "hpack", "pyarrow", "pylsqpack")


def loaded(code: str) -> set[str]:
    """Top-level packages that are loaded after the code ran."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*{{m.partition('.')[0] for m in sys.modules}})"],
        capture_output=True, text=True, cwd=ROOT, check=True,
    )  # fmt: skip
    return set(done.stdout.splitlines()[-1].split())


def test_importing_tracer_loads_no_package() -> None:
    assert not loaded("import tracer") & {*HEAVY, "click", "msgspec"}


@pytest.mark.parametrize(
    "arguments", [["--version"], ["--help"], ["explain", "--help"], ["list", "--help"], ["completion", "bash"]]
)
def test_asking_for_help_loads_nothing_heavy(arguments: list[str]) -> None:
    assert not loaded(f"from tracer.cli import main\nmain({arguments!r})") & set(HEAVY)


def test_explaining_a_plain_capture_loads_no_package_it_has_no_use_for() -> None:
    capture = str(ROOT / "pcaps" / "nginx-deny" / "capture.pcapng")
    heavy = set(HEAVY) - {"numpy"}
    assert not loaded(f"from tracer.cli import main\nmain(['explain', {capture!r}])") & heavy


def test_the_version_is_told_at_once() -> None:
    def spent(*command: str) -> float:
        times = []
        for _ in range(5):
            begin = time.perf_counter()
            subprocess.run([sys.executable, *command], capture_output=True, cwd=ROOT, check=True)
            times.append(time.perf_counter() - begin)
        return min(times)

    assert spent("-m", "tracer.cli", "--version") - spent("-c", "pass") < 0.15
