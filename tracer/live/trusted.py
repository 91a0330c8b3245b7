"""Who on this machine trusts the proxy's authority: each program is asked, by a real handshake where it can be.

A server on loopback shows a certificate that the authority signed for it; a client that talks to it trusts it.
"""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import create_server, socket
from typing import NamedTuple

from tracer.store.scratch import scratch

_SYSTEM = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
_PATIENCE = 15
_PYTHON = "import sys, urllib.request as u; u.build_opener(u.ProxyHandler({})).open(sys.argv[1], timeout=10).read()"
_NODE = "require('https').get(process.argv[1], {agent: false}, (r) => r.resume()).on('error', () => process.exit(1))"
_PROFILES = (
    ".mozilla/firefox",  # until Firefox 146
    "snap/firefox/common/.mozilla/firefox",
    ".var/app/org.mozilla.firefox/.mozilla/firefox",
    "Library/Application Support/Firefox/Profiles",
)
"""where Firefox keeps profiles, below the home directory"""
CLIENTS = (
    ("curl", "curl", ("-q", "-sS", "-m", "10", "--noproxy", "*", "-o", "/dev/null", "URL")),
    ("wget", "wget", ("-q", "-T", "10", "-t", "1", "--no-proxy", "-O", "/dev/null", "URL")),
    ("Python", "python3", ("-c", _PYTHON, "URL")),
    ("Node", "node", ("-e", _NODE, "URL")),
)
"""name, program, words after it"""


class Trust(NamedTuple):
    """What one program thinks of the authority."""

    name: str
    trusted: bool | None
    """None: it could not be found out"""
    how: str
    """what makes it trust, or why it cannot be told"""


def examine(folder: Path) -> list[Trust]:
    """Every program that is here; nothing while mitmproxy has made no authority in `folder` yet."""
    certificate, both = folder / "mitmproxy-ca-cert.pem", folder / "mitmproxy-ca.pem"
    if not certificate.is_file() or not both.is_file():
        return []
    found = [_system(certificate)]
    with _server(both) as url:
        for name, program, words in CLIENTS:
            if (path := shutil.which(program)) is not None:
                found.append(_asked(name, [path, *(url if w == "URL" else w for w in words)], certificate))
    return [*found, *_java(certificate), *_firefox(certificate)]


def _system(certificate: Path) -> Trust:
    wanted = ssl.PEM_cert_to_DER_cert(certificate.read_text())
    context = ssl.create_default_context()
    if sys.platform == "darwin":
        command = ["security", "verify-cert", "-c", str(certificate)]
        done = subprocess.run(command, capture_output=True, timeout=_PATIENCE).returncode == 0
        add = f"sudo security add-trusted-cert -d -k /Library/Keychains/System.keychain {certificate}"
        return Trust("the system", done, "" if done else add)
    for name in _SYSTEM:
        if Path(name).is_file():
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.load_verify_locations(name)
            break
    add = f"sudo cp {certificate} /usr/local/share/ca-certificates/mitmproxy.crt && sudo update-ca-certificates"
    trusted = wanted in context.get_ca_certs(binary_form=True)
    return Trust("the system", trusted, "" if trusted else add)


_HINTS = {
    "curl": "--cacert {0}, or CURL_CA_BUNDLE",
    "wget": "--ca-certificate={0}",
    "Python": "SSL_CERT_FILE={0}; for requests REQUESTS_CA_BUNDLE",
    "Node": "NODE_EXTRA_CA_CERTS={0}",
}


def _asked(name: str, command: list[str], certificate: Path) -> Trust:
    try:
        done = subprocess.run(command, capture_output=True, timeout=_PATIENCE)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Trust(name, None, f"it could not be asked: {error}")
    return Trust(name, done.returncode == 0, "" if done.returncode == 0 else _HINTS[name].format(certificate))


def _java(certificate: Path) -> Iterator[Trust]:
    tool = shutil.which("keytool")
    if tool is None:
        return
    import hashlib

    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate.read_text())).hexdigest().upper()
    wanted = ":".join(digest[i : i + 2] for i in range(0, 64, 2))
    command = [tool, "-list", "-cacerts", "-storepass", "changeit"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_PATIENCE, text=True)
    except (OSError, subprocess.TimeoutExpired) as error:
        yield Trust("Java", None, f"keytool could not be asked: {error}")
        return
    trusted = wanted in done.stdout
    add = f"sudo keytool -importcert -noprompt -cacerts -storepass changeit -alias mitmproxy -file {certificate}"
    yield Trust("Java", trusted, "" if trusted else add)


def _firefox(certificate: Path) -> Iterator[Trust]:
    roots = [Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser() / "mozilla/firefox"]
    roots += [Path.home() / name for name in _PROFILES]
    profiles = [db.parent for root in roots for db in sorted(root.glob("*/cert9.db"))]
    if not profiles:
        return
    tool = shutil.which("certutil")
    if tool is None:
        yield Trust("Firefox", None, "certutil is needed to ask: apt install libnss3-tools, brew install nss")
        return
    wanted = ssl.PEM_cert_to_DER_cert(certificate.read_text())
    for profile in profiles:
        listed = subprocess.run([tool, "-L", "-d", f"sql:{profile}"], capture_output=True, text=True).stdout
        names = [line.rsplit(None, 1)[0].strip() for line in listed.splitlines() if "C" in line[-8:].split(",")[0]]
        shown = (
            subprocess.run([tool, "-L", "-d", f"sql:{profile}", "-n", n, "-r"], capture_output=True).stdout
            for n in names
        )
        trusted = any(der == wanted for der in shown)
        add = f"certutil -A -d 'sql:{profile}' -n mitmproxy -t C,, -i {certificate}"
        yield Trust(f"Firefox ({profile.name})", trusted, "" if trusted else add)


@contextmanager
def _server(authority: Path) -> Iterator[str]:
    """The URL of a server on loopback with a certificate that the authority signed."""
    with scratch() as folder:
        path = folder / "server.pem"
        path.touch(0o600)
        path.write_bytes(_signed(authority.read_bytes()))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
    listening = create_server(("127.0.0.1", 0))
    threading.Thread(target=_answer, args=(listening, context), daemon=True).start()
    try:
        yield f"https://localhost:{listening.getsockname()[1]}/"
    finally:
        listening.close()


def _answer(listening: socket, context: ssl.SSLContext) -> None:
    while True:
        try:
            client, _ = listening.accept()
        except OSError:
            return
        try:
            client.settimeout(5)
            with context.wrap_socket(client, server_side=True) as sealed:
                sealed.recv(4096)
                sealed.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        except OSError:  # who does not trust us says so and goes
            client.close()


def _signed(authority: bytes) -> bytes:
    """Key and certificate for localhost, signed with the authority's key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    issuer = x509.load_pem_x509_certificate(authority)
    signer = serialization.load_pem_private_key(authority, None)
    assert isinstance(signer, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey))
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")]))
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()),
            critical=False,
        )
        .sign(signer, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private + made.public_bytes(serialization.Encoding.PEM)
