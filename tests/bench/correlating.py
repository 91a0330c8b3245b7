"""`python -m tests.bench.correlating`: a verdict for each of some 3,000 denials among 100,000 exchanges.

Prints CPU seconds in one process, milliseconds a denial, and the peak of what the correlator adds to memory.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tracer.correlate import correlate
from tracer.model.http import Body, Exchange, Headers, Request, Response, Timing
from tracer.store.trace import Trace

START_NS = 1_700_000_000_000_000_000
DENIED = 0.03
AGENTS = ("Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0", "curl/8.5.0", "okhttp/4.12", "python-requests/2.32")


class Page(NamedTuple):
    """An answer that somebody writes."""

    status: int
    headers: dict[str, str]
    body: str


NGINX = (
    "<html>\r\n<head><title>{0}</title></head>\r\n<body>\r\n<center><h1>{0}</h1></center>\r\n"
    "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)
APACHE = "<h1>Forbidden</h1>\n<p>You don't have permission to access this resource.</p>"
BLOCKED = "<title>Attention Required! | Cloudflare</title>" + "<p>Sorry, you have been blocked</p>" * 90
EXPIRED = {"WWW-Authenticate": 'Bearer error="invalid_token"', "Content-Type": "application/json"}
REFUSALS = (
    Page(403, {"Server": "nginx", "Content-Type": "text/html"}, NGINX.format("403 Forbidden")),
    Page(403, {"Server": "Apache", "Content-Type": "text/html"}, APACHE),
    Page(401, EXPIRED, '{"error":"The token expired"}'),
    Page(403, {"Server": "cloudflare", "CF-RAY": "8a1b2c3d4e5f-AMS", "Content-Type": "text/html"}, BLOCKED),
    Page(429, {"Retry-After": "30", "Content-Type": "application/json"}, '{"message":"API rate limit exceeded"}'),
)


def exchanges(count: int, seed: int = 1) -> Iterator[Exchange]:
    """Traffic of 300 clients with 40 hosts: pages, calls, redirects, errors, and refusals of five kinds."""
    rnd = random.Random(seed)
    for number in range(count):
        start = START_NS + number * 3_000_000
        host, client = rnd.randrange(40), rnd.randrange(300)
        target = f"/{rnd.choice(('api/v1', 'static', 'shop', 'admin'))}/{rnd.randrange(400)}"
        target += f"?v={number}" if rnd.random() < 0.5 else ""
        page = rnd.choice(REFUSALS) if rnd.random() < DENIED else _good(rnd, host, target)
        took = rnd.randrange(2_000_000, 90_000_000)
        yield Exchange(
            id=f"e{number + 1}",
            source="bench",
            protocol="HTTP/1.1",
            client=f"10.0.{client >> 8}.{client & 255}:{20000 + number % 40000}",
            server=f"198.51.100.{host + 1}:80",
            connection=f"c{number // 8}",
            request=Request(
                method="GET", target=target, url=f"http://h{host}.example{target}", headers=_asked(rnd, host, client)
            ),
            response=Response(
                status=page.status,
                headers=_fields(page.headers),
                body=Body(size=len(page.body), data=page.body.encode()),
            ),
            timing=Timing(start_ns=start, request_end_ns=start, response_start_ns=start + took, end_ns=start + took),
        )


def _good(rnd: random.Random, host: int, target: str) -> Page:
    if rnd.random() < 0.08:
        return Page(302, {"Server": "nginx", "Location": f"http://h{host}.example{target}/"}, "")
    if rnd.random() < 0.05:
        return Page(404, {"Server": "nginx", "Content-Type": "text/html"}, NGINX.format("404 Not Found"))
    kind, body = rnd.choice((("text/html", "<p>Hello</p>" * 60), ("application/json", '{"id":1,"name":"x"}' * 40)))
    return Page(
        200, {"Server": "nginx", "Content-Type": kind, "ETag": f'"{rnd.getrandbits(40):x}"', "X-Cache": "MISS"}, body
    )


def _asked(rnd: random.Random, host: int, client: int) -> Headers:
    fields = {"Host": f"h{host}.example", "User-Agent": AGENTS[client % len(AGENTS)], "Accept": "*/*"}
    if rnd.random() < 0.6:
        fields["Cookie"] = f"session={rnd.getrandbits(256):x}; theme=dark"
    if rnd.random() < 0.3:
        fields["Authorization"] = f"Bearer {rnd.getrandbits(200):x}"
    return _fields(fields)


def _fields(fields: dict[str, str]) -> Headers:
    return tuple((name.encode(), value.encode()) for name, value in fields.items())


def anonymous() -> int:
    """Anonymous memory of this process in megabytes; 0 where the system does not tell."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith("RssAnon")), 0)


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m tests.bench.correlating", description=__doc__)
    arguments.add_argument("--exchanges", type=int, default=100_000)
    options = arguments.parse_args()
    with Trace() as trace:
        for exchange in exchanges(options.exchanges):
            trace.exchange(exchange)
        trace.flush()
        before, start = anonymous(), time.process_time()
        peak = denials = 0
        for _ in correlate(trace):
            denials += 1
            peak = peak if denials % 256 else max(peak, anonymous())
        took = time.process_time() - start
        print(
            f"{options.exchanges} exchanges, {denials} denials: {took:.2f} s CPU, "
            f"{1000 * took / max(denials, 1):.2f} ms a denial, {max(peak, anonymous()) - before} MB more"
        )


if __name__ == "__main__":
    main()
