"""What the request carried that firewalls look for: attacks, and forms that their rules refuse by default."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote_plus, urlsplit

from tracer.model.http import Request
from tracer.model.verdict import Cause, Layer

from . import rules_role
from .cues import attack_in
from .evidence import Collection
from .scene import Scene

METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})
"""tx.allowed_methods as the Core Rule Set ships it; the following three likewise"""
TYPES = frozenset({
    "application/x-www-form-urlencoded", "multipart/form-data", "multipart/related", "text/xml", "application/xml",
    "application/soap+xml", "application/x-amf", "application/json", "application/cloudevents+json",
    "application/cloudevents-batch+json", "application/octet-stream", "application/csp-report",
    "application/xss-auditor-report", "text/plain",
})  # fmt: skip
ENDINGS = re.compile(
    r"asa|asax|ascx|backup|bak|bat|cdx|cer|cfg|cmd|com|conf|config|cs|csproj|csr|dat|db|dbf|dll|dos|htr|htw|ida|idc|"
    r"idq|inc|ini|key|"
    r"licx|lnk|log|mdb|old|pass|pdb|pol|printer|pwd|rdb|resources|resx|sql|swp|sys|vb|vbs|vbproj|"
    r"vsdisco|webinfo|xsd|xsx"
)
HEADERS = ("proxy", "lock-token", "content-range", "if", "x-http-method-override", "x-http-method", "x-method-override")


def collect(scene: Scene, found: Collection) -> None:
    """Evidence for a firewall."""
    shared = rules_role.is_shared(found)
    if not _payload(scene, found, shared=shared) and shared:
        _form(scene, found)


def _payload(scene: Scene, found: Collection, *, shared: bool) -> bool:
    """A request that looks like an attack, refused: more often a firewall than anybody else.

    ModSecurity refuses with the very page of the server that it runs in, so there the request is all there is.
    """
    request = scene.exchange.request
    if request is None or scene.exchange.response is None or scene.exchange.response.status in (401, 405, 407):
        return False
    texts = [("request target", request.target), ("request header user-agent", request.get("user-agent") or "")]
    texts += [
        ("request header referer", request.get("referer") or ""),
        ("request header cookie", request.get("cookie") or ""),
    ]
    texts.append(("request body", scene.request_body))
    for where, text in texts:
        hit = attack_in(unquote_plus(unquote_plus(text)))
        if hit is None:
            continue
        family, value = hit
        found.details[Cause.WAF_RULE] = family
        weight = 1.8 if not shared else 4.7 if scene.asked_nobody else 2.5
        if family == "file":  # servers' own rules deny such files as often
            weight *= 0.45 if shared else 0.7
        if family == "traversal" and where == "request target" and ".." in text.partition("?")[0] and not shared:
            weight = 0.8
            _leaves_its_root(scene, value, found)
        says = f"the request carries what rules against {family} look for"
        firewall = rules_role.firewall(found)
        found.add(
            says,
            f"role:{Layer.WAF}" if shared else f"generated:{Layer.WAF}",
            weight,
            exchange=scene.exchange,
            where=where,
            value=value,
            reference="OWASP Core Rule Set",
            product=firewall,
        )
        found.add(
            says,
            "cause:waf-rule",
            3.2 if shared and family != "file" else 1.2,
            exchange=scene.exchange,
            where=where,
            value=value,
            reference="OWASP Core Rule Set",
        )
        return True
    return False


def _leaves_its_root(scene: Scene, value: str, found: Collection) -> None:
    """A path above the root, which servers refuse by themselves: it is a malformed request before it is an attack."""
    found.add(
        "the path climbs above the root: servers themselves refuse that",
        f"cause:{Cause.REQUEST_REJECTED}",
        1.8,
        exchange=scene.exchange,
        where="request target",
        value=value,
        reference="RFC 3986 section 5.2.4",
    )


def _form(scene: Scene, found: Collection) -> None:
    """Requests whose form firewalls refuse by default, whatever they carry: method, type, ending, host, headers."""
    request = scene.exchange.request
    if request is None or scene.exchange.response is None or scene.exchange.response.status not in (400, 403):
        return
    for where, value, says, rule in _odd_forms(request):
        odd = 0.95 if where == "request method" else 1.6  # servers' own rules limit methods as well
        found.details.setdefault(Cause.WAF_RULE, f"crs-{rule}")
        for supports, weight in (
            (f"role:{Layer.WAF}", odd * (1.6 if scene.asked_nobody else 1.0)),
            (f"cause:{Cause.WAF_RULE}", 1.6),
        ):
            found.add(
                f"{says}: the Core Rule Set refuses that by default (rule {rule})",
                supports,
                weight,
                exchange=scene.exchange,
                where=where,
                value=value,
                reference=f"OWASP Core Rule Set, rule {rule}",
                product=rules_role.firewall(found) if supports.startswith("role") else None,
            )
        return


def _odd_forms(request: Request) -> Iterator[tuple[str, str, str, str]]:
    """(where, value, what is odd, number of the rule) for each thing of the request that defaults refuse.

    Those alone whose rule is critical: a warning, as for an address in place of a host's name, is below the threshold.
    """
    path = urlsplit(request.url).path
    ending = path.rpartition("/")[2].rpartition(".")[2].lower() if "." in path.rpartition("/")[2] else ""
    kind = (request.get("content-type") or "").partition(";")[0].strip().lower()
    if ENDINGS.fullmatch(ending):
        yield "request target", path, f"a file ending in .{ending}", "920440"
    if request.method not in METHODS:
        yield "request method", request.method, f"the method {request.method}", "911100"
    if kind and kind not in TYPES and request.body.size:
        yield "request header content-type", kind, f"content of type {kind}", "920420"
    for name in HEADERS:
        if (value := request.get(name)) is not None:
            yield f"request header {name}", value, f"the field {name}", "920450"
