"""Cookies that an answer set, and why a later request does not carry them (RFC 6265 section 5.4)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from tracer.model.http import Exchange, Request

from .moments import answered_at, http_date

MOST = 40


class Cookie(NamedTuple):
    """One Set-Cookie field; attributes in lower case."""

    name: str
    host: str
    """of the answer that set it"""
    attributes: dict[str, str]
    deleted: bool


def set_by(exchange: Exchange) -> Iterator[Cookie]:
    """The cookies that this answer sets, at most MOST."""
    if exchange.response is None or exchange.request is None:
        return
    host = _split(exchange.request.url).hostname or ""
    now = answered_at(exchange)
    for line in exchange.response.get_all("set-cookie")[:MOST]:
        pair, *rest = line.split(";")
        name = pair.partition("=")[0].strip()
        attributes = {k.strip().lower(): v.strip() for k, _, v in (part.partition("=") for part in rest)}
        expires = http_date(attributes.get("expires"))
        age = attributes.get("max-age", "")
        deleted = age.startswith(("0", "-")) or (expires is not None and now is not None and expires < now)
        if name:
            yield Cookie(name, host, attributes, deleted and not age.lstrip("0").isdigit())


def names_in(request: Request) -> set[str]:
    """Names of the cookies that a request carries."""
    pairs = (p for line in request.get_all("cookie") for p in line.split(";"))
    return {name for p in pairs if (name := p.partition("=")[0].strip())}


def is_expected(cookie: Cookie, request: Request) -> bool:
    """The request goes where the cookie comes from, or to the same name with or without `www.`."""
    host, domain = _split(request.url).hostname or "", cookie.attributes.get("domain", "").lstrip(".").lower()
    alike = {h.removeprefix("www.") for h in (cookie.host, domain) if h}
    return host.removeprefix("www.") in alike or bool(domain and host.endswith("." + domain))


def why_not_sent(cookie: Cookie, request: Request) -> str | None:
    """Why a client does not send the cookie with this request; None when its attributes would let it."""
    to = _split(request.url)
    host, domain = to.hostname or "", cookie.attributes.get("domain", "").lstrip(".").lower()
    if cookie.deleted:
        return "it was deleted"
    if domain and host != domain and not host.endswith("." + domain):
        return f"it is for {domain}, the request goes to {host}"
    if not domain and host != cookie.host:
        return f"it is for {cookie.host} alone, the request goes to {host}"
    if "secure" in cookie.attributes and to.scheme == "http":
        return "it is Secure, the request is not"
    path = cookie.attributes.get("path") or "/"
    if path.startswith("/") and not _within(to.path or "/", path):
        return f"it is for paths below {path}"
    site = cookie.attributes.get("samesite", "").lower()
    fetched = request.get("sec-fetch-site")
    if fetched == "cross-site" and (site == "strict" or (site == "lax" and request.method not in ("GET", "HEAD"))):
        return f"it is SameSite={site.capitalize()}, another site's page asked"
    if site == "none" and "secure" not in cookie.attributes:
        return "it is SameSite=None without Secure"
    return None


def _within(path: str, above: str) -> bool:
    return path == above or path.startswith(above if above.endswith("/") else above + "/")


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")
