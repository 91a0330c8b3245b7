"""What `tracer bisect` must find in denials of the lab's servers: the row says which part of the request decides.

The part is known from the server's configuration, never from tracer.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path

from tests.lab.case import CHAIN_A, Case, Proof, curl
from tests.lab.cases.table import CASES
from tests.lab.run import WrongError
from tests.lab.server import Lab
from tracer.model.verdict import Cause, Layer

_STATIC, _APP = "http://static.example.test", "http://app.example.test"
_SHOW = ("--cert", "@pki@/client.both.pem")


@dataclass(frozen=True, slots=True)
class Bisect:
    """One denial, and what decides it."""

    case: str
    element: str
    causes: tuple[Cause, ...]
    options: tuple[str, ...] = ()
    """of the command, `@name@` filled in as in the servers' files"""
    direction: str = "without"
    confirmed: bool = True


def _unsafe(case: str, element: str, *causes: Cause) -> Bisect:
    return Bisect(case, element, causes, ("--unsafe-methods",))


def _with(case: str, element: str, cause: Cause, *options: str) -> Bisect:
    return Bisect(case, element, (cause,), options, "with")


BISECTS: tuple[Bisect, ...] = (
    # parameters, bodies
    Bisect("crs-nginx-sqli", "query id", (Cause.WAF_RULE,)),
    Bisect("crs-nginx-xss", "query q", (Cause.WAF_RULE,)),
    Bisect("crs-nginx-lfi", "query file", (Cause.WAF_RULE,)),
    Bisect("bisect-one-of-five", "query note", (Cause.WAF_RULE,), ("--narrow",)),
    _unsafe("crs-nginx-body", "form text", Cause.WAF_RULE),
    _unsafe("bisect-parts", "part text", Cause.WAF_RULE),
    _unsafe("bisect-json", "json order.note", Cause.WAF_RULE),
    # header fields, cookies
    Bisect("crs-nginx-scanner", "header user-agent", (Cause.WAF_RULE, Cause.CLIENT_DENIED)),
    Bisect("nginx-user-agent", "header user-agent", (Cause.CLIENT_DENIED,)),
    Bisect("haproxy-agent", "header user-agent", (Cause.CLIENT_DENIED,)),
    Bisect("apache-hotlink", "header referer", (Cause.REFERER_DENIED,)),
    # the page is in the cache before the refusal can be seen again
    Bisect("nginx-hotlink", "header referer", (Cause.REFERER_DENIED,), confirmed=False),
    Bisect("squid-agent", "header user-agent", (Cause.CLIENT_DENIED,)),
    Bisect("bisect-tunnel", "header user-agent", (Cause.CLIENT_DENIED,)),
    Bisect("bisect-no-referer", "header referer", (Cause.REFERER_DENIED,), direction="with"),
    Bisect("bisect-header", "header x-debug", (Cause.WAF_RULE,)),
    Bisect("app-session-over", "cookie sid", (Cause.CREDENTIALS_EXPIRED, Cause.CREDENTIALS_INVALID)),
    _unsafe("crs-nginx-content-type", "header content-type", Cause.METHOD_DENIED),
    Bisect("app-header-required", "header x-requested-with", (Cause.CSRF_FAILED,), ("--unsafe-methods",), "with"),
    Bisect("envoy-csrf", "header origin", (Cause.CSRF_FAILED,), ("--unsafe-methods",)),
    # methods, versions, hosts, paths
    _unsafe("crs-nginx-method", "method DELETE", Cause.METHOD_DENIED),
    _unsafe("nginx-limit-except", "method PUT", Cause.METHOD_DENIED),
    Bisect("nginx-preflight", "method OPTIONS", (Cause.CORS_DENIED, Cause.METHOD_DENIED)),
    Bisect("bisect-old-version", "version HTTP/1.0", (Cause.CLIENT_DENIED,)),
    Bisect("bisect-new-version", "version HTTP/2", (Cause.CLIENT_DENIED,)),
    Bisect("bisect-fingerprint", "tls usual", (Cause.CLIENT_DENIED,)),
    Bisect("bisect-not-a-browser", "tls usual", (Cause.CLIENT_DENIED,)),
    Bisect("bisect-host", "host www.somebody-else.test", (Cause.HOST_DENIED,)),
    Bisect("nginx-misdirected", "host static.example.test", (Cause.HOST_DENIED,)),
    Bisect("nginx-deny", "path /private/", (Cause.PATH_DENIED,)),
    Bisect("nginx-dot-file", "path /.git/", (Cause.PATH_DENIED,)),
    Bisect("crs-nginx-extension", "path .sql", (Cause.PATH_DENIED,)),
    Bisect("nginx-chmod-000", "path /docs/secret.html", (Cause.FILE_PERMISSIONS, Cause.PATH_DENIED)),
    # credentials, certificates
    _with(
        "app-token-expired",
        "header authorization",
        Cause.CREDENTIALS_EXPIRED,
        "--try-header",
        "Authorization: Bearer @token:good@",
    ),
    _with("bisect-token-renewed", "header authorization", Cause.CREDENTIALS_EXPIRED),
    _with(
        "nginx-basic-none",
        "header authorization",
        Cause.CREDENTIALS_MISSING,
        "--try-header",
        "Authorization: Basic YWxpY2U6d29uZGVy",
    ),
    _with("app-key-revoked", "header x-api-key", Cause.CREDENTIALS_INVALID, "--try-header", "X-Api-Key: k-alice"),
    _with("mtls-nginx-none-400", "certificate", Cause.CLIENT_CERT_MISSING, *_SHOW),
    _with("mtls-nginx-expired", "certificate", Cause.CLIENT_CERT_REJECTED, *_SHOW),
    _with("mtls-apache-none-tls13", "certificate", Cause.CLIENT_CERT_MISSING, *_SHOW),
    _with("mtls-haproxy-none-tls12", "certificate", Cause.CLIENT_CERT_MISSING, *_SHOW),
)


