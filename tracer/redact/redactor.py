"""Redaction of model values: exchange in, exchange out."""

from __future__ import annotations

import base64
import binascii
import re
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_plus

import msgspec

from tracer.model.http import Body, Event, Exchange, Headers, Request, Response, text
from tracer.model.problem import Problem
from tracer.model.tls import Handshake
from tracer.model.verdict import Verdict

from .marks import Marks
from .random import replace_random
from .rules import IDENTIFIES, header_kind
from .text import Texts
from .user import NO_RULES, UserRules

_ECHO = 6
"""secrets of at least this length are also replaced where they turn up again"""
_TOKEN_LENGTH = 20
_TOKENS = 200_000
"""long secrets remembered for the whole export"""
_MANY = 16
_LONG = 1 << 15
"""from so many secrets and characters on, one search for all is quicker than one for each"""
_RUN = re.compile(r"[A-Za-z0-9_-]{20,}")
_LIMIT = 64 << 20
_CHARSET = re.compile(r"\bcharset\s*=\s*\"?(utf-(?:16|32)(?:le|be)?)", re.IGNORECASE)
_OPAQUE = re.compile(r"^(?:image|video|audio|font)/", re.IGNORECASE)
_URL_HEADERS = frozenset(
    {
        "location",
        "content-location",
        "referer",
        "origin",
        "refresh",
        "link",
        "x-original-url",
        "x-rewrite-url",
        ":path",
        "x-forwarded-uri",
        "x-original-uri",
    }
)
_OURS = frozenset(("present", "absent", "missing", "sent", "none"))
"""what evidence says of a field without quoting it"""
_CLAIM = "claim "
"""begins what evidence tells of a token instead of quoting it"""
_QUOTED = re.compile(r'="([^"\s]{16,})"')
_COOKIE = re.compile(r"([^=;\s]+)=([^;]*)")
Content = Callable[[str, Body], bytes]


