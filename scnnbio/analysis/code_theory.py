"""Exact and asymptotic information of a code behind a layer: ``scnnbio.analysis.capacity``."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scnnbio.encoding import BurstCode, Code, LatencyCode, PhaseCode, PoissonCode, RegularCode
from scnnbio.inputs import Levels

Array = NDArray[np.float64]

#: Entropy of a normal distribution of unit variance is log2 of this.
_NORMAL = math.sqrt(2.0 * math.pi * math.e)


@dataclass(frozen=True)
class Condition:
    """A source of levels, the code that drives it, and the cells behind it.

    Parameters
    ----------
    name : str
        The source; its cells are ``name_cells``.
    driven : Levels
    code : Code
        Without jitter.
    sigma : float
        Standard deviation of the spikes' jitter (ms).
    interval : float
        Shortest time between two spikes of a cell (ms): its refractory period and a step.
    fan_in, needed : int
        Inputs of a cell, and how many of them make it fire.
    delay, dt : float
        ms.
    """

    name: str
    driven: Levels
    code: Code
    sigma: float
    interval: float
    fan_in: int
    needed: int
    delay: float
    dt: float

    @property
    def window(self) -> float:
        """Time in which the code has its spikes (ms)."""
        if isinstance(self.code, LatencyCode):
            return self.code.window
        if isinstance(self.code, BurstCode):
            return self.code.length
        return self.driven.duration if self.driven.shown is None else self.driven.shown

    @property
    def cycles(self) -> int:
        """Whole cycles of a phase code in the window."""
        if not isinstance(self.code, PhaseCode):
            return 1
        return int(self.window / self.code.period + 1e-9)

    @property
    def range(self) -> float:
        """Time over which a spike moves with the drive (ms)."""
        if isinstance(self.code, PhaseCode):
            return self.code.period * self.code.span / 360.0
        return self.window

    @property
    def grain(self) -> int:
        """Steps that count as one reading: half a deviation of the spike that is read.

        Finer readings tell nothing more, and a finite sample would seem to tell what it does not.
        """
        sigma = self.sigma * order_deviation(self.needed, self.fan_in)
        return max(1, int(0.5 * sigma / self.dt))


def _in_grains(drive: Array, condition: Condition) -> NDArray[np.int64]:
    """A decoded drive in grains of the time by which it moves a spike."""
    steps = drive * condition.range / condition.dt
    return np.asarray(np.rint(steps / condition.grain - 1e-6), dtype=np.int64)


def chances(condition: Condition) -> Array | None:
    """Exact probability of every reading at every level, or None where there is no closed form.

    Latencies and phases: of ``fan_in`` inputs with a normal jitter on the grid, the cell fires with
    the ``needed``-th, whose distribution is that of an order statistic; the mean of several cycles
    has a convolution of it, if three deviations of the jitter stay in a cycle. Regular counts,
    without jitter: the integral, rounded. Poisson counts: the chain of the cell's states, step by
    step.

    Parameters
    ----------
    condition : Condition

    Returns
    -------
    ndarray (levels, readings) or None
    """
    code, drives = condition.code, condition.driven.drives
    if isinstance(code, LatencyCode | PhaseCode):
        return _timed(condition, code)
    if isinstance(code, RegularCode) and not condition.sigma and code.begins == "middle":
        fastest = 1000.0 / condition.interval
        if code.max_rate > fastest * (1 + 1e-9):
            return None
        count = np.floor(code.rate(drives) * condition.window * 1e-3 + 0.5 + 1e-9).astype(int)
        return np.eye(int(count.max()) + 1)[count]
    if isinstance(code, PoissonCode) and not condition.sigma:
        return _counted(condition, code.rate(drives))
    return None


def _timed(condition: Condition, code: LatencyCode | PhaseCode) -> Array | None:
    """Of a latency, or the mean of a phase over cycles."""
    from scipy import stats  # 0.4 s, which only this needs

    dt, drives = condition.dt, condition.driven.drives
    if isinstance(code, PhaseCode) and 3.0 * condition.sigma > (code.period - condition.range) / 2:
        return None  # spikes leave their cycle
    if isinstance(code, LatencyCode):
        when = code.onset + code.window * (1.0 - drives)
        steps = round(condition.driven.duration / dt)
    else:
        when = code.period * (code.first + code.span * (1.0 - drives)) / 360.0
        steps = round(code.period / dt)
    at = np.maximum(np.ceil(when / dt - 1e-9), 1.0)
    grid = np.arange(1, steps + 1)
    wide = max(condition.sigma, 1e-9) / dt
    below = stats.norm.cdf((grid + 0.5 - at[:, None]) / wide)
    reached = stats.binom.sf(condition.needed - 1, condition.fan_in, below)
    one = np.diff(reached, axis=1, prepend=0.0)
    several = one
    for _ in range(condition.cycles - 1):
        both = (np.convolve(a, b) for a, b in zip(several, one, strict=True))
        several = np.array(list(both))
    mean = (np.arange(several.shape[1]) + condition.cycles) / condition.cycles
    start = code.onset if isinstance(code, LatencyCode) else code.period * code.first / 360.0
    drive = 1.0 - np.clip(((mean - 0.5) * dt - start) / condition.range, 0.0, 1.0)
    _, which = np.unique(_in_grains(drive, condition), return_inverse=True)
    table = np.zeros((len(several), int(which.max()) + 1))
    np.add.at(table.T, which, several.T)
    return table / table.sum(axis=1, keepdims=True)


def _counted(condition: Condition, rate: Array) -> Array:
    """Counts of a cell that fires at ``needed`` Poisson inputs, and is then held."""
    from scipy import stats  # 0.4 s, which only this needs

    dt, needed = condition.dt, condition.needed
    held = round(condition.interval / dt) - 1
    steps = round(condition.window / dt)
    most = steps // (held + 1) + 2
    arrive = np.arange(condition.fan_in + 1)
    p = stats.binom.pmf(arrive, condition.fan_in, -np.expm1(-rate * dt * 1e-3)[:, None])
    ready = np.zeros((len(rate), most, needed))
    ready[:, 0, 0] = 1.0
    # Who is held, by the step in which this ends, in a ring.
    waiting = np.zeros((max(held, 1), len(rate), most))
    for step in range(steps):
        moved = np.zeros_like(ready)
        for n in range(min(needed, len(arrive))):
            moved[:, :, n:] += p[:, n, None, None] * ready[:, :, : needed - n]
        fires = ready.sum(axis=2) - moved.sum(axis=2)
        fired = np.zeros_like(fires)
        fired[:, 1:] = fires[:, :-1]
        if held:
            moved[:, :, 0] += waiting[step % held]
            waiting[step % held] = fired
        else:
            moved[:, :, 0] += fired
        ready = moved
    return np.asarray(ready.sum(axis=2) + waiting.sum(axis=0) * bool(held))


def law(condition: Condition) -> float:
    """Information (bits) by the asymptotic form: many levels, none of them near an end.

    Latencies and phases: the logarithm of ``range sqrt(cycles) / (sigma sqrt(2 pi e))``, for the
    deviation sigma of the input that makes the cell fire. Regular spikes: that of
    ``window / interval``. NaN for other codes, and for a timing code without jitter.
    """
    code = condition.code
    if isinstance(code, LatencyCode | PhaseCode):
        if not condition.sigma:
            return math.nan
        sigma = condition.sigma * order_deviation(condition.needed, condition.fan_in)
        reach = condition.range * math.sqrt(condition.cycles)
        return math.log2(reach / (sigma * _NORMAL))
    if isinstance(code, RegularCode):
        return math.log2(condition.window / condition.interval)
    return math.nan


def order_deviation(rank: int, n: int) -> float:
    """Standard deviation of the ``rank``-th smallest of n standard normal numbers."""
    from scipy import stats  # 0.4 s, which only this needs

    x = np.linspace(-9.0, 9.0, 20_001)
    p = np.diff(stats.binom.sf(rank - 1, n, stats.norm.cdf(x)))
    middle = (x[1:] + x[:-1]) / 2
    mean = (p * middle).sum()
    return float(np.sqrt((p * (middle - mean) ** 2).sum()))
