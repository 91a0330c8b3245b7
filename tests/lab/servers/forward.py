"""Forward proxies: Squid, tinyproxy, Privoxy."""

from tests.lab.server import Lab, Server


def _squid_files(lab: Lab, server: Server) -> None:
    lab.write_from(server, "squid.conf")
    lab.folder(server.name).chmod(0o777)


SQUID = Server(
    name="squid",
    listen={"http": ("127.0.6.1", 3128)},
    program="squid",
    package="squid-openssl",
    files=_squid_files,
    command=lambda lab, server: [server.program, "-N", "-f", str(lab.folder(server.name) / "squid.conf")],
    logs=("access.log", "cache.log"),
    env={"LAB_SOURCE": "@squid@"},
)
