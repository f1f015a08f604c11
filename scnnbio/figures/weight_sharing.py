"""Kernels that all places share, those of a region, or none: their course and their likeness."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scnnbio.analysis.sharing import Learned
from scnnbio.figures.style import (
    DIVERGING,
    INK,
    MODEL,
    ON,
    PAGE,
    QUIET,
    new_figure,
    panel_letter,
    styled,
)

__all__ = ["weight_sharing_figure"]

#: Colour and line of each way of sharing.
KINDS = {"strict": (MODEL, "-"), "region": (INK, ":"), "none": (ON, "--")}
#: Maps and places whose kernels are shown.
_MAPS, _PLACES = 4, 4


@styled
def weight_sharing_figure(found: Mapping[str, Learned], *, width: float = PAGE) -> Figure:
    """Learning by way of sharing.

    Parameters
    ----------
    found : mapping of str to Learned
    width : float
        Width of the figure in mm.

    Returns
    -------
    matplotlib.figure.Figure
        A: share of oriented kernels against the number of patterns. B: mean correlation of a map's
        kernels at two places, one point per map. C: kernels of a few maps (rows) at a few places
        (columns).
    """
    figure = new_figure(width, width * 0.45)
    # The types of matplotlib do not say that two come.
    parts: Any = figure.subfigures(1, 2, width_ratios=[2.6, 1.0])
    plots, shown = parts
    course, invariance = plots.subplots(1, 2)
    for place, (name, one) in enumerate(found.items()):
        colour, dash = KINDS.get(name, (QUIET, "-"))
        course.plot(one.trial, one.oriented, color=colour, ls=dash, label=name)
        jitter = np.random.default_rng(0).uniform(-0.2, 0.2, len(one.invariance))
        invariance.plot(place + jitter, one.invariance, "o", color=colour, ms=3, mfc="none")
    course.axhline(0.5, color=QUIET, lw=0.6)
    course.set(xlabel="patterns", ylabel="share of oriented kernels", ylim=(-0.02, 1.02))
    course.legend(loc="best", title="shared by")
    invariance.axhline(0.0, color=QUIET, lw=0.6)
    invariance.set_xticks(range(len(found)), list(found))
    invariance.set(
        xlabel="kernels shared by", ylabel="correlation between places", ylim=(-0.3, 1.1)
    )
    panel_letter(course, "A")
    panel_letter(invariance, "B")
    _kernels(shown.subplots(len(found), 1), found)
    return figure


def _kernels(panels: np.ndarray, found: Mapping[str, Learned]) -> None:
    for k, (axes, (name, one)) in enumerate(zip(np.atleast_1d(panels), found.items(), strict=True)):
        number = one.kernels.shape[1]
        places = np.linspace(0, number - 1, min(_PLACES, number)).astype(int)
        images = one.kernels[:_MAPS, places]
        _tiles(axes, images)
        axes.set_ylabel(name)
        if k == 0:
            panel_letter(axes, "C")


def _tiles(axes: Axes, images: np.ndarray) -> None:
    """Kernels of a map in each row, at several places."""
    maps, places, rows, columns = images.shape
    board = np.zeros((maps * (rows + 1), places * (columns + 1)))
    for m in range(maps):
        for p in range(places):
            top, left = m * (rows + 1), p * (columns + 1)
            image = images[m, p]
            scaled = image / max(np.abs(image).max(), 1e-12)
            board[top : top + rows, left : left + columns] = scaled
    axes.imshow(board, cmap=DIVERGING, vmin=-1, vmax=1, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
