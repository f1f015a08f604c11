"""Receptive fields from spikes: the average of what was shown before each, and its Gabor fit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scnnbio.analysis.gabor import GaborFit, fit_gabor
from scnnbio.analysis.measurements import Bootstrap, Measurement, Reason, measured
from scnnbio.errors import SpecError
from scnnbio.recording import Recording
from scnnbio.units import Number, plain, whole_numbers

Array = NDArray[np.float64]
Frames = Callable[[int], NDArray[np.float64]]

#: Of the fit, with the unit of each and the period of those that go around.
_GABOR: dict[str, tuple[str, float | None]] = {
    "orientation": ("deg", 180.0), "frequency": ("cycles/pixel", None), "n_x": ("1", None),
    "n_y": ("1", None), "x0": ("pixels", None), "y0": ("pixels", None),
    "sigma_x": ("pixels", None), "sigma_y": ("pixels", None), "phase": ("deg", 360.0),
    "r_squared": ("1", None),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class SpikeTriggered:
    """Average of the frames before each spike.

    Parameters
    ----------
    average : array, shape (units, lags, rows, columns)
        Contrast units, less the mean frame; NaN for a unit without spikes. Lag 0 is the frame
        during which the spike fell.
    n : array of int, shape (units,)
        Spikes with a frame at every lag.
    frame : float
        Duration of a frame, ms.
    noise : float
        Standard deviation of the luminance of a pixel: an average of n frames that have nothing to
        do with the spikes has a standard error of ``noise / sqrt(n)`` if frames are independent.
    """

    average: NDArray[np.float64]
    n: NDArray[np.int64]
    frame: float
    noise: float

    def best_lag(self) -> NDArray[np.int64]:
        """Lag with the largest sum of squares over the picture, shape (units,)."""
        return np.asarray(np.nan_to_num(self.average**2).sum(axis=(2, 3)).argmax(axis=1))

    def peak_errors(self) -> Array:
        """Largest absolute pixel in standard errors, shape (units,); NaN without spikes."""
        peak = np.abs(self.average).max(axis=(1, 2, 3))
        return np.asarray(peak * np.sqrt(self.n) / self.noise)


def spike_triggered_average(
    recording: Recording, population: str, frames: Frames, *, lags: int = 1
) -> SpikeTriggered:
    """Spike-triggered average of the frames of each trial.

    Parameters
    ----------
    recording : Recording
    population : str
    frames : callable
        Frames of a trial of the recording, (n_frames, rows, columns), contrast units, each as long
        as the others: ``lambda k: stimulus.frames(k, shape, rng)`` for noise that is the same in
        each repeat. What was shown has to be white, or the average is blurred as it is.
    lags : int
        Frames before a spike that are averaged; the first is the one during which it fell.

    Returns
    -------
    SpikeTriggered

    Raises
    ------
    SpecError
        If frames differ in number or form, or trials in duration.

    References
    ----------
    E. J. Chichilnisky (2001), Network 12, 199-213.
    """
    whole = np.ones(recording.n_trials)
    return _average(recording, population, frames, _lags(lags), whole[None])[0]


def receptive_field_measures(
    recording: Recording,
    population: str,
    frames: Frames,
    *,
    lags: int = 1,
    bootstrap: Bootstrap | None = None,
    least_spikes: int = 100,
    least_errors: Number = 5.0,
    least_r_squared: Number = 0.7,
) -> dict[str, Measurement]:
    """Receptive fields by spike-triggered average and Gabor fit.

    Parameters
    ----------
    recording, population, frames, lags
        As for :func:`spike_triggered_average`.
    bootstrap : Bootstrap, optional
        Trials are drawn again; each resample is fitted from the fit of the whole, which costs some
        5 ms per unit and resample. 50 draws by default.
    least_spikes : int
        A unit with fewer is insufficient.
    least_errors : float
        So are one whose largest pixel is fewer standard errors from 0,
    least_r_squared : float
        and one whose fit explains less of the variance at the best lag.

    Returns
    -------
    dict of str to Measurement
        ``orientation`` (of the bars, deg), ``frequency`` (cycles/pixel), ``n_x`` and ``n_y``
        (sigma x frequency), ``x0``, ``y0``, ``sigma_x``, ``sigma_y`` (pixels), ``phase`` (deg) and
        ``r_squared`` of the fit, ``best_lag`` (ms) and ``peak_errors``. n counts spikes.

    References
    ----------
    J. P. Jones and L. A. Palmer (1987), J. Neurophysiol. 58, 1187-1211; D. L. Ringach (2002), J.
    Neurophysiol. 88, 455-463, doi:10.1152/jn.2002.88.1.455 (n_x, n_y, fits that explain 0.7).
    """
    how = bootstrap or Bootstrap(draws=50)
    errors = plain(least_errors, "1", where="receptive_field_measures.least_errors")
    least = plain(least_r_squared, "1", where="receptive_field_measures.least_r_squared")
    trials = np.zeros(recording.n_trials, dtype=np.int64)
    weights = np.concatenate([np.ones((1, len(trials))), how.weights(trials)])
    found = _average(recording, population, frames, _lags(lags), weights)
    whole, size = found[0], recording.size(population)
    lag, peak = whole.best_lag(), whole.peak_errors()
    few: Reason = (f"fewer than {least_spikes} spikes", whole.n < least_spikes)
    weak: Reason = (f"no pixel {errors:g} standard errors from 0", ~(peak >= errors))
    values = {name: np.full((1 + how.draws, size), np.nan) for name in _GABOR}
    for unit in np.flatnonzero(~few[1] & ~weak[1]):
        image = whole.average[unit, lag[unit]]
        fit = fit_gabor(image)
        _keep(values, 0, unit, fit)
        if fit.r_squared < least or np.isnan(fit.r_squared):
            continue
        for row, draw in enumerate(found[1:], start=1):
            picture = draw.average[unit, lag[unit]]
            if np.isfinite(picture).all():
                _keep(values, row, unit, fit_gabor(picture, start=fit))
    poor: Reason = (
        f"the Gabor fit explains less than {least:g} of the variance",
        ~(values["r_squared"][0] >= least),
    )
    common: dict[str, Any] = {"counted": "spikes"}
    measures = {
        name: measured(
            name, unit, values[name][0], values[name][1:], whole.n, how, [few, weak, poor],
            period=period, **common,
        )
        for name, (unit, period) in _GABOR.items()
    }  # fmt: skip
    others = (
        ("best_lag", "ms", [x.best_lag() * x.frame for x in found]),
        ("peak_errors", "1", [x.peak_errors() for x in found]),
    )
    for name, unit, rows in others:
        table = np.asarray(rows, dtype=np.float64)
        measures[name] = measured(
            name, unit, table[0], table[1:], whole.n, how, [few, weak], **common
        )
    return measures


def _lags(lags: int) -> int:
    number = int(whole_numbers(lags, where="lags"))
    if number < 1:
        raise SpecError(f"{number} is too small; write an integer >= 1", where="lags")
    return number


def _keep(values: dict[str, Array], row: int, unit: int, fit: GaborFit) -> None:
    for name, column in values.items():
        column[row, unit] = getattr(fit, name)


def _average(
    recording: Recording, population: str, frames: Frames, lags: int, weights: Array
) -> list[SpikeTriggered]:
    """Averages with the trials weighted by each row of weights (rows, trials)."""
    durations = recording.trials["duration"]
    if not recording.n_trials or not np.allclose(durations, durations[0]):
        raise SpecError("trials have to last alike", where="spike_triggered_average")
    sums, counts, n, moments = None, np.zeros((len(weights), 1)), 0, np.zeros(2)
    ground: Array | None = None
    size = recording.size(population)
    for trial in range(recording.n_trials):
        shown = np.asarray(frames(trial), dtype=np.float64)
        if shown.ndim != 3 or (sums is not None and (n, *sums.shape[3:]) != shown.shape):
            raise SpecError(
                f"frames of shape {shown.shape}; give (n_frames, rows, columns), alike in every "
                "trial",
                where="spike_triggered_average.frames",
            )
        if sums is None:
            n = len(shown)
            sums = np.zeros((len(weights), size, lags, *shown.shape[1:]))
            counts, ground = np.zeros((len(weights), size)), np.zeros(shown.shape[1:])
        fired = _spikes_by_frame(recording, population, trial, float(durations[0]) / n, n)
        fired[:, : lags - 1] = 0.0
        flat = shown.reshape(n, -1)
        rows = np.flatnonzero(weights[:, trial])
        for lag in range(lags):
            part = fired[:, lag:] @ flat[: n - lag]
            for row in rows:
                sums[row, :, lag] += weights[row, trial] * part.reshape(size, *shown.shape[1:])
        counts += weights[:, trial][:, None] * fired.sum(axis=1)
        moments += (shown.mean(), (shown**2).mean())
        ground = shown.mean(axis=0) if ground is None else ground + shown.mean(axis=0)
    if sums is None or ground is None:
        raise SpecError("there is no trial", where="spike_triggered_average")
    moments, ground = moments / recording.n_trials, ground / recording.n_trials
    noise = float(np.sqrt(max(moments[1] - moments[0] ** 2, 0.0)))
    number = np.rint(counts[0]).astype(np.int64)
    return [
        SpikeTriggered(
            np.where(count[:, None, None, None] > 0, total, np.nan)
            / np.where(count > 0, count, 1.0)[:, None, None, None]
            - ground,
            number,
            float(durations[0]) / n,
            noise,
        )
        for total, count in zip(sums, counts, strict=True)
    ]


def _spikes_by_frame(
    recording: Recording, population: str, trial: int, frame: float, n: int
) -> Array:
    """Spikes of each unit during each frame (units, frames); one at a frame's end is of it."""
    spikes = recording.spikes_of(population)
    here = spikes.trial == trial
    place = np.ceil(spikes.time[here] / frame - 1e-9).astype(np.int64) - 1
    size = recording.size(population)
    flat = spikes.unit[here].astype(np.int64) * n + np.clip(place, 0, n - 1)
    return np.bincount(flat, minlength=size * n).reshape(size, n).astype(np.float64)
