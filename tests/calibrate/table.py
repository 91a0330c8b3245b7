"""How honest the confidences are: score, interval, and bins."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
DRAWS = 2000
LEVEL = 0.95
MANY = 20
"""denials of a bin that make its share mean something"""


def brier(said: Numbers, right: Numbers) -> float:
    """Mean squared distance between what was said and what was so; 0 is perfect."""
    return float(((said - right) ** 2).mean())


def interval(said: Numbers, right: Numbers, seed: int = 1) -> tuple[float, float]:
    """Bootstrap interval of the Brier score."""
    chance = np.random.default_rng(seed)
    rows = chance.integers(0, len(said), (DRAWS, len(said)))
    scores = ((said[rows] - right[rows]) ** 2).mean(axis=1)
    low, high = np.quantile(scores, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def gained(said: Numbers, right: Numbers, seed: int = 1) -> tuple[float, float]:
    """Bootstrap interval of how much better that is than the share of right answers, said every time."""
    chance = np.random.default_rng(seed)
    rows = chance.integers(0, len(said), (DRAWS, len(said)))
    shares = right[rows].mean(axis=1)
    gains = shares * (1 - shares) - ((said[rows] - right[rows]) ** 2).mean(axis=1)
    low, high = np.quantile(gains, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def constant(right: Numbers) -> float:
    """The Brier score of saying the share of right answers every time."""
    return float(right.mean() * (1 - right.mean()))


def bins(said: Numbers, right: Numbers) -> list[tuple[float, int, float, float]]:
    """(from, number, mean said, share right) of each tenth that has any."""
    at = np.minimum((said * 10).astype(int), 9)
    return [
        (k / 10, int((at == k).sum()), float(said[at == k].mean()), float(right[at == k].mean()))
        for k in sorted(set(at.tolist()))
    ]


def lines(name: str, said: Sequence[float], right: Sequence[bool]) -> list[str]:
    """The table of one set, as text."""
    s, r = np.array(said, dtype=np.float64), np.array(right, dtype=np.float64)
    if not len(s):
        return [f"{name}: no cases"]
    low, high = interval(s, r)
    better, best = gained(s, r)
    out = [
        f"{name}: {len(s)} denials, right {r.mean():.3f}, said {s.mean():.3f}",
        f"  Brier {brier(s, r):.3f} ({low:.3f} to {high:.3f}); the same share every time: {constant(r):.3f}, "
        f"gain {better:+.3f} to {best:+.3f}",
    ]
    out += [
        f"  {at:.1f}-{at + 0.1:.1f}  n {n:4d}  said {mean:.2f}  right {share:.2f}"
        + ("  off by more than 0.1" if n >= MANY and abs(mean - share) > 0.1 else "")
        for at, n, mean, share in bins(s, r)
    ]
    return out
