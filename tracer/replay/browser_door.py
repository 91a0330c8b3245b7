"""Sends a request with the TLS greeting of a browser, through curl_cffi (curl-impersonate), where that is installed.

The fields, the target and the body stay those of the request. curl gives heads and bodies, not what was on the wire:
there is no handshake to look at.
"""

from __future__ import annotations

import ssl
import time
from importlib.util import find_spec
from typing import Any

import msgspec

from tracer.model.http import Exchange
from tracer.tls.keys import Keys

from .asked import Ask, Field
from .h1_out import write_h1
from .tape import Tape
from .tls_side import Trust

BROWSERS = {"chrome": "Chrome's greeting", "firefox": "Firefox's greeting"}
"""TLS fingerprint classes that only this door knows"""
_MADE_BY_CURL = frozenset((b"content-length", b"transfer-encoding"))
_OWN_FIELDS = (b"User-Agent", b"Accept", b"Expect", b"Content-Type")
"""what curl would add"""


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """What curl brought."""

    exchange: Exchange | None
    error: str
    took_ns: int


def is_installed() -> bool:
    return find_spec("curl_cffi") is not None


def send_as_browser(ask: Ask, trust: Trust, timeout: float, prefix: str, largest: int) -> Received:
    """One request on a connection of its own."""
    from curl_cffi import Curl, CurlError, CurlInfo, CurlOpt
    from curl_cffi.requests import impersonate

    received: list[bytes] = []
    size = 0

    def take(data: bytes) -> int:
        nonlocal size
        size += len(data)
        if size > largest:
            return 0
        received.append(data)
        return len(data)

    curl = Curl()
    error = ""
    try:
        latest = getattr(impersonate, f"DEFAULT_{ask.tls.upper()}", ask.tls)  # libcurl knows no `chrome` without number
        if curl.impersonate(latest, default_headers=False):
            return Received(exchange=None, error=f"curl_cffi does not know how {ask.tls} greets", took_ns=0)
        for option, value in _options(ask, trust, timeout, CurlOpt).items():
            curl.setopt(option, value)
        curl.setopt(CurlOpt.HEADERFUNCTION, take)
        curl.setopt(CurlOpt.WRITEFUNCTION, take)
        try:
            curl.perform()
        except CurlError as failed:
            error = str(failed)
        first, ready = (float(curl.getinfo(i)) for i in (CurlInfo.STARTTRANSFER_TIME, CurlInfo.PRETRANSFER_TIME))  # type: ignore[arg-type]
    finally:
        curl.close()
    now = time.time_ns()
    took = max(0, round((first - ready) * 1e9))
    exchange = _read(ask, b"".join(received), prefix, now - took, now) if received else None
    return Received(exchange=exchange, error=error, took_ns=took if received else 0)


def _options(ask: Ask, trust: Trust, timeout: float, names: Any) -> dict[Any, Any]:
    from curl_cffi import CurlHttpVersion

    place = ask.place
    ip, _, port = (place.address or f":{place.port}").rpartition(":")
    host = f"[{place.host}]" if ":" in place.host else place.host
    version = {"HTTP/1.0": CurlHttpVersion.V1_0, "HTTP/2": CurlHttpVersion.V2TLS}.get(ask.version, CurlHttpVersion.V1_1)
    options: dict[Any, Any] = {
        names.URL: f"{place.scheme}://{place.sni or host}:{port}/".encode(),
        names.REQUEST_TARGET: ask.target,
        names.CUSTOMREQUEST: ask.method,
        names.HTTPHEADER: _lines(ask),
        names.HTTP_VERSION: version,
        names.HTTP_TRANSFER_DECODING: 0,
        names.TIMEOUT_MS: round(timeout * 1000),
        names.PROXY: (f"http://{place.proxy}" if place.proxy else "").encode(),
        names.SUPPRESS_CONNECT_HEADERS: 1,
        names.CAINFO: (trust.roots or ssl.get_default_verify_paths().cafile or "").encode(),
        names.SSL_VERIFYPEER: 0 if trust.insecure else 1,
        names.SSL_VERIFYHOST: 0 if trust.insecure else 2,
    }
    if ip:
        options[names.RESOLVE] = [f"{place.sni or host}:{port}:{ip}".encode()]
    if place.proxy:
        options[names.HTTPPROXYTUNNEL] = 1
        options[names.PROXYHEADER] = [n + b": " + v for n, v in place.proxy_fields]
    if ask.body:
        options[names.POSTFIELDS] = ask.body
        options[names.POSTFIELDSIZE] = len(ask.body)
    if ask.method == b"HEAD":
        options[names.NOBODY] = 1
    if ask.certificate and trust.certificate:
        options[names.SSLCERT] = trust.certificate.encode()
        options[names.SSLKEY] = (trust.key or trust.certificate).encode()
    return options


def _fields(ask: Ask) -> list[Field]:
    fields = [f for f in ask.fields if f.name.lower() not in _MADE_BY_CURL]
    names = {f.name.lower() for f in fields}
    if b"host" not in names:
        fields.insert(0, Field(b"Host", ask.place.name.encode()))
    return fields


def _lines(ask: Ask) -> list[bytes]:
    """As curl takes them: `Name;` sends an empty field, `Name:` sends none where curl would add one."""
    fields = _fields(ask)
    names = {f.name.lower() for f in fields}
    return [*map(_line, fields), *(name + b":" for name in _OWN_FIELDS if name.lower() not in names)]


def _line(field: Field) -> bytes:
    value = field.value.replace(b"\r", b" ").replace(b"\n", b" ").replace(b"\0", b" ")
    return field.name + b": " + value if value else field.name + b";"


def _read(ask: Ask, data: bytes, prefix: str, sent_ns: int, heard_ns: int) -> Exchange | None:
    tape = Tape("replay", prefix, "", ask.place.address or "", ask.place.scheme, Keys())
    tape.say(True, write_h1(ask), sent_ns)
    tape.say(False, data, heard_ns)
    exchange, _, _ = tape.end(None)
    if exchange is None or exchange.response is None:
        return None
    return msgspec.structs.replace(
        exchange, protocol=ask.version, server=ask.place.address, client=None, connection=None
    )
