"""One HAR entry -> one exchange (and the handshake that our own HARs carry)."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import quote_plus

from tracer.model.http import Body, Event, Exchange, Headers, Request, Response, Timing
from tracer.model.problem import Problem, Severity
from tracer.model.tls import Handshake
from tracer.transport.conversation import Context

from .har_tls import handshake_of
from .message import address, port_of, request_of, response_of, to_bytes, value_of, version_of

_TIME = re.compile(
    r"\s*(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?\s*(Z|z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?\s*$"
)
_PHASES = ("blocked", "dns", "connect", "send", "wait", "receive")
_OPCODES = {1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong"}
_EXTRA_LIMIT = 48
_VALUE_LIMIT = 400


class Producer(NamedTuple):
    """Who wrote the HAR: its creator's name and version."""

    name: str = ""
    version: str = ""


class _Part(NamedTuple):
    number: int
    source: str
    problems: list[Problem]

    def warn(self, code: str, text: str, severity: Severity = Severity.NOTE) -> None:
        self.problems.append(Problem(code=code, severity=severity, text=text, source=self.source, packet=self.number))


def read_entry(entry: Any, number: int, context: Context, producer: Producer) -> tuple[Exchange, Handshake | None]:
    """The exchange that an entry describes. Raises ValueError when it is no entry at all."""
    if not isinstance(entry, dict) or not isinstance(entry.get("request"), dict):
        raise ValueError("there is no request in it")
    part = _Part(number, context.source, [])
    ours = _object(entry.get("_tracer"))
    asked, answered = entry["request"], _object(entry.get("response"))
    if isinstance(ours.get("url"), str):
        asked = asked | {"url": ours["url"]}  # as captured; HAR's own had to be absolute
    request = _request(asked, answered, part)
    response = _response(answered, part)
    handshake = handshake_of(ours.get("tls"), context, number)
    exchange = Exchange(
        id=context.new_id("e", number),
        source=context.source,
        protocol=request.version or (response.version if response else ""),
        client=_string(ours.get("client")) or None,
        server=_string(ours.get("server")) or _server(entry, request),
        tls=handshake.id if handshake else None,
        stream=ours["stream"] if isinstance(ours.get("stream"), int) else None,
        request=None if ours.get("missing") == "request" else request,
        response=response,
        timing=_exact(ours.get("timing")) or _timing(entry, response is not None, part),
        events=_events(entry),
        aborted=_string(ours.get("aborted")) or None,
        comment=_string(ours.get("comment")) if ours else _comment(entry, answered),
        extra=_extra(entry, asked, answered, producer),
        problems=tuple(part.problems),
    )
    return exchange, handshake


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _string(value: Any) -> str:
    """The text of a scalar, "" for anything else; unpaired surrogates, which only JSON can hold, replaced."""
    if value is None or isinstance(value, (dict, list)):
        return ""
    text = value if isinstance(value, str) else str(value)
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _number(value: Any) -> float:
    """A number that may be written as text; -1 ("does not apply") for anything else."""
    if isinstance(value, bool):
        return -1.0
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return -1.0
    return number if -1e15 < number < 1e15 else -1.0


def headers_of(fields: Any) -> Headers:
    """Header fields from a list of name/value objects, of pairs (Slack), or from an object."""
    if isinstance(fields, dict):
        fields = list(fields.items())
    if not isinstance(fields, list):
        return ()
    found: list[tuple[bytes, bytes]] = []
    for field in fields:
        if isinstance(field, dict):
            name, value = field.get("name"), field.get("value")
            if type(name) is str and type(value) is str and name and name.isascii() and value.isascii():
                found.append((name.strip().encode(), value.strip().encode()))  # nearly always
                continue
        elif isinstance(field, (list, tuple)) and len(field) >= 2:
            name, value = field[0], field[1]
        else:
            continue
        if _string(name):
            found.append((to_bytes(_string(name)).strip(), to_bytes(_string(value)).strip()))
    return tuple(found)


def _request(asked: dict[str, Any], answered: dict[str, Any], part: _Part) -> Request:
    headers = headers_of(asked.get("headers"))
    version = version_of(_string(asked.get("httpVersion"))) or version_of(_string(answered.get("httpVersion")))
    if not version and any(n.startswith(b":") for n, _ in headers):
        version = "HTTP/2"
    url, method = _string(asked.get("url")), _string(asked.get("method"))
    body = _request_body(asked, headers, part)
    return request_of(method, url, version, headers, body, part.number)


