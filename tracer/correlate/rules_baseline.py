"""What the same host's good answers look like, and in what the denial is unlike them: then somebody else wrote it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from tracer.model.http import Response, text
from tracer.model.verdict import Layer

from .evidence import Collection
from .forms import Form, lower_names, names_of, written
from .scene import Scene, from_cache
from .siblings import is_good

OF_CONTENT = frozenset((
    "accept-ranges", "age", "allow", "alt-svc", "cache-control", "connection", "content-disposition",
    "content-encoding", "content-language", "content-length", "content-location", "content-range",
    "content-security-policy", "content-type", "date", "etag", "expires", "keep-alive", "last-modified", "link",
    "location", "pragma", "proxy-connection", "referrer-policy", "retry-after", "set-cookie", "transfer-encoding",
    "vary", "via", "www-authenticate", "x-cache", "x-cache-hits", "x-cache-lookup", "server",
))  # fmt: skip
"""fields that differ from answer to answer of one writer, or that are looked at elsewhere"""
ENOUGH = 6


def collect(scene: Scene, found: Collection) -> None:
    """Evidence from good answers of the same host in the same trace."""
    denial = scene.exchange.response
    _form(scene, found)
    good = _good(scene)
    if denial is None or not good or from_cache(denial):
        return
    _server(scene, denial, good, found)
    _fields(scene, denial, good, found)
    _spelling(scene, denial, good, found)


def _form(scene: Scene, found: Collection) -> None:
    """Every other answer for that path, errors too, is JSON, and this one is not."""
    denial = scene.exchange.response
    here = [s.whole.response for s in scene.answers if s.here]
    others = [r for r in here if r is not None and r.body.size and r.status != 304]
    if denial is None or not denial.body.size or not others or scene.body.lstrip()[:1] in ("{", "["):
        return
    if all("json" in (r.get("content-type") or "") for r in others):
        found.add(
            "every other answer for this path is JSON, this one is not: another program wrote it",
            f"against:{Layer.APP}",
            1.0,
            exchange=scene.exchange,
            where="response body",
            value=scene.body[:80],
        )


def _good(scene: Scene) -> list[Form]:
    """The forms of the latest good answers."""
    forms = (s.form for s in reversed(scene.answers) if is_good(s.status))
    return [*islice((f for f in forms if f.names), ENOUGH)]


def _server(scene: Scene, denial: Response, good: Sequence[Form], found: Collection) -> None:
    """Another Server field than all good answers bear."""
    usual = {form.server for form in good}
    here = denial.get("server")
    if len(usual) != 1 or (only := next(iter(usual))) is None or here == (there := text(only)) or not denial.headers:
        return
    says = f"good answers of this host name the server {there}, this one " + (here or "none: somebody else wrote it")
    for layer, weight in ((Layer.APP, 1.2), (Layer.ORIGIN, 0.9)):
        found.add(
            says,
            f"against:{layer}",
            weight,
            exchange=scene.exchange,
            where="response header server",
            value=here or "absent",
            reference="RFC 9110 section 10.2.4",
        )


def _fields(scene: Scene, denial: Response, good: Sequence[Form], found: Collection) -> None:
    """Fields that all good answers bear: absent from the denial, it was not made where they come from."""
    usual = frozenset.intersection(*(lower_names(form.names) for form in good)) - OF_CONTENT
    if not usual or len(denial.headers) < 2:
        return
    absent = sorted(usual - lower_names(names_of(denial.headers)))
    if absent:
        weight = min(1.6, 0.8 + 0.2 * (len(absent) - 1)) * len(absent) / len(usual)
        found.add(
            f"all {len(good)} good answers of this host bear {', '.join(absent[:4])}, this one does not",
            f"against:{Layer.APP}",
            weight,
            exchange=scene.exchange,
            where="response headers",
            value=", ".join(absent[:8]),
        )
    else:
        for layer, weight in ((Layer.APP, 0.5), (Layer.ORIGIN, 0.3)):
            found.add(
                "it bears the fields that good answers of this host bear: it came the same way",
                f"generated:{layer}",
                weight,
                exchange=scene.exchange,
                where="response headers",
                value=", ".join(sorted(usual)[:8]),
            )


def _spelling(scene: Scene, denial: Response, good: Sequence[Form], found: Collection) -> None:
    """Spelling and order of the fields that everybody writes (HTTP/1 alone keeps spelling)."""
    here = written(names_of(denial.headers))
    there = {written(form.names) for form in good if form.version == denial.version}
    if len(there) != 1 or not denial.version.startswith("HTTP/1"):
        return
    usual = next(iter(there))
    shared = {n.lower() for n in here} & {n.lower() for n in usual}
    ours, theirs = ([n for n in names if n.lower() in shared] for names in (here, usual))
    if len(shared) < 2 or ours == theirs:
        return
    spelled = sorted(ours) != sorted(theirs)
    how = "spells field names in another way" if spelled else "has its fields in another order"
    found.add(
        f"this answer {how} than the good ones of this host: another program wrote it",
        f"against:{Layer.APP}",
        1.0 if spelled else 0.5,
        exchange=scene.exchange,
        where="response headers",
        value=", ".join(ours),
    )
