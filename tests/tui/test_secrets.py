"""Nothing secret reaches the screen unless it was asked for."""

from __future__ import annotations

import base64
import json

import pytest

from tracer.model.http import Body, Event, Exchange, Request, Response, Timing
from tracer.model.verdict import Evidence, Layer, PathEntry, Said, Seen, Verdict
from tracer.store.trace import Trace

from .stage import session, stage

CANARY = "s3cr3tCanary"
SIGNATURE = "c2lnbmF0dXJlQ2FuYXJ5QW5kTW9yZQ"
TOKEN = ".".join(
    base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
    for part in ({"alg": "RS256"}, {"sub": f"{CANARY}-person", "iss": "https://idp.test", "exp": 1})
) + f".{SIGNATURE}"  # fmt: skip


def secret_trace() -> Trace:
    trace = Trace()
    body = json.dumps({"password": f"{CANARY}-in-body", "access_token": f"{CANARY}-token"}).encode()
    headers = (
        (b"Authorization", f"Bearer {TOKEN}".encode()), (b"cookie", f"sid={CANARY}-cookie".encode()),
        (b"X-Api-Key", f"{CANARY}-key".encode()), (b"content-type", b"application/json"),
    )  # fmt: skip
    target = f"/login?token={CANARY}-in-url&x=1"
    url = f"https://user:{CANARY}-pass@a.test{target}"
    trace.exchange(
        Exchange(
            id="e1", source="s", protocol="HTTP/1.1", client="10.0.0.1:1", server="10.0.0.2:443",
            timing=Timing(start_ns=10**18, end_ns=10**18 + 5),
            request=Request(
                method="POST", target=target, url=url, headers=headers, body=Body(size=len(body), data=body)
            ),
            response=Response(
                status=403, body=Body(size=len(body), data=body),
                headers=((b"set-cookie", f"sid={CANARY}-set; Path=/".encode()), (b"location", url.encode()),
                         (b"content-type", b"application/json")),
            ),
            events=(Event(kind="text", client=True, data=body, size=len(body)),),
        )
    )  # fmt: skip
    said = f"it said {CANARY}-token"
    seen = Seen(exchange="e1", where="request header authorization", value=f"Bearer {TOKEN}")
    trace.verdict(
        Verdict(
            source="s", exchange="e1", method="POST", url=url, status=403, layer=Layer.APP,
            headline=f"403: the token {CANARY}-token is refused", next_steps=(f"send another than {CANARY}-token",),
            path=(PathEntry(layer=Layer.APP, said=Said.GENERATED),),
            evidence=(Evidence(id="v1", says=said, supports="generated:app", weight=1, seen=seen),),
        )
    )  # fmt: skip
    return trace


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_no_pane_no_line_and_no_copy_holds_a_secret(size: tuple[int, int]) -> None:
    async with stage(session(trace=secret_trace()), size) as on:
        told = [on.screen]
        for key in "12345678":
            await on.press(key)
            told += [on.screen, on.pane]
        await on.press("r", "3")
        told += [on.pane]
        for key in ("y", "Y", "s"):
            await on.press(key)
            told.append(on.app.clipboard)
        assert "https://idp.test" in "".join(told)  # what a token is good for is shown
        assert "[redacted" in "".join(told)
        assert not [words for words in told if CANARY in words or SIGNATURE in words]


async def test_they_are_there_when_asked_for_and_the_screen_says_so() -> None:
    async with stage(session(trace=secret_trace(), redact=False)) as on:
        await on.press("2")
        assert CANARY in on.pane
        assert "SECRETS SHOWN" in on.screen
