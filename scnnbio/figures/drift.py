"""Drift of weights between correlated trains, and signal to noise of shared updates."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from scnnbio.analysis.drift import Drift, SignalToNoise
from scnnbio.figures.style import INK, MODEL, ON, PAGE, QUIET, new_figure, panel_letter, styled

__all__ = ["drift_figure", "sharing_figure"]


@styled
def drift_figure(found: Drift, *, width: float = PAGE) -> Figure:
    """Measured and expected drift.

    Parameters
    ----------
    found : Drift
    width : float
        Width of the figure in mm.

    Returns
    -------
    matplotlib.figure.Figure
        A: drift against the lag of copied spikes; bars are 95 % intervals. B: measured against
        expected drift.
    """
    figure = new_figure(width, width * 0.4)
    left, right = figure.subplots(1, 2)
    linked = found.correlation > 0
    _points(left, found.lag[linked], found, linked)
    left.plot(found.lag[linked], found.expected[linked], "_", color=INK, ms=12, label="integral")
    alone = found.expected[~linked]
    if len(alone):
        left.axhline(alone[0], color=QUIET, lw=0.8, ls="--", label="integral, uncorrelated")
    left.set(xlabel="lag of the copy (ms)", ylabel="drift of a weight per place (1/s)")
    left.legend(loc="best")
    _points(right, found.expected, found, np.ones(len(linked), dtype=bool))
    ends = [found.expected.min(), found.expected.max()]
    right.plot(ends, ends, color=INK, lw=0.8)
    right.set(xlabel="integral of window times correlation (1/s)", ylabel="measured drift (1/s)")
    for letter, axes in zip("AB", (left, right), strict=True):
        panel_letter(axes, letter)
    return figure


def _points(axes: Axes, at: np.ndarray, found: Drift, which: np.ndarray) -> None:
    error = 1.96 * found.error[which]
    axes.errorbar(at, found.mean[which], error, fmt="o", color=MODEL, ms=4, label="measured")


@styled
def sharing_figure(
    found: SignalToNoise, drifts: Mapping[int, Drift], *, width: float = PAGE
) -> Figure:
    """Effect of sharing a weight among places on an update.

    Parameters
    ----------
    found : SignalToNoise
    drifts : mapping of int to Drift
        By number of places.
    width : float
        Width of the figure in mm.

    Returns
    -------
    matplotlib.figure.Figure
        A: signal-to-noise ratio of an update. B: drift of a weight, summed over all places.
    """
    figure = new_figure(width, width * 0.4)
    left, right = figure.subplots(1, 2)
    left.loglog(found.places, found.ratio, "o", color=MODEL, ms=5, label="measured")
    root = found.ratio[0] * np.sqrt(found.places / found.places[0])
    left.loglog(found.places, root, color=INK, lw=0.8, label="square root of places")
    left.set(xlabel="places that share a weight", ylabel="mean / standard deviation")
    left.legend(loc="upper left")
    for number, drift in drifts.items():
        total = drift.mean[0] * number, 1.96 * drift.error[0] * number
        right.errorbar(number, *total, fmt="o", color=ON, ms=4)
    numbers = np.array(sorted(drifts))
    expected = np.array([drifts[n].expected[0] * n for n in numbers])
    right.plot(numbers, expected, color=INK, lw=0.8)
    right.set(xlabel="places that share a weight", ylabel="drift of a weight (1/s)", xscale="log")
    if (expected > 0).all():
        right.set_yscale("log")
    # Plain numbers: the axes span a decade or two.
    for axes in (left, right):
        axes.set_xticks(found.places)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(StrMethodFormatter("{x:g}"))
            axis.set_minor_formatter(NullFormatter())
    left.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    for letter, axes in zip("AB", (left, right), strict=True):
        panel_letter(axes, letter)
    return figure
