"""Installs what the lab needs: Debian packages without their services, and Python parts into tests/lab/.cache/venv."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.lab import namespace
from tests.lab.server import HERE, VENV

_POLICY = Path("/usr/sbin/policy-rc.d")


def packages() -> list[str]:
    lines = (line.partition("#")[0].strip() for line in (HERE / "packages.txt").read_text().splitlines())
    return [line for line in lines if line]


def main() -> int:
    for step in (_debian, _python):
        if code := step():
            return code
    return 0


def _installed(package: str) -> bool:
    asked = subprocess.run(["dpkg-query", "-W", "-f", "${Status}", package], capture_output=True, text=True)
    return asked.stdout == "install ok installed"


def _debian() -> int:
    if not shutil.which("apt-get"):
        print("no apt-get here; the lab's servers are:", *packages(), file=sys.stderr)
        return 3
    absent = [p for p in packages() if not _installed(p)]
    if not absent:
        return 0
    prefix = namespace.become_root()
    if prefix is None:
        print("as root: apt-get install --no-install-recommends", *absent, file=sys.stderr)
        return 3
    ours = not _POLICY.exists()
    if ours:  # packages of servers must not start services
        subprocess.run([*prefix, "sh", "-c", f"printf '#!/bin/sh\\nexit 101\\n' >{_POLICY}; chmod +x {_POLICY}"])
    try:
        env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        command = ["apt-get", "install", "-qq", "-y", "--no-install-recommends", *absent]
        return subprocess.run([*prefix, *command], env=env).returncode
    finally:
        if ours:
            subprocess.run([*prefix, "rm", "-f", str(_POLICY)])


def _python() -> int:
    wanted = (HERE / "requirements.txt").read_text()
    done = VENV.parent / "installed.txt"
    if done.exists() and done.read_text() == wanted:
        return 0
    uv = shutil.which("uv") or str(namespace.ROOT / ".uv" / "bin" / "uv")
    venv = VENV.parent
    for command in (
        ["venv", "--quiet", "--allow-existing", "--python", sys.executable, str(venv)],
        [
            "pip",
            "install",
            "--quiet",
            "--python",
            str(VENV / "python"),
            "--require-hashes",
            "-r",
            str(HERE / "requirements.txt"),
        ],
    ):
        if code := subprocess.run([uv, *command]).returncode:
            return code
    done.write_text(wanted)
    return 0
