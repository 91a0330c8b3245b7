"""Envoy as a gateway: open for clients, with mutual TLS for the firewall before it, and over HTTP/3."""

import textwrap

from tests.lab.server import CONF, Lab, Server, origins


def _files(lab: Lab, server: Server) -> None:
    manager = (CONF / "envoy-manager.yaml").read_text()
    clusters = [_cluster(lab, host.partition(".")[0], address) for host, address in origins(lab)]
    clusters.append(_cluster(lab, "authz", lab.fill("@authz/http@")))
    clusters.append(_cluster(lab, "nobody", "127.0.9.9:80"))
    sites = "\n".join(_site(lab, host) for host, _ in origins(lab))
    plain = lab.fill(manager, sites=sites, codec="AUTO")
    values = {"manager": textwrap.indent(plain, " " * 10), "clusters": "\n".join(clusters)}
    values["manager3"] = values["manager"].replace("codec_type: AUTO", "codec_type: HTTP3")
    lab.write_from(server, "envoy.yaml", **values)


def _site(lab: Lab, host: str) -> str:
    name = host.partition(".")[0]
    routes = (CONF / "envoy-routes.yaml").read_text()
    own = f"- name: {name}\n  domains: ['{host}', '{host}:*', 'balanced-{host}']\n  routes:\n"
    return textwrap.indent(own + textwrap.indent(lab.fill(routes, site=name), "  "), " " * 6)


def _cluster(lab: Lab, name: str, address: str) -> str:
    ip, _, port = address.partition(":")
    return lab.fill((CONF / "envoy-cluster.yaml").read_text(), cluster=name, ip=ip, port=port)


def _command(lab: Lab, server: Server) -> list[str]:
    folder = lab.folder(server.name)
    options = ["--disable-hot-restart", "--concurrency", "1", "--file-flush-interval-msec", "20", "-l", "warning"]
    return [str(server.path), "-c", str(folder / "envoy.yaml"), *options]


ENVOY = Server(
    name="envoy",
    listen={
        "http": ("127.0.3.1", 80),
        "chain": ("127.0.3.1", 443),
        "https": ("127.0.3.1", 8443),
        "mtls": ("127.0.8.7", 443),
    },
    program="envoy",
    package="pip",
    files=_files,
    command=_command,
    env={"LD_PRELOAD": ""},
)
