"""OTLP over HTTP: spans sent to a collector as protobuf, in batches.

Rules: https://opentelemetry.io/docs/specs/otlp/ "OTLP/HTTP" (path, retryable statuses, Retry-After, partial success);
fields of the requests from OTEL_EXPORTER_OTLP_HEADERS (https://opentelemetry.io/docs/specs/otel/protocol/exporter/).
"""

from __future__ import annotations

import gzip
import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from .otlp import batches
from .writing import Options, Readable, one_line

PATH = "/v1/traces"
TIMEOUT = 10.0
"""seconds for one answer, the specification's default for exporters"""
_RETRYABLE = frozenset((429, 502, 503, 504))
_TRIES = 5
_LONGEST_WAIT = 30.0
_LARGEST_ANSWER = 1 << 16


class CollectorError(OSError):
    """The collector did not take the spans; the message says why."""


@dataclass(slots=True)
class Sent:
    """What came of it."""

    spans: int = 0
    rejected: int = 0
    message: str = ""
    """what the collector said about those it rejected, or as a warning"""


def endpoint(url: str) -> str:
    """Where to send: the URL given, with the standard path when it names none. Raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("a collector is named by its URL, such as http://127.0.0.1:4318")
    if parts.username is not None:
        raise ValueError("credentials for a collector go into OTEL_EXPORTER_OTLP_HEADERS, not into its URL")
    if not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("the collector's URL holds characters that no URL may hold")
    _ = parts.port
    return url if parts.path.strip("/") else parts._replace(path=PATH).geturl()


def fields(environment: Mapping[str, str]) -> dict[str, str]:
    """Header fields that the environment asks for: `name=value,name=value`, values percent-encoded."""
    named = environment.get("OTEL_EXPORTER_OTLP_TRACES_HEADERS") or environment.get("OTEL_EXPORTER_OTLP_HEADERS", "")
    pairs = (pair.partition("=") for pair in named.split(","))
    return {name.strip(): unquote(value.strip()) for name, mark, value in pairs if mark and name.strip()}


def send(
    trace: Readable,
    url: str,
    options: Options,
    headers: Mapping[str, str] | None = None,
    wait: Callable[[float], None] = time.sleep,
) -> Sent:
    """Send every span of the chosen exchanges. Raises CollectorError; what was sent before stays sent."""
    told = Sent()
    opener = urllib.request.build_opener(_NoRedirects)
    for count, message in batches(trace, options):
        request = urllib.request.Request(url, gzip.compress(message, 6), method="POST")
        for name, value in {
            "Content-Type": "application/x-protobuf",
            "Content-Encoding": "gzip",
            "User-Agent": f"tracer/{options.version or '0'}",
            **(headers or {}),
        }.items():
            request.add_header(name, value)
        rejected, words = _partial_success(_post(opener, request, wait))
        told.spans += count - rejected
        told.rejected += rejected
        told.message = words or told.message
    return told


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A collector does not move; a redirect would send what is in the spans somewhere nobody named."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _post(
    opener: urllib.request.OpenerDirector, request: urllib.request.Request, wait: Callable[[float], None]
) -> bytes:
    for tried in range(_TRIES):
        try:
            with opener.open(request, timeout=TIMEOUT) as answer:
                body: bytes = answer.read(_LARGEST_ANSWER)
                return body
        except urllib.error.HTTPError as error:
            with error:
                if error.code not in _RETRYABLE or tried + 1 == _TRIES:
                    said = one_line(error.read(300).decode("utf-8", "replace"))
                    raise CollectorError(f"the collector answered {error.code} {one_line(said)}".rstrip()) from None
            wait(_pause(error.headers.get("Retry-After"), tried))
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise CollectorError(f"the collector cannot be reached: {one_line(str(reason))}") from error
    raise AssertionError("the last try returns or raises")


def _pause(after: str | None, tried: int) -> float:
    """Seconds until the next try: as long as the collector asks for, else twice as long each time."""
    asked = float(after) if after and after.strip().isdigit() else 0.5 * 2**tried
    return min(asked, _LONGEST_WAIT)


def _partial_success(data: bytes) -> tuple[int, str]:
    """(rejected spans, message) of an ExportTraceServiceResponse; (0, "") for anything that is none."""
    rejected, message = 0, ""
    for number, value in _members(data):
        if number == 1 and isinstance(value, bytes):
            for inner, said in _members(value):
                if inner == 1 and isinstance(said, int):
                    rejected = said
                elif inner == 2 and isinstance(said, bytes):
                    message = one_line(said.decode("utf-8", "replace"))[:300]
    return rejected, message


def _members(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Varint and length-delimited fields of a protobuf message, until something else comes."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        value, at = _varint(data, at)
        if key & 7 == 0:
            yield key >> 3, value
        elif key & 7 == 2 and at + value <= len(data):
            yield key >> 3, data[at : at + value]
            at += value
        else:
            return


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data) and shift < 64:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
        shift += 7
    return value, at
