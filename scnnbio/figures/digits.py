"""Kernels that learned parts of digits, and the accuracy of a linear read-out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from scnnbio.analysis.digits import images_to_convergence, unsettled
from scnnbio.analysis.readout import Accuracy
from scnnbio.figures.style import INK, MODEL, PAGE, QUIET, new_figure, panel_letter, styled
from scnnbio.recording import Snapshots

__all__ = ["digits_figure"]

#: Number of maps that are shown.
_MOST = 70


@styled
def digits_figure(
    kernel: NDArray[np.float64],
    snapshots: Snapshots | None,
    accuracies: Mapping[str, Accuracy],
    *,
    width: float = PAGE,
) -> Figure:
    """Kernels, the approach of weights to their bounds, and accuracies with those of controls.

    Parameters
    ----------
    kernel : ndarray (maps, 1, rows, columns)
        Weights from 0 to 1.
    snapshots : Snapshots, optional
        Snapshots of the kernel during learning.
    accuracies : mapping of str to Accuracy
        By the name of the features, from top to bottom.
    width : float
        Width of the figure in mm.

    Returns
    -------
    matplotlib.figure.Figure
        A: kernels; a weight of 1 is white. B: mean of 4 w (1 - w) against the number of images
        seen. C: accuracy on the test digits with its 95 % interval.
    """
    figure = new_figure(width, width * 0.42)
    places = figure.add_gridspec(2, 2, width_ratios=(1.0, 1.25), height_ratios=(1.0, 1.2))
    grid = figure.add_subplot(places[:, 0])
    course, table = (figure.add_subplot(places[row, 1]) for row in range(2))
    _kernels(grid, kernel)
    _course(course, kernel, snapshots)
    _accuracies(table, accuracies)
    for letter, axes in zip("ABC", (grid, course, table), strict=True):
        panel_letter(axes, letter)
    return figure


def _kernels(axes: Axes, kernel: NDArray[np.float64]) -> None:
    shown = kernel[:_MOST, 0]
    across = int(np.ceil(np.sqrt(len(shown))))
    down = -(-len(shown) // across)
    rows, columns = shown.shape[1:]
    # One line of background between kernels.
    page = np.full((down * (rows + 1) - 1, across * (columns + 1) - 1), np.nan)
    for k, one in enumerate(shown):
        y, x = (k // across) * (rows + 1), (k % across) * (columns + 1)
        page[y : y + rows, x : x + columns] = one
    axes.imshow(page, cmap="gray", vmin=0.0, vmax=1.0, interpolation="nearest")
    axes.set_axis_off()
    more = f" of {len(kernel)}" if len(kernel) > _MOST else ""
    axes.set_title(f"{len(shown)}{more} kernels", loc="right")


def _course(axes: Axes, kernel: NDArray[np.float64], snapshots: Snapshots | None) -> None:
    if snapshots is not None:
        images = snapshots.trial + 1
        values = [unsettled(value) for value in snapshots.values]
        axes.plot(images, values, "o-", color=MODEL, ms=3, lw=0.8)
        settled = images_to_convergence(snapshots)
        if settled is not None:
            axes.axvline(settled, color=QUIET, lw=0.8, ls=":")
    axes.axhline(unsettled(kernel), color=INK, lw=0.6, ls="--")
    axes.set(xlabel="unlabelled images", ylabel="mean of 4 w (1 - w)", ylim=(0.0, 1.0))


def _accuracies(axes: Axes, accuracies: Mapping[str, Accuracy]) -> None:
    for row, found in enumerate(accuracies.values()):
        low, high = (100 * end for end in found.interval)
        value = 100 * found.value
        error = [[value - low], [high - value]]
        axes.errorbar(value, row, xerr=error, fmt="o", color=MODEL if not row else INK, ms=4)
        axes.annotate(f"{value:.2f}", (high, row), (4, 0), textcoords="offset points", va="center")
    axes.set_yticks(range(len(accuracies)), list(accuracies))
    axes.invert_yaxis()
    axes.margins(x=0.15, y=0.2)
    axes.set_xlabel("test digits classified correctly (%)")
