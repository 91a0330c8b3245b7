"""The variables with which programs find a proxy and trust its authority, runtime by runtime."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography import x509

BUNDLE = (
    "SSL_CERT_FILE",  # OpenSSL, and so Python, Ruby, Go, curl of some builds, httpx
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "AWS_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "CARGO_HTTP_CAINFO",
    "PIP_CERT",
    "NPM_CONFIG_CAFILE",
    "DENO_CERT",
    "HTTPLIB2_CA_CERTS",
    "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
    "PERL_LWP_SSL_CA_FILE",
)
"""take a file that replaces what is trusted: it holds everyone's authorities and the proxy's"""
ADDED = ("NODE_EXTRA_CA_CERTS",)
"""take a file that adds to what is trusted"""
PROXY = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy", "npm_config_proxy")
UNSET = ("NO_PROXY", "no_proxy", "SSL_CERT_DIR", "npm_config_noproxy")
"""would lead around the proxy, or to other authorities"""
JAVA = ("java", "mvn", "gradle", "gradlew", "mvnw", "sbt", "kotlin", "scala", "jshell", "ant")
"""told by JAVA_TOOL_OPTIONS, which Java reports on standard error: only these commands get it"""


def environment(
    given: Mapping[str, str], proxy: str, folder: Path, authority: bytes, roots: bytes, keys: str, java: bool
) -> dict[str, str]:
    """`given` changed so that what runs in it goes through `proxy` (`127.0.0.1:41234`) and trusts it.

    Writes the files that the variables name into `folder`. `java` adds the options for a Java virtual machine.
    """
    bundle, added = folder / "bundle.pem", folder / "authority.pem"
    bundle.write_bytes(roots + b"\n" + authority)
    extra = given.get("NODE_EXTRA_CA_CERTS")
    added.write_bytes(authority + (b"\n" + Path(extra).read_bytes() if extra and os.path.isfile(extra) else b""))
    changed = {name: value for name, value in given.items() if name not in UNSET}
    address = f"http://{proxy}"
    changed |= dict.fromkeys(PROXY, address) | dict.fromkeys(BUNDLE, str(bundle)) | dict.fromkeys(ADDED, str(added))
    changed |= {"npm_config_https_proxy": address, "NODE_USE_ENV_PROXY": "1", "WGETRC": str(_wgetrc(folder, bundle))}
    changed |= {"TRACER_PROXY": address, "SSLKEYLOGFILE": given.get("SSLKEYLOGFILE") or keys}
    shim = Path(__file__).with_name("node_proxy.cjs")
    changed["NODE_OPTIONS"] = f'{given.get("NODE_OPTIONS", "")} --require "{shim}"'.strip()
    ours = Path(__file__).with_name("python_proxy")
    changed["PYTHONPATH"] = os.pathsep.join(p for p in (str(ours), given.get("PYTHONPATH", "")) if p)
    if java:
        changed["JAVA_TOOL_OPTIONS"] = f"{given.get('JAVA_TOOL_OPTIONS', '')} {_java(proxy, folder, bundle)}".strip()
    return changed


def _wgetrc(folder: Path, bundle: Path) -> Path:
    """wget takes no authority from the environment: its settings, with one line more."""
    own = Path(os.environ.get("WGETRC") or "~/.wgetrc").expanduser()
    target = folder / "wgetrc"
    target.write_bytes((own.read_bytes() + b"\n" if own.is_file() else b"") + f"ca_certificate = {bundle}\n".encode())
    return target


def _java(proxy: str, folder: Path, bundle: Path) -> str:
    """Options for proxy and trust store; `nonProxyHosts` empty, so that loopback goes through as well."""
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

    store, password = folder / "trust.p12", "changeit"
    certificates = [
        pkcs12.PKCS12Certificate(cert, f"root-{n}".encode())
        for n, cert in enumerate(dict.fromkeys(_readable(bundle.read_bytes())))
    ]
    store.write_bytes(pkcs12.serialize_java_truststore(certificates, BestAvailableEncryption(password.encode())))
    host, _, port = proxy.rpartition(":")
    return " ".join(
        [f"-D{scheme}.proxyHost={host} -D{scheme}.proxyPort={port}" for scheme in ("http", "https")]
        + [f"-Dhttp.nonProxyHosts= -Djavax.net.ssl.trustStore={store} -Djavax.net.ssl.trustStorePassword={password}"]
        + ["-Djavax.net.ssl.trustStoreType=PKCS12"]
    )


def _readable(pem: bytes) -> list[x509.Certificate]:
    """Certificates of a bundle; those that do not parse are left out."""
    from cryptography import x509

    end = b"-----END CERTIFICATE-----"
    found: list[x509.Certificate] = []
    for part in pem.split(end)[:-1]:
        begin = part.rfind(b"-----BEGIN CERTIFICATE-----")
        try:
            with warnings.catch_warnings(action="ignore"):  # some old roots have odd serial numbers
                found.append(x509.load_pem_x509_certificate(part[begin:] + end))
        except ValueError:
            continue
    return found
