"""Tuning curves of a recording, with resamples of its trials."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scnnbio.analysis.measurements import Bootstrap, Reason
from scnnbio.analysis.rates import Responses, responses
from scnnbio.analysis.tables import varied
from scnnbio.errors import SpecError, hint
from scnnbio.recording import Recording
from scnnbio.recording.trials import matches
from scnnbio.units import Window, plain_window

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]

#: Number of curves that are measured at a time, which bounds the memory.
_AT_ONCE = 4096


@dataclass(frozen=True, eq=False)
class Curves:
    """Response of each unit along one column of the trial table, with resamples of its trials.

    The other columns are held at the values at which the unit's mean rate is largest. Resamples
    use the same values.

    Parameters
    ----------
    along : str
    values : array, shape (k,)
        Values of the column, increasing.
    rate : array, shape (units, k)
        Mean rate, Hz; NaN where not shown.
    rate_draws : array, shape (draws, units, k)
    f1 : array, shape (units, k), or None
        Amplitude of the rate at the grating's temporal frequency, Hz; for a static grating, of the
        first harmonic over its phases.
    f1_draws : array, shape (draws, units, k), or None
    spontaneous : array, shape (units,)
        Mean rate in blanks, Hz; NaN without blanks.
    spontaneous_draws : array, shape (draws, units)
    n : array of int, shape (units,)
        Number of trials of the curve.
    repeats : array of int, shape (units,)
        Number of trials of the curve's point with the fewest.
    """

    along: str
    values: Array
    rate: Array
    rate_draws: Array
    f1: Array | None
    f1_draws: Array | None
    spontaneous: Array
    spontaneous_draws: Array
    n: NDArray[np.int64]
    repeats: NDArray[np.int64]

    def reasons(self, least_repeats: int = 1) -> list[Reason]:
        """Reasons why a unit's curve can be insufficient."""
        return [
            ("not every value was shown", np.isnan(self.rate).any(axis=1)),
            (f"fewer than {least_repeats} trials at a value", self.repeats < least_repeats),
            ("no spikes", ~(np.nan_to_num(self.rate).max(axis=1) > 0)),
        ]

    @property
    def whole(self) -> NDArray[np.bool_]:
        """Units that fire and whose curve has no gaps, shape (units,)."""
        return np.asarray(~np.isnan(self.rate).any(axis=1) & (self.rate.sum(axis=1) > 0))


def tuning_curves(
    recording: Recording,
    population: str,
    along: str,
    *,
    window: Window | None = None,
    bootstrap: Bootstrap | None = None,
    f1: bool = False,
    fixed: Mapping[str, Any] | None = None,
    best_at: Any = None,
) -> Curves:
    """Tuning curves of each unit, with resamples of the trials.

    Parameters
    ----------
    recording : Recording
        Its trial table has the column ``along``. Trials whose ``contrast`` is 0 are blanks.
    population : str
    along : str
    window : (float, float), optional
        ms within the trial; the whole trial by default.
    bootstrap : Bootstrap, optional
    f1 : bool
        Whether to measure the modulation as well, which needs ``temporal_frequency``.
    fixed : mapping from column to value, optional
        Columns that are held at this value instead of each unit's best one.
    best_at : float, optional
        Value of ``along`` at which the best values of the other columns are determined; all values
        by default.

    Returns
    -------
    Curves

    Raises
    ------
    SpecError
        If there is no such column, or no such trials.
    """
    how = bootstrap or Bootstrap()
    shown = _shown(recording, along, fixed or {})
    by = (along, *(name for name in varied(shown) if name not in (along, "stage", "sequence")))
    table = responses(shown, population, by, window)
    values, place = _places(table, along, best_at)
    weights = trial_weights(shown, table, how)
    seconds = (table.window[1] - table.window[0]) / 1000.0
    rate, rate_draws = _points(table, table.counts / seconds, place, weights)
    modulation: tuple[Array | None, Array | None] = (None, None)
    if f1:
        first = trial_f1(shown, population, table.window)[1]
        mean, draws = _points(table, first, place, weights)
        modulation = (np.abs(mean), np.abs(draws))
    calm, calm_draws = spontaneous(recording, population, table.window, how)
    number = np.where(place >= 0, table.n_trials[place], 0)
    return Curves(
        along, values, rate, rate_draws, *modulation, calm, calm_draws,
        number.sum(axis=1), number.min(axis=1),
    )  # fmt: skip


