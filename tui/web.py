"""The same interface in a browser of this machine, through textual-serve.

It listens on 127.0.0.1 alone and answers nobody who does not hold the token of its address: not another user of the
machine, not a page of another site, not a name that was made to point here.
"""

from __future__ import annotations

import hmac
import secrets
import shlex
import socket
import sys
from collections.abc import Awaitable, Callable

from aiohttp import web
from textual_serve.server import Server

HOST = "127.0.0.1"
COOKIE = "tracer"
_FOCUS = """<script>
  const looking = setInterval(() => {
    const keys = document.querySelector(".xterm-helper-textarea");
    if (keys) { keys.focus(); clearInterval(looking); }
  }, 100);
</script>
"""
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class LoopbackServer(Server):  # type: ignore[misc, unused-ignore]
    """textual-serve behind a token."""

    def __init__(self, command: str, port: int, token: str) -> None:
        super().__init__(command, host=HOST, port=port, title="tracer")
        self.token = token
        self.names = {f"{HOST}:{port}", f"localhost:{port}"}

    @property
    def address(self) -> str:
        """What to open, token included."""
        return f"http://{HOST}:{self.port}/?token={self.token}"

    async def _make_app(self) -> web.Application:
        app: web.Application = await super()._make_app()
        app.middlewares.append(self._guard)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Host, origin and token, before anything else."""
        origin = request.headers.get("Origin")
        if request.host not in self.names or (origin and origin.removeprefix("http://") not in self.names):
            raise web.HTTPForbidden(text="this address is not served here")
        if self._same(request.query.get("token")):
            answer = web.HTTPFound("/")
            answer.set_cookie(f"{COOKIE}-{self.port}", self.token, httponly=True, samesite="Strict")
            return answer
        if not self._same(request.cookies.get(f"{COOKIE}-{self.port}")):
            raise web.HTTPForbidden(text="open the address that tracer printed, with its token")
        return await handler(request)

    async def handle_index(self, request: web.Request) -> web.StreamResponse:
        """The page, to which the keys go without a click into it first."""
        answer: web.StreamResponse = await super().handle_index(request)
        if isinstance(answer, web.Response) and answer.text:
            answer.text = answer.text.replace("</body>", f"{_FOCUS}</body>")
        return answer

    def _same(self, given: str | None) -> bool:
        return given is not None and hmac.compare_digest(given.encode(), self.token.encode())

    async def on_startup(self, app: web.Application) -> None:
        """Nothing is printed before it listens."""

    def initialize_logging(self) -> None:
        """None: the token and what is looked at stay out of logs."""

    def listen(self, on: socket.socket) -> None:
        """Serve until Ctrl+C or SIGTERM."""

        def ready(*_: object) -> None:
            print(f"tracer: open {self.address}\ntracer: Ctrl+C ends it", file=sys.stderr, flush=True)

        web.run_app(self._make_app(), sock=on, print=ready, access_log=None)


def serve(arguments: list[str], port: int | None) -> None:
    """Serve `tracer open` with these arguments. Raises OSError when the port is taken."""
    command = shlex.join([sys.executable, "-m", "tracer.cli", "open", *arguments])
    with socket.socket() as on:
        on.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        on.bind((HOST, port or 0))
        LoopbackServer(command, on.getsockname()[1], secrets.token_urlsafe(24)).listen(on)
