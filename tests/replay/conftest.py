"""A real nginx that speaks everything a request can be sent over, for the tests of replay and bisect."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.cli.conftest import run as run  # the program, as a person runs it
from tests.lab import ca

_CONF = """
user root;
worker_processes 1;
daemon off;
pid {work}/pid;
error_log {work}/error.log info;
events {{ worker_connections 64; }}
http {{
    access_log {work}/access.log;
    client_body_temp_path {work}/t1; proxy_temp_path {work}/t2; fastcgi_temp_path {work}/t3;
    uwsgi_temp_path {work}/t4; scgi_temp_path {work}/t5;
    default_type text/plain;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_certificate {pki}/server.pem; ssl_certificate_key {pki}/server.key;
    server {{
        listen 127.0.0.1:{http};
        listen 127.0.0.1:{https} ssl http2;
        server_name site.example.test;
        location / {{ return 200 "$request_method $request_uri over $server_protocol\\n"; }}
        location /greeting {{ return 200 "$ssl_ciphers"; }}
        location /big {{ return 200 "{filler}"; }}
        location /post {{ client_max_body_size 1m; proxy_pass http://127.0.0.1:{http}/; }}
        location /no-agent {{ if ($http_user_agent = "") {{ return 403; }} return 200 ok; }}
        location /no-curl {{ if ($http_user_agent ~ curl) {{ return 403 "no curl"; }} return 200 ok; }}
        location /members {{ if ($http_authorization != "Bearer good-token-0001") {{ return 401; }} return 200 ok; }}
        location /hot {{ if ($http_referer !~ "site.example.test") {{ return 403; }} return 200 ok; }}
        location /closed {{ deny all; }}
    }}
    server {{
        listen 127.0.0.1:{mtls} ssl http2;
        server_name site.example.test;
        ssl_client_certificate {pki}/ca.pem; ssl_verify_client on;
        location / {{ return 200 "hello $ssl_client_s_dn\\n"; }}
    }}
}}
"""


class Site(NamedTuple):
    """Where it listens, and its keys."""

    http: int
    https: int
    mtls: int
    pki: Path
    work: Path

    @property
    def log(self) -> list[str]:
        """Lines of the access log."""
        return (self.work / "access.log").read_text().splitlines()


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/sbin:/bin")
    if program is None:
        pytest.skip("not installed: nginx (nginx)")
    work = tmp_path_factory.mktemp("nginx")
    work.chmod(0o755)
    ca.make(work / "pki")
    http, https, mtls = _free_ports(3)
    site = Site(http, https, mtls, work / "pki", work)
    conf = work / "nginx.conf"
    filler = "0123456789abcdef" * 200
    conf.write_text(
        _CONF.format(work=work, pki=site.pki, http=site.http, https=site.https, mtls=site.mtls, filler=filler)
    )
    server = subprocess.Popen([program, "-p", str(work), "-c", str(conf), "-e", str(work / "error.log")])
    try:
        until = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", site.mtls), 0.3).close()
                break
            except OSError:
                assert time.monotonic() < until
                assert server.poll() is None
                time.sleep(0.05)
        yield site
    finally:
        server.terminate()
        server.wait(5)