def trial_weights(recording: Recording, table: Responses, bootstrap: Bootstrap) -> Array:
    """Weight of each trial in each resample, (draws, trials); weights sum to 1 per condition.

    Static gratings differ in phase within a condition, and each phase is resampled separately:
    the first harmonic over phases needs every phase with equal weight.
    """
    phase = recording.trials.get("phase")
    frequency = recording.trials.get("temporal_frequency", np.ones(recording.n_trials))
    if phase is None or not (frequency == 0).any():
        return bootstrap.weights(table.condition)
    kept = table.condition >= 0
    rows = np.stack([table.condition, np.where(frequency == 0, np.nan_to_num(phase), 0.0)], axis=1)
    part = np.full(len(kept), -1)
    _, part[kept], number = np.unique(rows[kept], axis=0, return_inverse=True, return_counts=True)
    weights = bootstrap.weights(part)
    weights[:, kept] *= number[part[kept]] / table.n_trials[table.condition[kept]]
    return weights


def spontaneous(
    recording: Recording, population: str, window: Window, bootstrap: Bootstrap
) -> tuple[Array, Array]:
    """Mean rate of each unit in blanks (units,), and its resamples (draws, units), Hz.

    Blanks are trials of contrast 0; without any both are NaN.
    """
    contrast = recording.trials.get("contrast", np.ones(recording.n_trials))
    mask = recording.trials.get("mask_contrast", np.zeros(recording.n_trials))
    rows = np.flatnonzero((contrast == 0) & ~(mask > 0))
    size = recording.size(population)
    if not len(rows):
        return np.full(size, np.nan), np.full((bootstrap.draws, size), np.nan)
    blanks = recording.take(rows)
    begin, end = plain_window(window)
    if end > blanks.trials["duration"].min() * (1 + 1e-9):
        raise SpecError(
            f"blanks are shorter than the window that ends at {end:g} ms; shorten the window",
            where="window",
        )
    rates = blanks.counts(population, window) / ((end - begin) / 1000.0)
    weights = bootstrap.weights(np.zeros(len(rows), dtype=np.int64))
    return rates.mean(axis=0), weights @ rates


def trial_f1(
    recording: Recording, population: str, window: Window
) -> tuple[Array, Complex, NDArray[np.float64]]:
    """Mean rate and modulation of each unit in each trial, over the whole cycles of the window.

    Parameters
    ----------
    recording : Recording
        Its trial table has ``temporal_frequency`` (Hz), and may have ``phase`` (deg).
    population : str
    window : (float, float)
        ms.

    Returns
    -------
    f0 : array, shape (trials, units)
        Hz.
    f1 : complex array, shape (trials, units)
        Hz. The absolute value of the mean over trials of one stimulus is the amplitude of the
        modulation; trials that differ in phase are aligned. For a static grating it is the mean
        rate with the stimulus' phase, and only the mean over equally spaced phases is meaningful.
    length : array, shape (trials,)
        Duration of the whole cycles that were used, ms.

    Raises
    ------
    SpecError
        If there is no such column, the window contains no whole cycle, or static gratings were not
        shown at three or more equally spaced phases.
    """
    frequency = recording.trials.get("temporal_frequency")
    if frequency is None:
        said = hint("temporal_frequency", recording.trials)
        raise SpecError(f"no column 'temporal_frequency'; {said}", where="Recording.trials")
    begin, end = plain_window(window)
    moves = frequency > 0  # False for NaN
    cycle = np.where(moves, 1000.0 / np.where(moves, frequency, 1.0), end - begin)
    cycles = np.floor((end - begin) / cycle + 1e-9)
    if (cycles < 1).any():
        raise SpecError(
            f"{begin:g} to {end:g} ms contain no cycle of {cycle.max():g} ms; record for longer",
            where="window",
        )
    length = cycles * cycle
    spikes = recording.spikes_of(population)
    inside = (spikes.time > begin) & (spikes.time <= begin + length[spikes.trial] + 1e-6)
    trial, size = spikes.trial[inside].astype(np.int64), recording.size(population)
    flat = trial * size + spikes.unit[inside]
    angle = 2 * np.pi * spikes.time[inside] / cycle[trial] * moves[trial]
    number, real, imaginary = (
        np.bincount(flat, weights, minlength=recording.n_trials * size)
        for weights in (None, np.cos(angle), np.sin(angle))
    )
    shape, seconds = (recording.n_trials, size), (length / 1000.0)[:, None]
    phase = np.deg2rad(np.nan_to_num(recording.trials.get("phase", np.zeros(len(moves)))))
    _check_phases(phase[~moves & (recording.trials.get("contrast", np.ones(len(moves))) > 0)])
    # A drifting grating that starts later in its cycle is followed earlier by the same phase.
    turn = np.exp(1j * np.where(moves, phase, -phase))[:, None]
    first = 2.0 * (real - 1j * imaginary).reshape(shape) / seconds * turn
    return number.reshape(shape) / seconds, first, length


