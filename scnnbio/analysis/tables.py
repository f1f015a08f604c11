"""Measures of a recording as labelled tables: one row per unit, columns named with their units.

Each is a :class:`pandas.DataFrame` whose index is ``unit``. The columns ``channel``, ``row`` and
``column`` hold the unit's position. Undefined values (such as the preferred orientation of a
silent unit) are NaN.
To measure one stage of a study, select its trials: ``recording.select(stage="test")``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from scnnbio.analysis import correlations, irregularity
from scnnbio.analysis.rates import Responses, responses, window_within
from scnnbio.analysis.receptive_fields import measure_kernels
from scnnbio.analysis.spectra import Images
from scnnbio.recording import Recording
from scnnbio.units import Number, Window

if TYPE_CHECKING:
    from pandas import DataFrame

Array = NDArray[np.float64]
Columns = Mapping[str, NDArray[Any]]

#: Columns of a trial table that describe what was shown. Phases are averaged over.
STIMULUS_COLUMNS = (
    "orientation", "spatial_frequency", "temporal_frequency", "contrast", "luminance", "diameter",
    "inner_diameter", "mask_contrast", "mask_orientation", "speed", "width", "length", "sequence",
)  # fmt: skip
#: Unit at the end of a column's name; spatial frequencies have that of their trial table.
_ENDINGS = {"orientation": "_deg", "temporal_frequency": "_hz"}
#: Names of the measures of kernels, with their units.
_KERNEL_COLUMNS = {
    "orientation": "orientation_deg",
    "spatial_frequency": "spatial_frequency_cycles_per_pixel",
    **{name: f"{name}_pixels" for name in ("x0", "y0", "sigma_x", "sigma_y")},
    "theta": "theta_deg",
    "frequency": "frequency_cycles_per_pixel",
    "phase": "phase_deg",
}


def firing_rates(
    recording: Recording, population: str, *, window: Window | None = None
) -> DataFrame:
    """Mean firing rate of each unit over all trials.

    Parameters
    ----------
    recording : Recording
    population : str
    window : (float, float), optional
        ms within the trial; spikes with t0 < t <= t1 count. The whole trial by default.

    Returns
    -------
    pandas.DataFrame
        ``rate_hz`` and ``n_spikes``.

    Raises
    ------
    SpecError
        If there are no such spikes, or a trial does not hold the window.

    Examples
    --------
    >>> from scnnbio.recording import Recording, Spikes
    >>> spikes = Spikes(time=[5.0, 7.0, 2.0], unit=[0, 0, 1], trial=[0, 0, 1])
    >>> recording = Recording({"v1": spikes}, {"v1": (2, 1, 1)}, {"duration": [100.0, 300.0]})
    >>> firing_rates(recording, "v1")["rate_hz"].tolist()
    [5.0, 2.5]
    """
    duration = recording.trials["duration"]
    if window is None:
        total = float(duration.sum())
    else:
        window = window_within(window, duration, "firing_rates.window")
        total = (window[1] - window[0]) * len(duration)
    # Sparse: trials times units may be more than memory holds.
    spikes = np.asarray(recording.sparse_counts(population, window).sum(axis=0))
    rate = spikes / (total / 1000.0) if total > 0 else np.full(len(spikes), np.nan)
    return by_unit(recording, population, {"rate_hz": rate, "n_spikes": spikes})


def condition_rates(
    recording: Recording,
    population: str,
    by: Sequence[str] | None = None,
    *,
    window: Window | None = None,
) -> DataFrame:
    """Mean firing rate of each unit in each condition, Hz.

    Parameters
    ----------
    recording : Recording
    population : str
    by : sequence of str, optional
        Columns of the trial table that make a condition; all that were varied by default, of
        :data:`STIMULUS_COLUMNS`. Trials where one of them is NaN are in no condition.
    window : (float, float), optional
        ms within the trial; spikes with t0 < t <= t1 count. The whole trial by default.

    Returns
    -------
    pandas.DataFrame
        One row per unit and one column per condition, whose levels are named as ``by``:
        ``table.T`` has one row per condition.

    Raises
    ------
    SpecError
        If a column is missing, no trial has a condition, a trial does not hold the window, or
        the trials last differently and no window is given.
    """
    import pandas

    table = grouped(recording, population, by, window)
    columns = pandas.MultiIndex.from_arrays(
        list(table.conditions.values()), names=[column_name(name) for name in table.conditions]
    )
    index = pandas.RangeIndex(recording.size(population), name="unit")
    return pandas.DataFrame(table.rates.T, index=index, columns=columns)


def interval_irregularity(
    recording: Recording,
    population: str,
    by: Sequence[str] | None = None,
    *,
    window: Window | None = None,
    min_intervals: int = 20,
) -> DataFrame:
    """Irregularity of each unit's inter-spike intervals, in the condition that drives it best.

    Parameters
    ----------
    recording : Recording
    population : str
    by : sequence of str, optional
        As for :func:`condition_rates`: intervals at several rates would vary more than those at
        any one of them. Where nothing was varied, all trials are taken.
    window : (float, float), optional
        ms within the trial; spikes with t0 < t <= t1 count. The whole trial by default.
    min_intervals : int
        A unit with fewer has NaN.

    Returns
    -------
    pandas.DataFrame
        ``cv``, ``cv2`` and ``lv``, each 1 for a Poisson process, and ``n_intervals``; see
        :func:`scnnbio.analysis.irregularity.irregularity`.
    """
    table = grouped(recording, population, by, window)
    trials = [np.flatnonzero(table.condition == best) for best in table.best()]
    found = irregularity.irregularity(
        recording, population, trials=trials, window=window, min_intervals=min_intervals
    )
    measures = {name: getattr(found, name) for name in ("cv", "cv2", "lv", "n_intervals")}
    return by_unit(recording, population, measures)


def fano_factors(
    recording: Recording,
    population: str,
    by: Sequence[str] | None = None,
    *,
    window: Window | None = None,
    min_mean_count: Number = 1.0,
) -> DataFrame:
    """Fano factor of each unit's spike counts, averaged over conditions.

    Parameters
    ----------
    recording : Recording
    population : str
    by : sequence of str, optional
        As for :func:`condition_rates`. Where nothing was varied, all trials are one condition.
    window : (float, float), optional
        ms within the trial, on whose length the factor depends; the whole trial by default.
    min_mean_count : float
        Conditions in which the unit's mean count is smaller are left out, as are those of a single
        trial.

    Returns
    -------
    pandas.DataFrame
        ``fano_factor``: variance over mean, 1 for a Poisson process. The variance divides by the
        number of trials less one, so that few trials do not lower it. ``n_conditions``: how many
        were averaged.
    """
    table = grouped(recording, population, by, window)
    mean, number = irregularity.mean_fano_factor(table, min_mean_count=min_mean_count)
    return by_unit(recording, population, {"fano_factor": mean, "n_conditions": number})


def noise_correlations(
    recording: Recording,
    population: str,
    by: Sequence[str] | None = None,
    *,
    window: Window | None = None,
    min_trials: int = 10,
) -> DataFrame:
    """Correlation of the counts of each pair of units over trials of the same stimulus.

    Parameters
    ----------
    recording : Recording
    population : str
    by : sequence of str, optional
        As for :func:`condition_rates`. Where nothing was varied, all trials are one condition.
    window : (float, float), optional
        ms within the trial, on whose length the coefficient depends; the whole trial by default.
    min_trials : int
        A pair with fewer has NaN.

    Returns
    -------
    pandas.DataFrame
        One row per pair: ``unit_1``, ``unit_2``, ``correlation``, ``n_trials``; see
        :func:`scnnbio.analysis.correlations.noise_correlation`.
    """
    table = grouped(recording, population, by, window)
    return _by_pair(correlations.noise_correlation(table, min_trials=min_trials), "n_trials")


def signal_correlations(
    recording: Recording,
    population: str,
    by: Sequence[str] | None = None,
    *,
    window: Window | None = None,
    min_conditions: int = 4,
) -> DataFrame:
    """Correlation of the mean responses of each pair of units over conditions.

    Parameters
    ----------
    recording : Recording
    population : str
    by : sequence of str, optional
        As for :func:`condition_rates`.
    window : (float, float), optional
        ms within the trial; the whole trial by default.
    min_conditions : int
        With fewer conditions every pair has NaN.

    Returns
    -------
    pandas.DataFrame
        One row per pair: ``unit_1``, ``unit_2``, ``correlation``, ``n_conditions``; see
        :func:`scnnbio.analysis.correlations.signal_correlation`.
    """
    table = grouped(recording, population, by, window)
    found = correlations.signal_correlation(table, min_conditions=min_conditions)
    return _by_pair(found, "n_conditions")


def kernel_shapes(kernel: Images) -> DataFrame:
    """Receptive fields as the kernel has them: Gabor fit and orientation tuning of each map.

    Parameters
    ----------
    kernel : array, shape (maps, 2, rows, columns) or (maps, 2, rows, columns, lags)
        Weights from ON and OFF cells, such as ``run.weights["lgn_v1"]`` or
        ``run.experiment.network.projection("lgn_v1").connector.kernel``.

    Returns
    -------
    pandas.DataFrame
        One row per map, with the measures of
        :class:`~scnnbio.analysis.receptive_fields.KernelMeasures`.
    """
    import pandas

    columns = measure_kernels(kernel).columns()
    named = {_KERNEL_COLUMNS.get(name, name): values for name, values in columns.items()}
    return pandas.DataFrame(named).rename_axis("map")


def varied(recording: Recording) -> tuple[str, ...]:
    """Columns of the stimulus that take more than one value, NaN left out; else the stage."""
    found = []
    for name in STIMULUS_COLUMNS:
        values = np.unique(recording.trials.get(name, np.zeros(0)))
        if values.dtype.kind == "f":
            values = values[~np.isnan(values)]
        if len(values) > 1:
            found.append(name)
    return tuple(found) or ("stage",)


def grouped(
    recording: Recording,
    population: str,
    by: Sequence[str] | None = None,
    window: Window | None = None,
) -> Responses:
    """Counts by condition: of the columns that are named, or else of all that were varied.

    Parameters
    ----------
    recording, population, by, window
        As for :func:`~scnnbio.analysis.rates.responses`.
    """
    return responses(recording, population, varied(recording) if by is None else by, window)


def column_name(column: str) -> str:
    """Name of a stimulus parameter in a table, with its unit."""
    return column + _ENDINGS.get(column, "")


def by_unit(recording: Recording, population: str, columns: Columns) -> DataFrame:
    """A table with one row per unit, which says where the unit stands."""
    import pandas

    size = recording.size(population)
    place = np.unravel_index(np.arange(size), recording.shapes[population])
    placed = dict(zip(("channel", "row", "column"), place, strict=True))
    return pandas.DataFrame({**placed, **columns}, index=pandas.RangeIndex(size, name="unit"))


def _by_pair(found: correlations.Correlations, n: str) -> DataFrame:
    import pandas

    columns = [getattr(found, item.name) for item in dataclasses.fields(found)]
    names = ("unit_1", "unit_2", "correlation", n)
    return pandas.DataFrame(dict(zip(names, columns, strict=True)))