def _request_body(asked: dict[str, Any], headers: Headers, part: _Part) -> Body:
    posted = _object(asked.get("postData"))
    content = _object(asked.get("_content"))
    text = content.get("text") if isinstance(content.get("text"), str) else posted.get("text")
    holder = content if isinstance(content.get("text"), str) else posted
    params = posted.get("params")
    size = int(max(_number(asked.get("bodySize")), 0))
    if isinstance(text, str) and (text or not params):
        return _decoded(text, holder, size, part, "request")
    if isinstance(params, list) and params:
        kind = value_of(headers, b"content-type") or _string(posted.get("mimeType"))
        if "urlencoded" in kind:
            data = "&".join(f"{_form(p, 'name')}={_form(p, 'value')}" for p in params if isinstance(p, dict))
            return Body(size=len(data), data=data.encode(), complete=False)
    if size or params:
        return Body(size=size, complete=False)
    return Body()


def _form(param: dict[str, Any], key: str) -> str:
    value = _string(param.get(key))
    return value if re.fullmatch(r"[\w.~%+-]*", value, re.ASCII) else quote_plus(value, errors="replace")


def _decoded(text: str, holder: dict[str, Any], size: int, part: _Part, side: str) -> Body:
    """The body that a text stands for: content codings are already removed by whoever wrote the HAR."""
    encoding = _string(holder.get("encoding") or holder.get("_encoding")).lower()
    if encoding == "base64":
        try:
            data = base64.b64decode(to_bytes(text), validate=False)
        except (binascii.Error, ValueError):
            part.warn("har.body", f"the {side} body says base64 and is not", Severity.WARN)
            return Body(size=max(size, 0), complete=False)
    else:
        data = to_bytes(text)
    return Body(size=len(data), data=data, complete=bool(data) or size <= 0)


def _response(answered: dict[str, Any], part: _Part) -> Response | None:
    """None for status 0: no answer, a refused handshake, an entry blocked or aborted before it had one."""
    status = int(_number(answered.get("status")))
    if not 100 <= status <= 999:
        return None
    headers = headers_of(answered.get("headers"))
    version = version_of(_string(answered.get("httpVersion")))
    reason = _string(answered.get("statusText"))
    return response_of(status, reason, version, headers, _response_body(answered, part), part.number)


def _response_body(answered: dict[str, Any], part: _Part) -> Body:
    content = _object(answered.get("content"))
    size, sent = int(_number(content.get("size"))), int(_number(answered.get("bodySize")))
    text = content.get("text")
    if isinstance(text, str) and (text or (size <= 0 and sent <= 0)):
        return _decoded(text, content, max(size, 0), part, "response")
    return Body(size=max(size, sent, 0), complete=False)


def _server(entry: dict[str, Any], request: Request) -> str | None:
    host = _string(entry.get("serverIPAddress")) or _string(entry.get("_ip_addr"))
    port = _number(entry.get("_serverPort", entry.get("_remotePort")))
    return address(host, int(port) if 0 < port < 65536 else port_of(request.url))


def time_ns(text: str) -> int | None:
    """Nanoseconds since the epoch of an ISO 8601 time with any precision; without an offset it counts as UTC."""
    found = _TIME.match(text)
    if not found:
        return None
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    try:
        moment = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second or 0) % 60, tzinfo=UTC)
    except ValueError:
        return None
    offset = 0
    if zone and zone[0] in "+-":
        digits = zone[1:].replace(":", "")
        offset = (int(digits[:2]) * 60 + int(digits[2:] or 0)) * (60 if zone[0] == "+" else -60)
    whole = (moment - datetime(1970, 1, 1, tzinfo=UTC)).days * 86400 + (moment.hour * 60 + moment.minute) * 60
    return (whole + moment.second - offset) * 10**9 + int((fraction or "0")[:9].ljust(9, "0"))


def _exact(times: Any) -> Timing | None:
    """The times that our own HARs carry beside HAR's."""
    if not isinstance(times, dict):
        return None
    names = ("start_ns", "request_end_ns", "response_start_ns", "end_ns")
    found = {n: times[n] for n in names if isinstance(times.get(n), int) and abs(times[n]) < 1 << 62}
    return Timing(**found)


