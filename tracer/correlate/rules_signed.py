"""Signed requests and links: AWS Signature Version 4, Google's and Azure's likes, signed URLs and cookies of CDNs.

Their times against the time of the answer; the signature itself is never checked.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl

from tracer.model.http import Request
from tracer.model.verdict import Cause

from .evidence import Collection
from .moments import answered_at, http_date, iso
from .scene import Scene

SIGV4 = "https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html"
SAS = "https://learn.microsoft.com/rest/api/storageservices/create-service-sas"
CLOUDFRONT = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-signed-urls.html"
AKAMAI = "https://techdocs.akamai.com/property-mgr/docs/auth-token-2-0-ver"
SKEW_S = 900
"""how far a signed request's date may be off: fifteen minutes with AWS and Azure"""
EXPIRY = re.compile(
    r"(expires?(_?(at|in|on))?|exp|e|expiry|until|valid_?(to|until)|hdnts|hdnea|ttl_end)", re.IGNORECASE
)


SEAL = re.compile(r"md5|sha\d*|hash|hmac|digest|secure|mac", re.IGNORECASE)
"""parameters of links that seal the rest, as nginx's secure_link does; stores that call it a signature say why"""


class Term(NamedTuple):
    """A time within which, or around which, the request is good."""

    what: str
    begins: float | None
    ends: float | None
    signed_at: float | None
    where: str
    reference: str
    seals: bool = False
    """a seal stands beside the time, and nothing is known of its maker"""


def collect(scene: Scene, found: Collection) -> None:
    """Evidence that a signature or signed link is past its time, too early, or of another clock."""
    request, now = scene.exchange.request, answered_at(scene.exchange)
    if request is None or now is None:
        return
    for term in terms_of(request):
        if term.ends is not None and term.ends < now:
            says, cause, weight = f"ended {round(now - term.ends)} s before this answer", Cause.CREDENTIALS_EXPIRED, 5.0
        elif term.begins is not None and term.begins > now + 1:
            says, cause, weight = f"begins {round(term.begins - now)} s after this answer", Cause.CLOCK_SKEW, 4.5
        elif term.signed_at is not None and abs(now - term.signed_at) > SKEW_S and term.ends is None:
            says, cause, weight = f"is dated {round(now - term.signed_at)} s off this answer", Cause.CLOCK_SKEW, 4.5
        elif term.ends is not None and term.seals:
            says, cause, weight = "is within its time: what seals it may differ", Cause.SIGNATURE_MISMATCH, 1.8
        else:
            continue
        found.add(
            f"{term.what} {says}",
            f"cause:{cause}",
            weight,
            exchange=scene.exchange,
            where=term.where,
            value=term.what,
            reference=term.reference,
        )


def terms_of(request: Request) -> Iterator[Term]:
    """The times that a request's signatures name."""
    query = dict(parse_qsl(request.target.partition("?")[2][:16_384], max_num_fields=200))
    lower = {k.lower(): v for k, v in query.items()}
    yield from _sigv4(request, lower)
    if "sig" in lower and "se" in lower:
        yield Term("the shared access signature", iso(lower.get("st")), iso(lower["se"]), None, "request target", SAS)
    yield from _cloudfront(request, query)
    if "x-amz-signature" not in lower:
        yield from _plain(lower)


def _sigv4(request: Request, query: Mapping[str, str]) -> Iterator[Term]:
    for prefix in ("x-amz", "x-goog"):
        date, span = iso(query.get(f"{prefix}-date")), query.get(f"{prefix}-expires", "")
        if date is not None and span.isdigit() and len(span) < 9:
            yield Term("the presigned link", date - SKEW_S, date + int(span), date, "request target", SIGV4)
    if re.match(r"AWS4-HMAC|AWS |SharedKey|GOOG4", request.get("authorization") or ""):
        signed = iso(request.get("x-amz-date")) or http_date(request.get("x-ms-date") or request.get("date"))
        if signed is not None:
            yield Term("the signed request", None, None, signed, "request header authorization", SIGV4)


def _cloudfront(request: Request, query: Mapping[str, str]) -> Iterator[Term]:
    """Policy in the link or in the CloudFront-Policy cookie: URL-safe base64 of JSON."""
    cookie = re.search(r"CloudFront-Policy=([^;\s]+)", request.get("cookie") or "")
    for policy, where in ((query.get("Policy"), "request target"), (cookie and cookie[1], "request header cookie")):
        if not policy:
            continue
        try:
            plain = policy.translate(str.maketrans("-_~", "+=/"))
            statement = json.loads(base64.b64decode(plain))["Statement"][0]["Condition"]
            ends = float(statement["DateLessThan"]["AWS:EpochTime"])
            begins = statement.get("DateGreaterThan", {}).get("AWS:EpochTime")
        except (ValueError, binascii.Error, KeyError, TypeError, IndexError, AttributeError, RecursionError):
            continue
        yield Term("the signed policy", float(begins) if begins else None, ends, None, where, CLOUDFRONT)


def _plain(query: Mapping[str, str]) -> Iterator[Term]:
    """Expiry as seconds since the epoch, alone or within a token (`exp=1600000000~acl=/*~hmac=…`)."""
    seals = any(SEAL.fullmatch(name) and len(value) > 2 for name, value in query.items())
    for name, value in query.items():
        inner = re.search(r"(?:^|~)exp=(\d{10})(?:~|$)", value)
        whole = re.fullmatch(r"\d{10}", value) if EXPIRY.fullmatch(name) else None
        if inner or whole:
            ends = float(inner[1] if inner else value)
            yield Term("the signed link", None, ends, None, "request target", AKAMAI if inner else CLOUDFRONT, seals)
