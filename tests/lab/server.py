"""What a server of the lab is, and the one running lab that its files are filled in from."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab import tokens

HERE = Path(__file__).parent
VENV = HERE / ".cache" / "venv" / "bin"
CONF = HERE / "conf"
_MARK = re.compile(r"@([a-z0-9][a-z0-9:/_-]*)@")

SITES = {
    "static.example.test": "nginx",
    "files.example.test": "apache",
    "light.example.test": "lighttpd",
    "shop.example.test": "django",
    "app.example.test": "flask",
    "api.example.test": "fastapi",
    "s3.example.test": "moto",
    "id.example.test": "idp",
}
"""host name -> the server that finally answers for it"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    name: str
    listen: Mapping[str, tuple[str, int]]
    """name of the listener -> address; the first is the usual one"""
    program: str
    package: str
    """what to install when the program is missing: a Debian package, or `pip` for the lab's own environment"""
    files: Callable[[Lab, Server], None]
    """writes the configuration into the server's folder"""
    command: Callable[[Lab, Server], list[str]]
    logs: tuple[str, ...] = ("output.log",)
    """file names inside the server's folder; output.log is what it prints"""
    witness: tuple[str, ...] = ()
    """logs that only the truth is read from: no operator would have them, so no case is given them"""
    env: Mapping[str, str] = field(default_factory=dict)
    patience: float = 60.0
    """seconds until it must answer"""

    @property
    def path(self) -> str | None:
        if self.package == "mitmproxy":  # the project's own environment has it
            return str(Path(sys.executable).with_name(self.program))
        if self.package == "pip":
            return str(VENV / self.program) if (VENV / self.program).exists() else None
        return shutil.which(self.program, path="/usr/sbin:/usr/bin:/sbin:/bin")

    @property
    def ip(self) -> str:
        return next(iter(self.listen.values()))[0]


@dataclass(frozen=True, slots=True)
class Lab:
    """A lab in a folder of its own."""

    work: Path
    servers: Mapping[str, Server]
    """all that are known, started or not"""
    snippets: Mapping[str, tuple[str, ...]]
    """`nginx` or `nginx:http` -> what the cases add there"""

    @property
    def pki(self) -> Path:
        return self.work / "pki"

    @property
    def keys(self) -> Path:
        return self.work / "keys"

    def folder(self, server: str) -> Path:
        return self.work / server

    def values(self) -> dict[str, str]:
        """@work@ @pki@ @keys@ @conf@ @venv@, @nginx@ (ip), @nginx/http@ (ip:port), @nginx:dir@, @snippets:nginx@."""
        found = {"work": str(self.work), "pki": str(self.pki), "keys": str(self.keys)}
        found |= {"conf": str(CONF), "venv": str(VENV)} | tokens.values()
        for name, server in self.servers.items():
            found[name] = server.ip
            found[f"{name}:dir"] = str(self.folder(name))
            found |= {f"{name}/{at}": f"{ip}:{port}" for at, (ip, port) in server.listen.items()}
        return found | {f"snippets:{place}": "\n".join(texts) for place, texts in self.snippets.items()}

    def fill(self, text: str, **more: str) -> str:
        """`text` with its @marks@ replaced; a place for snippets that no case uses becomes empty."""
        values = self.values() | more

        def value(match: re.Match[str]) -> str:
            name = match[1]
            return values.get(name, "") if name.startswith("snippets:") else values.get(name, match[0])

        return _MARK.sub(value, _MARK.sub(value, text))

    def write(self, server: Server, name: str, text: str, **more: str) -> Path:
        target = self.folder(server.name) / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(self.fill(text, **more))
        return target

    def write_from(self, server: Server, template: str, name: str | None = None, **more: str) -> Path:
        """Fills conf/`template` into the server's folder."""
        return self.write(server, name or Path(template).name, (CONF / template).read_text(), **more)


def origins(lab: Lab) -> list[tuple[str, str]]:
    """(host name, ip:port) of every site."""
    return [
        (host, f"{lab.servers[name].ip}:{next(iter(lab.servers[name].listen.values()))[1]}")
        for host, name in SITES.items()
        if name in lab.servers
    ]
