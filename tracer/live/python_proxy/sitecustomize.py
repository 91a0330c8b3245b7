"""Loaded by Python programs that `tracer run` starts: aiohttp looks for a proxy in the environment as others do.

Runs in whatever Python the program has, so it is written for old ones, loads nothing that need not be loaded, and
gives way to the module of this name that the program would have had.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_HERE = os.path.dirname(os.path.abspath(__file__))


class _Finder:
    """Finds `aiohttp.client` as usual, once, and sees to it that its sessions trust the environment."""

    def find_spec(self, name: str, path: "Any" = None, _target: "Any" = None) -> "Any":
        if name != "aiohttp.client":
            return None
        sys.meta_path.remove(self)
        from importlib.machinery import PathFinder

        spec = PathFinder.find_spec(name, path)
        loader: "Any" = spec and spec.loader  # noqa: UP037
        if loader is not None:
            execute = loader.exec_module

            def exec_module(module: "Any") -> None:
                execute(module)
                _trust(module)

            loader.exec_module = exec_module
        return spec


def _trust(module: "Any") -> None:
    from functools import wraps

    begin = module.ClientSession.__init__

    @wraps(begin)
    def init(self: "Any", *given: "Any", **named: "Any") -> None:
        named.setdefault("trust_env", True)
        begin(self, *given, **named)

    module.ClientSession.__init__ = init


def _give_way() -> None:
    """Load the module of this name that would have been loaded without us."""
    ours = sys.modules.pop("sitecustomize", None)
    sys.path[:] = [p for p in sys.path if os.path.abspath(p) != _HERE]
    try:
        __import__("sitecustomize")
    except ImportError:
        if ours is not None:
            sys.modules["sitecustomize"] = ours


sys.meta_path.insert(0, _Finder())
_give_way()
