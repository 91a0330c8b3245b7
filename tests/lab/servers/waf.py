"""Web application firewalls: nginx with libmodsecurity before Envoy, Apache with mod_security2 before HAProxy."""

from tests.lab.server import Lab, Server
from tests.lab.servers.apache import WANTED, modules


def _nginx_files(lab: Lab, server: Server) -> None:
    folder = lab.folder(server.name)
    audit = folder / "audit.log"
    audit.touch()
    audit.chmod(0o666)
    lab.write_from(server, "modsecurity.conf", audit=str(audit))
    lab.write_from(server, "waf-nginx.conf", "nginx.conf")


def _nginx_command(lab: Lab, server: Server) -> list[str]:
    folder = lab.folder(server.name)
    return [server.program, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]


WAF = Server(
    name="waf",
    listen={"http": ("127.0.2.1", 80)},
    program="nginx",
    package="libnginx-mod-http-modsecurity",
    files=_nginx_files,
    command=_nginx_command,
    logs=("access.log", "error.log", "audit.log"),
)


def _apache_files(lab: Lab, server: Server) -> None:
    folder = lab.folder(server.name)
    audit = folder / "audit.log"
    audit.touch()
    audit.chmod(0o666)
    lab.write_from(server, "modsecurity.conf", audit=str(audit))
    both = lab.pki / "hop.both.pem"
    wanted = [*WANTED, "proxy", "proxy_http", "security2", "unique_id", "evasive20"]
    lab.write_from(server, "waf-apache.conf", "apache.conf", modules=modules(wanted), both=str(both))


def _apache_command(lab: Lab, server: Server) -> list[str]:
    folder = lab.folder(server.name)
    return [server.program, "-D", "FOREGROUND", "-f", str(folder / "apache.conf"), "-E", str(folder / "output.log")]


WAF_APACHE = Server(
    name="waf-apache",
    listen={"https": ("127.0.2.2", 443), "http": ("127.0.2.2", 80)},
    program="apache2",
    package="libapache2-mod-security2",
    files=_apache_files,
    command=_apache_command,
    logs=("access.log", "error.log", "audit.log"),
)
