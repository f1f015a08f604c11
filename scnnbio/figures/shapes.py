"""Shape of receptive fields: n_x and n_y over the published joint histogram."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from numpy.typing import ArrayLike, NDArray

from scnnbio.errors import SpecError
from scnnbio.figures.style import (
    INK,
    MODEL,
    PUBLISHED,
    PUBLISHED_EDGE,
    QUIET,
    new_figure,
    styled,
)

__all__ = ["shape_scatter"]

Array = NDArray[np.float64]

_TICKS = (0.1, 0.2, 0.5, 1.0)
_DASHES = (0, (4, 3))


@styled
def shape_scatter(
    n_x: ArrayLike,
    n_y: ArrayLike,
    counts: ArrayLike,
    edges: ArrayLike,
    *,
    excluded: int = 0,
    distance: float | None = None,
    limit: float | None = None,
    published: str = "Ringach 2002",
    width: float = 120.0,
) -> Figure:
    """n_x and n_y of each cell over a published joint histogram, with both margins.

    Parameters
    ----------
    n_x, n_y : array, shape (cells,)
        Width along and length across the carrier, in cycles; no NaN.
    counts : array, shape (bins of n_x, bins of n_y)
        Numbers of published cells.
    edges : array, shape (bins + 1,)
        Decimal logarithms, the same edges for both.
    excluded : int
        Number of excluded cells, for the legend.
    distance : float, optional
        Total variation distance of the two histograms.
    limit : float, optional
        The chance limit, within which 95 % of samples of this size stay.
    published : str
    width : float
        Width of the figure in mm.

    Returns
    -------
    matplotlib.figure.Figure
        Cells outside the bins are triangles at the rim that point in their direction.

    Raises
    ------
    SpecError
        If shapes do not fit, or a value is NaN or not positive.
    """
    x, y, known, rim = _checked(n_x, n_y, counts, edges)
    figure = new_figure(width, width * 1.02)
    grid = figure.add_gridspec(
        2, 2, width_ratios=(4.2, 1.0), height_ratios=(1.0, 4.2), hspace=0.02, wspace=0.02
    )
    axes = figure.add_subplot(grid[1, 0])
    top = figure.add_subplot(grid[0, 0], sharex=axes)
    side = figure.add_subplot(grid[1, 1], sharey=axes)
    axes.set(xscale="log", yscale="log")
    _published_cells(axes, known, rim, np.log10([x, y]))
    outside = _cells(axes, x, y, rim)
    _margin(top, x, known.sum(axis=1), rim, along_x=True)
    _margin(side, y, known.sum(axis=0), rim, along_x=False)
    _finish(axes, top, side, rim)
    handles = _handles(len(x), outside, excluded, f"{published} (n = {known.sum():.0f})")
    if distance is not None:
        chance = "" if limit is None else f", chance limit {limit:.2f}"
        handles.append(Line2D([], [], ls="", label=f"distance {distance:.2f}{chance}"))
    figure.legend(handles=handles, loc="outside lower left", ncols=2, columnspacing=1.4)
    return figure


def _handles(cells: int, outside: int, excluded: int, published: str) -> list[Artist]:
    mine = f"model (n = {cells}, {excluded} excluded)"
    handles: list[Artist] = [
        Line2D([], [], marker="o", ls="", ms=4.5, color=MODEL, mec="white", label=mine),
        Patch(facecolor=PUBLISHED, edgecolor=PUBLISHED_EDGE, label=published),
        Line2D([], [], color=QUIET, lw=0.7, ls=_DASHES, label="$n_x = n_y$"),
    ]
    if outside:
        label = f"outside the bins (n = {outside})"
        handles.insert(1, Line2D([], [], marker="^", ls="", ms=5, color=MODEL, label=label))
    return handles


def _checked(
    n_x: ArrayLike, n_y: ArrayLike, counts: ArrayLike, edges: ArrayLike
) -> tuple[Array, Array, Array, Array]:
    x, y, known = (np.asarray(a, dtype=np.float64) for a in (n_x, n_y, counts))
    rim = 10.0 ** np.asarray(edges, dtype=np.float64)
    if x.shape != y.shape or x.ndim != 1 or known.shape != (len(rim) - 1, len(rim) - 1):
        raise SpecError(
            f"n_x {x.shape} and n_y {y.shape}, {known.shape} counts and {rim.shape} edges do not"
            " fit together",
            where="shape_scatter",
        )
    if not ((x > 0) & (y > 0)).all():
        raise SpecError("n_x and n_y must be positive; leave others out", where="shape_scatter")
    return x, y, known, rim


def _published_cells(axes: Axes, known: Array, rim: Array, cells: Array) -> None:
    """Shade the bins by their published cells; write the numbers away from the model's cells."""
    shades = LinearSegmentedColormap.from_list("published", ["#FFFFFF", "#9E9E9E"])
    axes.pcolormesh(
        rim, rim, known.T, cmap=shades, vmin=0, vmax=max(known.max(), 1), edgecolors="#EDEDED",
        linewidth=0.5,
    )  # fmt: skip
    for (i, j), number in np.ndenumerate(known):
        if number:
            x, y = _freest(np.log10(rim[i : i + 2]), np.log10(rim[j : j + 2]), cells)
            label = axes.text(x, y, f"{number:.0f}", ha="center", va="center", color=INK, zorder=2)
            label.set_path_effects([withStroke(linewidth=1.6, foreground="white")])
    axes.plot(rim[[0, -1]], rim[[0, -1]], color=QUIET, lw=0.7, ls=_DASHES, gid="equal")


