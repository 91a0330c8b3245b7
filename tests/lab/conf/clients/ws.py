# mypy: ignore-errors
"""WebSockets over TLS, one after the other: ws.py IP HOST PATH CA ORIGIN..."""

import os
import socket
import ssl
import sys

from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect


def main(ip, host, path, ca, *origins):
    context = ssl.create_default_context(cafile=ca)
    context.keylog_filename = os.environ["SSLKEYLOGFILE"]
    for origin in origins:
        raw = socket.create_connection((ip, 443), source_address=(os.environ["LAB_SOURCE"], 0))
        try:
            with connect(f"wss://{host}{path}", sock=raw, ssl=context, origin=origin, close_timeout=2) as talk:
                print(f"{origin}: {talk.recv(timeout=5)}")
        except InvalidStatus as refused:
            print(f"lab-status={refused.response.status_code}")


main(*sys.argv[1:])
