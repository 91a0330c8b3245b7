"""What the redirects that led to a denial took from the request."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from tracer.model.http import Exchange
from tracer.model.verdict import Cause

from .evidence import Collection
from .links import FOLLOWED
from .scene import Scene

ONE_MECHANISM = re.compile(r"only one auth mechanism allowed", re.IGNORECASE)
"""Amazon S3, to a request that is signed in its address and carries credentials in a field as well"""


def collect(scene: Scene, found: Collection) -> None:
    """Evidence that a redirect lost credentials, method or body, or carried credentials where they do harm."""
    last = scene.seen or scene.exchange
    followed = {link.first for link in scene.links if link.kind in FOLLOWED}
    chain = [step for step in scene.chain if step.id in followed]
    _cookies(scene, found)
    if _carried_on(scene, found):
        return
    if not chain or last.request is None or last.response is None:
        return
    for step in chain:
        assert step.request is not None
        elsewhere = _host(step) != _host(last)
        had, has = step.request.get("authorization"), last.request.get("authorization")
        if had and not has and elsewhere:
            _add(
                found,
                step,
                f"Authorization was sent to {_host(step)}, and not to {_host(last)} after the redirect",
                5.5,
                "request header authorization",
            )
            return
        signed = "X-Amz-Signature=" in last.request.target or "Signature=" in last.request.target
        if had and has and elsewhere and (signed or had == has):
            _add(
                found,
                step,
                f"Authorization for {_host(step)} was sent on to {_host(last)}, which did not ask for it",
                5.5 if signed else 3.0,
                "request header authorization",
            )
            return
        if step.request.method == "POST" and last.request.method in ("GET", "HEAD"):
            status = step.response.status if step.response else 302
            if step.request.body.size and _after_login(step):
                continue
            _add(
                found,
                step,
                f"the redirect with {status} turned POST into {last.request.method}; the body was lost",
                5.5 if last.response.status == 405 else 3.4,
                "request method",
            )
            return


def _cookies(scene: Scene, found: Collection) -> None:
    """A cookie that was set on the way here, and that its attributes kept from the last request."""
    last = scene.seen or scene.exchange
    told = [t for k in scene.links if k.then == last.id for t in k.lost if t.startswith("cookie ") and ": it is " in t]
    for says in told[:1]:
        found.add(
            f"{says}; it had been set on the way here",
            f"cause:{Cause.CREDENTIALS_LOST_IN_REDIRECT}",
            2.6,
            exchange=last,
            where="request header cookie",
            value="absent",
            reference="RFC 6265 section 5.4",
        )


def _carried_on(scene: Scene, found: Collection) -> bool:
    """A store got a signed link and credentials besides: who follows a redirect to it must leave those behind.

    Some sources name the address that was asked first for every step, so the steps need not be linked.
    """
    last = scene.exchange
    sent = last.request.get("authorization") if last.request else None
    if not sent or not ONE_MECHANISM.search(scene.body):
        return False
    redirecting = (s.whole for s in scene.answers if 300 <= s.status < 400)
    for step in (*scene.chain, *redirecting):
        answer, request = step.response, step.request
        if answer and request and 300 <= answer.status < 400 and request.get("authorization") == sent:
            says = "Authorization was sent on after a redirect to a signed link, which takes no other credentials"
            _add(found, last, says, 5.5, "request header authorization")
            return True
    return False


def _after_login(step: Exchange) -> bool:
    """A form that answers with a cookie and sends the browser on: POST into GET is meant there."""
    return step.response is not None and bool(step.response.get("set-cookie"))


def _add(found: Collection, step: Exchange, says: str, weight: float, where: str) -> None:
    found.add(
        says,
        f"cause:{Cause.CREDENTIALS_LOST_IN_REDIRECT}",
        weight,
        exchange=step,
        where=where,
        value=step.request.method if step.request and where == "request method" else "",
        reference="RFC 9110 section 15.4",
    )


def _host(exchange: Exchange) -> str:
    assert exchange.request is not None
    try:
        return urlsplit(exchange.request.url).hostname or ""
    except ValueError:
        return ""
