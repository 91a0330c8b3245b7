"""`python -m tracer.live TRACE`: the recorder as a process; one JSON object a line on standard output tells verdicts.

It ends when the proxy says so in the journal, or closes our standard input by ending in any other way.
"""

from __future__ import annotations

import json
import os
import select
import sys
from pathlib import Path

from tracer.model.verdict import Verdict
from tracer.store.trace import Trace

from .journal import folder_of
from .recorder import Recorder, hold, stand_back

_NICE = 5
"""the proxy goes first; the recorder still gets a quarter of a processor that is wanted by both"""


def main(path: str) -> int:
    """Record into a new trace file until the proxy ends."""

    def put(**news: str) -> None:
        try:
            print(json.dumps(news), flush=True)
        except OSError:  # nobody listens any more; what is recorded still counts
            sys.stdout = open("/dev/null", "w")  # noqa: SIM115

    os.nice(_NICE)
    stand_back()
    folder = folder_of(path)
    lock = hold(folder)
    with Trace(Path(path)) as trace:

        def tell(verdict: Verdict) -> None:
            exchange = trace.exchange(verdict.exchange)
            put(headline=verdict.headline, flow=exchange.extra.get("mitm.flow", "") if exchange else "")

        recorder = Recorder(trace, folder, tell, lambda text: put(say=text), lock=lock)
        while not recorder.ended:
            if not recorder.step() and select.select([sys.stdin], [], [], recorder.pause)[0]:
                break
        recorder.finish(patience=30)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
