"""Denials by the cache at the edge."""

from tests.lab.case import Case

CASES: tuple[Case, ...] = ()
