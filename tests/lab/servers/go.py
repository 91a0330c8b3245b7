"""Gateways written in Go: Caddy and Traefik."""

from tests.lab.server import Lab, Server, origins


def _caddy_files(lab: Lab, server: Server) -> None:
    upstream = ["    map {host} {upstream} {"]
    upstream += [f"        {host} {address}" for host, address in origins(lab)]
    site_map = "\n".join([*upstream, "        default 127.0.9.9:80", "    }"])
    lab.write_from(server, "Caddyfile", **{"site-map": site_map})


def _caddy_command(lab: Lab, server: Server) -> list[str]:
    return [str(server.path), "run", "--adapter", "caddyfile", "--config", str(lab.folder(server.name) / "Caddyfile")]


CADDY = Server(
    name="caddy",
    listen={"https": ("127.0.3.3", 443), "http": ("127.0.3.3", 80), "mtls": ("127.0.8.8", 443)},
    program="caddy",
    package="pip",
    files=_caddy_files,
    command=_caddy_command,
    env={"LD_PRELOAD": ""},
)


def _traefik_files(lab: Lab, server: Server) -> None:
    routers, services = [], []
    for host, address in origins(lab):
        name = host.partition(".")[0]
        rule = f'rule: "Host(`{host}`)", service: {name}'
        routers.append(f"    {name}: {{{rule}, entryPoints: [http]}}")
        routers.append(f"    {name}-tls: {{{rule}, entryPoints: [https], tls: {{}}}}")
        services.append(
            f'    {name}: {{loadBalancer: {{servers: [{{url: "http://{address}"}}], serversTransport: once}}}}'
        )
    lab.write_from(server, "traefik.yaml", "sites.yaml", routers="\n".join(routers), services="\n".join(services))


def _traefik_command(lab: Lab, server: Server) -> list[str]:
    entries = [f"--entryPoints.{name}.address={ip}:{port}" for name, (ip, port) in server.listen.items()]
    file = f"--providers.file.filename={lab.folder(server.name) / 'sites.yaml'}"
    quiet = ["--global.checkNewVersion=false", "--global.sendAnonymousUsage=false", "--log.level=DEBUG"]
    return [str(server.path), *entries, file, *quiet, "--accesslog=true"]


TRAEFIK = Server(
    name="traefik",
    listen={"http": ("127.0.3.4", 80), "https": ("127.0.3.4", 443), "mtls": ("127.0.8.9", 443)},
    program="traefik",
    package="pip",
    files=_traefik_files,
    command=_traefik_command,
    env={"LD_PRELOAD": ""},
)
