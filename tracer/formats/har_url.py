"""The absolute URL that HAR demands (RFC 3986 section 4.3), also for requests that were not captured with one."""

from __future__ import annotations

import re
from urllib.parse import quote

from tracer.model.http import Exchange

NOWHERE = "about:blank"
"""stands for a request that was not captured"""
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#\s]+")
_KEPT = "%:/?#[]@!$&'()*+,;="
"""characters that a URL may hold beside unreserved ones (RFC 3986 section 2)"""
_STRAY = re.compile(r"%(?![0-9A-Fa-f]{2})")


def absolute(exchange: Exchange) -> str:
    """The URL as captured where it is one; else what target, Host field and TLS tell, escaped where it must be."""
    request = exchange.request
    if request is None:
        return NOWHERE
    url = request.url
    if not _ABSOLUTE.match(url):
        scheme = "https" if exchange.tls or request.method == "CONNECT" else "http"
        host = request.authority or request.get("host") or ""
        if request.method == "CONNECT":
            host, target = url or host, "/"
        else:
            target = url if url.startswith("/") else f"/{url}"
        host = re.sub(r"[^A-Za-z0-9._~:\[\]-]", "", host) or "unknown.invalid"
        url = f"{scheme}://{host}{target}"
    return _STRAY.sub("%25", quote(url, safe=_KEPT, errors="replace"))