def _nginx(name: str, cause: Cause, *steps: tuple[str, ...], conf: dict[str, str], files: dict[str, str]) -> Case:
    return Case(
        name=name,
        layer=Layer.ORIGIN,
        product="nginx",
        cause=cause,
        status=403,
        hop="nginx",
        route=("nginx",),
        steps=tuple(curl(*step) for step in steps),
        proof=Proof("nginx", "access.log", r" 403 "),
        conf=conf,
        files=files,
        story=f"{name}\nnginx decides.",
    )


def _waf(name: str, *arguments: str) -> Case:
    return Case(
        name=name,
        layer=Layer.WAF,
        product="modsecurity",
        cause=Cause.WAF_RULE,
        status=403,
        hop="waf",
        route=(*CHAIN_A, "flask"),
        steps=(curl(*arguments),),
        proof=Proof("waf", "audit.log", r'\[id "9[0-9]{5}"\]'),
        story=f"{name}\nThe Core Rule Set decides.",
    )


_TLS_APP, _TLS_STATIC = "https://app.example.test", "https://static.example.test"
MORE: tuple[Case, ...] = (
    _waf(
        "bisect-one-of-five",
        f"{_TLS_APP}/search?page=2&sort=name&note=%27%20UNION%20SELECT%20password%20FROM%20users--&lang=en&size=20",
        *("-b", "theme=dark; seen=1", "-H", "Accept-Language: de", "-H", "X-Client: web"),
    ),
    _waf(
        "bisect-json",
        *(f"{_TLS_APP}/comment", "-H", "Content-Type: application/json", "-d"),
        '{"order": {"id": 7, "items": [1, 2], "note": "x\' UNION SELECT name, password FROM users --"}, "lang": "de"}',
    ),
    _waf(
        "bisect-parts",
        *(f"{_TLS_APP}/comment", "-F", "name=alice", "-F", "text=x' UNION SELECT name, password FROM users --"),
        *("-F", "file=@@conf@/nginx.conf;type=text/plain", "-F", "lang=de"),
    ),
    _waf(
        "bisect-header",
        *(f"{_TLS_APP}/", "-H", "X-Trace: on", "-H", "X-Debug: () { :; }; /bin/cat /etc/passwd"),
        *("-H", "Accept-Language: de", "-b", "theme=dark"),
    ),
    _nginx(
        "bisect-no-referer",
        Cause.REFERER_DENIED,
        (f"{_STATIC}/embed/a.txt",),
        conf={"nginx": "location /embed/ { valid_referers server_names; if ($invalid_referer) { return 403; } }"},
        files={"nginx:embed/a.txt": "a\n"},
    ),
    _nginx(
        "bisect-old-version",
        Cause.CLIENT_DENIED,
        (f"{_STATIC}/modern.txt", "--http1.0"),
        conf={"nginx": 'location = /modern.txt { if ($server_protocol = "HTTP/1.0") { return 403; } }'},
        files={"nginx:modern.txt": "a\n"},
    ),
    _nginx(
        "bisect-new-version",
        Cause.CLIENT_DENIED,
        (f"{_TLS_STATIC}/old.txt", "--http2"),
        conf={"nginx": 'location = /old.txt { if ($server_protocol = "HTTP/2.0") { return 403; } }'},
        files={"nginx:old.txt": "a\n"},
    ),
    _nginx(
        "bisect-fingerprint",
        Cause.CLIENT_DENIED,
        (f"{_TLS_STATIC}/ciphers.txt",),
        conf={"nginx": 'location = /ciphers.txt { if ($ssl_ciphers ~ "(^|:)DHE-RSA-AES256-GCM") { return 403; } }'},
        files={"nginx:ciphers.txt": "a\n"},
    ),
    _nginx(  # browsers put a reserved cipher first (RFC 8701), which OpenSSL shows as a number
        "bisect-not-a-browser",
        Cause.CLIENT_DENIED,
        (f"{_TLS_STATIC}/people.txt",),
        conf={"nginx": 'location = /people.txt { if ($ssl_ciphers !~* "^0x.a.a") { return 403; } }'},
        files={"nginx:people.txt": "a\n"},
    ),
    replace(
        _nginx(
            "bisect-tunnel",
            Cause.CLIENT_DENIED,
            (
                *(f"{_TLS_STATIC}/inside.txt", "--proxy", "http://@squid/http@", "-A", "BadBot/1.0"),
                *("--connect-to", "static.example.test:443:127.0.4.1:443"),
            ),
            conf={"nginx": "location = /inside.txt { if ($http_user_agent ~* badbot) { return 403; } }"},
            files={"nginx:inside.txt": "a\n"},
        ),
        route=("squid", "nginx"),
    ),
    _nginx(
        "bisect-host",
        Cause.HOST_DENIED,
        (f"{_STATIC}/",),
        ("http://www.somebody-else.test/",),
        conf={"nginx:http": "server { listen 127.0.4.1:80 default_server; server_name _; return 403; }"},
        files={},
    ),
    Case(
        name="bisect-token-renewed",
        layer=Layer.APP,
        product="flask",
        cause=Cause.CREDENTIALS_EXPIRED,
        status=401,
        hop="flask",
        route=("haproxy", "flask"),
        steps=tuple(
            curl(f"{_APP}/api/token/profile", "-H", f"Authorization: Bearer @token:{name}@")
            for name in ("good", "expired")
        ),
        proof=Proof("flask", "output.log", r"refused /api/token/profile: The token expired"),
        story="A new token passes, an old one does not.\nThe application says that it expired.",
    ),
)


