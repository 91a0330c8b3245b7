"""Whom to trust: the bundle for the proxy's servers, the bundle for its clients, and mitmproxy's own authority."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "AWS_CA_BUNDLE")
_CA = "mitmproxy-ca-cert.pem"


def confdir(options: tuple[str, ...] = ()) -> Path:
    """mitmproxy's folder, where its authority is."""
    given = next((o.partition("=")[2] for o in reversed(options) if o.startswith("confdir=")), "~/.mitmproxy")
    return Path(given).expanduser()


def authority(folder: Path) -> Path:
    """The certificate of mitmproxy's authority; mitmproxy makes it when it first starts."""
    return folder / _CA


def roots(extra: tuple[str, ...] = ()) -> bytes:
    """PEM of everyone this machine trusts: the system's, certifi's, what variables name, and `extra` files."""
    paths = ssl.get_default_verify_paths()
    found = [paths.cafile or "", paths.openssl_cafile, "/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem"]
    try:
        import certifi

        found.append(certifi.where())
    except ImportError:
        pass
    found += [os.environ.get(name, "") for name in _VARIABLES]
    seen: dict[str, bytes] = {}
    for name in found:
        if name and os.path.isfile(name) and (real := os.path.realpath(name)) not in seen:
            seen[real] = Path(name).read_bytes()
    for name in extra:
        seen[os.path.realpath(name)] = Path(name).read_bytes()
    return b"\n".join(seen.values())
