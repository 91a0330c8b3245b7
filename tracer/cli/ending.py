"""How a command ends that runs until it is told to: Ctrl-C, SIGTERM, and SIGHUP when the terminal goes away."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self

from .reading import INTERRUPTED, OK

_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class Ending:
    """A context in which these signals leave nothing behind.

    At first they end the command where it stands, through every `finally`. After `note` they are only noted, for who
    has something to finish; the same one again ends that too. A SIGHUP that is ignored (nohup) stays so.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        """of the signal that was noted"""
        self._noting = False
        self._pass_on: Callable[[int], None] | None = None
        self._before = {n: signal.getsignal(n) for n in _SIGNALS}
        self._terminals = [s.fileno() for s in (sys.stdout, sys.stderr) if s.isatty()]

    def __enter__(self) -> Self:
        for number, before in self._before.items():
            if before is not signal.SIG_IGN or number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, self._heard)
        return self

    def note(self) -> None:
        """From now on there is something to finish."""
        self._noting, self._pass_on = True, None

    def pass_on(self, to: Callable[[int], None]) -> None:
        """From now on what is sent to us is meant for somebody else."""
        self._pass_on = to

    def __bool__(self) -> bool:
        """The end was asked for."""
        return self.number is not None

    @property
    def code(self) -> int:
        """The exit code of a command that finished in order."""
        return INTERRUPTED if self.number == signal.SIGINT else OK

    def _heard(self, number: int, _: FrameType | None) -> None:
        if number == getattr(signal, "SIGHUP", None):
            self._let_go_of_terminals()
        if self._pass_on is not None:
            self._pass_on(number)
        elif not self._noting or number == self.number:
            raise SystemExit(128 + number)
        else:
            self.number = self.number or number

    def _let_go_of_terminals(self) -> None:
        """Nothing can be written to a terminal that has gone, and a failed write must not cost the recording."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for terminal in self._terminals:
            os.dup2(nowhere, terminal)
        os.close(nowhere)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, before in self._before.items():
            signal.signal(number, before if before is not None else signal.SIG_DFL)
