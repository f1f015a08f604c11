"""Connections with individual weights."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from scnnbio.connectors.base import (
    Delay,
    FloatArray,
    Kernel,
    SignedConnector,
    checked_delay,
    checked_weights,
    set_fields,
)
from scnnbio.errors import SpecError
from scnnbio.geometry import Edges, local_edges
from scnnbio.shapes import (
    Padding,
    Pair,
    Shape,
    Stride,
    output_shape,
    resolve_padding,
    resolve_shape,
    resolve_stride,
)


class UnsharedConnector(SignedConnector):
    """Connections that share no weights: each element of ``kernel`` belongs to one connection.

    Attributes
    ----------
    in_shape, out_shape : tuple of int, (channel, row, column)
    kernel : ndarray of float64, read-only
        Weights, in the units of the synapse type.
    delay : float or None
        ms; None takes the delay of the synapse type.
    connect_zeros : bool
        Whether weights that are exactly zero connect.
    """

    target_shape: Shape

    learnable = False
    why_fixed = (
        "gives each connection a weight of its own, and the learning rules here change shared"
        " kernels"
    )
    parameter_names: tuple[str, ...] = ("in_shape", "out_shape", "delay", "connect_zeros")

    @abstractmethod
    def _joined(self) -> Edges:
        """Every pair of neurons with a weight, zero or not."""

    @property
    def out_shape(self) -> Shape:
        """Shape (channel, row, column) of the post-synaptic layer."""
        return self.target_shape

    @property
    def present(self) -> NDArray[np.bool_]:
        """Weights that connect neurons, in the kernel's shape."""
        joins = np.zeros(self.kernel.size, bool)
        joins[self.edges().tap] = True
        return joins.reshape(self.kernel.shape)

    def edges(self) -> Edges:
        """Every connection, sorted by pre, then post; computed anew at each call."""
        edges = self._joined()
        if self.connect_zeros:
            return edges
        carries = self.kernel.ravel()[edges.tap] != 0
        return Edges(edges.pre[carries], edges.post[carries], edges.tap[carries])

    def canonical_fields(self) -> dict[str, Any]:
        """Everything that determines the connections and their weights."""
        names = ("in_shape", "delay", "connect_zeros")
        return {"weights": self.kernel, **{name: getattr(self, name) for name in names}}


@final
@dataclass(frozen=True, eq=False, repr=False, init=False)
class DenseConnector(UnsharedConnector):
    """Connections from every neuron of one layer to every neuron of another.

    Parameters
    ----------
    weights : array, shape (post, pre)
        In the units of the synapse type, neurons in C order of (channel, row, column).
    in_shape : (channel, row, column)
        Shape of the pre-synaptic layer.
    out_shape : (channel, row, column), optional
        Shape of the post-synaptic layer; (post, 1, 1) by default.
    delay : float, text or quantity, optional
        Overrides the delay of the synapse type (ms).
    connect_zeros : bool
        Whether weights that are exactly zero connect. They do by default, so that a weight can be
        set later.

    Raises
    ------
    SpecError
        If shapes disagree, or the weights are not finite plain numbers.

    Examples
    --------
    >>> connector = DenseConnector(np.ones((10, 128)), (8, 4, 4))
    >>> connector.out_shape, len(connector.edges())
    ((10, 1, 1), 1280)
    """

    kernel: FloatArray
    in_shape: Shape
    target_shape: Shape
    delay: float | None
    connect_zeros: bool

    def __init__(
        self,
        weights: Kernel,
        in_shape: Sequence[int],
        out_shape: Sequence[int] | None = None,
        delay: Delay = None,
        connect_zeros: bool = True,
    ) -> None:
        matrix = checked_weights(weights, "weights")
        if matrix.ndim != 2 or not matrix.size:
            raise SpecError(
                f"weights of shape {matrix.shape}; give a matrix (post, pre)", where="weights"
            )
        before = resolve_shape(in_shape, "in_shape")
        after = resolve_shape((len(matrix), 1, 1) if out_shape is None else out_shape, "out_shape")
        sizes = int(np.prod(after)), int(np.prod(before))
        if matrix.shape != sizes:
            raise SpecError(
                f"weights of shape {matrix.shape} for layers {before} and {after}; give a matrix"
                f" (post, pre) of {sizes}",
                where="weights",
            )
        set_fields(
            self,
            kernel=matrix,
            in_shape=before,
            target_shape=after,
            delay=checked_delay(delay),
            connect_zeros=bool(connect_zeros),
        )

    def canonical_fields(self) -> dict[str, Any]:
        """Everything that determines the connections and their weights."""
        return {**super().canonical_fields(), "out_shape": self.out_shape}

    def _joined(self) -> Edges:
        n_post, n_pre = self.kernel.shape
        post, pre = np.arange(n_post), np.arange(n_pre)
        tap = (post * n_pre + pre[:, None]).ravel()
        return Edges(np.repeat(pre, n_post), np.tile(post, n_pre), tap)

    def _with(self, kernel: FloatArray, connect_zeros: bool) -> DenseConnector:
        return DenseConnector(kernel, self.in_shape, self.out_shape, self.delay, connect_zeros)


