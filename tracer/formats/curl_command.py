"""A curl command line, as pasted above its output -> what it asks for."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Callable, Iterator
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

from .message import target_of

_LETTERS = frozenset("AbcdDeEFHKmoTrtuUwxXyYz")
"""short options with a value, which may be glued to them"""
_NAMES = """abstract-unix-socket aws-sigv4 cacert capath cert cert-type ciphers config connect-timeout connect-to cookie
cookie-jar data data-ascii data-binary data-raw data-urlencode dns-servers form form-string header interface json key
key-type limit-rate local-port max-redirs max-time noproxy oauth2-bearer output pass pinnedpubkey preproxy proxy
proxy-cacert proxy-cert proxy-header proxy-key proxy-user range referer request request-target resolve retry
retry-delay retry-max-time socks4 socks5 socks5-hostname tls-max tls13-ciphers trace trace-ascii unix-socket
upload-file url-query user user-agent write-out"""
_WITH_VALUE = frozenset(f"--{name}" for name in _NAMES.split())
_TYPOGRAPHIC = str.maketrans("\u2018\u2019\u201a\u201c\u201d\u201e", "'''" + '"""')
"""quotes that a word processor made of those typed"""
_CREDENTIALS = frozenset(("authorization", "cookie"))
_DATA = frozenset(("-d", "--data", "--data-ascii", "--data-binary", "--data-raw", "--data-urlencode", "--json"))


class Command(NamedTuple):
    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def authority(self) -> str:
        """`host:443`, as a CONNECT names it."""
        scheme, authority, _ = target_of("GET", self.url)
        host = authority or "*"
        return host if ":" in host.rpartition("]")[2] else f"{host}:{80 if scheme == 'http' else 443}"

    def follow(self, status: int, location: str) -> Command:
        """What `curl -L` asks next: other hosts get no credentials (since 7.58), and often GET where POST was asked."""
        url = urljoin(self.url, location)
        moved = urlsplit(url).netloc != urlsplit(self.url).netloc
        kept = tuple(h for h in self.headers if not (moved and h[0].lower() in _CREDENTIALS))
        posted = (self.method == "POST" and status in (301, 302)) or (status == 303 and self.method != "HEAD")
        return Command("GET" if posted else self.method, url, kept)


def parse_command(line: str) -> Command | None:
    """The request that a `curl …` line asks for; None without a URL."""
    line = line.translate(_TYPOGRAPHIC)
    try:
        words = shlex.split(line)[1:]
    except ValueError:
        words = line.split()[1:]
    method, url, headers, has_data = "", "", dict[str, str](), False
    for flag, value in _options(words):
        if flag in ("-X", "--request"):
            method = value
        elif flag in ("-H", "--header") and ":" in value:
            name, _, text = value.partition(":")
            headers[name.strip()] = text.strip()
        elif flag in _FIELDS:
            name, form = _FIELDS[flag]
            headers.setdefault(name, form(value))
        elif flag in _DATA:
            has_data = True
        elif flag in ("-I", "--head"):
            method = method or "HEAD"
        elif flag in ("--url", "") and not url:
            url = value
    if not url or not url.isprintable():
        return None
    method = method or ("POST" if has_data else "GET")
    return Command(method, url if "://" in url else f"http://{url}", tuple(headers.items()))


def _basic(user: str) -> str:
    return f"Basic {base64.b64encode(user.encode()).decode()}"


_FIELDS: dict[str, tuple[str, Callable[[str], str]]] = {
    "-A": ("User-Agent", str),
    "--user-agent": ("User-Agent", str),
    "-b": ("Cookie", str),
    "--cookie": ("Cookie", str),
    "-e": ("Referer", str),
    "--referer": ("Referer", str),
    "-u": ("Authorization", _basic),
    "--user": ("Authorization", _basic),
    "--oauth2-bearer": ("Authorization", "Bearer {}".format),
}
"""options that are header fields"""


def _options(words: list[str]) -> Iterator[tuple[str, str]]:
    """Each option with its value ("" for switches); ("", word) for what is no option."""
    rest = iter(words)
    for word in rest:
        if word.startswith("--"):
            yield word, next(rest, "") if word in _WITH_VALUE or word == "--url" else ""
        elif word.startswith("-") and len(word) > 1:
            for index, letter in enumerate(word[1:], 2):
                if letter in _LETTERS:
                    yield f"-{letter}", word[index:] or next(rest, "")
                    break
                yield f"-{letter}", ""
        elif "." in word or "/" in word or word.startswith("localhost"):
            yield "", word
