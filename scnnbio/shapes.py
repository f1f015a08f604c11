"""Sizes of layers and kernels: stride, padding and groups, checked and resolved."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from scnnbio.errors import SpecError

#: (row, column)
Pair = tuple[int, int]
#: (channel, row, column)
Shape = tuple[int, int, int]
#: (out, in, row, column) or (out, in, row, column, lag)
KernelShape = tuple[int, ...]
Stride = int | Pair
Padding = Literal["valid", "same"] | int | Pair


def output_shape(
    in_shape: Sequence[int],
    kernel_shape: Sequence[int],
    stride: Stride = (1, 1),
    padding: Padding = (0, 0),
    groups: int = 1,
) -> Shape:
    """Shape (out, rows, columns) of a convolution's output.

    As in torch, inputs beyond the last full stride are ignored.

    Parameters
    ----------
    in_shape : (channel, row, column)
    kernel_shape : (out, in, row, column), or with a last axis of lags
    stride : int or (row, column)
    padding : "valid", "same", int or (row, column)
        See :func:`resolve_padding`.
    groups : int
        Number of blocks of channels, connected block to block; ``in`` counts the channels of one.

    Returns
    -------
    tuple of int, (out, rows, columns)

    Raises
    ------
    SpecError
        If a size is not a positive integer, the kernel's inputs differ from the layer's channels,
        the kernel is larger than the padded input, or the groups do not divide the channels.

    Examples
    --------
    >>> output_shape((2, 28, 28), (8, 2, 5, 5), stride=2, padding=1)
    (8, 13, 13)
    """
    return resolve_geometry(in_shape, kernel_shape, stride, padding, groups).out_shape


def resolve_shape(shape: Sequence[int], where: str = "shape") -> Shape:
    """Shape of a layer as three plain integers.

    Parameters
    ----------
    shape : (channel, row, column)
    where : str, optional
        Path into the document, for error messages.

    Raises
    ------
    SpecError
        If it is not three positive integers.
    """
    channels, rows, columns = _sizes(shape, LAYER_AXES, where)
    return channels, rows, columns


def resolve_stride(stride: Stride, where: str = "stride") -> Pair:
    """Stride, or the size of a window, as (row, column).

    Parameters
    ----------
    stride : int or (row, column)
    where : str, optional
        Path into the document, for error messages.

    Raises
    ------
    SpecError
        If it is not a positive integer or a pair of them.
    """
    return _pair(stride, 1, where)


def along_row(value: Any, across: int, where: str) -> Any:
    """Stride, size or padding of a one-dimensional layer, as (row, column) for a single row.

    Parameters
    ----------
    value : int or str
        Text such as "same" is returned unchanged.
    across : int
        The value between rows.
    where : str
        Path into the document, for error messages.

    Raises
    ------
    SpecError
        If it is a pair.
    """
    if isinstance(value, str):
        return value
    if np.iterable(value):
        raise SpecError(f"{value!r} for a one-dimensional layer; give one integer", where=where)
    return across, value


def resolve_groups(groups: int, channels: int, out: int) -> int:
    """Number of groups as a plain integer.

    Raises
    ------
    SpecError
        If it is not a positive integer that divides the channels of both sides.
    """
    try:
        blocks = _integer(groups)
    except TypeError:
        blocks = 0
    if blocks < 1 or channels % blocks or out % blocks:
        raise SpecError(
            f"{groups!r} groups do not divide {channels} input and {out} output channels; give a"
            " positive integer that divides both",
            where="groups",
        )
    return blocks


def resolve_padding(padding: Padding, kernel_shape: Sequence[int], stride: Stride = 1) -> Pair:
    """Rows and columns of zero padding on each side of the input.

    Parameters
    ----------
    padding : "valid", "same", int or (row, column)
        "valid" is none; "same" keeps the input's rows and columns.
    kernel_shape : (out, in, row, column)
    stride : int or (row, column)

    Returns
    -------
    tuple of int, (row, column)

    Raises
    ------
    SpecError
        If the padding has another form, or "same" is used with a kernel of even size (one side
        would need more than the other) or a stride above one (the output is smaller).
    """
    if not isinstance(padding, str):
        return _pair(padding, 0, "padding")
    if padding == "valid":
        return 0, 0
    if padding != "same":
        raise SpecError(
            f"{padding!r} is not a padding; use 'valid', 'same', an integer or (row, column)",
            where="padding",
        )
    rows, columns = _kernel_sizes(kernel_shape)[2:4]
    if resolve_stride(stride) != (1, 1):
        raise SpecError(
            f"padding 'same' needs stride 1, not {stride}; write the padding as (row, column),"
            f" such as {(rows // 2, columns // 2)}",
            where="padding",
        )
    if rows % 2 == 0 or columns % 2 == 0:
        raise SpecError(
            f"padding 'same' is not symmetric for a kernel of {rows} x {columns}; use a"
            " kernel of odd size, or write the padding as (row, column)",
            where="padding",
        )
    return rows // 2, columns // 2


LAYER_AXES = ("channel", "row", "column")
KERNEL_AXES = ("out", "in", "row", "column")


@dataclass(frozen=True)
class LayerGeometry:
    """Checked sizes of a convolution as plain integers, with the resulting shape."""

    in_shape: Shape
    kernel_shape: KernelShape
    stride: Pair
    padding: Pair
    groups: int
    out_shape: Shape

    @property
    def lags(self) -> int:
        """Number of lags; 1 for a kernel without an axis of lags."""
        return self.kernel_shape[4] if len(self.kernel_shape) == 5 else 1


def resolve_geometry(
    in_shape: Sequence[int],
    kernel_shape: Sequence[int],
    stride: Stride,
    padding: Padding,
    groups: int,
) -> LayerGeometry:
    """Check all sizes of a convolution; see :func:`output_shape`."""
    channels, rows, columns = resolve_shape(in_shape, "in_shape")
    sizes = _kernel_sizes(kernel_shape)
    out, inputs, k_rows, k_columns = sizes[:4]
    sr, sc = resolve_stride(stride)
    pr, pc = resolve_padding(padding, kernel_shape, stride)
    blocks = resolve_groups(groups, channels, out)
    if inputs * blocks != channels:
        each = f"each of {blocks} groups has {channels // blocks}"
        raise SpecError(
            f"kernel takes {inputs} channels (second axis) but"
            f" {'the input has ' + str(channels) if blocks == 1 else each}; make them equal",
            where="kernel",
        )
    if k_rows > rows + 2 * pr or k_columns > columns + 2 * pc:
        raise SpecError(
            f"kernel of {k_rows} x {k_columns} is larger than the input of {rows} x {columns}"
            f" with padding {(pr, pc)}; use a smaller kernel or more padding",
            where="kernel",
        )
    out_rows = (rows + 2 * pr - k_rows) // sr + 1
    out_columns = (columns + 2 * pc - k_columns) // sc + 1
    return LayerGeometry(
        (channels, rows, columns),
        sizes,
        (sr, sc),
        (pr, pc),
        blocks,
        (out, out_rows, out_columns),
    )


def _kernel_sizes(shape: Sequence[int]) -> KernelShape:
    axes = (*KERNEL_AXES, "lag") if np.size(shape) == 5 else KERNEL_AXES
    return _sizes(shape, axes, "kernel")


def _sizes(shape: Sequence[int], axes: tuple[str, ...], where: str) -> tuple[int, ...]:
    try:
        sizes = tuple(_integer(n) for n in shape)
    except TypeError:
        sizes = ()
    if len(sizes) != len(axes) or min(sizes) < 1:
        raise SpecError(
            f"{shape!r} is not a shape; give {len(axes)} positive integers ({', '.join(axes)})",
            where=where,
        )
    return sizes


def _pair(value: Any, least: int, where: str) -> Pair:
    try:
        pair = tuple(_integer(n) for n in value) if np.iterable(value) else (_integer(value),) * 2
    except TypeError:
        pair = ()
    if len(pair) != 2 or min(pair) < least:
        raise SpecError(
            f"{value!r} is not a {where}; give an integer of at least {least},"
            " or two as (row, column)",
            where=where,
        )
    return pair


def _integer(value: Any) -> int:
    """``value`` as int; TypeError for floats, text and bool (which Python treats as an integer)."""
    if isinstance(value, bool | np.bool_):
        raise TypeError
    return operator.index(value)
