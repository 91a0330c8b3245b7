"""Who said no: evidence from everything in a trace, weighed by one judge.

`correlate(trace)` finds the denials and yields a verdict for each one as its client saw it.
"""

from __future__ import annotations

from .correlator import correlate

__all__ = ["correlate"]
