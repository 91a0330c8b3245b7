"""Varnish as a CDN's cache: its http listener goes straight to the origins, its PROXY listener to the firewall."""

from tests.lab.server import Lab, Server, origins


def _files(lab: Lab, server: Server) -> None:
    backends, choice = [], []
    sites = [*origins(lab), *((f"balanced-{host}", lab.fill("@haproxy/http@")) for host, _ in origins(lab))]
    for host, address in sites:
        ip, _, port = address.partition(":")
        name = host.replace(".", "_").replace("-", "_")
        backends.append(f'backend {name} {{ .host = "{ip}"; .port = "{port}"; }}')
        choice.append(f'    if (req.http.host == "{host}") {{ set req.backend_hint = {name}; }}')
    ip, _, port = lab.fill("@waf/http@").partition(":")
    backends.append(f'backend waf {{ .host = "{ip}"; .port = "{port}"; }}')
    lab.write_from(server, "varnish.vcl", backends="\n".join(backends), choice="\n".join(choice))


def _command(lab: Lab, server: Server) -> list[str]:
    folder = lab.folder(server.name)
    ways = ("plain=@varnish/plain@,HTTP", "http=@varnish/http@,HTTP", "chain=@varnish/chain@,PROXY")
    listeners = [word for way in ways for word in ("-a", lab.fill(way))]
    limits = ["-s", "malloc,16m", "-p", "vsl_space=8m", "-p", "feature=+http2", "-p", "thread_pool_min=10"]
    place = ["-p", "vcc_err_unref=off", "-j", "none", "-n", str(folder / "state")]
    place += ["-f", str(folder / "varnish.vcl"), "-T", "none"]
    return [server.program, "-F", *listeners, *limits, *place]


VARNISH = Server(
    name="varnish",
    listen={"http": ("127.0.1.2", 80), "chain": ("127.0.1.2", 6086), "plain": ("127.0.1.1", 80)},
    program="varnishd",
    package="varnish",
    files=_files,
    command=_command,
)


def _nothing(lab: Lab, server: Server) -> None:
    pass


def _log_command(lab: Lab, server: Server) -> list[str]:
    return [server.program, "-t", "off", "-g", "request", "-n", str(lab.folder("varnish") / "state")]


VARNISHLOG = Server(
    name="varnishlog",
    listen={"none-udp": ("127.0.1.2", 9)},
    program="varnishlog",
    package="varnish",
    files=_nothing,
    command=_log_command,
    env={"LD_PRELOAD": ""},
)


def _hitch_files(lab: Lab, server: Server) -> None:
    lab.write_from(server, "hitch.conf")


def _hitch_command(lab: Lab, server: Server) -> list[str]:
    return [server.program, "--config", str(lab.folder(server.name) / "hitch.conf")]


HITCH = Server(
    name="hitch",
    listen={"https": ("127.0.1.1", 443)},
    program="hitch",
    package="hitch",
    files=_hitch_files,
    command=_hitch_command,
)
