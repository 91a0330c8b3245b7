"""Cookies explained: which were sent, and what a browser will do with those that were set (RFC 6265bis)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from tracer.model.http import Exchange, Request, Response
from tracer.views.safe import safe

from .jwt import duration_of
from .sheet import Sheet

_MOST = 100


def sent(request: Request) -> Sheet:
    """The cookies of a request, one a line."""
    out = Sheet()
    pairs = [p.strip() for value in request.get_all("cookie") for p in value.split(";") if p.strip()][:_MOST]
    if pairs:
        out.add("")
        out.add(("Cookies sent", "title"), (f"  {len(pairs)}", "faint"))
        for pair in pairs:
            name, _, value = pair.partition("=")
            out.add((f"  {safe(name, 100)}", "name"), (" = ", "faint"), safe(value, 1000), hang=6)
    return out


def received(response: Response, exchange: Exchange) -> Sheet:
    """The cookies a response sets, each with what its attributes mean."""
    out = Sheet()
    values = response.get_all("set-cookie")[:_MOST]
    if values:
        out.add("")
        out.add(("Cookies set", "title"), (f"  {len(values)}", "faint"))
    url = exchange.request.url if exchange.request else ""
    for value in values:
        first, *attributes = [p.strip() for p in value.split(";")]
        name = first.partition("=")[0].strip()
        out.add((f"  {safe(name, 100)}", "name"))
        for fault, words in meaning(name, attributes, url, exchange.timing.end_ns):
            out.add(("    ✖ " if fault else "    · ", "denied" if fault else "faint"), safe(words, 300), hang=6)
    return out


def meaning(name: str, attributes: list[str], url: str, at_ns: int | None) -> Iterator[tuple[bool, str]]:
    """(a browser refuses it for this, sentence) for each thing there is to say."""
    known: dict[str, str] = {}
    for attribute in attributes:
        key, _, value = attribute.partition("=")
        known[key.strip().lower()] = value.strip()
    scheme, host = _origin(url)
    secure = "secure" in known
    yield from _lifetime(known, at_ns)
    domain = known.get("domain", "").lstrip(".").lower()
    if domain:
        inside = host == domain or host.endswith(f".{domain}")
        yield (
            not inside and bool(host),
            (
                f"goes to {domain} and every name under it"
                if inside or not host
                else f"{host} may not set it for {domain}"
            ),
        )
    else:
        yield False, f"goes back to {host or 'this host'} alone"
    if known.get("path", "/") != "/":
        yield False, f"only for paths under {known['path']}"
    yield secure and scheme == "http", "only over https" if secure else "over http too: it can be read on the way"
    yield False, "hidden from scripts" if "httponly" in known else "scripts can read it"
    yield from _same_site(known.get("samesite"), secure)
    if name.startswith("__Secure-") and not secure:
        yield True, "the prefix __Secure- asks for Secure"
    if name.startswith("__Host-") and (not secure or domain or known.get("path") != "/"):
        yield True, "the prefix __Host- asks for Secure, Path=/ and no Domain"


def _lifetime(known: dict[str, str], at_ns: int | None) -> Iterator[tuple[bool, str]]:
    if (age := known.get("max-age", "")).lstrip("-").isdigit() and len(age) < 16:
        yield False, f"kept for {duration_of(int(age) * 10**9)}" if int(age) > 0 else "deletes the cookie"
        return
    if expires := known.get("expires"):
        try:
            moment = parsedate_to_datetime(expires)
        except (ValueError, TypeError, IndexError):
            yield False, f"its Expires cannot be read: {expires}"
            return
        now = datetime.fromtimestamp((at_ns or 0) / 1e9, UTC)
        past = at_ns is not None and moment.replace(tzinfo=moment.tzinfo or UTC) <= now
        yield False, "deletes the cookie (it expired already)" if past else f"kept until {moment:%Y-%m-%d %H:%M}"
        return
    yield False, "kept until the browser closes"


def _same_site(value: str | None, secure: bool) -> Iterator[tuple[bool, str]]:
    lower = (value or "").lower()
    if lower == "none":
        yield not secure, "sent from other sites too" if secure else "SameSite=None without Secure is refused"
    elif lower == "strict":
        yield False, "not sent when the request comes from another site, not even by a link"
    else:
        words = "from other sites it is sent only by following a link"
        yield False, words if lower == "lax" else f"{words} (no SameSite: browsers take it as Lax)"


def _origin(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
        return parts.scheme, (parts.hostname or "").lower()
    except ValueError:
        return "", ""
