"""Every server that the lab knows, and what each relies on."""

from collections.abc import Mapping

from tests.lab.server import Server
from tests.lab.servers import apache, apps, forward, haproxy, nginx, varnish, waf

SERVERS: Mapping[str, Server] = {
    server.name: server
    for server in (
        nginx.NGINX,
        apache.APACHE,
        varnish.VARNISH,
        varnish.HITCH,
        waf.WAF,
        waf.WAF_APACHE,
        haproxy.HAPROXY,
        forward.SQUID,
        apps.DJANGO,
        apps.FLASK,
        apps.FASTAPI,
        apps.MOTO,
    )
}

NEEDS: Mapping[str, tuple[str, ...]] = {"hitch": ("varnish",)}
