"""Browsers with a throw-away profile that goes through the proxy and trusts its authority, and nobody else's."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

CHROMIUM = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "brave-browser",
    "microsoft-edge",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
FIREFOX = ("firefox", "firefox-esr", "/Applications/Firefox.app/Contents/MacOS/firefox")
QUIET = (
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-client-side-phishing-detection",
    "--disable-extensions",
    "--disable-component-extensions-with-background-pages",
    "--disable-breakpad",
    "--disable-search-engine-choice-screen",
    "--password-store=basic",
    "--use-mock-keychain",
    "--no-service-autorun",
    "--allow-browser-signin=false",
    "--gaia-url=http://127.0.0.1:9/",
    "--metrics-recording-only",
    "--disable-features=OptimizationHints,MediaRouter,Translate,AutofillServerCommunication,NetworkTimeServiceQuerying,"
    "InterestFeedContentSuggestions,HttpsUpgrades,CertificateTransparencyComponentUpdater",
)
"""what Chromium would ask of its maker by itself would stand in the recording"""
_PREFERENCES = Path(__file__).with_name("firefox.js")
_UPDATES = "update.googleapis.com"
"""is asked in spite of all that: past the proxy, where it has no address"""
VARIABLES = {"MOZ_REMOTE_SETTINGS_DEVTOOLS": "1", "MOZ_CRASHREPORTER_DISABLE": "1"}
"""for the browser's environment: without the first, Firefox asks its maker for settings whatever the profile says"""


class NoBrowserError(Exception):
    """There is none that can be used; the message says what to install."""


def command(chosen: str | None, url: str, proxy: str, profile: Path, authority: Path, headless: bool) -> list[str]:
    """The words that start a browser on `url`; writes its profile into `profile`."""
    path = _find(chosen)
    if "firefox" in os.path.basename(path).lower():
        return _firefox(path, url, proxy, profile, authority, headless)
    return _chromium(path, url, proxy, profile, authority, headless)


def _find(chosen: str | None) -> str:
    for name in (chosen,) if chosen else (*CHROMIUM, *FIREFOX):
        if found := shutil.which(name):
            return found
    if chosen:
        raise NoBrowserError(f"there is no browser {chosen!r}")
    raise NoBrowserError("no browser was found: install Chromium, Chrome or Firefox, or name one with --browser")


def _chromium(path: str, url: str, proxy: str, profile: Path, authority: Path, headless: bool) -> list[str]:
    words = [path, f"--user-data-dir={profile}", f"--proxy-server=http://{proxy}"]
    words += [f"--proxy-bypass-list=<-loopback>;{_UPDATES}", f"--host-resolver-rules=MAP {_UPDATES} ~NOTFOUND"]
    words += [f"--ignore-certificate-errors-spki-list={_key_hash(authority)}", *QUIET]
    if headless:
        words += ["--headless=new", "--disable-gpu"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # Chromium's sandbox does not work for root
        words += ["--no-sandbox", "--test-type"]
    return [*words, url]


def _key_hash(authority: Path) -> str:
    """Base64 of the SHA-256 of the authority's public key: Chromium accepts what is signed with this key alone."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = x509.load_pem_x509_certificate(authority.read_bytes()).public_key()
    return base64.b64encode(
        hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    ).decode()


def _firefox(path: str, url: str, proxy: str, profile: Path, authority: Path, headless: bool) -> list[str]:
    tool = shutil.which("certutil")
    if tool is None:
        raise NoBrowserError(
            "Firefox trusts a new authority through certutil: apt install libnss3-tools, brew install nss; "
            "or use Chromium"
        )
    profile.mkdir(exist_ok=True)
    host, _, port = proxy.rpartition(":")
    preferences = _PREFERENCES.read_text().replace("HOST", host.strip("[]")).replace("PORT", port)
    (profile / "user.js").write_text(preferences)
    store = ["-d", f"sql:{profile}"]
    subprocess.run([tool, "-N", *store, "--empty-password"], check=True, capture_output=True)
    added = [tool, "-A", *store, "-n", "tracer", "-t", "C,,", "-i", str(authority)]
    subprocess.run(added, check=True, capture_output=True)
    return [path, "-no-remote", "-profile", str(profile), *(["-headless"] if headless else []), url]
