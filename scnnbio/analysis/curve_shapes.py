"""Smooth curves through samples, and fits of curves with two shape parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from scnnbio.analysis.tuning import first_fall
from scnnbio.errors import SpecError
from scnnbio.units import In, Number, plain, plain_array

Array = NDArray[np.float64]
Numbers = Annotated[ArrayLike, In("1", finite=False)]

#: Number of points of the spline between two samples.
_FINE = 32
#: Number of curves that are fitted at a time, which bounds the memory.
_AT_ONCE = 4096


@dataclass(frozen=True, eq=False)
class Flanks:
    """Peak of a curve, and where it falls on each side.

    Parameters
    ----------
    peak : array, shape (n,)
        Position in the unit of the axis.
    height : array, shape (n,)
    low, high : array, shape (n,)
        Where the curve, followed from its peak, first falls below the fraction of the height; NaN
        where it does not.
    """

    peak: Array
    height: Array
    low: Array
    high: Array


def flanks(
    curves: Numbers,
    axis: Numbers,
    fraction: Number,
    *,
    smoothing: Sequence[Annotated[float, In("1")]] = (0.2, 1.0, 0.2),
) -> Flanks:
    """Peak and flanks of curves that are not periodic.

    A curve is smoothed by weights over neighbouring samples (fewer at the ends), interpolated by a
    cubic spline, and followed from the spline's largest value.

    Parameters
    ----------
    curves : array, shape (n, k)
    axis : array, shape (k,)
        Increasing, such as the logarithm of a frequency.
    fraction : float
        Fraction of the peak.
    smoothing : sequence of float
        Weights, an odd number; ``(1,)`` for none.

    Returns
    -------
    Flanks
    """
    x = plain_array(axis, "1", where="flanks.axis")
    y = plain_array(curves, "1", where="flanks.curves", finite=False)
    part = plain(fraction, "1", where="flanks.fraction")
    window = plain_array(smoothing, "1", where="flanks.smoothing")
    if len(x) < 3:
        raise SpecError(f"there are {len(x)} values; a curve needs 3 or more", where="flanks.axis")
    smooth = np.zeros((len(x), len(x)))
    reach = len(window) // 2
    for k, weight in enumerate(window):
        smooth += weight * np.eye(len(x), k=k - reach)
    smooth /= smooth.sum(axis=1, keepdims=True)
    fine = np.unique(np.concatenate([np.linspace(a, b, _FINE + 1) for a, b in pairwise(x)]))
    # A spline is linear in its samples: splines of unit vectors give those of all curves.
    matrix = scipy.interpolate.CubicSpline(x, smooth, axis=0)(fine)
    splined = y @ matrix.T
    peak = splined.argmax(axis=1)[:, None]
    height = np.take_along_axis(splined, peak, 1)
    steps, last = np.arange(len(fine)), len(fine) - 1
    found = []
    for way in (-1, 1):
        place = peak + way * steps
        beyond = (place < 0) | (place > last)
        followed = np.take_along_axis(splined, np.clip(place, 0, last), 1)
        followed[beyond] = np.inf
        count = first_fall(followed, part * height)
        at = peak[:, 0] + way * count
        found.append(np.interp(at, steps, fine, left=np.nan, right=np.nan))
    positive = height[:, 0] > 0
    low, high = (np.where(positive, side, np.nan) for side in found)
    return Flanks(np.where(positive, fine[peak[:, 0]], np.nan), height[:, 0], low, high)


@dataclass(frozen=True, eq=False)
class Fit:
    """Curves fitted by ``scale * shape(p, q) + offset``, scale and offset not negative.

    Parameters
    ----------
    p, q, scale, offset, r_squared : array, shape (n,)
    """

    p: Array
    q: Array
    scale: Array
    offset: Array
    r_squared: Array


def fit_shape(
    curves: Numbers,
    shape: Callable[[Any, Any], Any],
    p: Numbers,
    q: Numbers,
    *,
    rounds: int = 6,
    moves: int = 1,
) -> Fit:
    """Fit two shape parameters by grid search, with scale and offset in closed form.

    The best node of a grid is refined by moves to its neighbours, at distances that are halved
    every round.

    Parameters
    ----------
    curves : array, shape (n, k)
    shape : callable
        ``shape(p, q)`` maps arrays (..., 1) to an array (..., k).
    p, q : array
        Equally spaced nodes of the grid. Refinement stays within its ends.
    rounds : int
        Number of rounds; the distance decreases by 2 ** rounds.
    moves : int
        Moves per round; more than one where the two parameters are correlated.

    Returns
    -------
    Fit
    """
    y = plain_array(curves, "1", where="fit_shape.curves")
    first = plain_array(p, "1", where="fit_shape.p")
    second = plain_array(q, "1", where="fit_shape.q")
    nodes = np.stack([g.ravel() for g in np.meshgrid(first, second, indexing="ij")], axis=1)
    parts = [
        _fit_some(y[i : i + _AT_ONCE], shape, nodes, (first, second), (rounds, moves))
        for i in range(0, len(y), _AT_ONCE)
    ]
    columns = np.concatenate(parts, axis=1) if parts else np.zeros((5, 0))
    return Fit(*columns)


def _fit_some(
    y: Array,
    shape: Callable[[Any, Any], Any],
    nodes: Array,
    axes: tuple[Array, Array],
    effort: tuple[int, int],
) -> Array:
    table = shape(nodes[:, :1], nodes[:, 1:])
    best = nodes[_squares(y[:, None], table[None], matrix=True)[0].argmin(axis=1)]
    step = np.array([a[1] - a[0] for a in axes])
    ends = np.array([[a[0], a[-1]] for a in axes])
    around = np.array([(i, j) for i in (0, -1, 1) for j in (0, -1, 1)], dtype=np.float64)
    for each in range(effort[0] * effort[1]):
        step = step if each % effort[1] else step / 2
        near = np.clip(best[:, None] + around * step, ends[:, 0], ends[:, 1])
        values = shape(near[..., :1], near[..., 1:])
        chosen = _squares(y[:, None], values)[0].argmin(axis=1)
        best = near[np.arange(len(y)), chosen]
    squares, scale, offset = (part[:, 0] for part in _squares(
        y[:, None], shape(best[:, None, :1], best[:, None, 1:])
    ))  # fmt: skip
    total = ((y - y.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    explained = np.where(total > 0, 1 - squares / np.where(total > 0, total, 1.0), np.nan)
    return np.stack([best[:, 0], best[:, 1], scale, offset, explained])


def _squares(y: Array, g: Array, *, matrix: bool = False) -> tuple[Array, Array, Array]:
    """Residual sum of squares, scale and offset of y (n, 1, k) by shapes g (n or 1, m, k)."""
    n = y.shape[-1]
    y_mean, g_mean = y.mean(axis=-1), g.mean(axis=-1)
    # A matrix product where all curves share one set of shapes.
    gy = y[:, 0] @ g[0].T if matrix else np.einsum("nik,nmk->nm", y, g)
    gg, yy = (g**2).sum(axis=-1), (y**2).sum(axis=-1)
    spread = gg - n * g_mean**2
    both = gy - n * y_mean * g_mean
    flat = yy - n * y_mean**2
    scale = np.where(spread > 1e-12 * gg, both / np.where(spread > 1e-12 * gg, spread, 1.0), 0.0)
    offset = y_mean - scale * g_mean
    squares = flat - scale * both
    alone = np.where(gg > 0, gy / np.where(gg > 0, gg, 1.0), 0.0)
    down, none = offset < 0, scale <= 0
    squares = np.where(down, yy - alone * gy, squares)
    scale, offset = np.where(down, alone, scale), np.where(down, 0.0, offset)
    scale, offset = np.where(none, 0.0, scale), np.where(none, y_mean, offset)
    return np.maximum(np.where(none, flat, squares), 0.0), scale, offset
