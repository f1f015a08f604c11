"""Nodes between neurons: weights, pooling, shapes and delays, as connectors and matrices."""

from __future__ import annotations

import dataclasses
import math
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
from scnnbio.nir.nodes import FloatArray, Node, as_shape
from scnnbio.shapes import Shape

#: Relative rounding error of a product that should be 1.
_ROUNDING = 1e-14


@dataclass(frozen=True, eq=False)
class Operation:
    """A linear node: ``y = M x + bias``.

    Parameters
    ----------
    node : Node
    before : tuple of int
        Shape (channel, row, column) of the input.
    lengths : tuple of int
        The graph's own axes of the output, one to three.
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
    lengths: tuple[int, ...]
    connector: KernelConnector | None
    bias: FloatArray
    factor: FloatArray | None = None
    delay: float = 0.0

    @property
    def after(self) -> Shape:
        """Shape (channel, row, column) of the output."""
        return as_shape(self.lengths, self.node)

    def matrix(self) -> Any:
        """M as a sparse matrix (after, before)."""
        from scipy import sparse

        size = int(np.prod(self.before))
        if self.connector is not None:
            return as_matrix(self.connector)
        factor = np.ones(size) if self.factor is None else self.factor
        return sparse.diags_array(factor, format="csr")


def operation(node: Node, lengths: tuple[int, ...]) -> Operation:
    """The operation of a node on an input with these axes.

    Raises
    ------
    SpecError
        If the shape does not fit, or the node has no counterpart.
    """
    try:
        return _MAKERS[node.kind](node, lengths)
    except SpecError as error:
        if error.where.startswith("node "):
            raise
        raise SpecError(str(error), where=node.where) from None


def _plain(node: Node, connector: KernelConnector, lengths: tuple[int, ...]) -> Operation:
    """The operation of a connector to a layer with these axes, with the node's bias, if any."""
    before: Shape = tuple(connector.in_shape)  # type: ignore[assignment]
    if "bias" not in node.fields:
        return Operation(node, before, lengths, connector, np.zeros(math.prod(lengths)))
    given = node.array("bias")
    if given.shape == lengths[:1]:  # one per channel
        given = given.reshape(-1, *[1] * (len(lengths) - 1))
        node = dataclasses.replace(node, fields={**node.fields, "bias": given})
    return Operation(node, before, lengths, connector, node.spread("bias", lengths))


def _convolution(node: Node, given: tuple[int, ...], axes: int) -> Operation:
    weight, before = node.array("weight"), as_shape(given, node)
    if len(given) not in (1, axes + 1):
        raise SpecError(
            f"the input has the shape {given}, and a {node.kind} takes {axes + 1} axes",
            where=node.where,
        )
    length = before[3 - axes :]
    if "input_shape" in node.fields and node.integers("input_shape", axes) != length:
        raise SpecError(
            f"input_shape is {list(node.integers('input_shape', axes))}, and the input has the"
            f" shape {given}",
            where=node.where,
        )
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
        spread, stride, padding = spread[:, :, None], (1, *stride), (0, *padding)
    joined = max(dilation) == 1
    connector = ConvolutionConnector(
        spread, before, stride=stride, padding=padding, connect_zeros=joined, groups=groups
    )
    channels, rows, columns = connector.out_shape
    return _plain(node, connector, (channels, columns) if axes == 1 else (channels, rows, columns))


def _padding(node: Node, axes: int, sizes: Sequence[int], stride: Sequence[int]) -> tuple[int, ...]:
    word = node.fields["padding"]
    if not isinstance(word, str):
        return node.integers("padding", axes, least=0)
    if word == "valid":
        return (0,) * axes
    if max(stride) > 1 or any(n % 2 == 0 for n in sizes):
        raise SpecError(
            "padding 'same' with a stride, or with a kernel of even size, is not the same on both"
            " sides; give the padding in numbers",
            where=node.where,
        )
    return tuple((n - 1) // 2 for n in sizes)


def _dense(node: Node, given: tuple[int, ...]) -> Operation:
    weight, before = node.array("weight"), as_shape(given, node)
    size = math.prod(given)
    if weight.ndim != 2 or weight.shape[1] != size:
        raise SpecError(
            f"a weight of shape {weight.shape} for {size} input neurons; it must be (out, {size})",
            where=node.where,
        )
    return _plain(node, DenseConnector(weight, before), (len(weight),))


def _pooling(node: Node, given: tuple[int, ...]) -> Operation:
    if len(given) != 3:
        raise SpecError(
            f"the input has the shape {given}, and a {node.kind} takes 3 axes", where=node.where
        )
    size: Any = node.integers("kernel_size", 2)
    stride: Any = node.integers("stride", 2)
    padding: Any = node.integers("padding", 2, least=0)
    mode: Any = "sum" if node.kind == "SumPool2d" else "average"
    connector = PoolingConnector(as_shape(given, node), size, stride, padding, mode)
    return _plain(node, connector, tuple(connector.out_shape))


def _scale(node: Node, given: tuple[int, ...]) -> Operation:
    factor = node.spread("scale", given)
    return Operation(node, as_shape(given, node), given, None, np.zeros(factor.size), factor)


def _flatten(node: Node, given: tuple[int, ...]) -> Operation:
    # Frameworks count the axes with or without that of trials; what follows takes all values.
    size = math.prod(given)
    if "input_type" in node.fields and math.prod(node.array("input_type").ravel()) != size:
        raise SpecError(
            f"input_type is {node.array('input_type').ravel().astype(int).tolist()}, and the input"
            f" has the shape {given}",
            where=node.where,
        )
    return Operation(node, as_shape(given, node), (size,), None, np.zeros(size))


def _delay(node: Node, given: tuple[int, ...]) -> Operation:
    delay = node.array("delay").ravel()
    if not delay.size:
        raise SpecError("has no delay; give one for all", where=node.where)
    if (delay != delay[0]).any():
        raise SpecError(
            f"delays from {delay.min():g} to {delay.max():g} s, and a projection has one; give one"
            " delay for all",
            where=node.where,
        )
    before, none = as_shape(given, node), np.zeros(math.prod(given))
    return Operation(node, before, given, None, none, delay=float(delay[0]))


_MAKERS: dict[str, Callable[[Node, tuple[int, ...]], Operation]] = {
    "Conv1d": lambda node, given: _convolution(node, given, 1),
    "Conv2d": lambda node, given: _convolution(node, given, 2),
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
    if alike and not joins and before == after:
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
