"""A model's values drawn over a published histogram, for several kinds of figures."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from scnnbio.errors import SpecError
from scnnbio.figures.style import MODEL, PUBLISHED, PUBLISHED_EDGE

__all__ = ["draw_against_bins"]

Array = NDArray[np.float64]

_STEPS = (1, 2, 2.5, 5, 10)


def draw_against_bins(
    axes: Axes,
    values: ArrayLike,
    counts: ArrayLike,
    edges: ArrayLike,
    *,
    above: int = 0,
    labels: tuple[str, str] = ("model", "published"),
    color: str = MODEL,
    published: bool = True,
) -> None:
    """Draw fractions of cells in published bins: published as filled bars, the model as an outline.

    Fractions are of all cells, including those outside the bins. Cells above the last edge, of the
    model or published, get one more bin, set apart, labelled ``>``.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    values : array, shape (cells,)
        No NaN; infinite values count as above the last edge.
    counts : array, shape (bins,)
    edges : array, shape (bins + 1,)
    above : int
        Published cells above the last edge.
    labels : (str, str)
        Labels in the legend, before the number of cells.
    color : str
        Of the model's outline.
    published : bool
        Whether the published bars are drawn too; without them a further model joins the first.

    Raises
    ------
    SpecError
        If the edges do not fit the counts, or a value is NaN.
    """
    data, rim = np.asarray(values, dtype=np.float64), np.asarray(edges, dtype=np.float64)
    known = np.asarray(counts, dtype=np.float64)
    if known.ndim != 1 or rim.shape != (len(known) + 1,) or np.isnan(data).any():
        raise SpecError(
            f"{known.shape} counts need one more edge, not {rim.shape}, and values without NaN",
            where="draw_against_bins",
        )
    inside = np.histogram(data[np.isfinite(data)], rim)[0].astype(np.float64)
    low, high = int((data < rim[0]).sum()), int((data > rim[-1]).sum())
    width = float(rim[-1] - rim[-2])
    parts = [(rim, inside, known)]
    if low:
        at = np.array([rim[0] - 1.5 * width, rim[0] - 0.5 * width])
        parts.insert(0, (at, np.array([float(low)]), np.zeros(1)))
    if high or above:
        at = np.array([rim[-1] + 0.5 * width, rim[-1] + 1.5 * width])
        parts.append((at, np.array([float(high)]), np.array([float(above)])))
    total, cells = int(known.sum()) + above, len(data)
    for where, ours, theirs in parts:
        named = where is rim
        if published:
            axes.stairs(
                theirs / max(total, 1), where, fill=True, facecolor=PUBLISHED,
                edgecolor=PUBLISHED_EDGE, linewidth=0.6,
                label=f"{labels[1]} (n = {total})" if named else None,
            )  # fmt: skip
        axes.stairs(
            ours / max(cells, 1), where, color=color, linewidth=1.6,
            label=f"{labels[0]} (n = {cells})" if named else None,
        )  # fmt: skip
    _label_outside(axes, rim, below=bool(low), beyond=bool(high or above), width=width)
    _share_axis(axes)


def _share_axis(axes: Axes) -> None:
    """Scale the axis from 0 to the largest fraction, with room for a legend, no tick above 1."""
    axes.set_ylim(0.0, axes.dataLim.ymax * 1.4 or 1.0)
    axes.set_yticks(
        [tick for tick in MaxNLocator(6, steps=_STEPS).tick_values(*axes.get_ylim()) if tick <= 1.0]
    )
    axes.set_ylim(0.0, axes.dataLim.ymax * 1.4 or 1.0)
    axes.set_ylabel("fraction of cells")


def _short(tick: float) -> str:
    """A number that leaves room for its neighbours: of thirteenths, two digits."""
    exact = f"{tick:g}"
    return exact if len(exact) <= 5 else f"{tick:.2g}"


def _label_outside(axes: Axes, rim: Array, *, below: bool, beyond: bool, width: float) -> None:
    """Set ticks at the published edges, and one below the bins of cells outside them."""
    step = max(1, (len(rim) - 1) // 5)
    ticks = [float(tick) for tick in rim[::step]]
    names = [_short(tick) for tick in np.round(rim[::step], 6).tolist()]
    if below:
        ticks.insert(0, float(rim[0] - width))
        names.insert(0, f"<{rim[0]:g}")
    if beyond:
        if rim[-1] - ticks[-1] < 1e-9 * abs(rim[-1]) + 1e-12 and step == 1:
            ticks, names = ticks[:-1], names[:-1]
        ticks.append(float(rim[-1] + width))
        names.append(f">{rim[-1]:g}")
    axes.set_xticks(ticks, names)