def rows(names: Sequence[str]) -> list[Bisect]:
    """Those of these cases, or all."""
    return [row for row in BISECTS if not names or any(name in row.case for name in names)]


def cases(chosen: Sequence[Bisect]) -> list[Case]:
    """The cases of the rows, in the order of the rows."""
    known = {case.name: case for case in (*CASES, *MORE)}
    return [known[row.case] for row in chosen]


class Checks:
    """Runs the command on each capture while the servers are up, and counts."""

    def __init__(self, chosen: Sequence[Bisect]) -> None:
        self._rows = {row.case: row for row in chosen}
        self.right: list[str] = []
        self.sent = 0

    def __call__(self, lab: Lab, case: Case, folder: Path) -> None:
        """Raises WrongError when the finding is not what decides."""
        row = self._rows[case.name]
        source = folder / ("client.pcapng" if (folder / "client.pcapng").exists() else "capture.pcapng")
        name = json.loads(_tracer("explain", str(source), "--json")[1])["verdicts"][-1]["exchange"]
        options = [lab.fill(word) for word in row.options]
        common = ["--json", "--yes", "--pace", "0", "--cacert", str(lab.pki / "ca.pem")]
        code, out, told = _tracer("bisect", str(source), name, *common, *options)
        if code != 0:
            raise WrongError(f"tracer bisect ended with {code}\n{told[-3000:]}{out[:300]}")
        found = json.loads(out)
        self.sent += found["requests"]
        seen = found["element"], found["direction"], found["confirmed"], found["minimal"]
        if seen != (row.element, row.direction, row.confirmed, True) or found["cause"] not in row.causes:
            raise WrongError(f"found {seen}, {found['cause']}, not {row.element!r}, {row.causes}\n{told[-3000:]}")
        self.right.append(case.name)
        print(f"  {found['requests']:>2} requests: {found['sentence']}", file=sys.stderr)


def _tracer(*arguments: str) -> tuple[int, str, str]:
    """Run the program in this process; (exit code, standard output, standard error)."""
    from tracer.cli import main

    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(arguments)
    out.flush()
    return code, out.buffer.getvalue().decode(), err.getvalue()
