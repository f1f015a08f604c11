"""The course of learning, from snapshots of a kernel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scnnbio.analysis.receptive_fields import at_best_lag, on_minus_off
from scnnbio.analysis.spectra import kernel_tuning, spectral_peak
from scnnbio.analysis.tuning import circular_variance
from scnnbio.errors import SpecError
from scnnbio.recording import Recording
from scnnbio.units import In, plain_array

Array = NDArray[np.float64]

#: Kernels are measured at as many snapshots: seconds, where all of them took a minute.
_MEASURED = 12


@dataclass(frozen=True, eq=False)
class LearningCourse:
    """How fast a kernel still changes, and how selective it is.

    Parameters
    ----------
    trial : array, shape (snapshots,)
        Trials shown before each snapshot.
    change : array, shape (snapshots - 1,)
        Mean absolute change of a weight since the snapshot before, per 100 trials.
    measured : array, shape (k,)
        Trials shown before those snapshots whose selectivity was measured.
    variance : array, shape (k, maps)
        Circular variance of the kernels there; NaN where one is empty. No rows where the kernel
        has no ON and OFF cells.
    """

    trial: Array
    change: Array
    measured: Array
    variance: Array


def learning_course(
    recording: Recording, kernel: str, final: Annotated[ArrayLike, In("1")] | None = None
) -> LearningCourse:
    """Course of learning of a kernel.

    Parameters
    ----------
    recording : Recording
        With at least two snapshots of the kernel, the final state included.
    kernel : str
        Name of the snapshots.
    final : array, shape of the kernel, optional
        The kernel after the last trial.

    Returns
    -------
    LearningCourse

    Raises
    ------
    SpecError
        If there are fewer than two snapshots of the kernel.
    """
    shots = recording.snapshots.get(kernel)
    count = (0 if shots is None else len(shots.trial)) + (final is not None)
    if shots is None or count < 2:
        raise SpecError(
            f"{count} snapshots of {kernel!r}; a course needs two, ask for more in the record",
            where="learning_course",
        )
    trial, values = np.maximum(shots.trial.astype(np.float64), 0.0), shots.values
    if final is not None:
        last = plain_array(final, "1", where="learning_course.final")
        if last.shape != values.shape[1:]:
            raise SpecError(
                f"shape {last.shape} is not that of the snapshots, {values.shape[1:]}",
                where="learning_course.final",
            )
        trial = np.append(trial, float(recording.n_trials))
        values = np.concatenate([values, last[None]])
    size = np.abs(np.diff(values, axis=0)).reshape(len(values) - 1, -1).mean(axis=1)
    change = 100.0 * size / np.maximum(np.diff(trial), 1.0)
    kept = np.unique(np.linspace(0, len(trial) - 1, min(len(trial), _MEASURED)).astype(int))
    if values.ndim != 5 or values.shape[2] > 2:
        return LearningCourse(trial, change, np.empty(0), np.empty((0, values.shape[1])))
    variance = np.array([_variance(values[k]) for k in kept])
    alive = ~np.isnan(variance).all(axis=1)
    return LearningCourse(trial, change, trial[kept][alive], variance[alive])


def _variance(kernel: Array) -> Array:
    """Circular variance of each map of a kernel."""
    images = at_best_lag(on_minus_off(kernel, "learning_course"))
    frequency, _ = spectral_peak(images)
    amplitude, orientation = kernel_tuning(images, np.nan_to_num(frequency, nan=0.1))
    return circular_variance(amplitude, orientation)
