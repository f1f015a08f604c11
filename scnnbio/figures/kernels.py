"""Learned kernels as ON - OFF images, with their Gabor fits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike, NDArray

from scnnbio.analysis.receptive_fields import (
    GaborFit,
    KernelMeasures,
    best_lag,
    gabor,
    on_minus_off,
)
from scnnbio.errors import SpecError
from scnnbio.figures.style import DIVERGING, INK, PAGE, QUIET, new_figure, styled

__all__ = ["ORDERS", "kernel_grid"]

Array = NDArray[np.float64]
Fits = Literal["outline", "beside", "none"]

#: Measures by which kernels can be sorted, and whether the largest comes first.
ORDERS = {
    "r_squared": True,
    "spatial_frequency": False,
    "orientation": False,
    "circular_variance": False,
}
_FINE = 6  # samples of an outline per pixel
_OUTLINE = 0.5  # level of the outline as a fraction of the fit's peak
_FRAME = "#DDDDDD"
_DASHES = (0, (2.2, 1.4))


@styled
def kernel_grid(
    kernel: ArrayLike,
    measures: KernelMeasures | None = None,
    *,
    order: str = "r_squared",
    fits: Fits = "outline",
    min_r_squared: float = 0.7,
    width: float = PAGE,
) -> Figure:
    """Draw every map's ON - OFF image, each scaled by its own largest weight, 0 white.

    A kernel in space and time is a strip of images that share one scale, from the shortest lag on
    the left to the longest; its fit is drawn on the image that was measured.

    Parameters
    ----------
    kernel : array, shape (maps, 2, rows, columns) or (maps, 2, rows, columns, lags)
        Weights from ON and OFF cells, or of one channel in place of two.
    measures : KernelMeasures, optional
        Measures of the same maps. Without them the kernels keep their own order and have no fits.
    order : str
        A key of :data:`ORDERS`. Kernels without that measure come last.
    fits : {"outline", "beside", "none"}
        The Gabor fit as outlines at half of its peak on the kernel (solid where ON is larger,
        dashed where OFF is), or as an image to the right of it (kernels without lags only).
    min_r_squared : float
        Fits that explain no more than this carry a cross and no outline.
    width : float
        Width of the figure in mm.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    SpecError
        If the kernel has another shape, or the number of measures differs from that of maps.
    """
    series = on_minus_off(kernel, "kernel_grid")
    images, lags = _strips(series), series.shape[3] if series.ndim == 4 else 1
    if lags > 1 and fits == "beside":
        raise SpecError("kernels with lags take 'outline' or 'none'", where="kernel_grid.fits")
    _check(images, measures, order)
    rank = _sorted(measures, order, len(images))
    shown: list[GaborFit | None] = [
        None if measures is None else measures.fit(int(row)) for row in rank
    ]
    usable = [fit is not None and fit.r_squared > min_r_squared for fit in shown]
    if measures is None:
        fits = "none"
    mosaic = _Mosaic.of(images.shape, doubled=fits == "beside", lags=lags)
    # The colour bar needs a minimum height, however few the kernels.
    figure = new_figure(width, max(mosaic.height(width), 30.0) + 18.0)
    axes = figure.add_subplot()
    tiles = mosaic.blank()
    for place, row in enumerate(rank):
        mosaic.put(tiles, place, _scaled(images[row]))
        fit = shown[place]
        if fits == "beside" and fit is not None:
            drawn = np.nan_to_num(fit.image(images.shape[1:]))  # white where there is no fit
            mosaic.put(tiles, place, _scaled(drawn), part=1)
    image = axes.imshow(tiles, cmap=DIVERGING, vmin=-1.0, vmax=1.0, interpolation="nearest")
    mosaic.frames(axes)
    _scale_bar(axes, mosaic)
    if fits == "outline":
        drawn_fits = [f if ok else None for f, ok in zip(shown, usable, strict=True)]
        _outlines(axes, mosaic, drawn_fits, series.shape[2], best_lag(series)[rank])
    if measures is not None:
        mosaic.crosses(axes, [place for place, ok in enumerate(usable) if not ok])
    axes.set_axis_off()
    _legend(figure, fits, usable.count(False), min_r_squared)
    share = min(1.0, 40.0 / mosaic.height(width))
    bar = figure.colorbar(image, ax=axes, shrink=share, aspect=18, pad=0.01, ticks=[-1.0, 0.0, 1.0])
    bar.set_label("weight from ON − OFF cells\n(of each kernel's largest)")
    if lags > 1:
        axes.set_title("in each strip, lags from the shortest to the longest", loc="left")
    return figure


def _scale_bar(axes: Axes, mosaic: _Mosaic) -> None:
    """Draw a bar of a whole number of pixels below the first kernel, and fit the axes."""
    rows, columns = mosaic.size
    length = min(
        (n for n in (10, 5, 2, 1) if n <= mosaic.rows), default=1, key=lambda n: abs(n - 5)
    )
    below = rows + 0.14 * mosaic.rows
    axes.plot([-0.5, length - 0.5], [below, below], color=INK, lw=1.6, solid_capstyle="butt")
    axes.annotate(
        f"{length} pixel{'s' if length > 1 else ''}", (length - 0.5, below), xytext=(4, 0),
        textcoords="offset points", ha="left", va="center",
    )  # fmt: skip
    # Half a pixel more than the image, since frames are drawn on its edge.
    axes.set_xlim(-1.0, columns)
    axes.set_ylim(rows + 0.32 * mosaic.rows, -1.0)


def _strips(series: Array) -> Array:
    """Images of all lags side by side, separated by an empty column."""
    if series.ndim == 3:
        return series
    maps, rows, columns, lags = series.shape
    strips = np.full((maps, rows, lags, columns + 1), np.nan)
    strips[..., :columns] = series.transpose(0, 1, 3, 2)
    return strips.reshape(maps, rows, -1)[:, :, :-1]


def _check(images: Array, measures: KernelMeasures | None, order: str) -> None:
    if order not in ORDERS:
        raise SpecError(
            f"kernels cannot be sorted by {order!r}; choose of {', '.join(ORDERS)}",
            where="kernel_grid.order",
        )
    if measures is not None and len(measures) != len(images):
        raise SpecError(
            f"there are {len(measures)} measures for {len(images)} kernels; measure the same"
            f" kernel",
            where="kernel_grid.measures",
        )


def _sorted(measures: KernelMeasures | None, order: str, maps: int) -> NDArray[np.int64]:
    if measures is None:
        return np.arange(maps)
    values = measures.columns()[order]
    return np.asarray(np.argsort(-values if ORDERS[order] else values, kind="stable"))


def _scaled(image: Array) -> Array:
    """Divide an image by its largest absolute value."""
    largest = float(np.nanmax(np.abs(image)))
    return image / largest if largest > 0 else 0.0 * image


@dataclass(frozen=True)
class _Mosaic:
    """Positions of the kernels on one common image, in pixels, row 0 on top.

    One image and a few collections draw much faster than 144 pairs of axes.
    """

    maps: int
    across: int
    rows: int
    columns: int
    doubled: bool

    @classmethod
    def of(cls, shape: tuple[int, ...], *, doubled: bool, lags: int = 1) -> _Mosaic:
        maps, rows, columns = shape
        # At most 12 images per row, and about twice as wide as high.
        images = 2 if doubled else lags
        ideal = math.ceil(math.sqrt(maps * 2.0 / images))
        most = max(1, min(12 // images, max(ideal, min(maps, 4))))
        return cls(maps, math.ceil(maps / math.ceil(maps / most)), rows, columns, doubled)

    @property
    def gap(self) -> int:
        """Pixels between kernels."""
        return max(1, round(0.16 * self.rows))

    @property
    def step(self) -> int:
        """Pixels from the left edge of one kernel to that of the next."""
        return self.gap + self.columns * (2 if self.doubled else 1) + (1 if self.doubled else 0)

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of the whole image."""
        down = math.ceil(self.maps / self.across)
        return down * (self.rows + self.gap) - self.gap, self.across * self.step - self.gap

    def height(self, width: float) -> float:
        """Height in mm that the kernels need beside a colour bar."""
        rows, columns = self.size
        return (width - 24.0) * rows / columns

    def corner(self, place: int, part: int = 0) -> tuple[int, int]:
        """First row and column of a kernel, or of its fit (part 1)."""
        row, column = divmod(place, self.across)
        return row * (self.rows + self.gap), column * self.step + part * (self.columns + 1)

    def blank(self, fine: int = 1) -> Array:
        """Empty image with ``fine`` samples per pixel."""
        rows, columns = self.size
        return np.full((rows * fine, columns * fine), np.nan)

    def put(
        self,
        tiles: Array,
        place: int,
        image: Array,
        *,
        part: int = 0,
        shift: int = 0,
        fine: int = 1,
    ) -> None:
        """Copy an image into its place, ``shift`` columns to the right of its left edge."""
        top, left = self.corner(place, part)
        top, left = fine * top, fine * (left + shift)
        tiles[top : top + image.shape[0], left : left + image.shape[1]] = image

    def _boxes(self, places: Sequence[int], parts: Sequence[int]) -> list[Rectangle]:
        return [
            Rectangle((left - 0.5, top - 0.5), self.columns, self.rows)
            for place in places
            for part in parts
            for top, left in [self.corner(place, part)]
        ]

    def frames(self, axes: Axes) -> None:
        """Draw a thin frame around every kernel and fit."""
        boxes = self._boxes(range(self.maps), (0, 1) if self.doubled else (0,))
        axes.add_collection(
            PatchCollection(boxes, facecolor="none", edgecolor=_FRAME, linewidth=0.5)
        )

    def crosses(self, axes: Axes, places: Sequence[int]) -> None:
        """Mark kernels whose fit is excluded."""
        axes.add_collection(
            PatchCollection(
                self._boxes(places, (0,)), facecolor="none", edgecolor=QUIET, linewidth=0.8,
                linestyle=(0, (2, 2)),
            )
        )  # fmt: skip
        corners = np.array([self.corner(place) for place in places], dtype=float).reshape(-1, 2)
        x = corners[:, 1] + 0.88 * self.columns - 0.5
        y = corners[:, 0] + 0.12 * self.rows - 0.5
        # A white cross below the dark one keeps it visible on dark weights.
        axes.plot(x, y, "x", color="white", markersize=5.6, markeredgewidth=2.6)
        axes.plot(x, y, "x", color=INK, markersize=4.5, markeredgewidth=1.1, gid="excluded")


