"""Every server that the lab knows, and what each relies on."""

from collections.abc import Mapping

from tests.lab.server import Server
from tests.lab.servers import apache, apps, ats, envoy, forward, go, haproxy, lighttpd, nginx, varnish, waf

SERVERS: Mapping[str, Server] = {
    server.name: server
    for server in (
        nginx.NGINX,
        apache.APACHE,
        varnish.VARNISH,
        varnish.VARNISHLOG,
        varnish.HITCH,
        waf.WAF,
        waf.WAF_APACHE,
        ats.ATS,
        envoy.ENVOY,
        haproxy.HAPROXY,
        go.CADDY,
        go.TRAEFIK,
        lighttpd.LIGHTTPD,
        forward.SQUID,
        forward.SQUID_CACHE,
        forward.TINYPROXY,
        forward.PRIVOXY,
        forward.MITMPROXY,
        apps.DJANGO,
        apps.FLASK,
        apps.FASTAPI,
        apps.MOTO,
        apps.GRPC,
        apps.IDP,
        apps.AUTHZ,
    )
}

NEEDS: Mapping[str, tuple[str, ...]] = {"varnish": ("varnishlog",), "hitch": ("varnish",), "envoy": ("authz",)}
