"""Operations per CPU-second, and ratios to a limit that was measured in the same run."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Work = Callable[[], object]

_SHORTEST = 0.15
"""CPU-seconds that one round of one piece of work lasts at least."""
_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Rate:
    """The best of several rounds: whatever disturbs a machine only ever slows it down."""

    per_second: float

    def ratio(self, limit: Rate) -> float:
        """Return which part of the limit this is."""
        return self.per_second / limit.per_second


def measure(works: Mapping[str, Work]) -> dict[str, Rate]:
    """Measure each piece of work, round by round in turns, so that all meet the same weather."""
    counts = {name: _calibrate(work) for name, work in works.items()}
    best = dict.fromkeys(works, 0.0)
    gc.disable()
    try:
        for _ in range(_ROUNDS):
            for name, work in works.items():
                best[name] = max(best[name], counts[name] / _time(work, counts[name]))
    finally:
        gc.enable()
    return {name: Rate(per_second) for name, per_second in best.items()}


def _calibrate(work: Work) -> int:
    count = 1
    while _time(work, count) < _SHORTEST:
        count *= 2
    return count


def _time(work: Work, count: int) -> float:
    began = time.process_time()
    for _ in range(count):
        work()
    return max(time.process_time() - began, 1e-9)
