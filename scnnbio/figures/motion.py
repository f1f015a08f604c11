"""Tuning to the direction of motion, after learning from events and from shuffled events."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from scnnbio.analysis.curves import tuning_curves
from scnnbio.analysis.measurements import Bootstrap
from scnnbio.analysis.tuning import direction_selectivity
from scnnbio.figures.style import INK, MODEL, PAGE, QUIET, new_figure, panel_letter, styled
from scnnbio.recording import Recording

__all__ = ["motion_figure"]

_COLOURS = (MODEL, QUIET)


@styled
def motion_figure(
    recordings: Mapping[str, tuple[Recording, str]], threshold: float, *, width: float = PAGE
) -> Figure:
    """Mean curves around the preferred direction, and the selectivity of all units.

    Parameters
    ----------
    recordings : mapping of str to (Recording, str)
        By the label of each: a recording with ``orientation`` in its trial table, and the
        population whose units are shown. At most two.
    threshold : float
        Selectivity above which a unit counts as selective.
    width : float
        Width of the figure in mm.

    Returns
    -------
    matplotlib.figure.Figure
        A: rate relative to the largest, against the distance from the preferred direction; lines
        are means over units, and bands hold half of them. B: share of units whose direction
        selectivity is at most the one on the axis.
    """
    figure = new_figure(width, width * 0.4)
    left, right = figure.subplots(1, 2)
    for colour, (label, (recording, population)) in zip(_COLOURS, recordings.items(), strict=False):
        curves = tuning_curves(
            recording, population, "orientation", window=None, bootstrap=Bootstrap(draws=0)
        )
        rates = curves.rate[curves.rate.max(axis=1) > 0]
        distance, relative = _aligned(rates, curves.values)
        low, high = np.quantile(relative, [0.25, 0.75], axis=0)
        left.fill_between(distance, low, high, color=colour, alpha=0.25, lw=0)
        left.plot(distance, relative.mean(axis=0), color=colour, label=label)
        values = np.sort(direction_selectivity(rates, curves.values))
        share = np.arange(1, len(values) + 1) / len(values)
        right.step(
            np.concatenate([[0.0], values, [1.0]]), np.concatenate([[0.0], share, [1.0]]),
            where="post", color=colour, label=f"{label} (n = {len(values)})",
        )  # fmt: skip
    right.axvline(threshold, color=INK, lw=0.8, ls="--")
    left.set(
        xlabel="distance from the preferred direction (deg)", ylabel="rate / largest rate",
        xticks=[-180, -90, 0, 90, 180], ylim=(0.0, 1.05),
    )  # fmt: skip
    right.set(xlabel="direction selectivity", ylabel="share of units", xlim=(-0.02, 1.02))
    right.legend(loc="best")
    for letter, axes in zip("AB", (left, right), strict=True):
        panel_letter(axes, letter)
    return figure


def _aligned(
    rates: NDArray[np.float64], angles: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Distance from the preferred direction (deg), and each curve over its largest rate."""
    n = len(angles)
    around = np.arange(-(n // 2), n // 2 + 1)
    index = (rates.argmax(axis=1)[:, None] + around) % n
    relative = np.take_along_axis(rates, index, axis=1) / rates.max(axis=1, keepdims=True)
    return around * 360.0 / n, relative
