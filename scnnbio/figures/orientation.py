"""Orientation: preferred orientations, selectivity, and tuning curves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from scnnbio.analysis.rates import Responses
from scnnbio.analysis.tuning import circular_variance
from scnnbio.errors import SpecError
from scnnbio.figures.histograms import draw_against_bins
from scnnbio.figures.style import (
    COLUMN,
    INK,
    MODEL,
    PAGE,
    PUBLISHED,
    QUIET,
    new_figure,
    panel_letter,
    styled,
)

__all__ = ["example_units", "orientation_figure", "tuning_curves"]

Array = NDArray[np.float64]


@styled
def orientation_figure(
    orientation: ArrayLike,
    variance: ArrayLike,
    counts: ArrayLike,
    edges: ArrayLike,
    *,
    bins: int = 8,
    published: str = "Ringach et al. 2002",
    labels: tuple[str, str] = ("preferred orientation", "circular variance"),
    width: float = PAGE,
) -> Figure:
    """Histograms of preferred orientation and of circular variance, the latter with published data.

    Parameters
    ----------
    orientation : array, shape (cells,)
        deg, modulo 180. NaN is ignored.
    variance : array, shape (cells,)
        Circular variance, 0 to 1. NaN is ignored.
    counts, edges : array, shape (bins,) and (bins + 1,)
        Published histogram of the circular variance.
    bins : int
        Bins of orientation, the first centred on 0 deg.
    published : str
    labels : (str, str)
        Labels of the axes.
    width : float
        Width of the figure in mm.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure = new_figure(width, width * 0.38)
    left, right = figure.subplots(1, 2)
    _orientations(left, np.asarray(orientation, dtype=np.float64), bins, labels[0])
    shown = np.asarray(variance, dtype=np.float64)
    draw_against_bins(right, shown[~np.isnan(shown)], counts, edges, labels=("model", published))
    right.set_xlabel(labels[1])
    right.legend(loc="upper left")
    panel_letter(left, "A")
    panel_letter(right, "B")
    return figure


def _orientations(axes: Axes, orientation: Array, bins: int, label: str) -> None:
    if bins < 2:
        raise SpecError(f"there are {bins} bins; give at least 2", where="orientation_figure.bins")
    half = 90.0 / bins
    kept = orientation[~np.isnan(orientation)]
    edges = np.linspace(-half, 180.0 - half, bins + 1)
    counts = np.histogram((kept + half) % 180.0 - half, edges)[0]
    expected = len(kept) / bins
    spread = 2.0 * math.sqrt(len(kept) / bins * (1.0 - 1.0 / bins))
    axes.stairs(counts, edges, color=MODEL, linewidth=1.6, label=f"model (n = {len(kept)})")
    axes.axhline(expected, color=QUIET, lw=1.0, ls=(0, (4, 2)), label="expected if uniform")
    axes.axhspan(
        max(expected - spread, 0.0), expected + spread, color=PUBLISHED, alpha=0.45, lw=0,
        zorder=0, label="± 2 SD of chance",
    )  # fmt: skip
    axes.set_xlim(edges[0], edges[-1])
    axes.set_xticks([0, 45, 90, 135])
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylim(0.0, max(float(counts.max(initial=0)), expected + spread, 1.0) * 1.4)
    axes.set_xlabel(f"{label} (deg)")
    axes.set_ylabel("cells in the bin")
    axes.legend(loc="upper left", ncols=2, columnspacing=1.0)


def example_units(rates: ArrayLike, angles: ArrayLike, number: int = 6) -> NDArray[np.int64]:
    """Units spread evenly over the range of circular variance, most selective first.

    Parameters
    ----------
    rates : array, shape (units, angles)
        Hz.
    angles : array, shape (angles,)
        deg.
    number : int

    Returns
    -------
    array of int, shape (up to number,)
        Silent units are never chosen.
    """
    variance = circular_variance(rates, angles)
    order = np.argsort(variance, kind="stable")[: int((~np.isnan(variance)).sum())]
    place = np.linspace(0, len(order) - 1, min(number, len(order)))
    return np.asarray(order[np.round(place).astype(np.int64)])


