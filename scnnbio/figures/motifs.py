"""Sequence logos of learned kernels, and motifs found against their conservation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import PathPatch
from matplotlib.textpath import TextPath
from matplotlib.transforms import Affine2D
from numpy.typing import NDArray

from scnnbio.analysis.motifs import information
from scnnbio.figures.style import INK, MODEL, ON, PAGE, QUIET, new_figure, panel_letter, styled

__all__ = ["draw_logo", "motifs_figure"]

#: Usual colours of A, C, G and T in logos, told apart by colour-blind readers.
_BASES = {"A": "#009E73", "C": MODEL, "G": "#E69F00", "T": ON}


@styled
def motifs_figure(
    logos: Sequence[tuple[str, NDArray[np.float64] | None]],
    found: Sequence[tuple[float, float, float]],
    *,
    width: float = PAGE,
) -> Figure:
    """Logos of kernels beside what was planted (A), and recall (B).

    Parameters
    ----------
    logos : sequence of (str, ndarray (4, columns) or None)
        Each planted motif, and the shares of bases of the kernel that matches it best.
    found : sequence of (conservation, recall of the layer, recall of words)
    width : float
        Width of the figure in mm.

    Returns
    -------
    matplotlib.figure.Figure
    """
    rows = (len(logos) + 1) // 2
    figure = new_figure(width, width * (0.12 + 0.09 * rows))
    grid = figure.add_gridspec(rows, 3, width_ratios=(1, 1, 1))
    for number, (planted, shares) in enumerate(logos):
        axes = figure.add_subplot(grid[number % rows, number // rows])
        axes.set_title(planted, loc="right", fontsize="small", family="monospace")
        if shares is None:
            axes.set_axis_off()
            axes.text(0.5, 0.5, "not found", transform=axes.transAxes, ha="center")
        else:
            draw_logo(axes, shares)
        if number == 0:
            axes.set_ylabel("bits")
            panel_letter(axes, "A")
    recall = figure.add_subplot(grid[:, 2])
    conservation, layer, words = np.array(sorted(found)).T
    recall.plot(conservation, words, "s--", color=QUIET, ms=4, label="enriched words")
    recall.plot(conservation, layer, "o-", color=MODEL, ms=4, label="kernels")
    recall.axhline(0.95, color=INK, lw=0.8, ls=":")
    recall.set(xlabel="bases kept at a site", ylabel="recall at precision 0.95", ylim=(-0.03, 1.05))
    recall.legend(loc="lower right")
    panel_letter(recall, "B")
    return figure


def draw_logo(axes: Axes, shares: NDArray[np.float64]) -> None:
    """Letters of each column, each as high as its share of the column's information in bits.

    Parameters
    ----------
    axes : Axes
    shares : ndarray (4, columns)
        Of A, C, G and T; positive.
    """
    bits = information(shares[None])[0]
    for column, height in enumerate(bits):
        base = 0.0
        for row in np.argsort(shares[:, column]):
            letter, tall = list(_BASES)[row], float(height * shares[row, column])
            if tall > 0.01:
                _letter(axes, letter, column, base, tall)
            base += tall
    axes.set(xlim=(-0.5, len(bits) - 0.5), ylim=(0.0, 2.0), xticks=[], yticks=[0, 2])


def _letter(axes: Axes, letter: str, column: int, base: float, tall: float) -> None:
    path = TextPath((0, 0), letter, size=1, prop=FontProperties(weight="bold"))
    box = path.get_extents()
    place = (
        Affine2D()
        .translate(-box.x0, -box.y0)
        .scale(0.9 / box.width, tall / box.height)
        .translate(column - 0.45, base)
    )
    axes.add_patch(PathPatch(place.transform_path(path), color=_BASES[letter], lw=0))