def _timing(entry: dict[str, Any], answered: bool, part: _Part) -> Timing:
    start = time_ns(_string(entry.get("startedDateTime")))
    if start is None:
        part.warn("har.time", "startedDateTime is missing or is not an ISO 8601 time")
        return Timing()
    phases = _object(entry.get("timings"))
    spent = {name: _number(phases.get(name)) for name in _PHASES}
    known = spent["send"] >= 0 and spent["wait"] >= 0
    total = _number(entry.get("time"))
    if not known:
        return Timing(start_ns=start, end_ns=start + round(total * 1e6) if answered and total > 0 else None)
    sent = start + round(sum(max(spent[n], 0.0) for n in ("blocked", "dns", "connect", "send")) * 1e6)
    if not answered:
        return Timing(start_ns=start, request_end_ns=sent)
    first = sent + round(spent["wait"] * 1e6)
    end = first + round(max(spent["receive"], 0.0) * 1e6)
    if total >= spent["wait"] + max(spent["receive"], 0.0) > 0:
        # WebKit counts the time before the request twice, Playwright TLS beside connecting: only the whole is sure
        late = start + round(total * 1e6) - end
        sent, first, end = sent + late, first + late, end + late
    return Timing(start_ns=start, request_end_ns=sent, response_start_ns=first, end_ns=end)


def _events(entry: dict[str, Any]) -> tuple[Event, ...]:
    """WebSocket messages as Chrome, HTTP Toolkit and mitmproxy write them."""
    messages = entry.get("_webSocketMessages")
    if not isinstance(messages, list):
        return ()
    return tuple(_event(m) for m in messages if isinstance(m, dict))


def _event(message: dict[str, Any]) -> Event:
    opcode = int(_number(message.get("opcode")))
    text = _string(message.get("data"))
    data = to_bytes(text)
    if opcode == 2:
        try:
            data = base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError):
            data = to_bytes(text)
    at = _number(message.get("time"))
    return Event(
        kind=_OPCODES.get(opcode, "binary"),
        client=_string(message.get("type")) in ("send", "request"),
        time_ns=round(at * 1e9) if at > 0 else None,
        data=data,
        size=len(data),
    )


def _comment(entry: dict[str, Any], answered: dict[str, Any]) -> str:
    """What the file says of the exchange in words, an error first."""
    said = [answered.get("_error"), entry.get("_error"), answered.get("comment"), entry.get("comment")]
    words = [_string(w).strip() for w in said]
    return "; ".join(dict.fromkeys(w for w in words if w))[:4000]


def _extra(
    entry: dict[str, Any], asked: dict[str, Any], answered: dict[str, Any], producer: Producer
) -> dict[str, str]:
    """Scalar facts under `har.`: custom fields without their underscore, one level of objects flattened."""
    extra: dict[str, str] = {}
    _add(extra, "creator", f"{producer.name} {producer.version}".strip())
    _add(extra, "server-ip", entry.get("serverIPAddress"))
    _add(extra, "connection", entry.get("connection"))
    _add(extra, "pageref", entry.get("pageref"))
    _add(extra, "redirect-url", answered.get("redirectURL"))
    _add(extra, "request-comment", asked.get("comment"))
    _add(extra, "content-comment", _object(answered.get("content")).get("comment"))
    _add(extra, "status", answered.get("status") if int(_number(answered.get("status"))) == 0 else None)
    _add_cookies(extra, "request-cookies", asked, b"cookie")
    _add_cookies(extra, "response-cookies", answered, b"set-cookie")
    for holder in (entry, answered, asked):
        for key, value in holder.items():
            if key.startswith("_") and key not in ("_tracer", "_webSocketMessages", "_content"):
                _add(extra, _dashed(key), value)
                for inner, scalar in _object(value).items():
                    _add(extra, f"{_dashed(key)}.{_dashed(inner)}", scalar)
    for phase in ("blocked", "dns", "connect", "ssl"):
        spent = _number(_object(entry.get("timings")).get(phase))
        _add(extra, f"timings.{phase}-ms", f"{spent:g}" if spent >= 0 else None)
    return extra


def _dashed(key: str) -> str:
    bare = re.sub(r"[^A-Za-z0-9]+", "-", key).strip("-")
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", bare).lower()[:60]


def _add(extra: dict[str, str], name: str, value: Any) -> None:
    text = _string(value) if not isinstance(value, bool) else str(value).lower()
    if text and len(extra) < _EXTRA_LIMIT and f"har.{name}" not in extra:
        extra[f"har.{name}"] = text[:_VALUE_LIMIT]


def _add_cookies(extra: dict[str, str], name: str, message: dict[str, Any], field: bytes) -> None:
    """Names of cookies that the headers do not show: browsers leave Cookie out and keep the list."""
    cookies = message.get("cookies")
    if not isinstance(cookies, list) or value_of(headers_of(message.get("headers")), field):
        return
    names = [_string(c.get("name")) for c in cookies if isinstance(c, dict)]
    _add(extra, name, ", ".join(n for n in names if n))
