"""A private network, process and mount namespace for the lab: when it ends, nothing of it is left."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.lab.server import SITES

_INSIDE = "TRACER_LAB_INSIDE"
ROOT = Path(__file__).parents[2]


def become_root() -> list[str] | None:
    """The words before a command that needs root: none for root itself, `sudo` where it asks nothing, else None."""
    if os.geteuid() == 0:
        return []
    try:
        allowed = subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0
    except OSError:
        return None
    return ["sudo", "-n", "--preserve-env=PATH"] if allowed else None


def inside() -> bool:
    return os.environ.get(_INSIDE) == "1"


def run_inside(arguments: list[str]) -> int:
    """Runs `python -m tests.lab …` again inside new namespaces; its exit code."""
    prefix = become_root()
    if prefix is None:
        print("the lab needs root for its network namespace: sudo make lab", file=sys.stderr)
        return 3
    unshare = ["unshare", "--net", "--pid", "--mount", "--fork", "--mount-proc", "--kill-child=SIGKILL"]
    owner = f"TRACER_LAB_OWNER={os.getuid()}:{os.getgid()}"
    command = [
        *prefix,
        *unshare,
        "env",
        f"{_INSIDE}=1",
        owner,
        "PYTHONDONTWRITEBYTECODE=1",
        sys.executable,
        "-m",
        "tests.lab",
        *arguments,
    ]
    return subprocess.run(command, cwd=ROOT).returncode


def prepare(work: Path, extra: dict[str, str]) -> None:
    """Brings `lo` up and gives the host names of the lab their addresses; both end with the namespace."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    hosts = work / "hosts"
    lines = ["127.0.0.1 localhost", *(f"{ip} {host}" for host, ip in extra.items())]
    hosts.write_text("\n".join(lines) + "\n")
    resolver = work / "resolv.conf"
    resolver.write_text("nameserver 127.0.9.53\n")
    for mine, theirs in ((hosts, "/etc/hosts"), (resolver, "/etc/resolv.conf")):
        mine.chmod(0o644)
        subprocess.run(["mount", "--bind", str(mine), theirs], check=True)


def give_back(*paths: Path) -> None:
    """What root wrote belongs to the one who called."""
    owner = os.environ.get("TRACER_LAB_OWNER", "0:0")
    if owner != "0:0":
        subprocess.run(["chown", "-R", owner, *map(str, paths)], check=False)


HOSTS = tuple(SITES)
