"""The proxy in the modes that take traffic from the system, inside namespaces of their own: nothing of the machine's
network is touched, and nothing is left of it.

`python -m tests.live.enclosed MODE FOLDER`, in new namespaces, asks an HTTPS server through one of them and prints
what was recorded, as JSON; `run` does that from outside.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.lab.ca import authority, leaf
from tests.live.conftest import serve, tls
from tracer.cli.listening import told
from tracer.live.proxy import Proxy, ProxyError
from tracer.live.trust import authority as own_authority
from tracer.live.trust import confdir

ROOT = Path(__file__).parents[2]
FAR = "198.51.100.7"
"""the server's address, which lies on this namespace's loopback (of documentation only: RFC 5737)"""
NAME = "far.test"
GROUP = 65534
"""whose connections transparent mode takes"""
MODES = {
    "transparent": "transparent@127.0.0.1:8443",
    "wireguard": "wireguard@127.0.0.1:51820",
    "local": "local:curl",
    "tun": "tun:tracer0",
}


def run(mode: str, folder: Path, prefix: list[str]) -> dict[str, Any]:
    """What was recorded in that mode; `prefix` are the words before a command that make us root."""
    unshare = ["unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child=SIGKILL"]
    command = [*prefix, *unshare, "env", f"HOME={folder}", f"PATH={os.environ['PATH']}"]
    command += [sys.executable, "-m", "tests.live.enclosed", mode, str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _inside(mode: str, folder: Path) -> dict[str, Any]:
    _do("ip link set lo up")
    _do(f"ip address add {FAR}/32 dev lo")
    ca = authority("Enclosed Test CA")
    ca.save(folder / "ca")
    leaf(NAME, ca, names=(NAME,)).save(folder / "server")
    server = serve(threading.Event(), tls(folder), FAR)
    said: list[str] = []
    with _group(folder) if mode == "local" else _nothing():
        try:
            options = [f"ssl_verify_upstream_trusted_ca={folder / 'ca.pem'}"]
            with Proxy(None, [("--mode", MODES[mode])], options, say=said.append) as proxy:
                asked = _ask(mode, proxy, folder, server.server_address[1])
                proxy.finish()
                return {"curl": asked, "said": said, "exchanges": list(_exchanges(proxy))}
        except ProxyError as error:
            return {"curl": "", "said": [*said, str(error)], "exchanges": []}


def _exchanges(proxy: Proxy) -> Iterator[dict[str, Any]]:
    for exchange in proxy.trace.exchanges():
        handshake = proxy.trace.handshake(exchange.extra.get("mitm.client-tls.handshake", ""))
        verdict = proxy.trace.verdict_on(exchange.id)
        yield {
            "url": exchange.request.url if exchange.request else None,
            "status": exchange.response.status if exchange.response else None,
            "server": exchange.server,
            "mode": exchange.extra.get("mitm.mode"),
            "sni": handshake.sni if handshake else None,
            "hop": verdict.hop.address if verdict else None,
        }


def _ask(mode: str, proxy: Proxy, folder: Path, port: int) -> str:
    """curl in that mode; the status code that it got."""
    ours = own_authority(confdir())
    command = ["curl", "-q", "-s", "-m", "20", "--cacert", str(ours), "-o", os.devnull, "-w", "%{http_code}"]
    command += ["--resolve", f"{NAME}:{port}:{FAR}", f"https://{NAME}:{port}/deny/{mode}"]
    shown = "\n".join(told(proxy.servers, ours))
    before: list[str] = []
    with _elsewhere(shown, folder) if mode == "wireguard" else _nothing() as entering:
        if mode == "tun":
            command[1:1] = ["--interface", _own_interface(shown)]
        if mode == "transparent":
            _redirect(shown, port)
            before = ["setpriv", "--regid", str(GROUP), "--clear-groups"]
        for _ in range(10 if mode == "local" else 1):  # its redirector says nothing when it is ready
            asking = subprocess.Popen([*(entering or before), *command], stdout=subprocess.PIPE, text=True)
            proxy.record(lambda: asking.poll() is not None)  # noqa: B023
            if (code := asking.communicate()[0]) != "000":
                break
            time.sleep(0.5)
        return code


def _own_interface(shown: str) -> str:
    """The interface as the user is told it, with an address; answers of a server on loopback may come from it."""
    found = re.search(r"--interface (\S+)", shown)
    assert found is not None
    _do(f"ip address add 192.0.2.1/32 dev {found[1]}")
    for name in ("all", found[1]):
        for setting, value in (("accept_local", "1"), ("rp_filter", "0")):
            Path(f"/proc/sys/net/ipv4/conf/{name}/{setting}").write_text(value)
    return found[1]


def _redirect(shown: str, port: int) -> None:
    """The firewall rule as the user is told it, for our group and port."""
    rule = re.search(r"nft '(.*?)'", shown, re.DOTALL)
    assert rule is not None
    ours = rule[1].replace("skuid 1000", f"skgid {GROUP}").replace("{ 80, 443 }", str(port))
    subprocess.run(["nft", ours], check=True)


@contextmanager
def _elsewhere(shown: str, folder: Path) -> Iterator[list[str]]:
    """A network that has nothing but a WireGuard interface, configured as the user is told: the words to enter it."""
    found = dict(re.findall(r"^ *(\w+) = (.+)$", shown, re.MULTILINE))
    lines = ["[Interface]", f"PrivateKey = {found['PrivateKey']}", "[Peer]"]
    lines += [f"{name} = {found[name]}" for name in ("PublicKey", "AllowedIPs", "Endpoint")]
    (folder / "wg").write_text("\n".join(lines))
    tunnel = subprocess.Popen(["wireguard-go", "-f", "wg0"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    network = subprocess.Popen(["unshare", "--net", "sleep", "60"])
    entering = ["nsenter", "-t", str(network.pid), "--net"]
    try:
        _until(lambda: _quietly("ip link show wg0"))
        _until(lambda: os.readlink(f"/proc/{network.pid}/ns/net") != os.readlink("/proc/self/ns/net"))
        _do(f"wg setconf wg0 {folder / 'wg'}")
        _do(f"ip link set wg0 netns {network.pid}")  # its packets still leave from here
        for step in (f"address add {found['Address']} dev wg0", "link set wg0 up", "route add default dev wg0"):
            _do(f"{' '.join(entering)} ip {step}")
        yield entering
    finally:
        for process in (network, tunnel):
            process.terminate()
            process.wait(10)


@contextmanager
def _group(folder: Path) -> Iterator[None]:
    """Inside a control group that is the root of its namespace: the redirector meets no other process."""
    whole = folder / "groups"
    group = whole / f"tracer-test-{os.getpid()}"
    whole.mkdir()
    _do(f"mount -t cgroup2 none {whole}")
    group.mkdir()
    (group / "cgroup.procs").write_text("0")
    os.unshare(os.CLONE_NEWCGROUP)
    _do("mount -t cgroup2 none /sys/fs/cgroup")
    try:
        yield
    finally:
        (whole / "cgroup.procs").write_text("0")
        _until(lambda: not (group / "cgroup.procs").read_text())
        group.rmdir()


@contextmanager
def _nothing() -> Iterator[list[str]]:
    yield []


def _do(command: str) -> None:
    subprocess.run(command.split(), check=True)


def _quietly(command: str) -> bool:
    return subprocess.run(command.split(), capture_output=True).returncode == 0


def _until(what: Callable[[], bool]) -> None:
    until = time.monotonic() + 15
    while not what():
        assert time.monotonic() < until, "it never came"
        time.sleep(0.05)


if __name__ == "__main__":
    print(json.dumps(_inside(sys.argv[1], Path(sys.argv[2]))))
