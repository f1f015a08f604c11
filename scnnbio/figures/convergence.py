"""Errors of grids of time steps against the solution without one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from numpy.typing import NDArray

from scnnbio.analysis.convergence import Convergence
from scnnbio.errors import SpecError
from scnnbio.figures.style import INK, MODEL, ON, PAGE, QUIET, new_figure, panel_letter, styled

__all__ = ["convergence_figure"]

Array = NDArray[np.float64]

_COLOURS = (MODEL, ON, INK)
_MARKERS = ("o", "s", "^")


@styled
def convergence_figure(
    found: Sequence[Convergence],
    state: Mapping[float, float] | None = None,
    *,
    width: float = PAGE,
) -> Figure:
    """Spike times, spike counts, and the membrane potential between spikes, over dt.

    Parameters
    ----------
    found : sequence of Convergence
        One a population, three at most, all on the same grids.
    state : mapping of float to float, optional
        By time step in ms: largest error of the membrane potential without spikes (mV). Without
        it the third panel is left out.
    width : float
        Of the figure in mm, for three panels.

    Returns
    -------
    matplotlib.figure.Figure
        A: median error of spike times, its fitted order, and the 95 % quantile (thin). B: how many
        neurons fire as often as they should. C: what rounding leaves.

    Raises
    ------
    SpecError
        If there is no population, or more than three.
    """
    if not 1 <= len(found) <= len(_COLOURS):
        raise SpecError(f"{len(found)} populations; give one to three", where="figures.convergence")
    panels = 3 if state else 2
    figure = new_figure(width * panels / 3, width * 0.36)
    axes = figure.subplots(1, panels)
    _times(axes[0], found)
    _counts(axes[1], found)
    if state:
        _floor(axes[2], state)
    ticks = np.unique(np.concatenate([c.dt for c in found]))
    for letter, panel in zip("ABC", axes, strict=False):
        _grid_axis(panel, ticks)
        panel_letter(panel, letter)
    return figure


def _times(axes: Axes, found: Sequence[Convergence]) -> None:
    """Errors of spike times, with the fit through the medians."""
    for c, colour, marker in zip(found, _COLOURS, _MARKERS, strict=False):
        axes.loglog(
            c.dt, c.median, marker, color=colour, ms=4,
            label=f"{c.population}: order {c.order:.2f}",
        )  # fmt: skip
        middle = np.exp(np.log(c.median).mean() + c.order * (np.log(c.dt) - np.log(c.dt).mean()))
        axes.loglog(c.dt, middle, color=colour)
        axes.loglog(c.dt, c.upper, color=colour, lw=0.6, ls="--", zorder=1)
    dt = found[0].dt
    axes.loglog(dt, dt / 2, color=QUIET, lw=0.8, ls=":", label="dt/2: rounding up")
    axes.plot([], [], color=INK, lw=0.6, ls="--", label="95 % quantile")
    axes.set_ylabel("error of spike times (ms)")
    axes.legend(loc="upper left")
    # Room for the legend, above the largest error.
    low, high = axes.get_ylim()
    axes.set_ylim(low, high * (high / low) ** 0.45)


def _counts(axes: Axes, found: Sequence[Convergence]) -> None:
    """Neurons that fire as often with a grid as without."""
    for c, colour, marker in zip(found, _COLOURS, _MARKERS, strict=False):
        axes.semilogx(
            c.dt, c.same_counts, color=colour, marker=marker, ms=4,
            label=f"{c.population}: {c.spikes} spikes",
        )  # fmt: skip
    axes.set_ylim(0.0, 1.02)
    axes.set_ylabel("fraction with the same spike count")
    axes.legend(loc="lower left")


def _floor(axes: Axes, state: Mapping[float, float]) -> None:
    """Errors of the membrane potential where nothing fires."""
    dt = np.array(sorted(state))
    axes.loglog(dt, [state[step] for step in dt], color=MODEL, marker="o", ms=4)
    axes.set_ylabel("largest error of v without spikes (mV)")
    axes.set_ylim(1e-15, 1e-9)
    ulp = float(np.spacing(65.0))
    axes.axhline(ulp, color=QUIET, lw=0.8, ls=":")
    axes.annotate("one rounding of 65 mV", (dt[-1], ulp), ha="right", va="top", color=QUIET)


def _grid_axis(axes: Axes, steps: Array) -> None:
    """Label time steps as they are, every second one, so that they do not touch."""
    axes.xaxis.set_major_locator(FixedLocator(list(steps[::-1][::2])))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlabel("time step dt (ms)")
