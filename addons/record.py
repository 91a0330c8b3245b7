"""Records what passes through mitmproxy into a trace, and says of every denial which hop made it and why.

    mitmproxy -s addons/record.py                     # or mitmdump, mitmweb
    mitmdump  -s addons/record.py --set tracer_save=today.trace
    tracer open today.trace                           # follows while it grows

Options: tracer_save, tracer_body, tracer_pass, tracer_mark, tracer_stream_events, tracer_journal.
Commands: tracer.explain @focus, tracer.export @all report.html, tracer.pass HOST. Traffic is never changed; what fails
in here is counted and told, and the traffic goes on.
"""

# no `from __future__ import annotations`: mitmproxy reads the annotations of commands from a module of made-up name
# every `type: ignore` here is for something of mitmproxy's own that it leaves without annotations

import asyncio
import fnmatch
import json
import logging
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from mitmproxy import command, connection, ctx, exceptions, flow, http, tls, types
from mitmproxy.addonmanager import Loader
from mitmproxy.hooks import UpdateHook
from mitmproxy.proxy import server_hooks
from mitmproxy.utils import human

try:
    import tracer.live  # noqa: F401  # only whether it is there
except ImportError:  # a checkout beside this script will do, where msgspec is there
    sys.path.append(str(Path(__file__).resolve().parent.parent))
try:
    from tracer.live.handover import Handover
    from tracer.live.journal import Writer, folder_of
    from tracer.live.records import Listening
except ImportError as missing:
    raise ImportError(
        f"{missing}. This mitmproxy runs in a Python of its own ({sys.executable}) that lacks tracer or what it needs. "
        "Put it in: `pipx inject mitmproxy tracer`, or `uv tool install mitmproxy --with tracer`; "
        "or use `tracer proxy`, which brings its own mitmproxy (pip install 'tracer[live]')."
    ) from missing

MARK = ":no_entry_sign:"
log = logging.getLogger("tracer")


