"""What the request carried, and whose page came back: a firewall speaks with the page of the server it runs in."""

from __future__ import annotations

from urllib.parse import unquote_plus

from tracer.model.verdict import Cause, Layer

from .cues import attack_in
from .evidence import Collection
from .scene import Scene


def collect(scene: Scene, found: Collection) -> None:
    """Evidence for a firewall, and doubt about a page that several kinds of hops send."""
    own_page = any(e.kind == "page" for e in found.items)
    _payload(scene, found, own_page=own_page)
    if own_page:
        _page_of_whom(scene, found)


def _payload(scene: Scene, found: Collection, *, own_page: bool) -> None:
    """A request that looks like an attack, refused: more often a firewall than anybody else.

    ModSecurity refuses with the very page of the server that it runs in, so there the request is all there is.
    """
    request = scene.exchange.request
    if request is None or scene.exchange.response is None or scene.exchange.response.status in (401, 405, 407):
        return
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
        weight = 1.8 if not own_page else 9.0 if scene.asked_nobody else 6.9
        if family == "file":
            weight -= 2.4 if own_page else 0.6
        says = f"the request carries what rules against {family} look for"
        found.add(
            says,
            f"generated:{Layer.WAF}",
            weight,
            exchange=scene.exchange,
            where=where,
            value=value,
            reference="OWASP Core Rule Set",
            product="modsecurity" if own_page else None,
        )
        found.add(
            says,
            "cause:waf-rule",
            3.2 if own_page and family != "file" else 1.2,
            exchange=scene.exchange,
            where=where,
            value=value,
            reference="OWASP Core Rule Set",
        )
        return


def _page_of_whom(scene: Scene, found: Collection) -> None:
    """The same page comes from a server that ends the path, that passes requests on, and that runs a firewall."""
    response = scene.exchange.response
    assert response is not None
    behind_others = scene.seen is not None and scene.seen is not scene.exchange
    relayed = bool(response.get("via") or response.get("age") or response.get("x-cache"))
    if any(e.supports == f"generated:{Layer.WAF}" and e.weight > 2 for e in found.items):
        return
    if scene.passes_on or not (behind_others or relayed):
        return
    if any(e.supports == f"forwarded:{Layer.GATEWAY}" and e.weight >= 2 for e in found.items):
        return
    more = 1.0 if scene.asked_nobody else 0.0  # its own Server field speaks for an origin there, and proves little
    more -= 1.2 * max(0, scene.depth - 2)  # the more hops have passed it on, the nearer the end
    for layer, weight in ((Layer.GATEWAY, 4.6 + more), (Layer.WAF, 4.2 + more)):
        found.add(
            "behind other hops a reverse proxy, with or without a firewall, sends this page as well",
            f"generated:{layer}",
            weight,
            exchange=scene.exchange,
            where="response body",
            reference="measured: ModSecurity's refusal equals the server's own page",
        )
