r"""What a code tells through a layer: mutual information, levels, spikes and time.

Cells of a layer get one of n equally likely drives (:class:`~scnnbio.inputs.Levels`), and the
code's decoder reads their spikes. The mutual information I of drive and reading, in bits, counts
the levels that are told apart: :math:`2^I`, as many as a code without error would need. Theory is
exact on the grid: :func:`chances` gives the probability of every reading at every drive, and
:func:`law` the asymptotic form, such as :math:`T / (\sigma \sqrt{2 \pi e})` for latencies in a
window T with a normal error :math:`\sigma`, and :math:`T / \tau` for counts of spikes at least
:math:`\tau` apart.

References
----------
Thorpe, Delorme & Van Rullen 2001, Neural Netw 14:715 (what latencies can tell, beside counts);
Strong, Koberle, de Ruyter van Steveninck & Bialek 1998, Phys Rev Lett 80:197 (extrapolation of an
information to many samples).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from scnnbio.encoding import (
    BurstCode,
    Code,
    JitteredCode,
    LatencyCode,
    PhaseCode,
    PoissonCode,
    RateCode,
    RegularCode,
)
from scnnbio.errors import SpecError
from scnnbio.experiment import Run
from scnnbio.inputs import Levels
from scnnbio.units import In, plain_array

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


@dataclass(frozen=True)
class Capacity:
    """What was told in one condition.

    Parameters
    ----------
    condition : Condition
    bits, error : float
        Mutual information and its standard error.
    exact, law : float
        The same by :func:`chances` and by :func:`law`; NaN where there is no closed form.
    spikes : float
        Of a cell per trial.
    time : float
        From the beginning of the window to the last spike that the decoder uses (ms), on average.
    """

    condition: Condition
    bits: float
    error: float
    exact: float
    law: float
    spikes: float
    time: float

    @property
    def deviation(self) -> float:
        """Measured minus exact information, in standard errors."""
        return (self.bits - self.exact) / max(self.error, 1e-9)


def conditions(run: Run) -> tuple[Condition, ...]:
    """All conditions of a run of the model ``coded_levels``.

    Raises
    ------
    SpecError
        If the run has no source of levels.
    """
    experiment, found = run.experiment, []
    for name, driven in experiment.inputs.items():
        if not isinstance(driven, Levels):
            continue
        into = experiment.network.projection(f"{name}_into")
        cells = experiment.network.population(into.post).values()
        given = driven.code
        code: Code = given.code if isinstance(given, JitteredCode) else given
        sigma = given.sigma if isinstance(given, JitteredCode) else 0.0
        weights = into.kernel[0]
        found.append(
            Condition(
                name,
                driven,
                code,
                sigma,
                float(np.max(cells["tau_refrac"])) + experiment.dt,
                int(weights.size),
                math.floor(float(np.max(cells["v_thresh"])) / (into.weight * weights.max())) + 1,
                float(into.delay if into.delay is not None else experiment.dt),
                experiment.dt,
            )
        )
    if not found:
        raise SpecError("no source of the run is driven by levels", where="capacity.run")
    return tuple(found)


def capacity(run: Run) -> tuple[Capacity, ...]:
    """What was told in each condition of a run.

    Parameters
    ----------
    run : Run
        Of the model ``coded_levels``, with the spikes of all cells recorded.

    Returns
    -------
    tuple of Capacity
    """
    return tuple(_of(run, condition) for condition in conditions(run))


def _of(run: Run, condition: Condition) -> Capacity:
    read, spikes, time = readings(run, condition)
    bits, error = information(read)
    table = chances(condition)
    exact = math.nan if table is None else information_of(table)
    return Capacity(condition, bits, error, exact, law(condition), spikes, time)


def readings(run: Run, condition: Condition) -> tuple[NDArray[np.int64], float, float]:
    """What the decoder reads from each cell in each trial.

    Returns
    -------
    read : ndarray of int (levels, samples)
        Counts of spikes, or the decoded drive in grains of the time that it moves a spike.
    spikes : float
        Mean number of spikes of a cell.
    time : float
        Mean time of the last spike that is used, from the beginning of the window (ms).
    """
    recording, cells = run.recording, f"{condition.name}_cells"
    shape, found = recording.shapes[cells], recording.spikes_of(cells)
    n, n_trials = int(np.prod(shape)), recording.n_trials
    step = np.rint((found.time - condition.delay) / condition.dt).astype(np.int64)
    which = found.trial * n + found.unit
    # A trial is a set of units of its own for the decoder. Spikes still under way are lost.
    inside = step <= round(condition.driven.duration / condition.dt)
    step, which = step[inside], which[inside]
    if isinstance(condition.code, RateCode):
        read = np.bincount(which, minlength=n * n_trials)
    else:
        drive = condition.code.decoded(
            step, which, n * n_trials, condition.driven.duration, condition.dt
        )[0]
        read = _in_steps(drive, condition)
    used = np.full(n * n_trials, -1)
    if isinstance(condition.code, LatencyCode):
        used[which[::-1]] = step[::-1]  # the first spike is written last
        used = used - round(condition.code.onset / condition.dt)
    else:
        np.maximum.at(used, which, step)
    per_level = read.reshape(n_trials, shape[0], -1).transpose(1, 0, 2).reshape(shape[0], -1)
    fired = np.isin(np.arange(n * n_trials), which)
    time = float(used[fired].mean()) * condition.dt if fired.any() else math.nan
    return per_level, len(which) / (n * n_trials), time


def _in_steps(drive: Array, condition: Condition) -> NDArray[np.int64]:
    """A decoded drive in grains of the time by which it moves a spike."""
    steps = drive * condition.range / condition.dt
    return np.asarray(np.rint(steps / condition.grain - 1e-6), dtype=np.int64)


def information(read: Annotated[NDArray[np.int64], In("1")]) -> tuple[float, float]:
    """Mutual information of equally likely levels and readings, and its standard error, in bits.

    Finite samples raise the information of the empirical distribution. Its values for all samples,
    for halves and for quarters are extrapolated to infinitely many by a polynomial of degree two.

    Parameters
    ----------
    read : array of int (levels, samples)
        Samples are independent, 4 or more.

    Returns
    -------
    bits, error : float

    Raises
    ------
    SpecError
        If there are fewer than 4 samples per level.
    """
    values = plain_array(read, "1", where="information.read")
    if values.ndim != 2 or values.shape[1] < 4:
        raise SpecError(
            f"readings of shape {values.shape}; give (levels, samples) with 4 samples or more",
            where="information.read",
        )
    _, which = np.unique(values, return_inverse=True)
    which = which.reshape(values.shape)
    # Samples are dealt out in turn, so that each part has the same share of each trial.
    means = [
        np.mean([information_of(_table(which[:, part::parts])) for part in range(parts)])
        for parts in (1, 2, 4)
    ]
    bits = float((8.0 * means[0] - 6.0 * means[1] + means[2]) / 3.0)
    p = _table(which)
    told = np.log2(np.maximum(p, 1e-300) / p.mean(axis=0))
    at = np.take_along_axis(told, which, axis=1)
    return bits, float(at.std() / math.sqrt(at.size))


def _table(which: NDArray[np.intp]) -> Array:
    size = int(which.max()) + 1
    flat = np.arange(len(which))[:, None] * size + which
    counts = np.bincount(flat.ravel(), minlength=len(which) * size).reshape(len(which), size)
    return counts / which.shape[1]


def information_of(chances: Annotated[Array, In("1")]) -> float:
    """Mutual information (bits) of equally likely levels and readings of known probabilities.

    Parameters
    ----------
    chances : array (levels, readings)
        Probability of each reading at each level; rows sum to 1.
    """
    p = plain_array(chances, "1", where="information_of.chances")
    overall = np.broadcast_to(p.mean(axis=0), p.shape)
    held = p > 0
    return float((p[held] * np.log2(p[held] / overall[held])).sum() / len(p))


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
    _, which = np.unique(_in_steps(drive, condition), return_inverse=True)
    table = np.zeros((len(several), int(which.max()) + 1))
    np.add.at(table.T, which, several.T)
    return table / table.sum(axis=1, keepdims=True)


def _counted(condition: Condition, rate: Array) -> Array:
    """Counts of a cell that fires at ``needed`` Poisson inputs, and is then held."""
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
    x = np.linspace(-9.0, 9.0, 20_001)
    p = np.diff(stats.binom.sf(rank - 1, n, stats.norm.cdf(x)))
    middle = (x[1:] + x[:-1]) / 2
    mean = (p * middle).sum()
    return float(np.sqrt((p * (middle - mean) ** 2).sum()))
