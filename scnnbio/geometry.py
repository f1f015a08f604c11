"""Edge lists of convolutions and of pooling.

A layer has a shape (channel, row, column); its neurons are numbered in C order. A kernel has
the shape (out, in, row, column) and is cross-correlated with its input, as in torch: output
(o, y, x) receives input (c, y * sr + dy - pr, x * sc + dx - pc) through tap (o, c, dy, dx),
where (sr, sc) is the stride and (pr, pc) the rows and columns of zero padding on each side.

Groups, as in torch, divide the channels of both sides into blocks that are connected block to
block: the kernel's second axis is as long as a block of inputs. With as many groups as channels a
kernel is depthwise, as in pooling: each channel connects to itself. A fifth axis of lags connects
every pair of neurons once per lag.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scnnbio.errors import SpecError
from scnnbio.shapes import LayerGeometry, Padding, Pair, Stride, resolve_geometry

IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Edges:
    """Connections of a convolution, one entry each, sorted by ``pre``, ``post`` and ``tap``.

    A pair of neurons is connected at most once, or once per lag, since the positions of two neurons
    determine the tap between them.

    Parameters
    ----------
    pre, post : ndarray of int64, shape (n,)
        Flat indices into the input and output layer.
    tap : ndarray of int64, shape (n,)
        Flat index, in C order, into the kernel (out, in, row, column) or with lags.
    """

    pre: IntArray
    post: IntArray
    tap: IntArray

    def __post_init__(self) -> None:
        for name in ("pre", "post", "tap"):
            getattr(self, name).flags.writeable = False

    def __len__(self) -> int:
        return len(self.pre)


def convolution_edges(
    in_shape: Sequence[int],
    kernel_shape: Sequence[int],
    stride: Stride = (1, 1),
    padding: Padding = (0, 0),
    present: NDArray[np.bool_] | None = None,
    groups: int = 1,
) -> Edges:
    """All connections of a convolution.

    Parameters
    ----------
    in_shape : (channel, row, column)
    kernel_shape : (out, in, row, column), or with a last axis of lags
    stride : int or (row, column)
    padding : "valid", "same", int or (row, column)
    present : ndarray of bool, of the kernel's shape, optional
        Taps with connections; all by default.
    groups : int

    Returns
    -------
    Edges

    Raises
    ------
    SpecError
        As :func:`output_shape`, and if the shape of ``present`` differs from the kernel's.
    """
    g = resolve_geometry(in_shape, kernel_shape, stride, padding, groups)
    if present is not None and present.shape != g.kernel_shape:
        raise SpecError(
            f"mask of shape {present.shape} for a kernel of shape {g.kernel_shape};"
            " give one value per tap",
            where="present",
        )
    # Rows and columns are independent: the edges are the product of the channels (o, c), the row
    # triples and the column triples, which contain only positions inside the image.
    iy, y, dy = _axis_triples(g.in_shape[1], g.out_shape[1], g.kernel_shape[2], 0, g)
    ix, x, dx = _axis_triples(g.in_shape[2], g.out_shape[2], g.kernel_shape[3], 1, g)
    o, c = np.ogrid[: g.kernel_shape[0], : g.kernel_shape[1]]
    o, c = o[..., None, None], c[..., None, None]
    iy, y, dy = (a[:, None] for a in (iy, y, dy))
    channel = o // (g.kernel_shape[0] // g.groups) * g.kernel_shape[1] + c
    pre = (channel * g.in_shape[1] + iy) * g.in_shape[2] + ix
    post = (o * g.out_shape[1] + y) * g.out_shape[2] + x
    tap = ((o * g.kernel_shape[1] + c) * g.kernel_shape[2] + dy) * g.kernel_shape[3] + dx
    pre, post, tap = np.broadcast_arrays(pre, post, tap)
    if present is None:
        pre, post, tap = pre.ravel(), post.ravel(), tap.ravel()
    else:
        some = np.logical_or.reduce(present.reshape(-1, g.lags), axis=1)[tap]
        pre, post, tap = pre[some], post[some], tap[some]
    order = np.argsort(pre * int(np.prod(g.out_shape)) + post)
    pre, post, tap = (a[order].astype(np.int64, copy=False) for a in (pre, post, tap))
    return Edges(pre, post, tap) if g.lags == 1 else _with_lags(pre, post, tap, g.lags, present)


def _with_lags(
    pre: IntArray, post: IntArray, tap: IntArray, lags: int, present: NDArray[np.bool_] | None
) -> Edges:
    """Each edge once per lag of its tap."""
    taps = (tap[:, None] * lags + np.arange(lags)).ravel()
    keep = slice(None) if present is None else present.ravel()[taps]
    return Edges(np.repeat(pre, lags)[keep], np.repeat(post, lags)[keep], taps[keep])


def local_edges(
    in_shape: Sequence[int],
    kernel_shape: Sequence[int],
    stride: Stride = (1, 1),
    padding: Padding = (0, 0),
) -> Edges:
    """All connections of a convolution with unshared weights.

    Parameters
    ----------
    in_shape : (channel, row, column)
    kernel_shape : (out, row, column, in, kernel row, kernel column)
        The tap of an edge is its flat index, in C order, into an array of this shape.
    stride : int or (row, column)
    padding : "valid", "same", int or (row, column)

    Returns
    -------
    Edges
        Those of a convolution with a kernel (out, in, kernel row, kernel column).
    """
    out, into = kernel_shape[0], tuple(kernel_shape[3:])
    shared = convolution_edges(in_shape, (out, *into), stride, padding)
    field = int(np.prod(into))
    return Edges(shared.pre, shared.post, shared.post * field + shared.tap % field)


def local_edges_oracle(
    in_shape: Sequence[int], kernel_shape: Sequence[int], stride: Pair, padding: Pair
) -> list[tuple[int, int, int]]:
    """Slow, simple equivalent of :func:`local_edges`, weight by weight, for tests.

    Returns
    -------
    list of (pre, post, tap), sorted
    """
    edges = []
    for tap, (o, y, x, c, dy, dx) in enumerate(np.ndindex(*kernel_shape)):
        row, column = y * stride[0] + dy - padding[0], x * stride[1] + dx - padding[1]
        if 0 <= row < in_shape[1] and 0 <= column < in_shape[2]:
            pre = np.ravel_multi_index((c, row, column), tuple(in_shape))
            post = np.ravel_multi_index((o, y, x), tuple(kernel_shape[:3]))
            edges.append((int(pre), int(post), tap))
    return sorted(edges)


def convolution_edges_oracle(
    in_shape: Sequence[int],
    kernel_shape: Sequence[int],
    stride: Stride = (1, 1),
    padding: Padding = (0, 0),
    groups: int = 1,
) -> list[tuple[int, int, int]]:
    """Slow, simple equivalent of :func:`convolution_edges`, for tests.

    Returns
    -------
    list of (pre, post, tap), sorted
    """
    g = resolve_geometry(in_shape, kernel_shape, stride, padding, groups)
    inputs = np.split(np.arange(g.in_shape[0]), groups)
    outputs = np.split(np.arange(g.kernel_shape[0]), groups)
    edges = []
    for block in range(groups):
        for o, y, x in itertools.product(outputs[block], *map(range, g.out_shape[1:])):
            for c, dy, dx, *lag in np.ndindex(g.kernel_shape[1:]):
                row = y * g.stride[0] + dy - g.padding[0]
                column = x * g.stride[1] + dx - g.padding[1]
                if 0 <= row < g.in_shape[1] and 0 <= column < g.in_shape[2]:
                    pre = np.ravel_multi_index((inputs[block][c], row, column), g.in_shape)
                    post = np.ravel_multi_index((o, y, x), g.out_shape)
                    tap = np.ravel_multi_index((o, c, dy, dx, *lag), g.kernel_shape)
                    edges.append((int(pre), int(post), int(tap)))
    return sorted(edges)


def pooling_edges_oracle(
    in_shape: Sequence[int], size: Pair, stride: Pair, padding: Pair = (0, 0)
) -> list[tuple[int, int, int]]:
    """Slow, simple edges of pooling: windows cut one by one from a padded layer, for tests.

    Parameters
    ----------
    in_shape : (channel, row, column)
    size, stride, padding : (row, column)
        Size, stride and padding of the windows.

    Returns
    -------
    list of (pre, post, tap), sorted
        The tap counts (channel, row, column) of the window in C order.
    """
    channels, rows, columns = in_shape
    neurons = np.arange(channels * rows * columns).reshape(in_shape)
    outside = ((0, 0), (padding[0],) * 2, (padding[1],) * 2)
    padded = np.pad(neurons, outside, constant_values=-1)
    windows = [
        (channel, row, column)
        for channel in range(channels)
        for row in range(0, padded.shape[1] - size[0] + 1, stride[0])
        for column in range(0, padded.shape[2] - size[1] + 1, stride[1])
    ]
    edges = []
    for post, (channel, row, column) in enumerate(windows):
        window = padded[channel, row : row + size[0], column : column + size[1]].ravel()
        for place, pre in enumerate(window.tolist()):
            if pre >= 0:
                edges.append((pre, post, channel * window.size + place))
    return sorted(edges)


def _axis_triples(
    n_in: int, n_out: int, n_taps: int, axis: int, g: LayerGeometry
) -> tuple[IntArray, IntArray, IntArray]:
    """Positions (input, output, tap) along one axis that lie inside the image."""
    out, tap = np.indices((n_out, n_taps))
    source = out * g.stride[axis] + tap - g.padding[axis]
    inside = (source >= 0) & (source < n_in)
    return source[inside], out[inside], tap[inside]
