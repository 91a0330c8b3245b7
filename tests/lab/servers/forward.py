"""Forward proxies: Squid, tinyproxy, Privoxy; and Squid as a cache in front of sites."""

import subprocess

from tests.lab.server import Lab, Server, origins

_CERTGEN = "/usr/lib/squid/security_file_certgen"


def _squid_files(lab: Lab, server: Server) -> None:
    lab.write_from(server, "squid.conf")
    lab.folder(server.name).chmod(0o777)
    store = lab.folder(server.name) / "certificates"
    subprocess.run([_CERTGEN, "-c", "-s", str(store), "-M", "4MB"], check=True, capture_output=True)
    for path in (store, *store.rglob("*")):
        path.chmod(0o777)


SQUID = Server(
    name="squid",
    listen={"http": ("127.0.6.1", 3128), "opening": ("127.0.6.1", 3129)},
    program="squid",
    package="squid-openssl",
    files=_squid_files,
    command=lambda lab, server: [server.program, "-N", "-f", str(lab.folder(server.name) / "squid.conf")],
    logs=("access.log", "cache.log"),
    env={"LAB_SOURCE": "@squid@"},
)


def _cache_files(lab: Lab, server: Server) -> None:
    lab.folder(server.name).chmod(0o777)
    peers = []
    for host, address in origins(lab):
        ip, _, port = address.partition(":")
        peers.append(f"cache_peer {ip} parent {port} 0 no-query originserver name={host}")
        peers += [f"acl at-{host} dstdomain -n {host}", f"cache_peer_access {host} allow at-{host}"]
    lab.write_from(server, "squid-cache.conf", peers="\n".join(peers))


SQUID_CACHE = Server(
    name="squid-cache",
    listen={"http": ("127.0.1.4", 80)},
    program="squid",
    package="squid-openssl",
    files=_cache_files,
    command=lambda lab, server: [server.program, "-N", "-f", str(lab.folder(server.name) / "squid-cache.conf")],
    logs=("access.log", "cache.log"),
)


def _tinyproxy_files(lab: Lab, server: Server) -> None:
    lab.folder(server.name).chmod(0o777)
    lab.write(server, "filter", "@snippets:tinyproxy:filter@\n")
    lab.write_from(server, "tinyproxy.conf")


TINYPROXY = Server(
    name="tinyproxy",
    listen={"http": ("127.0.6.2", 8888)},
    program="tinyproxy",
    package="tinyproxy",
    files=_tinyproxy_files,
    command=lambda lab, server: [server.program, "-d", "-c", str(lab.folder(server.name) / "tinyproxy.conf")],
    logs=("tinyproxy.log", "output.log"),
)


def _privoxy_files(lab: Lab, server: Server) -> None:
    lab.folder(server.name).chmod(0o777)
    lab.write(server, "block.action", "@snippets:privoxy@\n")
    folder = lab.folder(server.name)
    lines = [f"confdir {folder}", "templdir /etc/privoxy/templates", f"logdir {folder}", "logfile privoxy.log"]
    lines += ["actionsfile block.action", "listen-address 127.0.6.3:8118", "debug 1", "debug 1024", "toggle 1"]
    lab.write(server, "config", "\n".join(lines) + "\n")


PRIVOXY = Server(
    name="privoxy",
    listen={"http": ("127.0.6.3", 8118)},
    program="privoxy",
    package="privoxy",
    files=_privoxy_files,
    command=lambda lab, server: [server.program, "--no-daemon", str(lab.folder(server.name) / "config")],
    logs=("privoxy.log", "output.log"),
)


def _mitmproxy_files(lab: Lab, server: Server) -> None:
    lab.folder(server.name).chmod(0o777)


MITMPROXY = Server(
    name="mitmproxy",
    listen={"http": ("127.0.6.4", 8080)},
    program="mitmdump",
    package="mitmproxy",
    files=_mitmproxy_files,
    command=lambda lab, server: [
        *(
            str(server.path),
            "--listen-host",
            "127.0.6.4",
            "--listen-port",
            "8080",
            "--set",
            f"confdir={lab.folder('mitmproxy')}",
        ),
        *("--set", f"ssl_verify_upstream_trusted_ca={lab.pki / 'ca.pem'}", "--set", "termlog_verbosity=info"),
    ],
    env={"SSLKEYLOGFILE": "@keys@/mitmproxy-own.log", "PYTHONUNBUFFERED": "1"},
)
