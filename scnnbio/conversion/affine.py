"""What lies between two activations: a sum of linear maps of layers, and a constant.

Convolutions, pooling, batch normalisation, flattening and residual sums are all affine. Their
product stays one convolution with a shared kernel wherever there is one, and is a list of
connections otherwise.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scnnbio.connectors import (
    ConvolutionConnector,
    DenseConnector,
    EdgeListConnector,
    KernelConnector,
)
from scnnbio.connectors.matrices import as_connector, as_matrix
from scnnbio.shapes import Shape

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Term:
    """A linear map of one layer's activation; the identity if there is no connector.

    Parameters
    ----------
    source : str
    shape : tuple of int
        (channel, row, column) of the source.
    connector : KernelConnector, optional
    """

    source: str
    shape: Shape
    connector: KernelConnector | None = None

    def to(self, shape: Shape) -> KernelConnector:
        """The connector, to a layer of this shape."""
        return fitted(self.connector, self.shape, shape)


@dataclass(frozen=True, eq=False)
class Affine:
    """``sum of maps + constant``.

    Parameters
    ----------
    terms : tuple of Term
    constant : ndarray (neurons,)
    lengths : tuple of int
        torch's shape of the value, without the axis of the batch.
    """

    terms: tuple[Term, ...]
    constant: FloatArray
    lengths: tuple[int, ...]

    @property
    def shape(self) -> Shape:
        """(channel, row, column)."""
        return as_shape(self.lengths)

    def through(self, connector: KernelConnector, lengths: tuple[int, ...]) -> Affine:
        """What comes out of a linear map of this value."""
        terms = tuple(
            dataclasses.replace(term, connector=_product(connector, term)) for term in self.terms
        )
        constant: Any = np.zeros(int(np.prod(lengths)))
        if self.constant.any():
            constant = as_matrix(connector) @ self.constant
        return Affine(terms, constant, lengths)

    def plus(self, constant: FloatArray) -> Affine:
        """The sum of the value and a constant, one per channel or per neuron."""
        return dataclasses.replace(self, constant=self.constant + self._each(constant))

    def scaled(self, factor: FloatArray) -> Affine:
        """The value times a factor, one per channel or per neuron."""
        each = self._each(factor)
        terms = tuple(
            dataclasses.replace(term, connector=rescaled(term.to(self.shape), None, each))
            for term in self.terms
        )
        return Affine(terms, self.constant * each, self.lengths)

    def added(self, other: Affine) -> Affine:
        """The sum of two values of one shape."""
        constant = self.constant + other.constant
        return Affine((*self.terms, *other.terms), constant, self.lengths)

    def reshaped(self, lengths: tuple[int, ...]) -> Affine:
        """The same values, in the same order, with other axes."""
        return dataclasses.replace(self, lengths=lengths)

    def of(self, values: Mapping[str, FloatArray]) -> FloatArray:
        """The value for activations of the layers, (neurons,) or (neurons, images)."""
        one = next(iter(values.values()))
        total: Any = self.constant.reshape(-1, *[1] * (one.ndim - 1)).copy()
        for term in self.terms:
            given = values[term.source]
            total = total + (given if term.connector is None else as_matrix(term.connector) @ given)
        return total

    def _each(self, values: FloatArray) -> FloatArray:
        size = self.constant.size
        return np.repeat(values, size // values.size)


def as_shape(lengths: tuple[int, ...]) -> Shape:
    """The shape (channel, row, column) of one to three axes."""
    if len(lengths) == 2:
        return lengths[0], 1, lengths[1]
    channels, rows, columns = (*lengths, 1, 1)[:3]
    return channels, rows, columns


def fitted(connector: KernelConnector | None, before: Shape, after: Shape) -> KernelConnector:
    """The same connections, between layers of these shapes, as after a Flatten."""
    if connector is None:
        if before == after:
            ones = np.ones((before[0], 1, 1, 1))
            return ConvolutionConnector(ones, before, groups=before[0])
        each = np.arange(int(np.prod(before)))
        return EdgeListConnector(before, after, (each, each))
    if (_in(connector), _out(connector)) == (before, after):
        return connector
    if isinstance(connector, DenseConnector):
        return DenseConnector(connector.kernel, before, after)
    return as_connector(as_matrix(connector), before, after)


def rescaled(
    connector: KernelConnector, before: FloatArray | None, after: FloatArray | None
) -> KernelConnector:
    """``diag(after) M diag(before)``, factors per neuron; None is 1."""
    n_pre, n_post = (int(np.prod(s)) for s in (connector.in_shape, connector.out_shape))
    pre = np.ones(n_pre) if before is None else before
    post = np.ones(n_post) if after is None else after
    if isinstance(connector, DenseConnector):
        weights = connector.kernel * post[:, None] * pre
        return DenseConnector(weights, connector.in_shape, connector.out_shape)
    if isinstance(connector, ConvolutionConnector):
        by_pre, by_post = _by_channel(pre, connector.in_shape), _by_channel(post, _out(connector))
        if by_pre is not None and by_post is not None:
            maps, per_group = connector.kernel.shape[:2]
            group = np.arange(maps) // (maps // connector.groups)
            sources = group[:, None] * per_group + np.arange(per_group)
            factor = by_post[:, None] * by_pre[sources]
            return connector.with_kernel(connector.kernel * factor[..., None, None])
    from scipy import sparse

    matrix = sparse.diags_array(post) @ as_matrix(connector) @ sparse.diags_array(pre)
    return as_connector(matrix, _in(connector), _out(connector))


def _by_channel(values: FloatArray, shape: Shape) -> FloatArray | None:
    """One value per channel, if they are the same within each."""
    rows = values.reshape(shape[0], -1)
    return rows[:, 0] if (rows == rows[:, :1]).all() else None


def _in(connector: KernelConnector) -> Shape:
    channels, rows, columns = connector.in_shape
    return channels, rows, columns


def _out(connector: KernelConnector) -> Shape:
    channels, rows, columns = connector.out_shape
    return channels, rows, columns


def _product(last: KernelConnector, term: Term) -> KernelConnector:
    """The connector of ``last`` after that of a term."""
    first = term.connector
    if first is None:
        return fitted(last, term.shape, _out(last))
    if isinstance(last, ConvolutionConnector) and isinstance(first, ConvolutionConnector):
        joined = _pooled_convolution(last, first)
        if joined is not None:
            return joined
    if isinstance(last, DenseConnector):
        weights = (as_matrix(first).T @ last.kernel.T).T
        return DenseConnector(weights, _in(first), _out(last))
    return as_connector(as_matrix(last) @ as_matrix(first), _in(first), _out(last))


def _pooled_convolution(
    last: ConvolutionConnector, first: ConvolutionConnector
) -> ConvolutionConnector | None:
    """One convolution for windows that tile the layer, channel by channel, and another after.

    Each tap of ``last`` becomes a window of ``first``. None if ``first`` is not of that kind.
    """
    channels, rows, columns = _in(first)
    _, _, height, width = first.kernel.shape
    tiles = first.stride == (height, width) and rows % height == 0 and columns % width == 0
    alone = first.groups == channels == first.kernel.shape[0] and first.padding == (0, 0)
    if not (tiles and alone and _out(first) == _in(last)):
        return None
    maps, per_group = last.kernel.shape[:2]
    group = np.arange(maps) // (maps // last.groups)
    sources = group[:, None] * per_group + np.arange(per_group)
    windows = first.kernel[sources, 0]
    kernel = np.einsum("oirc,oiyx->oirycx", last.kernel, windows)
    taps = (last.kernel.shape[2] * height, last.kernel.shape[3] * width)
    return ConvolutionConnector(
        kernel.reshape(maps, per_group, *taps),
        _in(first),
        stride=(last.stride[0] * height, last.stride[1] * width),
        padding=(last.padding[0] * height, last.padding[1] * width),
        connect_zeros=last.connect_zeros and first.connect_zeros,
        groups=last.groups,
    )