def _outlines(
    axes: Axes,
    mosaic: _Mosaic,
    fits: Sequence[GaborFit | None],
    columns: int,
    lags: NDArray[np.int64],
) -> None:
    """Draw contours of the fits at half of their peaks, finer than the pixels.

    Each image is ``columns`` wide; the image at the kernel's lag in ``lags`` was fitted.
    """
    tiles = mosaic.blank(_FINE)
    for place, fit in enumerate(fits):
        if fit is not None:
            fine = gabor(
                (mosaic.rows * _FINE, columns * _FINE), x0=fit.x0 * _FINE,
                y0=fit.y0 * _FINE, sigma_x=fit.sigma_x * _FINE, sigma_y=fit.sigma_y * _FINE,
                theta=fit.theta, frequency=fit.frequency / _FINE, phase=fit.phase,
            )  # fmt: skip
            mosaic.put(tiles, place, _scaled(fine), shift=lags[place] * (columns + 1), fine=_FINE)
    known = tiles[~np.isnan(tiles)]
    y, x = ((np.arange(n) + 0.5) / _FINE - 0.5 for n in tiles.shape)
    for sign, dashes in ((1.0, "solid"), (-1.0, _DASHES)):
        if (sign * known > _OUTLINE).any():
            axes.contour(
                x, y, sign * tiles, levels=[_OUTLINE], colors=[INK], linewidths=0.8,
                linestyles=[dashes],
            )  # fmt: skip


def _legend(figure: Figure, fits: Fits, excluded: int, min_r_squared: float) -> None:
    if fits == "none":
        return
    handles = []
    if fits == "outline":
        handles = [
            Line2D([], [], color=INK, lw=0.9, label="Gabor fit at half of its peak: ON"),
            Line2D([], [], color=INK, lw=0.9, ls=_DASHES, label="OFF"),
        ]
    label = f"fit excluded, R² ≤ {min_r_squared:g} (n = {excluded})"
    handles.append(Line2D([], [], color=INK, marker="x", ls="", ms=4.5, mew=1.1, label=label))
    figure.legend(handles=handles, loc="outside lower left", ncols=len(handles))
