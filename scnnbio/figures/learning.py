"""The course of learning, from snapshots of kernels and thresholds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from scnnbio.analysis.receptive_fields import at_best_lag, on_minus_off
from scnnbio.analysis.spectra import kernel_tuning, spectral_peak
from scnnbio.analysis.tuning import circular_variance
from scnnbio.errors import SpecError
from scnnbio.figures.style import MODEL, PAGE, QUIET, new_figure, panel_letter, styled
from scnnbio.recording import Recording, Snapshots

__all__ = ["learning_curve"]

Array = NDArray[np.float64]


#: Kernels are measured at as many snapshots: seconds, where all of them took a minute.
_MEASURED = 12


@styled
def learning_curve(
    recording: Recording,
    *,
    kernel: str = "lgn_v1",
    threshold: str = "v1",
    final: ArrayLike | None = None,
    width: float = PAGE,
) -> Figure:
    """How fast kernels still change, how selective they are, and where thresholds are.

    Parameters
    ----------
    recording : Recording
        With at least two snapshots of the kernel.
    kernel, threshold : str
        Names of the snapshots. Without those of the threshold its panel is left out.
    final : array, shape of the kernel, optional
        The kernel after the last trial, shown at the end of the run.
    width : float
        Of the figure in mm.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    SpecError
        If there are fewer than two snapshots of the kernel.
    """
    trial, values = _course(recording, kernel, final)
    drawn: list[Callable[[Axes], None]] = [
        lambda axes: _change(axes, trial, values),
        lambda axes: _selectivity(axes, trial, values),
    ]
    if values.ndim != 5 or values.shape[2] > 2:
        drawn.pop()
    if threshold in recording.snapshots:
        shots = recording.snapshots[threshold]
        drawn.append(lambda axes: _thresholds(axes, shots))
    figure = new_figure(width * len(drawn) / 3, width * 0.31)
    panels = figure.subplots(1, len(drawn), squeeze=False)[0]
    for letter, axes, draw in zip("ABC", panels, drawn, strict=False):
        draw(axes)
        axes.set_xlim(left=0.0)
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.set_xlabel("trials shown")
        panel_letter(axes, letter)
    return figure


def _course(recording: Recording, kernel: str, final: ArrayLike | None) -> tuple[Array, Array]:
    """Trials shown before each snapshot, and the kernels."""
    shots = recording.snapshots.get(kernel)
    count = (0 if shots is None else len(shots.trial)) + (final is not None)
    if shots is None or count < 2:
        raise SpecError(
            f"{count} snapshots of {kernel!r}; a course needs two, ask for more in the record",
            where="learning_curve",
        )
    trial = np.maximum(shots.trial.astype(np.float64), 0.0)
    values = shots.values
    if final is not None:
        trial = np.append(trial, float(recording.n_trials))
        values = np.concatenate([values, np.asarray(final, dtype=np.float64)[None]])
    return trial, values


def _change(axes: Axes, trial: Array, values: Array) -> None:
    """Mean size of a weight's change between snapshots, per 100 trials."""
    size = np.abs(np.diff(values, axis=0)).reshape(len(values) - 1, -1).mean(axis=1)
    apart = np.maximum(np.diff(trial), 1.0)
    axes.plot(trial[1:], 100.0 * size / apart, color=MODEL, marker="o", ms=2.6)
    axes.set_ylim(bottom=0.0)
    axes.set_ylabel("mean |change of weight|\nin 100 trials")


def _selectivity(axes: Axes, trial: Array, values: Array) -> None:
    """Circular variance of the kernels: mean, and the middle half."""
    kept = np.unique(np.linspace(0, len(trial) - 1, min(len(trial), _MEASURED)).astype(int))
    trial, values = trial[kept], values[kept]
    rows = []
    for kernel in values:
        images = at_best_lag(on_minus_off(kernel, "learning_curve"))
        frequency, _ = spectral_peak(images)
        amplitude, orientation = kernel_tuning(images, np.nan_to_num(frequency, nan=0.1))
        rows.append(circular_variance(amplitude, orientation))
    variance = np.array(rows)
    alive = ~np.isnan(variance).all(axis=1)
    trial, variance = trial[alive], variance[alive]
    if len(trial):
        low, high = np.nanquantile(variance, [0.25, 0.75], axis=1)
        axes.fill_between(trial, low, high, color=MODEL, alpha=0.2, lw=0, label="middle half")
        axes.plot(
            trial, np.nanmean(variance, axis=1), color=MODEL, marker="o", ms=2.6, label="mean"
        )
        axes.legend(loc="lower left")
    axes.set_ylim(0.0, 1.0)
    axes.set_ylabel("circular variance of kernels")


def _thresholds(axes: Axes, shots: Snapshots) -> None:
    """One thin line a map, and their mean."""
    trial = np.maximum(shots.trial, 0)
    values = shots.values.reshape(len(trial), -1)
    axes.plot(trial, values, color=QUIET, lw=0.5, alpha=0.45)
    axes.plot(trial, values.mean(axis=1), color=MODEL, lw=1.6, label="mean")
    axes.plot([], [], color=QUIET, lw=0.5, label=f"each map (n = {values.shape[1]})")
    axes.set_ylim(top=axes.get_ylim()[1] + 0.25 * np.ptp(axes.get_ylim()))
    axes.legend(loc="upper left")
    axes.set_ylabel("threshold (mV)")
