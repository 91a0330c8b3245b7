"""`tracer doctor`: what is installed, what is missing for which feature, how to get it."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from importlib import metadata
from typing import Any, NamedTuple

import click

from tracer import __version__
from tracer.views.safe import safe


class Part(NamedTuple):
    """Something a feature needs."""

    name: str
    feature: str
    get: str
    needed: bool = False


PACKAGES = (
    Part("msgspec", "everything", "pip install tracer", True),
    Part("numpy", "captures", "pip install tracer", True),
    Part("cryptography", "TLS and QUIC", "pip install tracer", True),
    Part("h2", "tracer replay and bisect over HTTP/2", "pip install tracer", True),
    Part("hpack", "HTTP/2", "pip install tracer", True),
    Part("pylsqpack", "HTTP/3", "pip install tracer", True),
    Part("brotli", "brotli bodies", "pip install tracer", True),
    Part("platformdirs", "settings of your own", "pip install tracer", True),
    Part("textual", "tracer open", "pip install tracer", True),
    Part("mitmproxy", "tracer proxy, run, browse; mitmproxy flow files", "pip install 'tracer[live]'"),
    Part("scapy", "rare link types; live capture", "pip install 'tracer[packets]'"),
    Part("pyshark", "a second opinion on a packet", "pip install 'tracer[wireshark]'"),
    Part("curl_cffi", "tracer bisect: TLS greetings of browsers", "pip install 'tracer[browsers]'"),
    Part("textual-serve", "tracer open --web", "pip install 'tracer[web]'"),
    Part("pillow", "pictures in tracer open", "pip install 'tracer[images]'"),
    Part("pyarrow", "export --format parquet", "pip install 'tracer[parquet]'"),
)
PROGRAMS = (
    Part("tshark", "tracer verify, a second opinion", "apt install tshark, brew install wireshark"),
    Part("dumpcap", "tracer capture without root", "apt install wireshark-common, brew install wireshark"),
)
BROWSERS = (
    "firefox",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "brave-browser",
    "microsoft-edge",
)


def _zstd() -> Part:
    if sys.version_info >= (3, 14):
        return Part("compression.zstd", "zstd files and bodies", "part of Python", True)
    return Part("backports.zstd", "zstd files and bodies", "pip install tracer", True)


def examine() -> dict[str, Any]:
    """Every part with its version, or None."""
    return {
        "tracer": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "packages": {p.name: _version(p.name) for p in (*PACKAGES, _zstd())},
        "programs": {p.name: shutil.which(p.name) for p in PROGRAMS},
        "browser": next((path for name in BROWSERS if (path := shutil.which(name))), None),
        "sslkeylogfile": os.environ.get("SSLKEYLOGFILE"),
        "live_capture": can_capture(),
        "addon": _addon(),
        "trust": _trust(),
    }


def _addon() -> str | None:
    """The script for mitmproxy."""
    from tracer.live.proxy import ProxyError, addon

    try:
        return str(addon())
    except ProxyError:
        return None


def _trust() -> dict[str, dict[str, Any]]:
    """Who trusts the proxy's authority, and else what makes them; empty while there is no authority."""
    from tracer.live.trust import confdir
    from tracer.live.trusted import examine as ask

    return {t.name: {"trusted": t.trusted, "how": t.how} for t in ask(confdir())}


def _version(package: str) -> str | None:
    if package == "compression.zstd":
        return platform.python_version()
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def can_capture() -> bool:
    """This process may open a packet socket: it is root, or has CAP_NET_RAW (bit 13 of the effective set)."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return True
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            effective = next(line for line in status if line.startswith("CapEff:"))
        return bool(int(effective.split()[1], 16) >> 13 & 1)
    except (OSError, StopIteration, ValueError):
        return False


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
def command(as_json: bool) -> int:
    """What is installed, what is missing for which feature, and how to get it."""
    found = examine()
    if as_json:
        import json

        print(json.dumps(found, indent=1))
        return 0
    from .terminal import style

    paint = style()

    def line(part: Part, what: str | None) -> None:
        tail = safe(what) if what else f"missing: {part.get}"
        _tell(paint, bool(what), part.name, f"{tail:<22} for {part.feature}")

    print(paint.bold(f"tracer {__version__}") + f", Python {found['python']}, {found['system']}")
    for part in (*PACKAGES, _zstd()):
        line(part, found["packages"][part.name])
    for part in PROGRAMS:
        line(part, found["programs"][part.name])
    line(Part("a browser", "tracer browse", "install Firefox or Chromium"), found["browser"])
    allowed = "allowed" if found["live_capture"] else None
    line(Part("packet capture", "tracer capture", "run as root, or setcap cap_net_raw+ep on python"), allowed)
    _tell_trust(found, paint)
    missing = [p.name for p in (*PACKAGES, _zstd()) if p.needed and not found["packages"][p.name]]
    print(f"\n{'Incomplete: ' + ', '.join(missing) if missing else 'Everything needed to read and explain is there.'}")
    return 0


def _tell(paint: Any, good: bool, name: str, words: str) -> None:
    """A line with its sign; what is too long for the terminal goes on below, commands whole."""
    from tracer.views.words import wrap_commands

    from .terminal import width

    sign = paint.paint(paint.sign("yes"), "green") if good else paint.paint(paint.sign("no"), "yellow")
    first, *rest = wrap_commands(words, width(), " " * 20, f"    {safe(name):<15} ")
    print("\n".join((f"  {sign} {first[4:]}".rstrip(), *rest)))


def _tell_trust(found: dict[str, Any], paint: Any) -> None:
    """Who trusts the proxy's authority, with what to do for those who do not."""
    print(f"\n{paint.bold('Trust in the authority of tracer proxy (run and browse set their own)')}")
    if not found["trust"]:
        print("  there is none yet: tracer proxy makes it when it first starts")
    for name, trust in found["trust"].items():
        word = "not known" if trust["trusted"] is None else "does not trust it"
        how = f"`{trust['how']}`" if trust["how"].startswith("sudo ") else trust["how"]
        _tell(paint, trust["trusted"], name, "" if trust["trusted"] else f"{word}: {safe(how)}")
    if found["addon"]:
        print(f"\nIn mitmproxy: mitmproxy -s {safe(found['addon'])}")