@final
@dataclass(frozen=True, eq=False, repr=False, init=False)
class LocalConnector(UnsharedConnector):
    """Receptive fields as in a convolution, with a separate kernel at each place.

    Parameters
    ----------
    weights : array, shape (out, row, column, in, kernel row, kernel column)
        In the units of the synapse type. Output (o, y, x) sees its receptive field through
        ``weights[o, y, x]``, as a convolution's output sees it through ``kernel[o]``.
    in_shape : (channel, row, column)
        Shape of the pre-synaptic layer.
    stride : int or (row, column)
        Places of the layer before from one neuron to the next.
    padding : "valid", "same", int or (row, column)
        Rows and columns of silence on each side.
    delay : float, text or quantity, optional
        Overrides the delay of the synapse type (ms).
    connect_zeros : bool
        Whether weights that are exactly zero connect. They do by default.

    Raises
    ------
    SpecError
        If shapes disagree, or the weights are not finite plain numbers.

    Notes
    -----
    Weights on the padding connect nothing, and are stored as zero.

    Examples
    --------
    >>> connector = LocalConnector(np.ones((8, 12, 12, 2, 5, 5)), (2, 28, 28), stride=2)
    >>> connector.out_shape
    (8, 12, 12)
    """

    kernel: FloatArray
    in_shape: Shape
    stride: Pair
    padding: Pair
    target_shape: Shape
    delay: float | None
    connect_zeros: bool

    parameter_names = ("in_shape", "out_shape", "stride", "padding", "delay", "connect_zeros")

    def __init__(
        self,
        weights: Kernel,
        in_shape: Sequence[int],
        stride: Stride = 1,
        padding: Padding = "valid",
        delay: Delay = None,
        connect_zeros: bool = True,
    ) -> None:
        kernels = checked_weights(weights, "weights")
        if kernels.ndim != 6:
            raise SpecError(
                f"weights of shape {kernels.shape}; give (out, row, column, in, kernel row,"
                " kernel column)",
                where="weights",
            )
        shared = (kernels.shape[0], *kernels.shape[3:])
        pads = resolve_padding(padding, shared, stride)
        after = output_shape(in_shape, shared, stride, pads)
        if kernels.shape[:3] != after:
            raise SpecError(
                f"weights for outputs {kernels.shape[:3]}, but a kernel of {kernels.shape[4]} x"
                f" {kernels.shape[5]} over {tuple(in_shape)} at this stride and padding has"
                f" {after}; make the first three axes these",
                where="weights",
            )
        set_fields(
            self,
            in_shape=resolve_shape(in_shape, "in_shape"),
            stride=resolve_stride(stride),
            padding=pads,
            target_shape=after,
            delay=checked_delay(delay),
            connect_zeros=bool(connect_zeros),
            kernel=kernels,
        )
        if pads != (0, 0):
            inside = np.zeros(kernels.size)
            inside[self._joined().tap] = 1.0
            within = checked_weights(kernels * inside.reshape(kernels.shape), "weights")
            set_fields(self, kernel=within)

    def canonical_fields(self) -> dict[str, Any]:
        """Everything that determines the connections and their weights."""
        return {**super().canonical_fields(), "stride": self.stride, "padding": self.padding}

    def _joined(self) -> Edges:
        return local_edges(self.in_shape, self.kernel.shape, self.stride, self.padding)

    def _with(self, kernel: FloatArray, connect_zeros: bool) -> LocalConnector:
        return LocalConnector(
            kernel, self.in_shape, self.stride, self.padding, self.delay, connect_zeros
        )
