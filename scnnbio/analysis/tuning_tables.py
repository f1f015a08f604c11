"""Tuning of each unit as a labelled table; see :mod:`scnnbio.analysis.tables`.

Each unit is measured at its own best value of what else was varied.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scnnbio.analysis import tuning
from scnnbio.analysis.rates import Responses, responses
from scnnbio.analysis.tables import by_unit, column_name, varied
from scnnbio.errors import SpecError, hint
from scnnbio.recording import Recording
from scnnbio.units import Window

if TYPE_CHECKING:
    from pandas import DataFrame

Array = NDArray[np.float64]


def orientation_tuning(
    recording: Recording, population: str, *, window: Window | None = None
) -> DataFrame:
    """Tuning of each unit to the orientation of gratings.

    Parameters
    ----------
    recording : Recording
        Its trial table has ``orientation`` (deg), in equal steps through 180 or 360.
    population : str
    window : (float, float), optional
        ms within the trial; spikes with t0 < t <= t1 count. The whole trial by default.

    Returns
    -------
    pandas.DataFrame
        ``preferred_orientation_deg`` (of the bars, 0 to 180, counter-clockwise from horizontal),
        ``circular_variance``, ``orientation_selectivity`` (NaN if no orientation was shown at right
        angles to each), ``half_bandwidth_deg`` (at 1/sqrt(2) of the peak), ``peak_rate_hz``,
        ``n_trials`` that the curve rests on, and at which value of what else was varied it stands.
        No spontaneous rate is subtracted. See :mod:`scnnbio.analysis.tuning` for each measure.

    Raises
    ------
    SpecError
        If no trial has an orientation, or the orientations do not go around in equal steps.
    """
    table, angles, curves = _curves(recording, population, "orientation", window)
    measures = {
        "preferred_orientation_deg": _where_shown(tuning.preferred_orientation, curves, angles),
        "circular_variance": _where_shown(tuning.circular_variance, curves, angles),
        "orientation_selectivity": _selectivity(
            tuning.orientation_selectivity, curves, angles, turn=90.0
        ),
        "half_bandwidth_deg": _where_shown(tuning.half_bandwidth, curves, angles),
    }
    return _tuning(recording, table, "orientation", measures)


def direction_tuning(
    recording: Recording, population: str, *, window: Window | None = None
) -> DataFrame:
    """Tuning of each unit to the direction of motion of drifting gratings.

    A grating of orientation ``o`` (from 0 to 360) drifts towards ``o + 90``.

    Parameters
    ----------
    recording : Recording
        Its trial table has ``orientation`` (deg), in equal steps through 360, an even number.
    population : str
    window : (float, float), optional
        ms within the trial; spikes with t0 < t <= t1 count. The whole trial by default.

    Returns
    -------
    pandas.DataFrame
        ``preferred_direction_deg`` (of those shown, the one with the largest rate;
        counter-clockwise from rightwards), ``direction_selectivity`` ((preferred - opposite) /
        (preferred + opposite)), ``direction_circular_variance`` (1 - abs(sum r exp(i
        direction)) / sum r), ``peak_rate_hz``, ``n_trials`` and at which value of what else was
        varied the curve stands.

    Raises
    ------
    SpecError
        If no trial has an orientation, or these do not go around 360 deg with opposite ones.

    References
    ----------
    M. Mazurek, M. Kager and S. D. Van Hooser (2014), Front. Neural Circuits 8, 92,
    doi:10.3389/fncir.2014.00092 (circular variance in the space of directions).
    """
    table, angles, curves = _curves(recording, population, "orientation", window)
    total = curves.sum(axis=1)
    vector = np.abs(curves @ np.exp(1j * np.deg2rad(angles)))
    fires = total > 0  # false for NaN too
    best = angles[np.nan_to_num(curves).argmax(axis=1)]
    measures = {
        "preferred_direction_deg": np.where(fires, (best + 90.0) % 360.0, np.nan),
        "direction_selectivity": _where_shown(tuning.direction_selectivity, curves, angles),
        "direction_circular_variance": np.where(
            fires, 1.0 - vector / np.where(fires, total, 1.0), np.nan
        ),
    }
    return _tuning(recording, table, "orientation", measures)


def spatial_frequency_tuning(
    recording: Recording, population: str, *, window: Window | None = None
) -> DataFrame:
    """Tuning of each unit to the spatial frequency of gratings.

    Parameters
    ----------
    recording : Recording
        Its trial table has ``spatial_frequency``: in cycles per pixel for ``Gratings``, in cycles
        per deg for ``GratingPatches``, and in a laboratory's own unit otherwise, which is then that
        of the result.
    population : str
    window : (float, float), optional
        ms within the trial; spikes with t0 < t <= t1 count. The whole trial by default.

    Returns
    -------
    pandas.DataFrame
        ``preferred_spatial_frequency`` (of those shown, the one with the largest rate),
        ``low_cutoff`` and ``high_cutoff`` (where the rate falls to half the peak, on a line between
        samples over the logarithm of the frequency; NaN where it does not fall so far),
        ``bandwidth_octaves`` (from one to the other), ``peak_rate_hz``, ``n_trials`` and at which
        value of what else was varied the curve stands.

    Raises
    ------
    SpecError
        If no trial has a spatial frequency, or one is not positive.

    References
    ----------
    R. L. De Valois, D. G. Albrecht and L. G. Thorell (1982), Vision Res. 22, 545-559,
    doi:10.1016/0042-6989(82)90113-4 (full width at half height, in octaves).
    """
    table, frequencies, curves = _curves(recording, population, "spatial_frequency", window)
    if frequencies[0] <= 0:
        raise SpecError(
            f"a spatial frequency of {frequencies[0]:g} has no logarithm; leave out these trials",
            where="spatial_frequency_tuning",
        )
    octaves = np.log2(frequencies)
    low, high = np.full(len(curves), np.nan), np.full(len(curves), np.nan)
    preferred = np.full(len(curves), np.nan)
    for unit, curve in enumerate(curves):
        if not curve.sum() > 0:  # silent, or not shown everything
            continue
        peak = int(curve.argmax())
        preferred[unit] = frequencies[peak]
        low[unit] = _cutoff(octaves[peak::-1], curve[peak::-1])
        high[unit] = _cutoff(octaves[peak:], curve[peak:])
    measures = {
        "preferred_spatial_frequency": preferred,
        "low_cutoff": 2.0**low,
        "high_cutoff": 2.0**high,
        "bandwidth_octaves": high - low,
    }
    return _tuning(recording, table, "spatial_frequency", measures)


def _curves(
    recording: Recording, population: str, along: str, window: Window | None
) -> tuple[Responses, Array, Array]:
    """Responses, the values of a column, and each unit's curve along it."""
    column = recording.trials.get(along)
    if column is None:
        said = hint(along, recording.trials)
        raise SpecError(f"no column {along!r}; {said}", where="Recording.trials")
    if column.dtype.kind not in "fiu":
        raise SpecError("is not a column of numbers", where=f"Recording.trials[{along!r}]")
    # A blank differs in contrast from the gratings, which does not make contrast a condition.
    shown = recording.take(np.flatnonzero(~np.isnan(column)))
    by = (along, *(name for name in varied(shown) if name not in (along, "stage")))
    table = responses(recording, population, by, window)
    return (table, *table.curve(along))


