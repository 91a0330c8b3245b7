"""Secrets of many kinds, each planted in many places, every one with a value of its own."""

from __future__ import annotations

import base64
import functools
import gzip
import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from urllib.parse import quote

from tracer.model.http import Body, Event, Exchange, Request, Response, Timing
from tracer.model.problem import Problem, Severity
from tracer.model.tls import Handshake
from tracer.model.verdict import Cause, Evidence, Hop, Layer, PathEntry, Said, Seen, Verdict

START = 1_795_521_600_000_000_000


class Kind(NamedTuple):
    name: str
    value: Callable[[str], str]
    """the secret itself, from some random hex digits"""
    field: str
    """the name of a parameter, form field or JSON member that holds it; empty where its form alone betrays it"""
    header: str
    """a header field, with `{}` for the secret"""


def _mixed(digits: str, size: int) -> str:
    """Letters of both cases and digits, as tokens have them."""
    return base64.b32encode(bytes.fromhex(digits)).decode()[: size // 2] + digits[: size - size // 2]


def _jwt(digits: str) -> str:
    middle = base64.urlsafe_b64encode(json.dumps({"sub": digits[:20]}).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJIUzI1NiJ9.{middle}.{_mixed(digits, 30)}"


def _basic(digits: str) -> str:
    return base64.b64encode(f"alice:{digits[:14]}".encode()).decode()


def _pem(digits: str) -> str:
    inside = base64.b64encode(bytes.fromhex(digits)).decode()
    return f"-----BEGIN PRIVATE KEY-----\n{inside}\n-----END PRIVATE KEY-----"


def _named(size: int) -> Callable[[str], str]:
    return lambda digits: _mixed(digits, size)


KINDS = (
    Kind("bearer", _named(28), "access_token", "Authorization: Bearer {}"),
    Kind("basic", _basic, "authorization", "Authorization: Basic {}"),
    Kind("proxy", _basic, "proxy_password", "Proxy-Authorization: Basic {}"),
    Kind("digest", _named(32), "password", 'Authorization: Digest username="bob", response="{}"'),
    Kind("aws-signature", lambda d: d[:64].ljust(64, "0"), "X-Amz-Signature",
         "Authorization: AWS4-HMAC-SHA256 Credential=x/20260101/us/s3/aws4_request, Signature={}"),
    Kind("cookie", _named(26), "session_id", "Cookie: lang=de; sid={}"),
    Kind("set-cookie", _named(26), "sessionid", "Set-Cookie: sid={}; Path=/; HttpOnly"),
    Kind("api-key", _named(24), "api_key", "X-API-Key: {}"),
    Kind("client-secret", _named(24), "client_secret", "X-Client-Secret: {}"),
    Kind("password", lambda d: f"pw-{d[:9]}", "password", "X-Password: {}"),
    Kind("oauth-code", _named(30), "code", "Location: https://app.test/cb?code={}"),
    Kind("refresh-token", _named(30), "refresh_token", "X-Refresh-Token: {}"),
    Kind("csrf", _named(32), "csrf_token", "X-CSRF-Token: {}"),
    Kind("sas", _named(43), "sig", "Referer: https://b.test/c?sv=2024-01-01&sig={}"),
    Kind("saml", _named(60), "SAMLResponse", "X-Saml-Assertion: {}"),
    Kind("jwt", _jwt, "", "X-Whatever: said {} so"),
    Kind("aws-key", lambda d: f"AKIA{_mixed(d, 40).upper()[:16]}", "", "X-Whatever: {}"),
    Kind("github", lambda d: f"ghp_{_mixed(d, 36)}", "", "X-Whatever: {}"),
    Kind("gitlab", lambda d: f"glpat-{_mixed(d, 20)}", "", "X-Whatever: {}"),
    Kind("slack", lambda d: f"xoxb-{_mixed(d, 24)}", "", "X-Whatever: {}"),
    Kind("stripe", lambda d: f"sk_live_{_mixed(d, 24)}", "", "X-Whatever: {}"),
    Kind("google", lambda d: f"AIza{_mixed(d, 35)}", "", "X-Whatever: {}"),
    Kind("private-key", _pem, "private_key", "X-Ssl-Client-Cert: {}"),
)  # fmt: skip


class Plant(NamedTuple):
    """One secret at one place."""

    kind: Kind
    secret: str
    number: int

    @property
    def field(self) -> str:
        return self.kind.field or "note"

    @property
    def line(self) -> tuple[bytes, bytes]:
        """As a header field."""
        name, _, value = self.kind.header.format(self.secret.replace("\n", "%0A")).partition(": ")
        return name.encode(), value.encode()

    @property
    def query(self) -> str:
        return f"a=1&{self.field}={quote(self.secret, safe='')}&z=2"

    @property
    def json(self) -> str:
        return json.dumps({"user": "bob", "inner": [{self.field: self.secret}]})

    @property
    def words(self) -> str:
        """As somebody quotes it in a sentence."""
        name, value = self.line
        forms = (f"the request had ?{self.query} in it", f"it said {self.json}", f"{name.decode()}: {value.decode()}")
        return forms[self.number % 3]


def _request(**changes: Any) -> Request:
    return Request(**{"method": "GET", "target": "/x", "url": "https://h.test/x", **changes})


def _response(**changes: Any) -> Response:
    return Response(**{"status": 403, "reason": "Forbidden", **changes})


def _body(words: str, kind: str, side: str = "response", coding: str = "") -> dict[str, Any]:
    data = gzip.compress(words.encode()) if coding else words.encode()
    headers = ((b"Content-Type", kind.encode()), *(((b"Content-Encoding", b"gzip"),) if coding else ()))
    body = Body(size=len(data), data=data, codings=("gzip",) if coding else ())
    if side == "request":
        return {"request": _request(method="POST", headers=headers, body=body)}
    return {"response": _response(headers=headers, body=body)}


def _url(url: str) -> dict[str, Any]:
    target = "/" + url.partition("://")[2].partition("/")[2].partition("#")[0]
    head = f"GET {target} HTTP/1.1\r\nHost: h.test\r\n\r\n".encode()
    return {"request": _request(url=url, target=target, head=head)}


def _event(p: Plant, kind: str, client: bool, words: str) -> dict[str, Any]:
    data = words.encode()
    event = Event(kind=kind, client=client, time_ns=START, data=data, size=len(data))
    answer = _response(status=101, headers=((b"Upgrade", b"websocket"), (b"Connection", b"Upgrade")))
    return {"events": (event,), "response": answer}


def _part(p: Plant) -> str:
    return f'--b\r\nContent-Disposition: form-data; name="{p.field}"\r\n\r\n{p.secret}\r\n--b--\r\n'


def _echo(p: Plant) -> dict[str, Any]:
    """A secret that the header field betrays, said again where nothing does."""
    return {"request": _request(headers=(p.line,)), **_body(f"what you sent, {p.secret}, is wrong", "text/plain")}


PLACES: dict[str, Callable[[Plant], dict[str, Any]]] = {
    "request header": lambda p: {"request": _request(headers=((b"Host", b"h.test"), p.line))},
    "response header": lambda p: {"response": _response(headers=(p.line,))},
    "request trailer": lambda p: {"request": _request(trailers=(p.line,))},
    "response trailer": lambda p: {"response": _response(trailers=(p.line,))},
    "interim response": lambda p: {"interim": (_response(status=103, headers=(p.line,)),)},
    "head as sent": lambda p: {
        "request": _request(headers=(p.line,), head=b"GET /x HTTP/1.1\r\n" + b": ".join(p.line) + b"\r\n\r\n")
    },
    "query": lambda p: _url(f"https://h.test/x?{p.query}"),
    "fragment": lambda p: _url(f"https://h.test/x#{p.query}"),
    "matrix parameter": lambda p: _url(f"https://h.test/x;jsessionid={quote(p.secret, safe='')}"),
    "userinfo": lambda p: _url(f"https://bob:{quote(p.secret, safe='')}@h.test/x"),
    "redirect target in a query": lambda p: _url(
        f"https://h.test/go?next={quote(f'https://o.test/?{p.query}', safe='')}"
    ),
    "target of a proxy": lambda p: {"request": _request(target=f"http://h.test/x?{p.query}", url=f"http://h.test/x?{p.query}")},
    "authority": lambda p: {"request": _request(authority=f"bob:{quote(p.secret, safe='')}@h.test")},
    "Location": lambda p: {"response": _response(status=302, headers=((b"Location", f"/cb?{p.query}".encode()),))},
    "Referer": lambda p: {"request": _request(headers=((b"Referer", f"https://h.test/?{p.query}".encode()),))},
    "Link": lambda p: {"response": _response(headers=((b"Link", f"<https://h.test/?{p.query}>; rel=next".encode()),))},
    "reason phrase": lambda p: {"response": _response(reason=p.words)},
    "form": lambda p: _body(p.query, "application/x-www-form-urlencoded", "request"),
    "multipart form": lambda p: _body(_part(p), "multipart/form-data; boundary=b", "request"),
    "JSON request": lambda p: _body(p.json, "application/json", "request"),
    "JSON response": lambda p: _body(p.json, "application/problem+json"),
    "JSON in JSON": lambda p: _body(json.dumps({"log": p.json}), "application/json"),
    "compressed JSON": lambda p: _body(p.json, "application/json", coding="gzip"),
    "compressed form": lambda p: _body(p.query, "application/x-www-form-urlencoded", "request", "gzip"),
    "XML": lambda p: _body(f"<r><{p.field}>{p.secret}</{p.field}></r>", "text/xml"),
    "HTML form": lambda p: _body(f'<input type="hidden" name="{p.field}" value="{p.secret}">', "text/html"),
    "HTML link": lambda p: _body(f"<a href='/x?{p.query}'>go on</a>", "text/html"),
    "script": lambda p: _body(f'const options = {p.json}; fetch("/x?{p.query}")', "text/javascript"),
    "text of headers": lambda p: _body(b": ".join(p.line).decode(), "text/plain"),
    "words": lambda p: _body(p.words, "text/plain"),
    "no type": lambda p: _body(p.json, ""),
    "echo": _echo,
    "WebSocket text": lambda p: _event(p, "text", True, p.json),
    "WebSocket binary": lambda p: _event(p, "binary", False, p.json),
    "close reason": lambda p: _event(p, "close", False, p.words[:100] if len(p.secret) < 40 else f"?{p.query}"),
    "server-sent event": lambda p: _event(p, "sse", False, f"data: {p.json}"),
    "comment": lambda p: {"comment": p.words},
    "end": lambda p: {"aborted": p.words},
    "fact of the source": lambda p: {"extra": {"har.note": p.words}},
    "problem of the exchange": lambda p: {"problems": (_problem(p),)},
    # below: outside the exchange
    "problem of the source": lambda p: {},
    "problem of a handshake": lambda p: {},
    "headline": lambda p: {},
    "next step": lambda p: {},
    "evidence": lambda p: {},
    "quoted header": lambda p: {"request": _request(headers=(p.line,))},
    "quoted body": lambda p: {},
    "quoted log line": lambda p: {},
    "cause in detail": lambda p: {},
    "name of the hop": lambda p: {},
    "URL of the verdict": lambda p: {},
}  # fmt: skip


def _problem(p: Plant) -> Problem:
    return Problem(code="x.y", severity=Severity.NOTE, text=p.words, source="plants")


@functools.cache
def plants() -> tuple[tuple[str, Plant], ...]:
    """Each kind at each place, with its secret."""
    return tuple(_plants())


def _plants() -> Iterator[tuple[str, Plant]]:
    number = 0
    for kind in KINDS:
        for place in PLACES:
            number += 1
            digits = hashlib.sha256(f"{kind.name} {place}".encode()).hexdigest()
            yield place, Plant(kind, kind.value(digits), number)


def values() -> Iterator[Exchange | Handshake | Problem | Verdict]:
    """What a trace with all of them holds."""
    for place, p in plants():
        told = PLACES[place](p)
        base: dict[str, Any] = {"request": _request(), "response": _response()}
        timing = Timing(start_ns=START + p.number * 10**6, end_ns=START + p.number * 10**6 + 10**5)
        yield Exchange(id=f"e{p.number}", source="plants", protocol="HTTP/1.1", timing=timing, client="10.0.0.1:5000",
                       server="10.0.0.2:80", tls=f"t{p.number}", **(base | told))  # fmt: skip
        shaken = (_problem(p),) if place == "problem of a handshake" else ()
        yield Handshake(id=f"t{p.number}", source="plants", client="10.0.0.1:5000", server="10.0.0.2:80", sni="h.test",
                        start_ns=START + p.number * 10**6, problems=shaken)  # fmt: skip
        if place == "problem of the source":
            yield _problem(p)
        yield _verdict(place, p)


def _verdict(place: str, p: Plant) -> Verdict:
    name, value = (part.decode() for part in p.line)
    said = p.words
    seen = {
        "quoted header": Seen(exchange=f"e{p.number}", where=f"request header {name.lower()}", value=value),
        "quoted body": Seen(exchange=f"e{p.number}", where="response body", value=p.json[:300]),
        "quoted log line": Seen(where="log access.log:12", value=f'10.0.0.1 - - "GET /x?{p.query} HTTP/1.1" 403 7'),
    }.get(place, Seen(exchange=f"e{p.number}", where="response header via", value="1.1 varnish"))
    evidence = Evidence(id="v1", says=said if place == "evidence" else "It says so", supports="cause:path-denied",
                        weight=1.0, seen=seen)  # fmt: skip
    return Verdict(
        source="plants",
        exchange=f"e{p.number}",
        method="GET",
        url=f"https://h.test/x?{p.query}" if place == "URL of the verdict" else "https://h.test/x",
        status=403,
        time_ns=START + p.number * 10**6,
        layer=Layer.APP,
        product=f"app-{p.number}",  # no two are one story
        cause=Cause.PATH_DENIED,
        cause_detail=said if place == "cause in detail" else None,
        confidence=0.9,
        hop=Hop(name=said if place == "name of the hop" else "app"),
        path=(PathEntry(layer=Layer.APP, said=Said.GENERATED, evidence=("v1",)),),
        evidence=(evidence,),
        chain=(f"e{p.number}",),
        headline=said if place == "headline" else "The application refused it",
        next_steps=(said,) if place == "next step" else (),
    )
