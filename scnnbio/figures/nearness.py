"""Distances of several models from what was measured in cortex, claim by claim."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from scnnbio.figures.style import INK, PAGE, QUIET, new_figure, panel_letter, styled
from scnnbio.validation.nearness import Nearness

#: Kernels of each model that are drawn.
_KERNELS = 8


@styled
def nearness_figure(
    kernels: Mapping[str, NDArray[np.float64]],
    compared: Sequence[Nearness],
    titles: Mapping[str, str],
    *,
    width: float = PAGE,
) -> Figure:
    """Kernels of each model, and its distances from cortex with their intervals.

    Parameters
    ----------
    kernels : mapping of str to array (maps, 2, rows, columns)
        By the name of the model.
    compared : sequence of Nearness
    titles : mapping of str to str
        Title of the panel, by claim.
    width : float
        Of the figure in mm.

    Returns
    -------
    matplotlib.figure.Figure
        A: ON minus OFF weights. Others: distance and 95 % interval; filled, the nearest model in
        95 % of draws.
    """
    across = 4
    down = -(-len(compared) // across)
    figure = new_figure(width, 12.0 * len(kernels) + 48.0 * down)
    parts: Any = figure.subfigures(2, 1, height_ratios=[12.0 * len(kernels), 48.0 * down])
    top, rest = parts
    panels = top.subplots(len(kernels), _KERNELS, squeeze=False)
    for row, (name, kernel) in zip(panels, kernels.items(), strict=True):
        row[0].set_ylabel(name, rotation=0, ha="right", va="center")
        for axes, one in zip(row, kernel, strict=False):
            field = one[0] - one[1]
            most = np.abs(field).max() or 1.0
            axes.imshow(field, cmap="RdBu_r", vmin=-most, vmax=most)
            axes.set(xticks=[], yticks=[])
    panel_letter(panels[0, 0], "A")
    for k, found in enumerate(compared):
        axes = rest.add_subplot(down, across, k + 1)
        place = np.arange(len(found.names))
        # Ends of draws: a distance, which chance enlarges, can be below all of them.
        axes.hlines(place, found.low, found.high, colors=QUIET, linewidths=1.0)
        filled = [INK if name == found.nearest else "white" for name in found.names]
        axes.scatter(found.distance, place, c=filled, edgecolors=INK, s=16, zorder=3)
        axes.set_yticks(place, found.names if k % across == 0 else [""] * len(place))
        axes.set(ylim=(len(place) - 0.5, -0.5), xlabel=f"distance,\n{titles[found.claim]}")
        axes.set_xlim(left=0.0)
        panel_letter(axes, "BCDEFGHIJ"[k])
    return figure
