"""Two backends compared: spikes, rates, and distances between spikes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from scnnbio.analysis.agreement import Agreement
from scnnbio.errors import SpecError
from scnnbio.figures.style import INK, MODEL, ON, PAGE, QUIET, new_figure, panel_letter, styled

__all__ = ["Side", "agreement_figure"]

Units = NDArray[np.int64]

_ROWS = 6
_NEURONS = 12
_BINS = 41


@dataclass(frozen=True, eq=False)
class Side:
    """One row of the figure.

    Parameters
    ----------
    reference, other : str
        Names of the two backends.
    dt : float
        Time step in ms.
    found : Agreement
    """

    reference: str
    other: str
    dt: float
    found: Agreement


@styled
def agreement_figure(rows: Sequence[Side], *, width: float = PAGE) -> Figure:
    """A raster of a few neurons, rates, and distances between spikes, one row per pair.

    Parameters
    ----------
    rows : sequence of Side
        Six at most.
    width : float
        Width of the figure in mm.

    Returns
    -------
    matplotlib.figure.Figure
        Left: neurons in one trial, upper ticks from the reference and lower from the other;
        neurons whose trains differ come first. Middle: rate of each neuron in both. Right:
        distance between the k-th spikes, where a neuron fires equally often in both.

    Raises
    ------
    SpecError
        If there is no row, or more than six.
    """
    if not 1 <= len(rows) <= _ROWS:
        raise SpecError(
            f"there are {len(rows)} pairs; give one to {_ROWS}", where="figures.agreement"
        )
    figure = new_figure(width, 54.0 * len(rows))
    axes = figure.subplots(len(rows), 3, squeeze=False, width_ratios=(2.0, 1.0, 1.2))
    for k, row in enumerate(rows):
        _raster(axes[k, 0], row)
        _rates(axes[k, 1], row)
        _shifts(axes[k, 2], row)
    for letter, panel in zip("ABCDEFGHIJKLMNOPQR", axes.ravel(), strict=False):
        panel_letter(panel, letter)
    return figure


def _raster(axes: Axes, row: Side) -> None:
    """Draw the trial with most differences or, without any, the one with most spikes."""
    found = row.found.alignment
    differs = ~found.identical & found.active
    both = found.counts[0] + found.counts[1]
    weight = differs if differs.any() else both
    trial = int(weight.sum(axis=1).argmax()) if weight.size else 0
    units = _shown(differs[trial], both[trial])
    for place, unit in enumerate(units):
        times = found.times(trial * row.found.units + int(unit))
        for ticks, colour, low in ((times[0], MODEL, -0.4), (times[1], ON, 0.02)):
            axes.vlines(ticks, place + low, place + low + 0.38, color=colour, lw=0.8)
    axes.set_ylim(max(len(units), 1) - 0.3, -0.7)
    axes.set_yticks(range(len(units)), [str(unit) for unit in units])
    axes.set_ylabel(f"neuron of {row.found.population}")
    axes.set_xlabel(f"time in trial {trial} (ms)")
    handles = [
        Line2D([], [], color=colour, lw=2.0, label=label)
        for colour, label in ((MODEL, row.reference), (ON, row.other))
    ]
    # Narrow, so that two long names leave room for the panel's letter.
    axes.legend(
        handles=handles, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, handlelength=0.8,
        handletextpad=0.4, columnspacing=0.9,
    )  # fmt: skip


def _shown(differs: NDArray[np.bool_], spikes: NDArray[np.int64]) -> Units:
    """Neurons that differ, followed by others that fire."""
    same = np.flatnonzero((spikes > 0) & ~differs)
    room = _NEURONS - min(len(same), _NEURONS // 2)
    changed = _spread(np.flatnonzero(differs), spikes, room)
    return np.concatenate([changed, _spread(same, spikes, _NEURONS - len(changed))])


def _spread(units: Units, spikes: NDArray[np.int64], wanted: int) -> Units:
    """At most ``wanted`` units, spread from the most active to the median."""
    units = units[np.argsort(-spikes[units], kind="stable")]
    if len(units) <= wanted:
        return units
    last = max(len(units) // 2, wanted - 1)
    return units[np.linspace(0, last, wanted).astype(int)]


def _rates(axes: Axes, row: Side) -> None:
    ours, theirs = row.found.rates
    top = max(float(ours.max(initial=0.0)), float(theirs.max(initial=0.0)), 1.0) * 1.05
    axes.plot([0, top], [0, top], color=QUIET, lw=0.8, zorder=1)
    axes.plot(ours, theirs, ".", color=MODEL, ms=3, alpha=0.6, mew=0, rasterized=len(ours) > 4000)
    axes.set_xlim(0, top)
    axes.set_ylim(0, top)
    axes.set_aspect("equal")
    axes.set_xlabel(f"{row.reference} (Hz)")
    axes.set_ylabel(f"{row.other} (Hz)")


def _shifts(axes: Axes, row: Side) -> None:
    """Draw the share of spikes by distance in steps; write the share of identical neurons."""
    steps = row.found.alignment.shift / row.dt
    far = np.quantile(np.abs(steps), 0.99, method="higher") if steps.size else 0.0
    reach = max(float(far), 1.0)
    edges = np.linspace(-reach, reach, _BINS + 1)
    inside = steps[np.abs(steps) <= reach]
    weights = np.full(inside.size, 1.0 / max(steps.size, 1))
    axes.hist(inside, bins=list(edges), weights=weights, color=MODEL)
    axes.set_ylim(0.0, 1.05)
    axes.set_xlabel(f"distance (steps of {row.dt:g} ms)")
    axes.set_ylabel("share of spikes")
    text = f"{row.found.identical:.1%}\nof neurons\nidentical"
    axes.text(1.0, 1.0, text, transform=axes.transAxes, va="top", ha="right", color=INK)
