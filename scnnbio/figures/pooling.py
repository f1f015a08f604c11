"""Simple and complex cells: modulation, phase of standing gratings, positions of a bar."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from scnnbio.figures.style import INK, MODEL, ON, PAGE, QUIET, new_figure, panel_letter, styled

__all__ = ["pooling_figure"]

Array = NDArray[np.float64]

#: Colour and dashes of each population.
KINDS = {
    "simple": (INK, "-"),
    "complex_sum": (MODEL, "-"),
    "complex_average": ("#009E73", "--"),
    "complex_first_spike": (ON, "-."),
    "complex_phases": ("#CC79A7", ":"),
}


@styled
def pooling_figure(
    modulation: Mapping[str, Array],
    phases: Mapping[str, tuple[Array, Array]],
    positions: Mapping[str, Array],
    *,
    width: float = PAGE,
) -> Figure:
    """Modulation by drifting gratings, and tolerance to phase and to position.

    Parameters
    ----------
    modulation : mapping of population to array
        F1/F0 of each unit.
    phases : mapping of population to (phases, curves)
        deg (k,), and responses (units, k) over their own mean, shifted so that the best is at 0.
    positions : mapping of population to array
        Positions of a bar at the spikes of all units (deg), from each unit's median.
    width : float
        Width of the figure in mm.

    Returns
    -------
    matplotlib.figure.Figure
        A: F1/F0, cumulative share of units. B: response over the phase of standing gratings, mean
        and quartiles. C: distribution of positions.
    """
    figure = new_figure(width, width * 0.38)
    ratio, phase, place = figure.subplots(1, 3)
    for name, values in modulation.items():
        colour, dash = KINDS.get(name, (QUIET, "-"))
        order = np.sort(values)
        share = np.arange(1, len(order) + 1) / len(order)
        ratio.step(
            [0.0, *order, 2.0], [0.0, *share, 1.0], where="post", color=colour, ls=dash,
            label=f"{name.replace('complex_', '').replace('_', ' ')} ({len(order)})",
        )  # fmt: skip
    ratio.axvline(1.0, color=QUIET, lw=0.6)
    ratio.set(xlabel="F1/F0, drifting gratings", ylabel="share of units", xlim=(0, 2), ylim=(0, 1))
    for name, (at, curves) in phases.items():
        colour, dash = KINDS.get(name, (QUIET, "-"))
        low, high = np.nanquantile(curves, [0.25, 0.75], axis=0)
        phase.plot(at, np.nanmean(curves, axis=0), color=colour, ls=dash)
        phase.fill_between(at, low, high, color=colour, alpha=0.15, lw=0)
    phase.set(xlabel="phase from the best (deg)", ylabel="response / mean over phases", ylim=0)
    phase.set_xticks([-180, -90, 0, 90, 180])
    bins = np.linspace(-0.8, 0.8, 33)
    for name, at in positions.items():
        colour, dash = KINDS.get(name, (QUIET, "-"))
        counts, _ = np.histogram(at, bins)
        density = counts / max(counts.sum(), 1) / np.diff(bins)
        place.stairs(density, bins, color=colour, ls=dash, lw=1.2)
    place.set(xlabel="position of the bar (deg)", ylabel="spikes per deg / all spikes")
    for letter, axes in zip("ABC", (ratio, phase, place), strict=True):
        panel_letter(axes, letter)
    ratio.legend(loc="lower left", bbox_to_anchor=(0.2, 0.03))
    return figure
