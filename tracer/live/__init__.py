"""Recording while it happens.

The proxy's hooks hand over records (`handover`, `sides`), which go into a journal that survives whatever is killed
(`journal`); a process of its own behind it takes them into the trace and judges (`recorder`, `conversion`, `judging`).
To follow a trace that grows: `tracer.store.listing.Follower`; `growing` tells whether somebody still writes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .recorder import growing, recover

__all__ = ["growing", "recover"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from . import recorder

        return getattr(recorder, name)
    raise AttributeError(name)