@styled
def tuning_curves(
    responses: Responses,
    units: Sequence[int] | NDArray[np.int64] | None = None,
    *,
    spontaneous: ArrayLike | None = None,
    name: str = "cell",
    width: float = PAGE,
) -> Figure:
    """Mean rate against orientation, with its standard error, for a few units.

    Each unit is shown at its best condition of all other parameters.

    Parameters
    ----------
    responses : Responses
        Grouped by ``orientation`` and further parameters.
    units : sequence of int, optional
        Columns of ``responses``; :func:`example_units` by default.
    spontaneous : array, shape (units of responses,), optional
        Rates without a stimulus (Hz), drawn as a dotted line.
    name : str
        Word for a unit in titles.
    width : float
        Width of the figure in mm.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    SpecError
        If no unit is left to show, or a unit does not exist.
    """
    angles, rates = responses.curve("orientation")
    chosen = example_units(rates, angles) if units is None else np.asarray(units, dtype=np.int64)
    if not len(chosen) or not (0 <= chosen.min() <= chosen.max() < len(rates)):
        raise SpecError(
            f"units {chosen.tolist()} of {len(rates)} cannot be shown; choose some that fire",
            where="tuning_curves.units",
        )
    columns = min(3, len(chosen))
    rows = math.ceil(len(chosen) / columns)
    figure = new_figure(width if columns > 1 else min(width, COLUMN), 8.0 + 40.0 * rows)
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True)
    variance = circular_variance(rates, angles)
    for axes, unit in zip(panels.flat, chosen, strict=False):
        _curve(axes, responses, int(unit), angles, rates[unit])
        if spontaneous is not None:
            level = float(np.asarray(spontaneous, dtype=np.float64)[unit])
            axes.axhline(level, color=INK, lw=1.0, ls=":", zorder=1)
        # A little below 0, so that silence is visible above the axis.
        top = axes.get_ylim()[1]
        axes.set_ylim(-0.06 * top, top)
        axes.set_title(f"{name} {unit}, circular variance {variance[unit]:.2f}")
    for axes in panels.flat[len(chosen) :]:
        axes.set_visible(False)
    _name_axes(
        figure,
        panels,
        angles,
        grey=spontaneous is not None,
        repeated=bool(responses.n_trials.max() > 1),
    )
    return figure


def _name_axes(
    figure: Figure, panels: NDArray[Any], angles: Array, *, grey: bool, repeated: bool
) -> None:
    """Set ticks over the range of orientations, and label the axes."""
    last = float(angles[-1] + angles[1] - angles[0]) if len(angles) > 1 else 180.0
    drifts = last > 180.0
    panels[0, 0].set_xticks(np.arange(0.0, last + 1.0, 90.0 if drifts else 45.0))
    towards = ", which drift towards orientation + 90" if drifts else ""
    figure.supxlabel(f"orientation of the bars (deg){towards}", fontsize=8.0)
    figure.supylabel(f"mean rate{' ± SEM' if repeated else ''} (Hz)", fontsize=8.0)
    if grey:
        line = Line2D([], [], color=INK, lw=1.0, ls=":", label="at mean grey")
        figure.legend(handles=[line], loc="outside lower right")


def _curve(axes: Axes, responses: Responses, unit: int, angles: Array, rates: Array) -> None:
    best = responses.best()[unit]
    same = np.ones(len(responses.n_trials), dtype=bool)
    for column, values in responses.conditions.items():
        if column != "orientation":
            same &= values == values[best]
    orientation = np.asarray(responses.conditions["orientation"], dtype=np.float64)
    error, each = np.full(len(angles), np.nan), responses.standard_errors[:, unit]
    for condition in np.flatnonzero(same):
        error[int(np.flatnonzero(angles == orientation[condition])[0])] = each[condition]
    # The curve is closed: the first point is repeated at its end.
    turn = np.append(angles, 2 * angles[-1] - angles[-2]) if len(angles) > 1 else angles
    axes.errorbar(
        turn, np.resize(rates, len(turn)), np.nan_to_num(np.resize(error, len(turn))), color=MODEL,
        marker="o", ms=3.2, lw=1.2, elinewidth=0.9, capsize=0,
    )  # fmt: skip
