"""Apache Traffic Server as a CDN before Apache's firewall."""

from tests.lab.server import Lab, Server


def _files(lab: Lab, server: Server) -> None:
    folder = lab.folder(server.name)
    for name in ("etc", "run", "log", "cache"):
        (folder / name).mkdir(exist_ok=True)
        (folder / name).chmod(0o777)
    folder.chmod(0o777)
    paths = {"prefix": folder, "exec_prefix": "/usr", "bindir": "/usr/bin", "sbindir": "/usr/bin"}
    paths |= {"sysconfdir": folder / "etc", "datadir": "/usr/share/trafficserver", "includedir": "/usr/include"}
    paths |= {"libdir": "/usr/lib/trafficserver", "libexecdir": "/usr/lib/trafficserver/modules"}
    paths |= {"localstatedir": folder, "runtimedir": folder / "run", "logdir": folder / "log"}
    paths |= {"mandir": "/usr/share/man", "infodir": "/usr/share/info", "cachedir": folder / "cache"}
    lab.write(server, "runroot.yaml", "".join(f"{key}: {value}\n" for key, value in paths.items()))
    lab.write_from(server, "trafficserver.records", "etc/records.config")
    lab.write(server, "etc/ssl_multicert.config", "dest_ip=* ssl_cert_name=server.pem ssl_key_name=server.key\n")
    lab.write(server, "etc/storage.config", f"{folder}/cache 32M\n")
    lab.write(server, "etc/plugin.config", "")
    lab.write(server, "etc/ip_allow.yaml", _ALLOW)
    lab.write(server, "etc/remap.config", _REMAP)
    lab.write(server, "etc/hotlink.conf", _HOTLINK)
    for name in ("cache.config", "hosting.config", "parent.config", "volume.config", "splitdns.config"):
        lab.write(server, f"etc/{name}", "")
    lab.write(server, "etc/sni.yaml", "sni: []\n")
    lab.write(server, "etc/logging.yaml", _LOGGING)
    lab.write(server, "etc/strategies.yaml", "")


_LOGGING = """logging:
  formats:
  - {name: short, format: '%<cqtn> %<chi> %<cqhm> %<cqup> %<pssc> %<crc> %<phr>/%<shn>'}
  logs:
  - {filename: access, format: short, mode: ascii}
"""
_ALLOW = """ip_allow:
@snippets:ats:allow@
  - apply: in
    ip_addrs: 0/0
    action: allow
    methods: ALL
"""
_HOTLINK = """cond %{REMAP_PSEUDO_HOOK}
cond %{CLIENT-HEADER:Referer} /./ [AND]
cond %{CLIENT-HEADER:Referer} /example[.]test/ [NOT]
set-status 403
"""
_REMAP = """@snippets:ats@
regex_map https://(.*)/ https://@waf-apache/https@/
regex_map http://(.*)/ https://@waf-apache/https@/
"""

ATS = Server(
    name="ats",
    listen={"https": ("127.0.1.3", 443), "http": ("127.0.1.3", 80)},
    program="traffic_server",
    package="trafficserver",
    files=_files,
    logs=("log/access.log", "output.log"),
    command=lambda lab, server: [server.program, f"--run-root={lab.folder(server.name) / 'runroot.yaml'}"],
)
