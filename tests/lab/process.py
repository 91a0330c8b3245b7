"""Servers as processes: started in the foreground from their own files, asked until they answer, stopped by pid."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

from tests.lab.server import CONF, Lab, Server


class NotReadyError(RuntimeError):
    pass


def build_preload(work: Path) -> Path:
    target = work / "preload.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", str(target), str(CONF / "preload.c"), "-ldl"], check=True)
    target.chmod(0o755)
    return target


def start(lab: Lab, server: Server) -> subprocess.Popen[bytes]:
    """Writes the server's files and starts it; it may not answer yet."""
    folder = lab.folder(server.name)
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    if server.path is None:
        raise NotReadyError(f"{server.name}: {server.program} is missing (package {server.package})")
    server.files(lab, server)
    keys = lab.keys / f"{server.name}.log"
    keys.touch()
    keys.chmod(0o666)
    env = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "LD_PRELOAD": str(lab.work / "preload.so"),
        "LAB_KEYLOG": str(keys),
        "LAB_SOURCE": server.ip,
    }
    env |= {k: lab.fill(v) for k, v in server.env.items()}
    with open(folder / "output.log", "ab") as output:
        return subprocess.Popen(
            server.command(lab, server),
            cwd=folder,
            env={k: v for k, v in env.items() if v},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def wait(lab: Lab, server: Server, process: subprocess.Popen[bytes]) -> None:
    """Returns when every TCP listener of the server accepts."""
    until = time.monotonic() + server.patience
    for at, address in server.listen.items():
        if at.endswith("udp"):
            continue
        while not _accepts(address):
            if process.poll() is not None or time.monotonic() > until:
                told = (lab.folder(server.name) / "output.log").read_text(errors="replace")[-1500:]
                state = "did not start" if process.poll() is not None else f"does not answer at {address}"
                raise NotReadyError(f"{server.name} {state}:\n{told}")
            time.sleep(0.05)


def _accepts(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, 0.3).close()
    except OSError:
        return False
    return True


def stop(processes: list[subprocess.Popen[bytes]]) -> None:
    """Ends what `start` started, front to back: asked first, then forced."""
    for process in processes:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
    until = time.monotonic() + 3
    for process in processes:
        try:
            process.wait(max(0.05, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)


def left_over() -> list[str]:
    """Names of processes in this namespace other than our own family; empty when all ended."""
    names = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) not in (1, os.getpid()):
            try:
                state = (entry / "stat").read_text()
            except OSError:
                continue
            if state.rpartition(")")[2].split()[0] != "Z":
                names.append(state.partition("(")[2].rpartition(")")[0])
    return names
