"""Convolution of one layer into another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scnnbio.connectors.base import (
    Delay,
    FloatArray,
    Kernel,
    SignedConnector,
    checked_delay,
    checked_lags,
    checked_weights,
    set_fields,
)
from scnnbio.errors import SpecError
from scnnbio.shapes import (
    Padding,
    Pair,
    Shape,
    Stride,
    along_row,
    output_shape,
    resolve_padding,
    resolve_shape,
    resolve_stride,
)
from scnnbio.units import In, plain, plain_array
from scnnbio.values import fields_of


@final
@dataclass(frozen=True, eq=False, repr=False, init=False)
class ConvolutionConnector(SignedConnector):
    """Cross-correlation of a layer with a kernel, as torch's convolution.

    Parameters
    ----------
    kernel : array, shape (out, in, row, column) or (out, in, row, column, lag)
        Weights, in the units of the synapse type. A layer in one dimension has a kernel
        (out, in, tap) or (out, in, tap, lag) and ``in_shape`` (channel, length), and is held as
        one row.
    in_shape : (channel, row, column)
        Shape of the pre-synaptic layer.
    stride : int or (row, column)
        Places of the layer before from one neuron to the next.
    padding : "valid", "same", int or (row, column)
        Rows and columns of silence on each side.
    delay : float, text or quantity, optional
        Overrides the delay of the synapse type (ms).
    connect_zeros : bool
        Whether kernel elements that are exactly zero connect. They do by default, so that a weight
        can be set or learned later.
    lags : sequence of float, text or quantity, optional
        For a kernel in space and time: addition to the delay (ms) by index on its last axis,
        increasing, at any distances. A spike acts once per lag, through that lag's weights.
    groups : int
        As in torch: divides the channels of both sides into this many blocks, each connected only
        to its own; the kernel's second axis is then the channels of one block.

    Raises
    ------
    SpecError
        If shapes disagree, or the kernel is not of finite plain numbers.

    Notes
    -----
    The kernel's values reach PyNN with their sign. In PyNN, conductances and excitatory currents
    take no negative weights, and inhibitory currents no positive ones: of a signed kernel
    NEST would filter the negative part with the inhibitory time constant, and Brian2 with that of
    the receptor. Use :meth:`split_by_sign`. In a :class:`~scnnbio.network.Network` every backend
    adds a weight of either sign to an excitatory current.

    Examples
    --------
    >>> connector = ConvolutionConnector(np.ones((8, 2, 5, 5)), (2, 28, 28), stride=2)
    >>> connector.out_shape
    (8, 12, 12)

    A kernel that prefers motion to the right: elements farther right act earlier.

    >>> motion = np.eye(3)[::-1].reshape(1, 1, 1, 3, 3)
    >>> ConvolutionConnector(motion, (1, 1, 20), lags=[0, 10, 20]).out_shape
    (1, 1, 18)
    """

    kernel: FloatArray
    in_shape: Shape
    stride: Pair
    padding: Pair
    delay: float | None
    connect_zeros: bool
    lags: tuple[float, ...] | None
    groups: int

    parameter_names = (*SignedConnector.parameter_names, "connect_zeros", "lags", "groups")

    def __init__(
        self,
        kernel: Kernel,
        in_shape: Sequence[int],
        stride: Stride = 1,
        padding: Padding = "valid",
        delay: Delay = None,
        connect_zeros: bool = True,
        lags: Sequence[Delay] | None = None,
        groups: int = 1,
    ) -> None:
        weights = checked_weights(kernel, "kernel")
        shape = in_shape
        if np.size(in_shape) == 2 and weights.ndim == (3 if lags is None else 4):
            weights, shape = weights[:, :, None], (in_shape[0], 1, in_shape[1])
            stride, padding = along_row(stride, 1, "stride"), along_row(padding, 0, "padding")
        delays = checked_lags(lags, weights)
        if delays is None and weights.ndim == 5:
            raise SpecError(
                f"kernel of shape {weights.shape} has an axis of lags; give one delay for each,"
                " such as lags=[0, 5, 10]",
                where="lags",
            )
        pads = resolve_padding(padding, weights.shape, stride)
        output_shape(shape, weights.shape, stride, pads, groups)
        set_fields(
            self,
            kernel=weights,
            in_shape=resolve_shape(shape, "in_shape"),
            stride=resolve_stride(stride),
            padding=pads,
            delay=checked_delay(delay),
            connect_zeros=bool(connect_zeros),
            lags=delays,
            groups=int(groups),
        )

    @classmethod
    def delayed(
        cls,
        kernel: Kernel,
        lag: Annotated[ArrayLike, In("ms")],
        lags: Sequence[Delay],
        in_shape: Sequence[int],
        stride: Stride = 1,
        padding: Padding = "valid",
        groups: int = 1,
    ) -> ConvolutionConnector:
        """A kernel whose elements act at one lag each.

        Parameters
        ----------
        kernel : array, shape (out, in, row, column)
            Weights, as of the class. A weight of zero does not connect.
        lag : array, shape (out, in, row, column)
            Lag of each weight in ms, one of ``lags``.
        lags : sequence of float, text or quantity
            The lags of the kernel, as of the class: those that training can choose from
            (:class:`~scnnbio.experiment.Training`).
        in_shape, stride, padding, groups
            As of the class.

        Raises
        ------
        SpecError
            If shapes differ, or a lag is not among ``lags``.

        Examples
        --------
        >>> one = ConvolutionConnector.delayed(
        ...     [[[[0.5]], [[0.7]]]], [[[[4.0]], [[0.0]]]], [0, 2, 4], (2, 1, 1)
        ... )
        >>> one.kernel.tolist()
        [[[[[0.0, 0.0, 0.5]]], [[[0.7, 0.0, 0.0]]]]]
        >>> one.lag.ravel().tolist()
        [4.0, 0.0]
        """
        weights = checked_weights(kernel, "kernel")
        of_each = plain_array(lag, "ms", where="lag")
        if of_each.shape != weights.shape:
            raise SpecError(
                f"lags of shape {of_each.shape} for a kernel of shape {weights.shape}; give one for"
                " each weight",
                where="lag",
            )
        known = np.array([plain(one, "ms", where=f"lags[{k}]") for k, one in enumerate(lags)])
        chosen = np.isclose(of_each[..., None], known, rtol=0, atol=1e-9)
        if not (chosen.sum(-1) == 1).all():
            first = of_each[chosen.sum(-1) != 1].flat[0]
            raise SpecError(f"{first:g} ms is not one of {known.tolist()}", where="lag")
        return cls(
            weights[..., None] * chosen, in_shape, stride, padding,
            connect_zeros=False, lags=lags, groups=groups,
        )  # fmt: skip

    @property
    def lag(self) -> FloatArray:
        """The lag of each kernel element in ms (out, in, row, column); NaN where it is zero.

        Raises
        ------
        SpecError
            If an element has weights at several lags.
        """
        lags = np.array(self.lags or (0.0,))
        used = self.kernel.reshape(*self.kernel.shape[:4], len(lags)) != 0
        several = np.argwhere(used.sum(-1) > 1)
        if len(several):
            place = tuple(several[0].tolist())
            raise SpecError(
                f"the kernel element at {place} acts at {used[place].sum()} lags; give it one"
                " weight that is not 0",
                where="kernel",
            )
        return np.where(used.any(-1), lags[used.argmax(-1)], np.nan)

    @property
    def present(self) -> NDArray[np.bool_]:
        """Taps that connect anything, of the kernel's shape."""
        return np.ones(self.kernel.shape, bool) if self.connect_zeros else self.kernel != 0

    def _with(self, kernel: FloatArray, connect_zeros: bool) -> ConvolutionConnector:
        return replace(self, kernel=kernel, connect_zeros=connect_zeros)

    def canonical_fields(self) -> dict[str, Any]:
        """Everything that determines the connections and their weights."""
        return fields_of(self)
