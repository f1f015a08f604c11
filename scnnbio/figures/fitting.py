"""A fitted neuron beside its recording: current, potentials, spikes, and scores by sweep."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from scnnbio.figures.style import INK, MODEL, ON, PAGE, QUIET, new_figure, panel_letter, styled
from scnnbio.fitting import Fit, Scores

__all__ = ["fit_caption", "fit_figure"]

#: Width of the magnified part (ms), and most points of a curve.
_NEAR, _MOST = 200.0, 4000


@styled
def fit_figure(fit: Fit, *, width: float = PAGE) -> Figure:
    """Draw a fit.

    Parameters
    ----------
    fit : Fit
    width : float
        Width of the figure in mm.

    Returns
    -------
    matplotlib.figure.Figure
        Current (A), potentials and spikes (B) and a magnified part (C) of the sweep that is in the
        middle by coincidence factor, held out where any is; scores of each sweep (D, E).
    """
    target, response = fit.shown
    scores = fit.train if fit.test is None else fit.test
    k = _middle(scores)
    sweep, spikes = target.sweeps[k], target.spikes[k]
    times = np.asarray(np.arange(len(sweep.current)) * sweep.period, dtype=np.float64)
    figure = new_figure(width, 0.62 * width)
    grid = figure.add_gridspec(3, 2, width_ratios=(1.7, 1), height_ratios=(0.5, 1, 1))
    current = figure.add_subplot(grid[0, 0])
    current.plot(*_thinned(times, sweep.current * 1000.0), color=INK, lw=0.6)
    current.set(ylabel="current\n(pA)", xlim=(0, sweep.duration))
    current.tick_params(labelbottom=False)
    panel_letter(current, "A")
    current.set_title(f"sweep {sweep.name}", loc="right")
    whole, near = figure.add_subplot(grid[1, 0]), figure.add_subplot(grid[2, 0])
    begin = _busiest(spikes, sweep.duration)
    for axes, window in ((whole, (0.0, sweep.duration)), (near, (begin, begin + _NEAR))):
        _potentials(axes, times, sweep.potential, response.potentials[k], window)
        _spikes(axes, spikes, response.spikes[k], window)
    whole.axvspan(begin, min(begin + _NEAR, sweep.duration), color=QUIET, alpha=0.12, lw=0)
    panel_letter(whole, "B")
    panel_letter(near, "C")
    _legend(whole, 0.3, ncols=2)
    near.set_xlabel("time (ms)")
    factor, variance = figure.add_subplot(grid[:2, 1]), figure.add_subplot(grid[2, 1])
    _by_sweep(factor, fit, "coincidence_factor", "coincidence factor")
    if not math.isnan(fit.reliability):
        factor.axhline(fit.reliability, color=QUIET, ls="--", lw=0.8, label="repeated sweeps")
    _legend(factor, 0.4)
    panel_letter(factor, "D")
    _by_sweep(variance, fit, "explained_variance", "explained variance\nof the potential")
    variance.set_xlabel("sweep")
    panel_letter(variance, "E")
    return figure


def _legend(axes: Axes, room: float, ncols: int = 1) -> None:
    """A legend below the data, for which the axis gets longer by a share."""
    low, high = axes.get_ylim()
    axes.set_ylim(low - room * (high - low), high)
    axes.legend(loc="lower right", ncols=ncols)


def fit_caption(fit: Fit) -> str:
    """What the figure of a fit shows, in words."""
    target, _ = fit.shown
    scores = fit.train if fit.test is None else fit.test
    held = "it was held out" if fit.test is not None else "it was fitted to"
    before, after = target.objective.cut
    return (
        f"{fit.model.name} and a recorded cell. (A) Injected current of sweep"
        f" {target.sweeps[_middle(scores)].name}; {held}. (B) Potentials, and spikes above them:"
        " recorded in the upper row, those of the model below. The model has no spike shape, and"
        f" {before:g} ms before to {after:g} ms after a recorded spike do not count. (C) The shaded"
        f" part. (D) Coincidence factor within {target.objective.window:g} ms, and (E) share of"
        " the variance of the potential that the model explains, of each sweep: filled, by the fit"
        " to all; open, by a fit that did not see it. A sweep without spikes has no coincidence"
        " factor."
    )


def _middle(scores: Scores) -> int:
    """The sweep with the middle coincidence factor of those that have one; else the first."""
    known = [k for k, s in enumerate(scores.sweeps) if not math.isnan(s.coincidence_factor)]
    known.sort(key=lambda k: scores.sweeps[k].coincidence_factor)
    return known[(len(known) - 1) // 2] if known else 0


def _busiest(spikes: NDArray[np.float64], duration: float) -> float:
    """Begin of the part with most recorded spikes."""
    if not len(spikes):
        return 0.0
    begins = np.clip(spikes - 0.1 * _NEAR, 0.0, max(duration - _NEAR, 0.0))
    counts = [int(((spikes >= b) & (spikes < b + _NEAR)).sum()) for b in begins]
    return float(begins[int(np.argmax(counts))])


def _thinned(
    times: NDArray[np.float64], values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A curve with fewer points, which keeps the extremes of every group of samples."""
    each = max(1, 2 * len(values) // _MOST)
    if each == 1:
        return times, values
    groups = len(values) // each
    part = values[: groups * each].reshape(groups, each)
    base = np.arange(groups) * each
    index = np.sort(np.stack([base + part.argmin(1), base + part.argmax(1)], axis=1), axis=1)
    chosen = np.unique(index.ravel())
    return times[chosen], values[chosen]


def _potentials(
    axes: Axes,
    times: NDArray[np.float64],
    data: NDArray[np.float64],
    model: NDArray[np.float64],
    window: tuple[float, float],
) -> None:
    inside = (times >= window[0]) & (times <= window[1])
    axes.plot(*_thinned(times[inside], data[inside]), color=INK, lw=0.7, label="recorded")
    axes.plot(*_thinned(times[inside], model[inside]), color=MODEL, lw=0.9, label="model")
    axes.set(ylabel="potential (mV)", xlim=window)


def _spikes(
    axes: Axes,
    data: NDArray[np.float64],
    model: NDArray[np.float64],
    window: tuple[float, float],
) -> None:
    low, high = axes.get_ylim()
    tall = 0.08 * (high - low)
    for row, (train, color) in enumerate(((data, INK), (model, MODEL))):
        shown = train[(train >= window[0]) & (train <= window[1])]
        base = high + tall * (1.6 - 1.3 * row)
        axes.vlines(shown, base, base + tall, color=color, lw=0.9)
    axes.set_ylim(low, high + 3.2 * tall)


def _by_sweep(axes: Axes, fit: Fit, name: str, label: str) -> None:
    """One measure of each sweep, of the fit to all and of fits that did not see it."""
    order = {sweep.name: k for k, sweep in enumerate(fit.train.sweeps)}
    for sweep in () if fit.test is None else fit.test.sweeps:
        order.setdefault(sweep.name, len(order))
    for scores, color, face, said in (
        (fit.train, MODEL, MODEL, "fitted"),
        (fit.test, ON, "none", "held out"),
    ):
        if scores is None:
            continue
        place = [order[sweep.name] for sweep in scores.sweeps]
        values = [getattr(sweep, name) for sweep in scores.sweeps]
        axes.plot(place, values, "o", ms=4, color=color, mfc=face, label=said)
    axes.axhline(1.0, color=QUIET, lw=0.6, ls=":")
    few = len(order) <= 8
    axes.set(ylabel=label, xlim=(-0.5, len(order) - 0.5))
    axes.set_xticks(list(order.values()) if few else [], list(order) if few else [])
