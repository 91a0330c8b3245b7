"""lighttpd as an origin."""

from tests.lab.server import Lab, Server


def _files(lab: Lab, server: Server) -> None:
    folder = lab.folder(server.name)
    folder.chmod(0o777)
    (folder / "www").mkdir(exist_ok=True)
    lab.write_from(server, "lighttpd.conf")


LIGHTTPD = Server(
    name="lighttpd",
    listen={"http": ("127.0.4.3", 80)},
    program="lighttpd",
    package="lighttpd",
    files=_files,
    command=lambda lab, server: [server.program, "-D", "-f", str(lab.folder(server.name) / "lighttpd.conf")],
    logs=("access.log", "error.log", "output.log"),
)