def _check_phases(phase: Array) -> None:
    """Raise for phases (rad) of static gratings at which a constant rate would appear modulated."""
    turns = np.exp(1j * phase)
    if len(phase) and max(abs(turns.mean()), abs((turns**2).mean())) > 1e-6:
        raise SpecError(
            "the modulation of static gratings needs three or more equally spaced phases, each "
            "shown equally often; show these, or select trials whose temporal_frequency is above 0",
            where="Recording.trials",
        )


def _shown(recording: Recording, along: str, fixed: Mapping[str, Any]) -> Recording:
    for name in (along, *fixed):
        column = recording.trials.get(name)
        if column is None:
            said = hint(name, recording.trials)
            raise SpecError(f"no column {name!r}; {said}", where="Recording.trials")
        if column.dtype.kind not in "fiu":
            raise SpecError("is not a column of numbers", where=f"Recording.trials[{name!r}]")
    chosen = recording.select(**fixed) if fixed else recording
    kept = ~np.isnan(chosen.trials[along])
    angle = chosen.trials.get("orientation")
    if angle is not None and not np.isnan(angle).all():
        kept &= ~np.isnan(angle)  # a blank is not a point of a curve, not even of a contrast curve
    rows = np.flatnonzero(kept)
    if not len(rows):
        raise SpecError(
            f"no trial with the fixed values has a value of {along!r}", where="Recording.trials"
        )
    return chosen.take(rows)


def _places(table: Responses, along: str, best_at: Any) -> tuple[Array, NDArray[np.int64]]:
    """Values of a column, and each unit's condition at each value (units, k); -1 for none."""
    values, position = np.unique(table.conditions[along], return_inverse=True)
    among = np.arange(len(position))
    if best_at is not None:
        among = np.flatnonzero(matches(table.conditions[along], best_at))
        if not len(among):
            raise SpecError(f"{along} {best_at} was not shown", where="tuning_curves.best_at")
    best = among[table.rates[among].argmax(axis=0)]
    same = np.ones((len(best), len(position)), dtype=bool)
    for name, column in table.conditions.items():
        if name != along:
            same &= column[None, :] == column[best][:, None]
    place = np.full((len(best), len(values)), -1)
    unit, condition = np.nonzero(same)
    place[unit, position.ravel()[condition]] = condition
    return values.astype(np.float64), place


def _points(
    table: Responses, quantity: Any, place: NDArray[np.int64], weights: Array
) -> tuple[Any, Any]:
    """Mean of a quantity (trials, units) in each condition of ``place``, and its resamples."""
    mean = np.full(place.shape, np.nan, dtype=quantity.dtype)
    draws = np.full((len(weights), *place.shape), np.nan, dtype=quantity.dtype)
    for condition in range(len(table.n_trials)):
        unit, point = np.nonzero(place == condition)
        if len(unit):
            rows = np.flatnonzero(table.condition == condition)
            here = quantity[np.ix_(rows, unit)]
            mean[unit, point] = here.mean(axis=0)
            draws[:, unit, point] = weights[:, rows] @ here
    return mean, draws


def over_units(
    measure: Callable[..., Any],
    curves: Curves,
    *,
    of: str = "rate",
    resampled: Callable[..., Any] | None = None,
) -> tuple[Any, Any]:
    """Apply a measure to complete curves and their resamples; NaN for the others.

    Parameters
    ----------
    measure : callable
        Takes curves (n, k) and the values (k,), and returns one array (n,) or several.
    of : {"rate", "f1"}
    resampled : callable, optional
        A faster form of the measure, for the resamples.
    """
    kept = np.flatnonzero(curves.whole)
    size, draws = len(curves.rate), len(curves.rate_draws)
    one = np.asarray(measure(getattr(curves, of)[kept], curves.values))
    single = one.ndim == 1
    values = np.full((1 if single else len(one), size), np.nan)
    values[:, kept] = one
    drawn = np.full((len(values), draws, size), np.nan)
    many = getattr(curves, f"{of}_draws")[:, kept]
    flat = many.reshape(-1, len(curves.values))
    # Resamples of single trials are NaN, and have no measure.
    rows = np.flatnonzero(~np.isnan(flat).any(axis=1))
    found = np.full((len(values), len(flat)), np.nan)
    for some in np.split(rows, range(_AT_ONCE, len(rows), _AT_ONCE)):
        if len(some):
            found[:, some] = np.atleast_2d((resampled or measure)(flat[some], curves.values))
    drawn[:, :, kept] = found.reshape(len(values), draws, len(kept))
    return (values[0], drawn[0]) if single else (values, drawn)