class Redactor:
    """Redacts the values of one export."""

    def __init__(self, rules: UserRules = NO_RULES, key: bytes | None = None) -> None:
        self.marks = _Remembering(key)
        self._rules = rules
        self._texts = Texts(self.marks, rules.shapes, rules.names)

    # -- whole values

    def exchange(self, exchange: Exchange, content: Content) -> Exchange:
        """The exchange without its secrets. Bodies that hold one come back decoded, as bytes in the value."""
        self.marks.forget()
        return self._exchange(exchange, content)

    def _exchange(self, exchange: Exchange, content: Content) -> Exchange:
        halves: dict[str, Any] = {}
        for name, message in (("request", exchange.request), ("response", exchange.response)):
            if message is not None:
                halves[name] = self._head(message)
        interim = tuple(self._head(r) for r in exchange.interim)
        halves = {name: self._with_body(m, exchange.source, content) for name, m in halves.items()}
        return msgspec.structs.replace(
            exchange,
            **halves,
            interim=interim,
            events=tuple(self._event(e) for e in exchange.events),
            comment=self.prose(exchange.comment),
            aborted=self.prose(exchange.aborted) if exchange.aborted else exchange.aborted,
            extra={k: self.prose(v) for k, v in exchange.extra.items()},
            problems=tuple(self.problem(p) for p in exchange.problems),
        )

    def problem(self, problem: Problem) -> Problem:
        """The problem, with nothing secret quoted."""
        return msgspec.structs.replace(problem, text=self.prose(problem.text))

    def handshake(self, handshake: Handshake) -> Handshake:
        """The handshake, with nothing secret quoted in its problems."""
        if not handshake.problems:
            return handshake
        return msgspec.structs.replace(handshake, problems=tuple(map(self.problem, handshake.problems)))

    def verdict(self, verdict: Verdict, around: list[Exchange], content: Content) -> Verdict:
        """The verdict, with nothing secret quoted; `around` are the exchanges that it may quote, as captured."""
        self.marks.forget()
        for exchange in around:
            self._exchange(exchange, content)
        evidence = tuple(
            msgspec.structs.replace(
                e,
                says=self.prose(e.says),
                seen=msgspec.structs.replace(e.seen, value=self._quoted(e.seen.where, e.seen.value)),
            )
            for e in verdict.evidence
        )
        return msgspec.structs.replace(
            verdict,
            url=self.url(verdict.url) if verdict.url else verdict.url,
            headline=self.prose(verdict.headline),
            cause_detail=self.prose(verdict.cause_detail) if verdict.cause_detail else verdict.cause_detail,
            hop=msgspec.structs.replace(verdict.hop, name=self.prose(verdict.hop.name or "") or None),
            next_steps=tuple(self.prose(s) for s in verdict.next_steps),
            evidence=evidence,
        )

    def prose(self, words: str) -> str:
        """A sentence, with nothing secret quoted."""
        self.marks.place = "words"
        return self._again(self._texts.prose(words)) if words else words

    def url(self, url: str) -> str:
        """A URL without userinfo and tokens."""
        self.marks.place = "url"
        return self._again(self._texts.url(url))

    def url_alone(self, url: str) -> str:
        """A URL that stands by itself, as in a listing."""
        self.marks.forget()
        return self._texts.url(url)

    # -- parts

    def _quoted(self, where: str, value: str) -> str:
        """What evidence quotes: a header's value is redacted as that header's."""
        _, found, name = where.partition("header ")
        if value in _OURS:
            return value
        if found and value and not value.startswith(_CLAIM):
            ((_, clean),) = self.headers(
                ((name.split()[0].encode() if name else b"", value.encode("utf-8", "replace")),),
                where.startswith("request"),
            )
            return self._again(text(clean))
        return self._again(self._texts.prose(self._texts.url(value))) if value else value

    def _head(self, message: Any) -> Any:
        asks = isinstance(message, Request)
        headers, trailers = self.headers(message.headers, asks), self.headers(message.trailers, asks)
        changed: dict[str, Any] = {"headers": headers, "trailers": trailers}
        if asks:
            changed["url"] = self.url(message.url)
            changed["target"] = self.url(message.target)
            if message.authority and "@" in message.authority:
                changed["authority"] = self.url(f"x://{message.authority}")[4:]
        elif isinstance(message, Response):
            changed["reason"] = self.prose(message.reason)
        new = msgspec.structs.replace(message, **changed)
        same = all(getattr(message, name) == value for name, value in changed.items())
        return new if same else msgspec.structs.replace(new, head=b"")

    def headers(self, headers: Headers, asks: bool = False) -> Headers:
        """Fields with their secrets replaced, in their order; `asks`: they are those of a request."""
        return tuple((name, self._field(text(name).lower(), value, asks)) for name, value in headers)

    def _field(self, name: str, value: bytes, asks: bool) -> bytes:
        words = text(value)
        if name in self._rules.keep:
            return value
        self.marks.place = f"header {name[:60]}"
        clean = self._again(self._value(name, words))
        if asks and not IDENTIFIES.search(name):
            clean = replace_random(clean, lambda run: self.marks.mark("header", run))
        return value if clean == words else clean.encode("utf-8", "surrogateescape")

    def _value(self, name: str, value: str) -> str:
        if name in ("cookie", "cookie2"):
            return self._cookies(value)
        if name in ("set-cookie", "set-cookie2"):
            first, rest, attributes = value.partition(";")
            return self._cookies(first) + rest + self._texts.shapes(attributes)
        secret = header_kind(name) or ("header" if name in self._rules.headers else "")
        if secret == "credential":
            return self._credential(value)
        if secret:
            return self.marks.mark(secret, value)
        if name in _URL_HEADERS or "://" in value:
            value = self._texts.url(value)
        return self._texts.prose(value)

    def _cookies(self, value: str) -> str:
        if "=" not in value:
            return self.marks.mark("cookie", value.strip()) if value.strip() else value
        return _COOKIE.sub(lambda f: f"{f[1]}={self.marks.mark('cookie', f[2])}", value)

    def _credential(self, value: str) -> str:
        """Scheme kept, credentials gone. Parameters of signature schemes that are no secret stay to be compared."""
        scheme, space, rest = value.partition(" ")
        if not space:
            return self.marks.mark("credential", value)
        lower = scheme.lower()
        if lower.startswith("aws4-"):
            return self._texts.shapes(value)
        if lower == "basic":
            self._remember_basic(rest.strip())
        kind = (
            lower
            if lower in ("basic", "bearer", "digest", "negotiate", "ntlm", "dpop", "hawk", "token")
            else "credential"
        )
        for quoted in _QUOTED.findall(rest):
            self.marks.remember(kind, quoted)
        return f"{scheme} {self.marks.mark(kind, rest.strip())}"

    def _remember_basic(self, value: str) -> None:
        """The password inside Basic credentials (RFC 7617) is a secret of its own where it turns up again."""
        try:
            password = base64.b64decode(value, validate=True).decode("utf-8", "replace").partition(":")[2]
        except (binascii.Error, ValueError):
            return
        if len(password) >= _ECHO:
            self.marks.remember("password", password)

    def _event(self, event: Event) -> Event:
        clean = self._bytes(event.data, "")
        return event if clean == event.data else msgspec.structs.replace(event, data=clean)

    def _with_body(self, message: Any, source: str, content: Content) -> Any:
        body = message.body
        if not body.size and not body.data:
            return message
        raw = body.data if body.data is not None else content(source, body)
        if not raw:
            return message
        complete = body.complete
        if body.codings:
            from tracer.http.body import decode

            found = decode(raw, body.codings, _LIMIT)
            raw, complete = found.data, complete and found.complete
            if not found.complete:  # what cannot be read cannot be redacted: only the readable part stays
                clean = self._bytes(raw, message.get("content-type") or "")
                new = Body(size=len(clean), complete=False, data=clean, lost=found.problem)
                return msgspec.structs.replace(message, body=new)
        clean = self._bytes(raw, message.get("content-type") or "")
        if clean == raw:
            return message
        return msgspec.structs.replace(message, body=Body(size=len(clean), complete=complete, data=clean))

    def _bytes(self, data: bytes, kind: str) -> bytes:
        if not data:
            return data
        self.marks.place = "body"
        coding = _coding(data, kind)
        words = data.decode(coding)
        if not _OPAQUE.match(kind):
            words = self._texts.body(words, kind) if "\0" not in words[:1024] else self._texts.shapes(words)
        return self._again(words).encode(coding, "replace")

    def _again(self, words: str) -> str:
        return self.marks.again(words)


