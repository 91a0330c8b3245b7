"""Problems of one capture as they turn up, repeated ones counted."""

from __future__ import annotations

from tracer.model.problem import Problem, Severity

_SINGLY = 8
"""problems of one code that are told one by one before the rest is only counted"""


class Notes:
    """Collects problems until somebody takes them."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._ready: list[Problem] = []
        self._told: dict[str, int] = {}
        self._kinds: dict[tuple[str, str], list[int]] = {}
        self._severities: dict[str, Severity] = {}
        self.partial = False

    def add(self, code: str, text: str, packet: int | None = None, severity: Severity = Severity.WARN) -> None:
        """One event. Many of one code become a count that `settle` tells."""
        told = self._told[code] = self._told.get(code, 0) + 1
        if told > _SINGLY:
            self.count(code, f"more of {code}", packet or 0, severity)
        else:
            self._tell(Problem(code=code, severity=severity, text=text, source=self._source, packet=packet))

    def count(self, code: str, kind: str, packet: int, severity: Severity = Severity.WARN, times: int = 1) -> None:
        """One or more packets of a kind that is told once, with its number and its first packet."""
        entry = self._kinds.setdefault((code, kind), [0, packet])
        entry[0] += times
        entry[1] = min(entry[1], packet)
        self._severities[code] = severity

    def pass_on(self, problems: list[Problem]) -> None:
        """Take over problems that others found, and empty their list."""
        for problem in problems:
            self._tell(problem)
        problems.clear()

    def settle(self) -> None:
        """Tell what was only counted so far."""
        for (code, kind), (count, first) in self._kinds.items():
            text = f"{kind}: {count} {'packet' if count == 1 else 'packets'}, the first is number {first}"
            self._tell(
                Problem(code=code, severity=self._severities[code], text=text, source=self._source, packet=first)
            )
        self._kinds.clear()

    def take(self) -> list[Problem]:
        """The problems told since the last call."""
        taken, self._ready = self._ready, []
        return taken

    def _tell(self, problem: Problem) -> None:
        self._ready.append(problem)
        if problem.severity is not Severity.NOTE:
            self.partial = True
