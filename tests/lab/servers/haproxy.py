"""HAProxy as a load balancer: open for clients, and with mutual TLS for the hop before it."""

from tests.lab.server import Lab, Server, origins


def _files(lab: Lab, server: Server) -> None:
    sites = origins(lab)
    names = [(host, host.partition(".")[0]) for host, _ in sites]
    lab.write(server, "sites.map", "".join(f"{host.replace('.', '[.]')}$ {name}\n" for host, name in names))
    backends = [
        f"backend {host.partition('.')[0]}\n    source {server.ip}\n@snippets:haproxy:backend@\n    server s1 {address}"
        for host, address in sites
    ]
    lab.write_from(server, "haproxy.cfg", backends="\n".join(backends))


def _command(lab: Lab, server: Server) -> list[str]:
    return [server.program, "-db", "-f", str(lab.folder(server.name) / "haproxy.cfg")]


HAPROXY = Server(
    name="haproxy",
    listen={
        "http": ("127.0.3.2", 80),
        "chain": ("127.0.3.2", 443),
        "https": ("127.0.3.2", 8443),
        "mtls": ("127.0.8.3", 443),
        "optional": ("127.0.8.6", 443),
    },
    program="haproxy",
    package="haproxy",
    files=_files,
    command=_command,
)