def _coding(data: bytes, kind: str) -> str:
    """The character encoding that the bytes are in; ISO 8859-1, which fits everything, where no other does."""
    if found := _CHARSET.search(kind):
        named = found[1].lower()
        if named.startswith(("utf-16", "utf-32")) and _fits(data, named):
            return named
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") and _fits(data, "utf-16"):
        return "utf-16"
    return "utf-8" if _fits(data, "utf-8") else "latin-1"


def _fits(data: bytes, coding: str) -> bool:
    try:
        data.decode(coding)
    except (UnicodeDecodeError, LookupError):
        return False
    return True


class _Here(threading.local):
    """What one thread has seen: an interface draws lines while a worker redacts, and neither forgets for the other."""

    def __init__(self) -> None:
        self.seen: dict[str, str] = {}


class _Remembering(Marks):
    """Marks that remember what they replaced: all of it for one exchange at a time, what can be nothing else for good.

    A long mixed token means the same wherever it turns up again; a short or plain word (`sid=enabled`) is a secret
    only near where it was one.
    """

    def __init__(self, key: bytes | None = None) -> None:
        super().__init__(key)
        self._here = _Here()
        self._tokens: dict[str, str] = {}

    @property
    def seen(self) -> dict[str, str]:
        """Secrets of the exchange at hand, each with its mark."""
        return self._here.seen

    def forget(self) -> None:
        self.seen.clear()

    def mark(self, kind: str, secret: str) -> str:
        if secret in self.seen:
            self._count(kind, self.seen[secret])
            return self.seen[secret]
        mark = super().mark(kind, secret)
        if mark != secret:
            self.remember(kind, secret, mark)
        return mark

    def remember(self, kind: str, secret: str, mark: str | None = None) -> None:
        """Have it replaced where it turns up again."""
        mark = mark or super().mark(kind, secret)
        for form in {secret, unquote_plus(secret)}:
            if len(form) >= _ECHO and len(self.seen) < 1000:
                self.seen.setdefault(form, mark)
        if len(secret) >= _TOKEN_LENGTH and len(self._tokens) < _TOKENS:
            for run in _RUN.findall(secret):
                if any(map(str.isdigit, run)) and any(map(str.isalpha, run)):
                    self._tokens.setdefault(run, mark)

    def again(self, words: str) -> str:
        """The text with secrets that were seen elsewhere replaced as well."""
        for secret in self._perhaps_in(words):
            if secret in words:
                words = words.replace(secret, self.seen[secret])
        if not self._tokens or len(words) < _TOKEN_LENGTH:
            return words
        if len(words) < _LONG:
            return _RUN.sub(lambda found: self._tokens.get(found[0], found[0]), words)
        from .search import runs

        done, parts = 0, list[str]()
        for begin, end in runs(words, _TOKEN_LENGTH):
            if mark := self._tokens.get(words[begin:end], ""):
                parts += words[done:begin], mark
                done = end
        return "".join((*parts, words[done:])) if parts else words

    def _perhaps_in(self, words: str) -> list[str]:
        """Those seen that may be in the text: all of them, where looking for each is quicker than sorting them out."""
        seen = list(self.seen)
        if len(seen) < _MANY or len(words) < _LONG:
            return seen
        from .search import GROUPS, Search

        groups = [seen[number::GROUPS] for number in range(GROUPS)]
        places = Search(groups).places(words)
        there = {secret for group, found in zip(groups, places, strict=True) if found for secret in group}
        return [secret for secret in seen if secret in there]