class Record:
    """Options, commands, the recorder process; the hooks that see traffic are in `Hooks`."""

    def __init__(self) -> None:
        self.hooks: Hooks | None = None
        self.recorder: subprocess.Popen[bytes] | None = None
        self.path = ""
        self._wish = b""

    def load(self, loader: Loader) -> None:
        loader.add_option("tracer_save", str, "", "Trace file to record into; a name with the time when empty.")
        loader.add_option("tracer_body", str, "1m", "Bodies longer than this are kept in part, with their SHA-256.")
        loader.add_option("tracer_pass", Sequence[str], [], "Hosts whose TLS is let through untouched, such as *.bank.")
        loader.add_option("tracer_mark", bool, True, "Mark denied flows, with the verdict as their comment.")
        loader.add_option("tracer_stream_events", bool, True, "Let server-sent events through as they come.")
        loader.add_option("tracer_journal", str, "", "Hand over to a recorder that runs already, by this folder.")

    def configure(self, updated: set[str]) -> None:
        if "tracer_body" in updated:
            try:
                human.parse_size(ctx.options.tracer_body)
            except ValueError:
                raise exceptions.OptionsError(f"tracer_body: {ctx.options.tracer_body!r} is no size") from None  # type: ignore[no-untyped-call]
        if "tracer_save" in updated and ctx.options.tracer_save and self.hooks is None:
            path = Path(ctx.options.tracer_save).expanduser()
            if path.exists():
                raise exceptions.OptionsError(f"tracer_save: {path} is there already")  # type: ignore[no-untyped-call]
            if not path.absolute().parent.is_dir():
                text = f"tracer_save: there is no folder {path.absolute().parent}"
                raise exceptions.OptionsError(text)  # type: ignore[no-untyped-call]
        if "tracer_stream_events" in updated and self.hooks is not None:
            self.hooks.stream_events = ctx.options.tracer_stream_events

    def running(self) -> None:
        if self.hooks is not None:
            return
        try:
            folder = Path(ctx.options.tracer_journal or self._start_recorder())
            writer = Writer(folder)
        except OSError as error:
            log.error("tracer: nothing is recorded: %s", error)
            return
        handover = Handover(writer, human.parse_size(ctx.options.tracer_body) or 0)
        self.hooks = Hooks(handover, ctx.options.tracer_stream_events)
        if ctx.options.tracer_journal:
            asyncio.get_running_loop().add_reader(0, self._asked)
        # last in the row: what the client gets is what is recorded
        ctx.master.addons.add(self.hooks)  # type: ignore[no-untyped-call]

    def done(self) -> None:
        if self.hooks is not None:
            ctx.master.addons.remove(self.hooks)  # type: ignore[no-untyped-call]
            self.hooks.handover.close()
        if self.recorder is not None:
            assert self.recorder.stdin is not None
            assert self.recorder.stdout is not None
            asyncio.get_event_loop().remove_reader(self.recorder.stdout)
            self.recorder.stdin.close()
            try:
                self.recorder.wait(30)
            except subprocess.TimeoutExpired:
                log.warning("tracer: the recorder still writes %s", self.path)

    def _asked(self) -> None:
        """Who records behind us names a host to let through, one a line; or has gone: without them we end."""
        data = os.read(0, 1 << 16)
        if not data:
            asyncio.get_running_loop().remove_reader(0)
            ctx.master.shutdown()  # type: ignore[no-untyped-call]
            return
        *lines, self._wish = (self._wish + data).split(b"\n")
        self.let_through([line.decode("utf-8", "replace") for line in lines if line])

    # -- the recorder

    def _start_recorder(self) -> Path:
        """Start the process that takes the journal into the trace; the journal's folder."""
        path = Path(ctx.options.tracer_save or time.strftime("tracer-%Y%m%d-%H%M%S.trace")).expanduser().absolute()
        self.path = str(path)
        folder = folder_of(path)
        folder.mkdir(mode=0o700, exist_ok=True)
        root = str(Path(sys.modules["tracer"].__file__ or "").parent.parent)
        paths = os.pathsep.join(p for p in (root, os.environ.get("PYTHONPATH", "")) if p)
        self.recorder = subprocess.Popen(
            [sys.executable, "-m", "tracer.live", self.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": paths},
            start_new_session=True,  # Ctrl-C is for the proxy; the recorder ends when it has taken everything
        )
        assert self.recorder.stdout is not None
        os.set_blocking(self.recorder.stdout.fileno(), False)
        self._line = b""
        asyncio.get_running_loop().add_reader(self.recorder.stdout, self._heard)
        log.info("tracer: recording into %s", self.path)
        return folder

    def _heard(self) -> None:
        """The recorder told something."""
        assert self.recorder is not None
        assert self.recorder.stdout is not None
        data = self.recorder.stdout.read()
        if not data:
            asyncio.get_running_loop().remove_reader(self.recorder.stdout)
            if data == b"":
                log.error("tracer: the recorder has ended; the journal is kept beside %s", self.path)
            return
        *lines, self._line = (self._line + data).split(b"\n")
        for line in lines:
            try:
                self._told(json.loads(line))
            except Exception as error:
                log.warning("tracer: %s", error)

    def _told(self, news: dict[str, str]) -> None:
        if "say" in news:
            log.warning("tracer: %s", news["say"])
            return
        log.log(logging.WARNING, "tracer: %s", news["headline"])
        found = self.hooks.denied.pop(news["flow"], None) if self.hooks else None
        if found is not None and ctx.options.tracer_mark:
            found.marked = found.marked or MARK
            found.comment = f"{found.comment}\n{news['headline']}".strip()
            ctx.master.addons.trigger(UpdateHook([found]))

    # -- commands

    @command.command("tracer.pass")  # type: ignore[untyped-decorator]
    def let_through(self, hosts: Sequence[str]) -> None:
        """Let the TLS of these hosts through untouched from now on: for clients that pin."""
        ctx.options.tracer_pass = list(dict.fromkeys([*ctx.options.tracer_pass, *hosts]))
        log.log(logging.WARNING, "tracer: let through untouched: %s", ", ".join(ctx.options.tracer_pass))

    @command.command("tracer.explain")  # type: ignore[untyped-decorator]
    def explain(self, flows: Sequence[flow.Flow]) -> None:
        """Say of each denied flow which hop made it, and why."""
        from tracer.live.asking import explained

        log.log(logging.WARNING, "%s", "\n".join(explained(flows)))

    @command.command("tracer.export")  # type: ignore[untyped-decorator]
    def export(self, flows: Sequence[flow.Flow], path: types.Path) -> None:
        """Write flows as HTML, Markdown, HAR, JSON, pcapng, curl or trace, by the ending of the path; secrets out."""
        from tracer.live.asking import exported

        try:
            told = exported(flows, os.path.expanduser(path))
        except (OSError, ValueError) as error:
            raise exceptions.CommandError(f"tracer.export: {error}") from error
        log.log(logging.WARNING, "tracer: %s", told)


class Hooks:
    """One line a hook: hand over."""

    name = "tracer.hooks"

    def __init__(self, handover: Handover, stream_events: bool) -> None:
        self.handover = handover
        self.stream_events = stream_events
        self.denied: WeakValueDictionary[str, http.HTTPFlow] = WeakValueDictionary()
        self._sockets: dict[str, int] = {}
        self._task: asyncio.Task[None] | None = None
        self._refused: set[str] = set()
        self._task = asyncio.get_running_loop().create_task(self._listening())

    async def _listening(self) -> None:
        """Tell the recorder when the proxy can be used: it listens, and its authority is made."""
        servers = ctx.master.addons.get("proxyserver").servers  # type: ignore[no-untyped-call]
        tlsconfig = ctx.master.addons.get("tlsconfig")  # type: ignore[no-untyped-call]
        for _ in range(600):
            if tlsconfig.certstore and servers and all(s.is_running or s.last_exception for s in servers):
                break
            await asyncio.sleep(0.02)
        self.handover.ready(tuple(_listening(server) for server in servers if server.is_running))

    # -- exchanges

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        response = flow.response
        if response is not None and self.stream_events and not response.stream:
            for name, value in response.headers.fields:
                if len(name) == 12 and name.lower() == b"content-type":
                    response.stream = value.startswith(b"text/event-stream")
                    break

    def response(self, flow: http.HTTPFlow) -> None:
        number = self.handover.exchange(flow)
        if flow.response is not None and flow.response.status_code >= 400:
            self.denied[flow.id] = flow
        if flow.websocket is not None and number is not None:
            self._sockets[flow.id] = number

    def error(self, flow: http.HTTPFlow) -> None:
        if flow.websocket is None:
            self.handover.exchange(flow)

    def http_connected(self, flow: http.HTTPFlow) -> None:
        self.handover.exchange(flow)

    def http_connect_error(self, flow: http.HTTPFlow) -> None:
        self.handover.exchange(flow)
        self.denied[flow.id] = flow

    def websocket_message(self, flow: http.HTTPFlow) -> None:
        if flow.websocket is not None and flow.id in self._sockets:
            self.handover.message(self._sockets[flow.id], flow.websocket.messages[-1])

    def websocket_end(self, flow: http.HTTPFlow) -> None:
        number = self._sockets.pop(flow.id, None)
        if flow.websocket is not None and number is not None:
            self.handover.closed(number, flow.websocket)

    # -- connections and their TLS

    def tls_clienthello(self, data: tls.ClientHelloData) -> None:
        host = data.client_hello.sni or (data.context.server.address or ("",))[0]
        if any(fnmatch.fnmatchcase(host.lower(), rule.lower()) for rule in ctx.options.tracer_pass):
            data.ignore_connection = True
        self.handover.hello(data.context.client, data.client_hello, data.ignore_connection)

    def tls_start_client(self, data: tls.TlsData) -> None:
        self.handover.watch(data.conn, data.ssl_conn)

    def tls_start_server(self, data: tls.TlsData) -> None:
        self.handover.watch(data.conn, data.ssl_conn)

    def tls_established_client(self, data: tls.TlsData) -> None:
        self.handover.side(data.conn)

    def tls_established_server(self, data: tls.TlsData) -> None:
        self.handover.agreed(data.conn, data.ssl_conn)

    def tls_failed_server(self, data: tls.TlsData) -> None:
        self.handover.agreed(data.conn, data.ssl_conn, failed=True)
        self.handover.distrusted(data.conn)

    def tls_failed_client(self, data: tls.TlsData) -> None:
        self.handover.side(data.conn, failed=True)
        host = data.conn.sni
        if host and host not in self._refused and len(self._refused) < 1000:
            self._refused.add(host)
            log.warning(
                "tracer: the client refused the proxy's certificate for %s; if it pins: tracer.pass %s", host, host
            )

    def client_disconnected(self, client: connection.Client) -> None:
        self.handover.gone(client)

    def server_disconnected(self, data: server_hooks.ServerConnectionHookData) -> None:
        self.handover.gone(data.server)

    def server_connect_error(self, data: server_hooks.ServerConnectionHookData) -> None:
        self.handover.unreachable(data.server)


def _listening(server: Any) -> Listening:
    """A server of mitmproxy's, as it runs."""
    addresses = tuple(dict.fromkeys(human.format_address(a) for a in server.listen_addrs))
    client = getattr(server, "client_conf", lambda: "")() or ""
    if addresses:  # mitmproxy writes the port that was asked for, which may be none in particular
        client = re.sub(r"(?m)^Endpoint = .*$", f"Endpoint = {addresses[0]}", client)
    return Listening(server.mode.full_spec, addresses, client)


record = Record()
load, configure, running, done = record.load, record.configure, record.running, record.done
let_through, explain, export = record.let_through, record.explain, record.export
addons = ()
"""mitmproxy looks into each of these at every event, whether they care or not: the script itself is the addon"""