def _freest(along: Array, across: Array, cells: Array) -> tuple[float, float]:
    """Position in a bin that is farthest from all cells; the upper left one of equals.

    Arguments are decimal logarithms; the result is not.
    """
    parts = np.array([0.16, 0.33, 0.5, 0.67, 0.84])
    places = [
        (along[0] + a * (along[1] - along[0]), across[0] + b * (across[1] - across[0]))
        for a in parts
        for b in parts[::-1]
    ]
    width = along[1] - along[0]
    # Distances beyond half a bin count as equal.
    free = [
        min(np.hypot(*(cells - np.array([place]).T)).min(initial=np.inf), 0.5 * width)
        for place in places
    ]
    x, y = places[int(np.argmax(free))]
    return float(10**x), float(10**y)


def _cells(axes: Axes, x: Array, y: Array, rim: Array) -> int:
    """Draw the cells, those outside the bins as triangles at the rim; return their number."""
    low, high = rim[0], rim[-1]
    inside = (x >= low) & (x <= high) & (y >= low) & (y <= high)
    axes.plot(
        x[inside], y[inside], "o", ms=4.5, color=MODEL, mec="white", mew=0.5, zorder=3, gid="cells"
    )
    # 2.5 % within the rim, so that the whole triangle is seen
    at = [np.clip(v, low * 1.025, high / 1.025) for v in (x, y)]
    marks: Sequence[tuple[str, NDArray[np.bool_]]] = (
        ("<", x < low),
        (">", x > high),
        ("v", (y < low) & (x >= low) & (x <= high)),
        ("^", (y > high) & (x >= low) & (x <= high)),
    )
    for marker, which in marks:
        if which.any():
            axes.plot(
                at[0][which], at[1][which], marker, ms=5, color=MODEL, mec="white", mew=0.4,
                zorder=3,
            )  # fmt: skip
    return int((~inside).sum())


def _margin(axes: Axes, values: Array, known: Array, rim: Array, *, along_x: bool) -> None:
    """Draw fractions of one quantity: published filled, the model as an outline."""
    ours = np.histogram(values, rim)[0] / max(len(values), 1)
    direction: Literal["vertical", "horizontal"] = "vertical" if along_x else "horizontal"
    axes.stairs(
        known / max(known.sum(), 1), rim, fill=True, orientation=direction, facecolor=PUBLISHED,
        edgecolor=PUBLISHED_EDGE, linewidth=0.6,
    )  # fmt: skip
    axes.stairs(ours, rim, orientation=direction, color=MODEL, linewidth=1.6)
    if along_x:
        axes.set_ylim(bottom=0)
        axes.set_ylabel("fraction\nof cells")
        axes.tick_params(labelbottom=False)
    else:
        axes.set_xlim(left=0)
        axes.set_xlabel("fraction\nof cells")
        axes.tick_params(labelleft=False)


def _finish(axes: Axes, top: Axes, side: Axes, rim: Array) -> None:
    axes.set(xlim=(rim[0], rim[-1]), ylim=(rim[0], rim[-1]))
    names = [f"{tick:g}" for tick in _TICKS]
    axes.set_xticks(_TICKS, names)
    axes.set_yticks(_TICKS, names)
    axes.minorticks_off()
    axes.set_xlabel("$n_x$, width along the carrier (cycles)")
    axes.set_ylabel("$n_y$, length across the carrier (cycles)")
    for margin in (top, side):
        margin.minorticks_off()
