"""The numbers behind a figure, read from what it draws: one row per point, bar, bin or pixel."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import Collection, LineCollection, PathCollection, QuadMesh
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle, StepPatch
from matplotlib.spines import Spine
from matplotlib.text import Text
from numpy.typing import NDArray

__all__ = ["COLUMNS", "drawn_numbers", "numbers_text"]

#: Columns of the table. ``panel`` counts from 1; ``x_axis`` and ``y_axis`` are the panel's labels;
#: ``series`` is the name in the legend, or the text of a label. A bar, a bin or a segment reaches
#: from (x, y) to (x_end, y_end). ``value`` is what a colour stands for.
COLUMNS = (
    "panel", "x_axis", "y_axis", "drawn_as", "series", "x", "y", "x_end", "y_end", "value",
)  # fmt: skip

#: What stands for numbers; spines, which are patches, do not.
_SHOWN = (Line2D, Patch, Collection, AxesImage, Text)
Array = NDArray[np.float64]
#: A drawn element: what it is, and its coordinates x, y, x_end, y_end and value.
Element = tuple[str, tuple[Any, ...]]


def drawn_numbers(figure: Figure) -> Iterator[tuple[Any, ...]]:
    """Rows of :data:`COLUMNS` for everything that a figure draws in the units of its axes.

    Parameters
    ----------
    figure : matplotlib.figure.Figure

    Yields
    ------
    tuple
        A coordinate that is not in the units of the axes, such as that along a line across the
        whole panel, is empty. Decoration that has no coordinate in these units has no row.
    """
    for panel, axes in enumerate(figure.axes, start=1):
        if not axes.get_visible():
            continue
        named = (panel, _line(axes.get_xlabel()), _line(axes.get_ylabel()))
        for artist in axes.get_children():
            if not isinstance(artist, _SHOWN) or isinstance(artist, Spine):
                continue
            along = _in_units(artist, axes)
            if not artist.get_visible() or not any(along):
                continue
            series = _series(artist)
            for kind, numbers in _elements(artist):
                filled = [*numbers, "", "", ""][:5]
                x, y, x_end, y_end, value = filled
                if not along[0]:
                    x = x_end = ""
                if not along[1]:
                    y = y_end = ""
                yield (*named, kind, series, x, y, x_end, y_end, value)


def numbers_text(figure: Figure) -> str:
    """The same as comma-separated text with a head, numbers with ten digits."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows([_cell(cell) for cell in row] for row in drawn_numbers(figure))
    return text.getvalue()


def _cell(value: Any) -> Any:
    return f"{value:.10g}" if isinstance(value, float | np.floating) else value


def _line(text: str) -> str:
    return " ".join(text.split())


def _series(artist: Artist) -> str:
    if isinstance(artist, Text):
        return _line(artist.get_text())
    name = str(artist.get_label() or "")
    return "" if name.startswith("_") else name


def _in_units(artist: Artist, axes: Axes) -> tuple[bool, bool]:
    """Whether x and y of an artist are in the units of its axes."""
    if isinstance(artist, Text) and not artist.get_text():
        return False, False
    shown = (
        artist.get_offset_transform()
        if isinstance(artist, PathCollection)
        else artist.get_transform()
    )
    if isinstance(artist, AxesImage | Collection) and shown == axes.transData:
        return True, True
    if shown.output_dims != 2:
        return False, False
    x, y = shown.contains_branch_seperately(axes.transData)
    return bool(x), bool(y)


def _elements(artist: Artist) -> Iterable[Element]:
    if isinstance(artist, Line2D):
        x, y = (_array(side) for side in artist.get_data(orig=False))
        return (("line", pair) for pair in zip(x, y, strict=True))
    if isinstance(artist, Text):
        return [("text", artist.get_position())]
    if isinstance(artist, AxesImage):
        return _pixels(artist)
    if isinstance(artist, Patch):
        return _patch(artist)
    return _collection(artist) if isinstance(artist, Collection) else ()


def _array(values: Any) -> Array:
    """Numbers as an array, NaN where they are masked."""
    plain = np.ma.getdata(values).astype(np.float64)  # type: ignore[no-untyped-call]
    return np.where(np.ma.getmaskarray(values), np.nan, plain)  # type: ignore[no-untyped-call]


def _pixels(image: AxesImage) -> Iterator[Element]:
    """Middle of each pixel, and its value; a colour is three values from 0 to 1, one row each."""
    values = _array(image.get_array())
    left, right, bottom, top = image.get_extent()
    rows, columns = values.shape[:2]
    first, last = (top, bottom) if image.origin == "upper" else (bottom, top)
    y = first + (np.arange(rows) + 0.5) * (last - first) / rows
    x = left + (np.arange(columns) + 0.5) * (right - left) / columns
    kinds = ("pixel",) if values.ndim == 2 else ("red", "green", "blue", "alpha")
    planes = values.reshape(rows, columns, -1)
    for row in range(rows):
        for column in range(columns):
            for kind, value in zip(kinds, planes[row, column], strict=False):
                yield kind, (x[column], y[row], "", "", value)


def _patch(patch: Patch) -> Iterator[Element]:
    if isinstance(patch, StepPatch):
        heights, places, zero = patch.get_data()
        values, edges = _array(heights), _array(places)
        base = np.broadcast_to(_array(0.0 if zero is None else zero), values.shape)
        across = patch.orientation == "vertical"
        for low, high, value, foot in zip(edges[:-1], edges[1:], values, base, strict=True):
            yield "bin", (low, value, high, foot) if across else (value, low, foot, high)
        return
    if isinstance(patch, Rectangle):
        x, y = patch.get_xy()
        yield "bar", (x, y, x + patch.get_width(), y + patch.get_height())
        return
    for corner in _array(patch.get_patch_transform().transform(_array(patch.get_path().vertices))):
        yield "outline", tuple(corner)


def _collection(drawn: Collection) -> Iterator[Element]:
    values = drawn.get_array()
    flat = np.zeros(0) if values is None else _array(values).ravel()
    if isinstance(drawn, QuadMesh):
        corners = _array(drawn.get_coordinates())  # type: ignore[no-untyped-call]
        low, high = corners[:-1, :-1].reshape(-1, 2), corners[1:, 1:].reshape(-1, 2)
        for one, other, value in zip(low, high, flat, strict=True):
            yield "cell", (*one, *other, value)
    elif isinstance(drawn, PathCollection):
        offsets = _array(drawn.get_offsets())
        for k, (x, y) in enumerate(offsets):
            yield "point", (x, y, "", "", flat[k] if len(flat) == len(offsets) else "")
    elif isinstance(drawn, LineCollection):
        for segment in map(_array, drawn.get_segments()):
            if len(segment) == 2:
                yield "segment", (*segment[0], *segment[1])
            else:
                yield from (("outline", tuple(corner)) for corner in segment)
    else:
        for path in drawn.get_paths():
            yield from (("outline", tuple(corner)) for corner in _array(path.vertices))
