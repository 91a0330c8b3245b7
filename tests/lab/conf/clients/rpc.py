# mypy: ignore-errors
"""Two calls of gRPC on one channel, the first to /shop.Orders/Look: rpc.py IP:PORT HOST METHOD CA."""

import sys
from pathlib import Path

import grpc

at, host, method, ca = sys.argv[1:]
trust = grpc.ssl_channel_credentials(Path(ca).read_bytes())
options = (("grpc.ssl_target_name_override", host), ("grpc.default_authority", host))
with grpc.secure_channel(at, trust, options=options) as channel:
    order = b"\x08\x2a"
    channel.unary_unary("/shop.Orders/Look")(order, timeout=10)
    try:
        channel.unary_unary(method)(order, timeout=10)
    except grpc.RpcError as error:
        print("lab-status=200" if error.code() == grpc.StatusCode.PERMISSION_DENIED else error)
