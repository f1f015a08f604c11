r"""What a code tells through a layer: mutual information, levels, spikes and time.

Cells of a layer get one of n equally likely drives (:class:`~scnnbio.inputs.Levels`), and the
code's decoder reads their spikes. The mutual information I of drive and reading, in bits, counts
the levels that can be distinguished: :math:`2^I`, as many as a code without error would need.
Theory is exact on the grid: :mod:`scnnbio.analysis.code_theory` gives the probability of every
reading at every drive, and the asymptotic law, such as :math:`T / (\sigma \sqrt{2 \pi e})` for
latencies in a window T with a normal error :math:`\sigma`, and :math:`T / \tau` for counts of
spikes at least :math:`\tau` apart.

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

from scnnbio.analysis.code_theory import Condition, _in_grains, chances, law
from scnnbio.encoding import Code, JitteredCode, LatencyCode, RateCode
from scnnbio.errors import SpecError
from scnnbio.experiment import Run
from scnnbio.inputs import Levels
from scnnbio.units import In, plain_array

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Capacity:
    """Information in one condition.

    Parameters
    ----------
    condition : Condition
    bits, error : float
        Mutual information and its standard error.
    exact, law : float
        The same by theory; NaN where there is no closed form.
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
    """Information in each condition of a run.

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
        read = _in_grains(drive, condition)
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
