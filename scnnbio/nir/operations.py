"""Nodes between neurons: weights, pooling, shapes and delays, as connectors and matrices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scnnbio.connectors import (
    ConvolutionConnector,
    DenseConnector,
    KernelConnector,
    PoolingConnector,
)
from scnnbio.connectors.matrices import as_connector, as_matrix
from scnnbio.errors import SpecError
from scnnbio.nir.nodes import FloatArray, Node
from scnnbio.shapes import Shape

#: Relative rounding error of a product that should be 1.
_ROUNDING = 1e-14


@dataclass(frozen=True, eq=False)
class Operation:
    """A linear node: ``y = M x + bias``.

    Parameters
    ----------
    node : Node
    before, after : tuple of int
        Shapes (channel, row, column) of input and output.
    connector : KernelConnector or None
        M; None where connections do not change, as in a Flatten.
    bias : ndarray (neurons,)
    factor : ndarray (neurons,) or None
        Factor of a Scale.
    delay : float
        Delay of a Delay, in s.
    """

    node: Node
    before: Shape
    after: Shape
    connector: KernelConnector | None
    bias: FloatArray
    factor: FloatArray | None = None
    delay: float = 0.0

    def matrix(self) -> Any:
        """M as a sparse matrix (after, before)."""
        from scipy import sparse

        size = int(np.prod(self.before))
        if self.connector is not None:
            return as_matrix(self.connector)
        factor = np.ones(size) if self.factor is None else self.factor
        return sparse.diags_array(factor, format="csr")


def as_shape(lengths: Sequence[int], node: Node) -> Shape:
    """The shape (channel, row, column) of one, two or three axes."""
    axes = [int(n) for n in lengths]
    if not 1 <= len(axes) <= 3 or min(axes) < 1:
        raise SpecError(
            f"a shape of {axes} is not of one to three axes, each 1 or more", where=node.where
        )
    if len(axes) == 2:
        return axes[0], 1, axes[1]
    return axes[0], *(axes[1:] or [1, 1])  # type: ignore[return-value]


def operation(node: Node, before: Shape) -> Operation:
    """The operation of a node on an input of a shape.

    Raises
    ------
    SpecError
        If the shape does not fit, or the node has no counterpart.
    """
    try:
        return _MAKERS[node.kind](node, before)
    except SpecError as error:
        if error.where.startswith("node "):
            raise
        raise SpecError(str(error), where=node.where) from None


def _plain(node: Node, before: Shape, connector: KernelConnector, bias: Any = 0.0) -> Operation:
    after: Shape = tuple(connector.out_shape)  # type: ignore[assignment]
    given = np.asarray(bias, dtype=np.float64).ravel()
    size = int(np.prod(after))
    if given.size not in (1, after[0], size):
        raise SpecError(f"{given.size} biases for {after[0]} channels", where=node.where)
    return Operation(node, before, after, connector, np.repeat(given, size // given.size))


def _convolution(node: Node, before: Shape, axes: int) -> Operation:
    weight = node.array("weight")
    if weight.ndim != axes + 2:
        raise SpecError(
            f"a weight of shape {weight.shape}, and a {node.kind} has {axes + 2} axes",
            where=node.where,
        )
    stride: Any = node.integers("stride", axes)
    dilation = node.integers("dilation", axes)
    (groups,) = node.integers("groups", 1)
    spread = np.zeros(
        (
            *weight.shape[:2],
            *((n - 1) * d + 1 for n, d in zip(weight.shape[2:], dilation, strict=True)),
        )
    )
    every: Any = (..., *(slice(None, None, d) for d in dilation))
    spread[every] = weight
    padding: Any = _padding(node, axes, spread.shape[2:], stride)
    if axes == 1:
        if before[1] != 1:
            raise SpecError(
                f"the input has shape {before}, and a Conv1d takes channels of one row",
                where=node.where,
            )
        spread, stride, padding = spread[:, :, None], (1, *stride), (0, *padding)
    joined = max(dilation) == 1
    connector = ConvolutionConnector(
        spread, before, stride=stride, padding=padding, connect_zeros=joined, groups=groups
    )
    return _plain(node, before, connector, node.array("bias"))


def _padding(node: Node, axes: int, sizes: Sequence[int], stride: Sequence[int]) -> tuple[int, ...]:
    word = node.fields["padding"]
    if not isinstance(word, str):
        return node.integers("padding", axes)
    if word == "valid":
        return (0,) * axes
    if max(stride) > 1 or any(n % 2 == 0 for n in sizes):
        raise SpecError(
            "padding 'same' with a stride, or with a kernel of even size, is not the same on both"
            " sides; give the padding in numbers",
            where=node.where,
        )
    return tuple((n - 1) // 2 for n in sizes)


def _dense(node: Node, before: Shape) -> Operation:
    weight = node.array("weight")
    size = int(np.prod(before))
    if weight.ndim != 2 or weight.shape[1] != size:
        raise SpecError(
            f"a weight of shape {weight.shape} for {size} input neurons; it must be (out, {size})",
            where=node.where,
        )
    bias = node.array("bias") if node.kind == "Affine" else 0.0
    return _plain(node, before, DenseConnector(weight, before), bias)


def _pooling(node: Node, before: Shape) -> Operation:
    given: Any = (node.integers(field, 2) for field in ("kernel_size", "stride", "padding"))
    size, stride, padding = given
    mode: Any = "sum" if node.kind == "SumPool2d" else "average"
    return _plain(node, before, PoolingConnector(before, size, stride, padding, mode))


def _scale(node: Node, before: Shape) -> Operation:
    size = int(np.prod(before))
    factor = node.array("scale").ravel()
    if factor.size not in (1, before[0], size):
        raise SpecError(f"{factor.size} factors for neurons of shape {before}", where=node.where)
    return Operation(
        node, before, before, None, np.zeros(size), np.repeat(factor, size // factor.size)
    )


def _flatten(node: Node, before: Shape) -> Operation:
    size = int(np.prod(before))
    return Operation(node, before, (size, 1, 1), None, np.zeros(size))


def _delay(node: Node, before: Shape) -> Operation:
    delay = node.array("delay").ravel()
    if (delay != delay[0]).any():
        raise SpecError(
            f"delays from {delay.min():g} to {delay.max():g} s, and a projection has one; give one"
            " delay for all",
            where=node.where,
        )
    return Operation(
        node, before, before, None, np.zeros(int(np.prod(before))), delay=float(delay[0])
    )


_MAKERS: dict[str, Callable[[Node, Shape], Operation]] = {
    "Conv1d": lambda node, before: _convolution(node, before, 1),
    "Conv2d": lambda node, before: _convolution(node, before, 2),
    "SumPool2d": _pooling,
    "AvgPool2d": _pooling,
    "Flatten": _flatten,
    "Linear": _dense,
    "Affine": _dense,
    "Scale": _scale,
    "Delay": _delay,
}
#: Kinds of nodes between neurons.
BETWEEN = frozenset(_MAKERS)


def joined(
    chain: Sequence[Operation], before: Shape, after: Shape, gain: FloatArray
) -> tuple[KernelConnector, float]:
    """One connector for several nodes, and its weight.

    Parameters
    ----------
    chain : sequence of Operation
    before, after : tuple of int
        Shapes of the populations.
    gain : ndarray (neurons,)
        Change of each neuron by a spike of weight 1.

    Returns
    -------
    (KernelConnector, float)
        The connector of the only node that changes connections, or else a matrix product.
    """
    # One step of the framework gives 1; a deviation is a rounding error.
    gain = np.where(np.abs(gain - 1.0) < _ROUNDING, 1.0, gain)
    joins = [op.connector for op in chain if op.connector is not None]
    factors = [op.factor for op in chain if op.factor is not None]
    alike = all((f == f[0]).all() for f in [*factors, gain])
    weight = float(gain[0] * np.prod([f[0] for f in factors]))
    if alike and not joins:
        ones = np.ones((before[0], 1, 1, 1))
        return ConvolutionConnector(ones, before, groups=before[0]), weight
    if alike and len(joins) == 1:
        (only,) = joins
        if isinstance(only, DenseConnector):
            return DenseConnector(only.kernel, before, after), weight
        if tuple(only.in_shape) == before and tuple(only.out_shape) == after:
            return only, weight
    by_map = gain.reshape(after[0], -1)
    if len(joins) == 1 and not factors and (by_map == by_map[:, :1]).all():
        (only,) = joins
        shapes = tuple(only.in_shape), tuple(only.out_shape)
        if isinstance(only, ConvolutionConnector) and shapes == (before, after):
            return only.with_kernel(only.kernel * by_map[:, 0, None, None, None]), 1.0
    whole: Any = None
    for op in chain:
        whole = op.matrix() if whole is None else op.matrix() @ whole
    return as_connector(_rows(gain) @ whole, before, after), 1.0


def _rows(gain: NDArray[Any]) -> Any:
    from scipy import sparse

    return sparse.diags_array(gain, format="csr")
