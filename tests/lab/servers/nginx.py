"""nginx as an origin, with mutual TLS on listeners of its own."""

from tests.lab.server import Lab, Server


def _files(lab: Lab, server: Server) -> None:
    lab.write_from(server, "nginx.conf")
    (lab.folder(server.name) / "www").mkdir(exist_ok=True)


def _command(lab: Lab, server: Server) -> list[str]:
    folder = lab.folder(server.name)
    return [server.program, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]


NGINX = Server(
    name="nginx",
    listen={
        "http": ("127.0.4.1", 80),
        "https": ("127.0.4.1", 443),
        "mtls": ("127.0.8.1", 443),
        "optional": ("127.0.8.2", 443),
        "portal": ("127.0.6.5", 80),
    },
    program="nginx",
    package="nginx",
    files=_files,
    command=_command,
    logs=("access.log", "error.log"),
    witness=("witness.log",),
)
