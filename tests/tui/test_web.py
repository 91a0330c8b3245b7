"""The interface in a browser: loopback, and nobody without the token."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from .stage import capture

pytest.importorskip("textual_serve")
aiohttp = pytest.importorskip("aiohttp")


@pytest.fixture
async def address(tmp_path: Path) -> AsyncIterator[str]:
    """What the command prints, while it runs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tracer.cli", "open", "--web", capture("nginx-deny"),
        stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL, cwd=tmp_path,
    )  # fmt: skip
    assert process.stderr is not None
    line = (await asyncio.wait_for(process.stderr.readline(), 60)).decode()
    yield line.split()[2]
    process.terminate()
    await process.wait()


async def test_who_holds_the_token_gets_the_interface_and_nobody_else(address: str) -> None:
    base = address.partition("/?")[0]
    port = base.rpartition(":")[2]
    assert base.startswith("http://127.0.0.1:")

    async def status(url: str, **headers: str) -> int:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as client:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            async with client.get(url, headers=named, allow_redirects=False) as answer:
                return int(answer.status)

    assert await status(base + "/") == 403
    assert await status(base + "/ws") == 403
    assert await status(base + "/static/js/textual.js") == 403
    assert await status(base + "/?token=guess") == 403
    assert await status(address, Host=f"evil.test:{port}") == 403
    assert await status(address, Origin="http://evil.test") == 403
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
        async with client.get(address) as answer:
            assert answer.status == 200
            page = await answer.text()
            assert "textual" in page.lower()
            assert ".focus()" in page  # keys work before anything is clicked
            assert "token" not in str(answer.url)
        seen = b""
        async with client.ws_connect(f"{base}/ws?width=120&height=40".replace("http", "ws", 1)) as socket:
            while b"by nginx" not in seen:
                message = await asyncio.wait_for(socket.receive(), 60)
                assert message.type in (aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT)
                seen += message.data if isinstance(message.data, bytes) else message.data.encode()
