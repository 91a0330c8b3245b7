# mypy: ignore-errors
"""A gRPC service of two calls, without generated code: orders.py IP PORT."""

import sys
from concurrent.futures import ThreadPoolExecutor

import grpc


def cancel(request, context):
    print(f"{context.peer()} /shop.Orders/Cancel PERMISSION_DENIED order {request!r} is somebody else's", flush=True)
    context.abort(grpc.StatusCode.PERMISSION_DENIED, "the order belongs to somebody else")


def look(request, context):
    return b"\x0a\x04paid"


calls = {"Cancel": grpc.unary_unary_rpc_method_handler(cancel), "Look": grpc.unary_unary_rpc_method_handler(look)}
server = grpc.server(ThreadPoolExecutor(2))
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("shop.Orders", calls),))
server.add_insecure_port(":".join(sys.argv[1:3]))
server.start()
server.wait_for_termination()
