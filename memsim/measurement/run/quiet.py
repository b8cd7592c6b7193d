"""Whether a machine did nothing else while it was timed: a busy one gives no times."""

from __future__ import annotations

import os
import time
from pathlib import Path

from memsim.measurement.run.stopwatch import Times

APART = 0.03
"""Most that the wall clock may be above the processor's time of one thread, relative to it."""

OTHERS = 0.1
"""Most cores that others may keep busy meanwhile: they share caches, memory and power."""

STAT = Path("/proc/stat")


class Meanwhile:
    """What the cores do beside this process, from its making on.

    Parameters
    ----------
    stat : path
        Where Linux tells how long its cores have worked (proc(5)).
    """

    def __init__(self, stat: Path = STAT) -> None:
        self.stat = stat
        self.began = self._read()

    def _read(self) -> tuple[float, float, float] | None:
        """Seconds of the wall clock, of all cores and of this process."""
        try:
            user, nice, system = map(int, self.stat.read_text("utf-8").split()[1:4])
        except (OSError, ValueError):
            return None
        worked = (user + nice + system) / os.sysconf("SC_CLK_TCK")
        return time.monotonic(), worked, time.process_time()

    def others(self) -> float | None:
        """How many cores others have kept busy on average; None where that is not told."""
        before, now = self.began, self._read()
        if before is None or now is None or now[0] <= before[0]:
            return None
        wall, worked, own = (b - a for a, b in zip(before, now, strict=True))
        return max(worked - own, 0.0) / wall


def disturbances(whole: Times, threads: int, others: float | None) -> tuple[str, ...]:
    """What says that times are not those of a quiet machine, a phrase each.

    Parameters
    ----------
    whole : Times
        Of the whole network.
    threads : int
        The processor's time of several threads is no time of the network, and not compared.
    others : float or None
        See :meth:`Meanwhile.others`.

    Examples
    --------
    >>> disturbances(Times(0.172, 0.004, 9, 0, cpu_s=0.040), 1, 0.96)
    ('the wall clock is 330% above the processor time', 'others kept 0.96 cores busy')
    >>> disturbances(Times(0.041, 0.001, 9, 0, cpu_s=0.040), 1, 0.02)
    ()
    """
    phrases = []
    if threads == 1 and whole.cpu_s:
        apart = whole.median_s / whole.cpu_s - 1
        if apart > APART:
            phrases.append(f"the wall clock is {apart:.0%} above the processor time")
    if others is not None and others > OTHERS:
        phrases.append(f"others kept {others:.2f} cores busy")
    return tuple(phrases)
