"""Pooling of each channel of a layer in windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, final, get_args

import numpy as np
from numpy.typing import NDArray

from scnnbio.connectors.base import (
    Delay,
    FloatArray,
    Kernel,
    KernelConnector,
    checked_delay,
    checked_weights,
    set_fields,
)
from scnnbio.errors import SpecError, Unsupported, UnsupportedError
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
from scnnbio.units import Number, plain

#: Name of mode "first-spike" in errors.
FIRST_SPIKE = "pooling by the first spike"
Mode = Literal["sum", "average", "first-spike"]


@final
@dataclass(frozen=True, eq=False, repr=False, init=False)
class PoolingConnector(KernelConnector):
    """Pooling with one target neuron per window and channel.

    Parameters
    ----------
    in_shape : (channel, row, column) or (channel, length)
        Shape of the pre-synaptic layer. One in one dimension is held as one row; size, stride and
        padding are then one integer each.
    size : int or (row, column)
        Size of the windows.
    stride : int or (row, column), optional
        Distance between windows; their size if not given, so that they tile the layer.
    padding : "valid", "same", int or (row, column)
        Rows and columns of silence on each side.
    mode : {"sum", "average", "first-spike"}
        What a window passes on. "sum": every spike, with ``weight``. "average": every spike, with
        ``weight`` divided by the places of a window, silent ones of the padding among them.
        "first-spike": the first spike that arrives, with ``weight``, and no other.
    weight : float
        In the units of the synapse type.
    window : float, text or quantity, optional
        For "first-spike": the time (ms) after which windows open again, counted from the beginning
        of each trial, which it divides. By default they open with each trial only.
    delay : float, text or quantity, optional
        Overrides the delay of the synapse type (ms).

    Raises
    ------
    SpecError
        If shapes disagree, or a value is not of its kind.

    Notes
    -----
    "first-spike" is the maximum of a code in which the strongest input fires first: a C1 cell
    passes on the first spike of its S1 cells, once a presentation. The spike counts when it
    arrives: it closes its windows even if the target is refractory and takes nothing. Of spikes
    that arrive at the same time one passes. A window opens at the beginning of each trial, also
    where trials run on without a reset.

    The kernel is depthwise, (channel, 1, row, column), and cannot be learned.

    References
    ----------
    Masquelier & Thorpe 2007, PLoS Comput Biol 3:e31; Kheradpisheh, Ganjtabesh, Thorpe & Masquelier
    2018, Neural Netw 99:56.

    Examples
    --------
    >>> connector = PoolingConnector((8, 24, 24), 2, mode="first-spike")
    >>> connector.out_shape, connector.kernel.shape
    ((8, 12, 12), (8, 1, 2, 2))
    >>> PoolingConnector((3, 20), 2).out_shape
    (3, 1, 10)
    """

    in_shape: Shape
    size: Pair
    stride: Pair
    padding: Pair
    mode: Mode
    weight: float
    window: float | None
    delay: float | None
    kernel: FloatArray
    groups: int

    learnable = False
    parameter_names = (
        "in_shape", "out_shape", "size", "stride", "padding", "mode", "weight", "window", "delay",
    )  # fmt: skip

    def __init__(
        self,
        in_shape: Sequence[int],
        size: Stride,
        stride: Stride | None = None,
        padding: Padding = "valid",
        mode: Mode = "average",
        weight: Number = 1.0,
        window: Delay = None,
        delay: Delay = None,
    ) -> None:
        if np.size(in_shape) == 2:
            in_shape = (in_shape[0], 1, in_shape[1])
            size, padding = along_row(size, 1, "size"), along_row(padding, 0, "padding")
            stride = None if stride is None else along_row(stride, 1, "stride")
        layer, pool = resolve_shape(in_shape, "in_shape"), resolve_stride(size, "size")
        step = pool if stride is None else resolve_stride(stride)
        if mode not in get_args(Mode):
            known = ", ".join(map(repr, get_args(Mode)))
            raise SpecError(f"{mode!r} is not a mode; use one of {known}", where="mode")
        each = plain(weight, "1", where="weight")
        shape = (layer[0], 1, *pool)
        pads = resolve_padding(padding, shape, step)
        output_shape(layer, shape, step, pads, layer[0])
        share = each / (pool[0] * pool[1]) if mode == "average" else each
        set_fields(
            self,
            in_shape=layer,
            size=pool,
            stride=step,
            padding=pads,
            mode=mode,
            weight=each,
            window=_checked_window(window, mode),
            delay=checked_delay(delay),
            kernel=checked_weights(np.full(shape, share), "weight"),
            groups=layer[0],
        )

    @property
    def present(self) -> NDArray[np.bool_]:
        """All taps, shape (channel, 1, row, column)."""
        return np.ones(self.kernel.shape, bool)

    @property
    def passes_first_spike(self) -> bool:
        """Whether the first spike of a window passes, and none of the later ones."""
        return self.mode == "first-spike"

    def with_kernel(self, kernel: Kernel) -> PoolingConnector:
        """Raise: the mode and ``weight`` determine the weights.

        Raises
        ------
        SpecError
        """
        if np.array_equal(checked_weights(kernel, "kernel"), self.kernel):
            return self
        raise SpecError(
            "pooling has no weights of its own; use a ConvolutionConnector with groups ="
            f" {self.groups} for a depthwise kernel",
            where="kernel",
        )

    def weight_sign(self, receptor: str, conductance_based: bool) -> float:
        """Return 1: the weight has its own sign."""
        return 1.0

    def canonical_fields(self) -> dict[str, Any]:
        """Everything that determines the connections and their weights."""
        return {name: getattr(self, name) for name in _ARGUMENTS}

    def connect(self, projection: Any) -> None:
        """Make the connections of a PyNN projection; PyNN calls this.

        Raises
        ------
        UnsupportedError
            If only first spikes pass: no synapse of PyNN stops the later ones.
        SpecError
            As :meth:`KernelConnector.connect`.
        """
        if self.passes_first_spike:
            simulator = projection._simulator.__name__.removesuffix(".simulator")
            element = f"projection {projection.label!r}"
            raise UnsupportedError(simulator, [Unsupported(element, FIRST_SPIKE, _INSTEAD)])
        super().connect(projection)


#: Arguments of the initialiser, which determine the kernel and the groups.
_ARGUMENTS = ("in_shape", "size", "stride", "padding", "mode", "weight", "window", "delay")
_INSTEAD = "use mode 'sum', or run the network by the backends brian2 or brian2-standalone"


def _checked_window(window: Any, mode: str) -> float | None:
    if window is None:
        return None
    if mode != "first-spike":
        raise SpecError(f"mode {mode!r} passes every spike; leave the window out", where="window")
    length = plain(window, "ms", where="window")
    if length <= 0:
        raise SpecError(f"{length:g} ms is not positive", where="window")
    return length
