"""Apache as an origin."""

from pathlib import Path

from tests.lab.server import Lab, Server

_MODULES = Path("/usr/lib/apache2/modules")
_NAMES = """
mpm_event alias access_compat allowmethods auth_basic authn_core authn_file authz_core authz_host authz_user
authz_groupfile autoindex deflate dir env filter headers http2 mime rewrite setenvif socache_shmcb ssl unixd
"""
WANTED = _NAMES.split()


def modules(names: list[str]) -> str:
    """LoadModule lines for those that are modules here and not built in."""
    return "\n".join(
        f"LoadModule {name}_module {path}" for name in names if (path := _MODULES / f"mod_{name}.so").exists()
    )


def _files(lab: Lab, server: Server) -> None:
    lab.write_from(server, "apache.conf", modules=modules(WANTED))
    (lab.folder(server.name) / "www").mkdir(exist_ok=True)


def _command(lab: Lab, server: Server) -> list[str]:
    folder = lab.folder(server.name)
    return [server.program, "-D", "FOREGROUND", "-f", str(folder / "apache.conf"), "-E", str(folder / "output.log")]


APACHE = Server(
    name="apache",
    listen={
        "http": ("127.0.4.2", 80),
        "https": ("127.0.4.2", 443),
        "mtls": ("127.0.8.4", 443),
        "optional": ("127.0.8.5", 443),
    },
    program="apache2",
    package="apache2",
    files=_files,
    command=_command,
    logs=("access.log", "error.log"),
)
