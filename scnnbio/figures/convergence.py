"""Errors of runs on time grids, relative to the solution without a time step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from numpy.typing import NDArray

from scnnbio.analysis.convergence import Convergence
from scnnbio.analysis.paired import Statistic
from scnnbio.errors import SpecError
from scnnbio.figures.style import INK, MODEL, ON, PAGE, QUIET, new_figure, panel_letter, styled

__all__ = ["convergence_figure"]

Array = NDArray[np.float64]

#: Blue, vermilion, black, green and purple of Okabe and Ito.
_COLOURS = (MODEL, ON, INK, "#009E73", "#CC79A7")
_MARKERS = ("o", "s", "^", "D", "v")


@styled
def convergence_figure(
    found: Sequence[Convergence],
    state: Mapping[float, float] | None = None,
    *,
    rates: Sequence[Sequence[Statistic]] | None = None,
    labels: Sequence[str] | None = None,
    width: float = PAGE,
) -> Figure:
    """Errors of spike times, spike counts, and the membrane potential between spikes, against dt.

    Parameters
    ----------
    found : sequence of Convergence
        One per population, or one per backend; five at most.
    state : mapping of float to float, optional
        By time step in ms: largest error of the membrane potential without spikes (mV). Without
        it the third panel is omitted.
    rates : sequence of sequences of Statistic, optional
        For each of ``found``, one per grid: error of the mean rate. Without it that panel is
        omitted.
    labels : sequence of str, optional
        One per row of ``found``; the names of the populations if not given.
    width : float
        Width of the figure in mm, for three panels or more.

    Returns
    -------
    matplotlib.figure.Figure
        Median error of spike times, its fitted order, and the 95 % quantile (thin); fraction of
        neurons with the exact spike count; rounding errors; and errors of mean rates with 95 %
        intervals.

    Raises
    ------
    SpecError
        If ``found`` is empty or has more than five rows.
    """
    if not 1 <= len(found) <= len(_COLOURS):
        raise SpecError(
            f"there are {len(found)} populations; give one to five", where="figures.convergence"
        )
    # Backends are compared with one solution; each population has its own number of spikes.
    names = [c.population for c in found] if labels is None else list(labels)
    titles = [f"{c.population}: {c.spikes} spikes" for c in found] if labels is None else names
    panels = 2 + bool(state) + bool(rates)
    figure = new_figure(width * min(panels, 3) / 3, width * 0.36 + 4.5 * (len(found) + 2))
    axes = figure.subplots(1, panels)
    _times(axes[0], found, titles)
    _counts(axes[1], found)
    if state:
        _floor(axes[2], state)
    if rates:
        _rates(axes[panels - 1], found, rates)
    # One legend below the panels, which share it.
    handles, words = axes[0].get_legend_handles_labels()
    figure.legend(handles, words, loc="outside lower left", ncols=2)
    ticks = np.unique(np.concatenate([c.dt for c in found]))
    for letter, panel in zip("ABCD", axes, strict=False):
        _grid_axis(panel, ticks)
        panel_letter(panel, letter)
    return figure


def _times(axes: Axes, found: Sequence[Convergence], names: Sequence[str]) -> None:
    """Draw errors of spike times, with the fit through the medians."""
    for k, (c, name) in enumerate(zip(found, names, strict=True)):
        colour, marker = _COLOURS[k], _marker(k)
        fitted = len(c.dt) > 1 and bool((c.median > 0).all())
        label = f"{name}, order {c.order:.2f} (A)" if fitted else name
        axes.loglog(c.dt, c.median, color=colour, ls="", label=label, **marker)
        if fitted:
            x, y = np.log(c.dt), np.log(c.median)
            axes.loglog(c.dt, np.exp(y.mean() + c.order * (x - x.mean())), color=colour)
        axes.loglog(c.dt, c.upper, color=colour, lw=0.6, ls="--", zorder=1)
    dt = np.unique(np.concatenate([c.dt for c in found]))
    axes.loglog(dt, dt / 2, color=QUIET, lw=0.8, ls=":", label="dt/2: rounding up (A)")
    axes.plot([], [], color=INK, lw=0.6, ls="--", label="95 % quantile of errors (A)")
    axes.set_ylabel("median error of spike times (ms)")


def _marker(k: int) -> dict[str, Any]:
    """Marker of series k: later ones are open and larger, so that earlier ones stay visible."""
    return {"marker": _MARKERS[k], "ms": 4 + 2 * k, "mfc": "none" if k else None}


def _counts(axes: Axes, found: Sequence[Convergence]) -> None:
    """Draw the fraction of neurons that fire as often on the grid as without one."""
    for k, c in enumerate(found):
        axes.semilogx(c.dt, c.same_counts, color=_COLOURS[k], **_marker(k))
    axes.set_ylim(0.0, 1.02)
    axes.set_ylabel("fraction with the same spike count")


def _floor(axes: Axes, state: Mapping[float, float]) -> None:
    """Draw errors of the membrane potential where nothing fires."""
    dt = np.array(sorted(state))
    axes.loglog(dt, [state[step] for step in dt], color=MODEL, marker="o", ms=4)
    axes.set_ylabel("largest error of v without spikes (mV)")
    axes.set_ylim(1e-15, 1e-9)
    ulp = float(np.spacing(65.0))
    axes.axhline(ulp, color=QUIET, lw=0.8, ls=":")
    axes.annotate("one rounding of 65 mV", (dt[-1], ulp), ha="right", va="top", color=QUIET)


def _rates(
    axes: Axes,
    found: Sequence[Convergence],
    rates: Sequence[Sequence[Statistic]],
) -> None:
    """Draw the relative error of the mean rate on each grid."""
    for k, (c, row) in enumerate(zip(found, rates, strict=True)):
        value = 100.0 * np.array([s.difference for s in row])
        reach = 100.0 * np.array([(s.difference - s.low, s.high - s.difference) for s in row]).T
        axes.errorbar(c.dt, value, reach, color=_COLOURS[k], elinewidth=0.8, **_marker(k))
    axes.set_xscale("log")
    axes.axhline(0.0, color=QUIET, lw=0.8, ls=":")
    axes.set_ylabel("difference of the mean rate (%)")


def _grid_axis(axes: Axes, steps: Array) -> None:
    """Label time steps; only every second one of many, so that labels do not touch."""
    axes.xaxis.set_major_locator(FixedLocator(list(steps[::-1][:: 2 if len(steps) > 4 else 1])))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlabel("time step dt (ms)")
