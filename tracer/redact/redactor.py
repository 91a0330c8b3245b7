"""Redaction of model values: exchange in, exchange out."""

from __future__ import annotations

import base64
import binascii
import re
from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_plus

import msgspec

from tracer.model.http import Body, Event, Exchange, Headers, Request, Response, text
from tracer.model.problem import Problem
from tracer.model.verdict import Verdict

from .marks import Marks
from .rules import HEADER, HEADERS, NOT_SECRET
from .text import Texts
from .user import NO_RULES, UserRules

_ECHO = 6
"""secrets of at least this length are also replaced where they turn up again"""
_LIMIT = 64 << 20
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
_COOKIE = re.compile(r"([^=;\s]+)=([^;]*)")
Content = Callable[[str, Body], bytes]


class Redactor:
    """Redacts the values of one export."""

    def __init__(self, rules: UserRules = NO_RULES, key: bytes | None = None) -> None:
        self.marks = _Remembering(key)
        self._rules = rules
        self._texts = Texts(self.marks, rules.shapes, rules.names)

    @property
    def report(self) -> Counter[str]:
        """How many secrets of each kind were replaced so far."""
        return self.marks.counts

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

    def verdict(self, verdict: Verdict, around: list[Exchange], content: Content) -> Verdict:
        """The verdict, with nothing secret quoted; `around` are the exchanges that it may quote, as captured."""
        self.marks.forget()
        counted = self.marks.counts.copy()
        for exchange in around:
            self._exchange(exchange, content)
        self.marks.counts = counted
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
            next_steps=tuple(self.prose(s) for s in verdict.next_steps),
            evidence=evidence,
        )

    def prose(self, words: str) -> str:
        """A sentence, with nothing secret quoted."""
        return self._again(self._texts.prose(words)) if words else words

    def url(self, url: str) -> str:
        """A URL without userinfo and tokens."""
        return self._again(self._texts.url(url))

    def url_alone(self, url: str) -> str:
        """A URL that stands by itself, as in a listing."""
        self.marks.forget()
        return self._texts.url(url)

    # -- parts

    def _quoted(self, where: str, value: str) -> str:
        """What evidence quotes: a header's value is redacted as that header's."""
        _, found, name = where.partition("header ")
        if found and value:
            ((_, clean),) = self.headers(
                ((name.split()[0].encode() if name else b"", value.encode("utf-8", "replace")),)
            )
            return self._again(text(clean))
        return self._again(self._texts.prose(self._texts.url(value))) if value else value

    def _head(self, message: Any) -> Any:
        headers, trailers = self.headers(message.headers), self.headers(message.trailers)
        changed: dict[str, Any] = {"headers": headers, "trailers": trailers}
        if isinstance(message, Request):
            changed["url"] = self.url(message.url)
            changed["target"] = self.url(message.target)
            if message.authority and "@" in message.authority:
                changed["authority"] = self.url(f"x://{message.authority}")[4:]
        elif isinstance(message, Response):
            changed["reason"] = self.prose(message.reason)
        new = msgspec.structs.replace(message, **changed)
        same = all(getattr(message, name) == value for name, value in changed.items())
        return new if same else msgspec.structs.replace(new, head=b"")

    def headers(self, headers: Headers) -> Headers:
        """Fields with their secrets replaced, in their order."""
        return tuple((name, self._field(text(name).lower(), value)) for name, value in headers)

    def _field(self, name: str, value: bytes) -> bytes:
        words = text(value)
        if name in self._rules.keep:
            return value
        clean = self._again(self._value(name, words))
        return value if clean == words else clean.encode("utf-8", "surrogateescape")

    def _value(self, name: str, value: str) -> str:
        if name in ("cookie", "cookie2"):
            return self._cookies(value)
        if name in ("set-cookie", "set-cookie2"):
            first, rest, attributes = value.partition(";")
            return self._cookies(first) + rest + self._texts.shapes(attributes)
        kind = HEADERS.get(name)
        if kind == "credential":
            return self._credential(value)
        secret = kind or ("header" if HEADER.search(name) or name in self._rules.headers else "")
        if secret and name not in NOT_SECRET:
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
        return f"{scheme} {self.marks.mark(kind, rest.strip())}"

    def _remember_basic(self, value: str) -> None:
        """The password inside Basic credentials (RFC 7617) is a secret of its own where it turns up again."""
        try:
            password = base64.b64decode(value, validate=True).decode("utf-8", "replace").partition(":")[2]
        except (binascii.Error, ValueError):
            return
        if len(password) >= _ECHO:
            self.marks.seen.setdefault(password, "[redacted:password]")

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
                new = Body(size=len(clean), complete=False, data=clean)
                return msgspec.structs.replace(message, body=new)
        clean = self._bytes(raw, message.get("content-type") or "")
        if clean == raw:
            return message
        return msgspec.structs.replace(message, body=Body(size=len(clean), complete=complete, data=clean))

    def _bytes(self, data: bytes, kind: str) -> bytes:
        if not data:
            return data
        try:
            words, coding = data.decode("utf-8"), "utf-8"
        except UnicodeDecodeError:
            words, coding = data.decode("latin-1"), "latin-1"
        if not _OPAQUE.match(kind):
            words = self._texts.body(words, kind) if "\0" not in words[:1024] else self._texts.shapes(words)
        return self._again(words).encode(coding, "replace")

    def _again(self, words: str) -> str:
        """The text with secrets that were seen elsewhere in this exchange replaced as well."""
        for secret, mark in self.marks.seen.items():
            if secret in words:
                words = words.replace(secret, mark)
        return words


class _Remembering(Marks):
    """Marks that remember, for one exchange at a time, what they replaced."""

    def __init__(self, key: bytes | None = None) -> None:
        super().__init__(key)
        self.seen: dict[str, str] = {}

    def forget(self) -> None:
        self.seen.clear()

    def mark(self, kind: str, secret: str) -> str:
        if secret in self.seen:
            self.counts[kind] += 1
            return self.seen[secret]
        mark = super().mark(kind, secret)
        if mark != secret:
            for form in {secret, unquote_plus(secret)}:
                if len(form) >= _ECHO and len(self.seen) < 1000:
                    self.seen[form] = mark
        return mark
