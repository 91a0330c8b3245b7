"""How to send something through each server of the proxy, in a line or two."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

_LOOPBACK = ("127.", "[::1]", "::1", "localhost")
_LOCAL = "connections of {0} on this machine are redirected, nothing else has to be set"
_TRANSPARENT = (
    "connections come here when the firewall redirects them, such as\n"
    "    sudo nft 'add table nat; add chain nat mine {{ type nat hook output priority -100; }};\n"
    "              add rule nat mine meta skuid 1000 tcp dport {{ 80, 443 }} redirect to :{0}'\n"
    "  for the programs of user 1000; run the proxy as another user, or it meets itself"
)


def told(servers: tuple[Any, ...], authority: Path, end: str = "Ctrl-C") -> Iterator[str]:
    """What to say when the proxy runs, and which key ends it."""
    for server in servers:
        kind, _, data = server.mode.partition("@")[0].partition(":")
        at = " and ".join(server.addresses)
        yield f"recording {server.mode}{' at ' * bool(at)}{at}; {end} ends it"
        yield from _how(kind, data, server, authority)
    named = any(s.mode.partition("@")[0].partition(":")[0] in _NAMING for s in servers)
    yield f"clients must trust {'that certificate' if named else _short(authority)}; tracer doctor checks who does"
    if any(not a.startswith(_LOOPBACK) for s in servers for a in s.addresses):
        yield "warning: this is not loopback: whoever reaches it can use it"


_NAMING = ("regular", "upstream", "socks5")
"""modes whose example names the certificate"""


def _short(path: Path) -> str:
    """As a shell takes it too: `~/.mitmproxy/…`."""
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)


def _how(kind: str, data: str, server: Any, authority: Path) -> Iterator[str]:
    at = server.addresses[0] if server.addresses else ""
    if kind in ("regular", "upstream"):
        yield f"try   curl -x http://{at} --cacert {_short(authority)} https://…"
    elif kind == "socks5":
        yield f"try   curl -x socks5h://{at} --cacert {_short(authority)} https://…"
    elif kind == "reverse":
        yield f"what is asked of {at} goes to {data.rpartition('@')[0] or data}"
    elif kind == "transparent":
        yield _TRANSPARENT.format(at.rpartition(":")[2])
    elif kind == "local":
        yield _LOCAL.format(data or "every program")
    elif kind == "tun":
        yield f"what is sent into the interface comes here: try   curl --interface {data or 'NAME'} https://…"
    elif kind == "wireguard" and server.client:
        lines = "".join(f"\n    {line}" for line in server.client.splitlines() if line)
        yield f"a WireGuard client with this configuration sends everything here:{lines}"
        if at.startswith(_LOOPBACK):
            yield "that is one on this machine; for others --listen 0.0.0.0:51820"
