"""`python -m tracer.correlate`: reads all that ships, so that what comes of it is kept (`prepared.py`)."""

from __future__ import annotations

from . import cues, marks, services, steps


def main() -> None:
    for read in (cues.cues, marks.products, services.services, steps.causes):  # the judge's numbers are read already
        read()


if __name__ == "__main__":
    main()