def _where_shown(measure: Callable[..., Array], curves: Array, angles: Array) -> Array:
    """A measure of the curves that are complete; NaN for the others."""
    whole = ~np.isnan(curves).any(axis=1)
    found = np.full(len(curves), np.nan)
    if whole.any():
        found[whole] = measure(curves[whole], angles)
    return found


def _selectivity(measure: Callable[..., Array], curves: Array, angles: Array, turn: float) -> Array:
    """A contrast of angles, NaN throughout where none was shown at a turn from the others."""
    places = (angles[:, None] + turn - angles[None, :]) % 180.0
    apart = np.minimum(places, 180.0 - places).min(axis=1)
    if (apart > 1e-6).any():
        return np.full(len(curves), np.nan)
    return _where_shown(measure, curves, angles)


def _cutoff(octaves: Array, curve: Array) -> float:
    """Where a curve, followed from its peak, first falls to half of it; NaN if it does not."""
    half = curve[0] / 2.0
    below = np.flatnonzero(curve <= half)
    if not len(below):
        return float("nan")
    after = below[0]
    high, low = curve[after - 1], curve[after]
    step = octaves[after] - octaves[after - 1]
    return float(octaves[after - 1] + step * (high - half) / (high - low))


def _tuning(
    recording: Recording, table: Responses, along: str, measures: dict[str, Array]
) -> DataFrame:
    """Measures of curves, their peaks, and where the curves stand."""
    rates, best = table.rates, table.best()
    fires = rates.max(axis=0) > 0
    others = {name: column for name, column in table.conditions.items() if name != along}
    same = np.ones((len(best), len(table.n_trials)), dtype=bool)
    for column in others.values():
        same &= column[None, :] == column[best][:, None]
    at = {
        column_name(name): np.where(fires, column[best], np.nan) for name, column in others.items()
    }
    columns = {
        **measures,
        "peak_rate_hz": rates.max(axis=0),
        "n_trials": same @ table.n_trials,
        **at,
    }
    return by_unit(recording, table.population, columns)
