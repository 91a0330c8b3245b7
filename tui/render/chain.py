"""What led to an exchange and what followed: redirects as a tree, with what each step gained and lost."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from tracer.model.http import Exchange, Request
from tracer.views.safe import safe

from .message import requested
from .sheet import Sheet, Target
from .words import status_style


def sheet(chain: tuple[Exchange, ...], here: str) -> Sheet:
    """Each step below the one that sent the client there."""
    out = Sheet()
    if len(chain) < 2:
        out.add(("nothing led here and nothing followed: no redirect, log-in or retry", "note"))
        return out
    for n, step in enumerate(chain):
        indent = "   " * min(n, 10)
        if n:
            for sign, style, words in changes(chain[n - 1], step):
                out.add((f"{indent}│ ", "faint"), (f"{sign} {words}", style), hang=len(indent) + 4)
        status = step.response.status if step.response else None
        out.add(
            (f"{indent}{'└─ ' if n else ''}", "faint"),
            (f"{'---' if status is None else status} ", status_style(status)),
            (requested(step.request), "strong" if step.id == here else ""),
            ("  ◀ this one" if step.id == here else "", "mark"), (f"  {safe(step.id, 40)}", "faint"),
            target=Target("exchange", step.id), hang=len(indent) + 7,
        )  # fmt: skip
        location = step.response.get("location") if step.response else None
        if location:
            out.add((f"{indent}   → ", "faint"), (safe(location, 2000), "redirect"), hang=len(indent) + 5)
    return out


def changes(before: Exchange, after: Exchange) -> Iterator[tuple[str, str, str]]:
    """(sign, style, words) for what the request after a redirect lost (−), gained (+) or has otherwise (≠)."""
    a, b = before.request, after.request
    if a is None or b is None:
        return
    if a.method != b.method:
        body = f", its body of {a.body.size} bytes is gone" if a.body.size and not b.body.size else ""
        yield "≠", "changed", f"{safe(a.method, 20)} became {safe(b.method, 20)}{body}"
    one, two = _origin(a.url), _origin(b.url)
    if one != two:
        yield "≠", "changed", f"another origin: {safe('://'.join(one), 300)} → {safe('://'.join(two), 300)}"
        if (one[0], two[0]) == ("https", "http"):
            yield "−", "removed", "encryption"
    for name in ("authorization", "proxy-authorization", "x-api-key", "origin", "referer"):
        had, has = a.get(name) is not None, b.get(name) is not None
        if had and not has:
            yield "−", "removed", f"{name} was not sent on"
        elif has and not had:
            yield "+", "added", name
    yield from _cookies(before, a, b)


def _cookies(before: Exchange, a: Request, b: Request) -> Iterator[tuple[str, str, str]]:
    had, has = _names(a), _names(b)
    given = {v.partition("=")[0].strip() for v in (before.response.get_all("set-cookie") if before.response else [])}
    for name in sorted(has - had):
        yield "+", "added", f"cookie {safe(name, 80)}{' (set by the step before)' if name in given else ''}"
    for name in sorted(had - has):
        yield "−", "removed", f"cookie {safe(name, 80)}"
    for name in sorted(given - has):
        yield "−", "removed", f"cookie {safe(name, 80)} was set by the step before and did not come back"


def _names(request: Request) -> set[str]:
    pairs = [p for value in request.get_all("cookie") for p in value.split(";")]
    return {p.partition("=")[0].strip() for p in pairs if p.strip()}


def _origin(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", url
    return parts.scheme, parts.netloc.rpartition("@")[2]
