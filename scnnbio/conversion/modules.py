"""Linear modules of torch as affine maps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from torch import nn

from scnnbio.connectors import ConvolutionConnector, DenseConnector
from scnnbio.conversion.affine import Affine, FloatArray
from scnnbio.errors import SpecError

Lengths = tuple[int, ...]


def _numbers(values: Any) -> FloatArray:
    return values.detach().cpu().double().numpy().copy()


def _pair(value: Any, axes: int) -> tuple[int, ...]:
    return (int(value),) * axes if isinstance(value, int) else tuple(int(v) for v in value)


def _in_two(values: Sequence[int], row: int) -> tuple[int, int]:
    """A number for rows and one for columns; a layer in one dimension is held as one row."""
    rows, columns = (row, *values)[-2:]
    return rows, columns


def _convolution(module: Any, given: Affine, lengths: Lengths, where: str) -> Affine:
    if module.padding_mode != "zeros":
        raise SpecError(
            f"pads by {module.padding_mode!r}; only zeros have a counterpart", where=where
        )
    weight = _numbers(module.weight)
    axes = weight.ndim - 2
    _check_axes(axes, given, where)
    dilation = _pair(module.dilation, axes)
    sizes = tuple((n - 1) * d + 1 for n, d in zip(weight.shape[2:], dilation, strict=True))
    spread = np.zeros((*weight.shape[:2], *sizes))
    every: Any = (..., *(slice(None, None, d) for d in dilation))
    spread[every] = weight
    padding = module.padding
    if padding == "valid":
        padding = 0
    elif padding == "same":
        if any(n % 2 == 0 for n in sizes):
            raise SpecError(
                "padding 'same' with a kernel of even size is not the same on both sides; give the"
                " padding in numbers",
                where=where,
            )
        padding = tuple((n - 1) // 2 for n in sizes)
    if axes == 1:
        spread = spread[:, :, None]
    connector = ConvolutionConnector(
        spread,
        given.shape,
        stride=_in_two(_pair(module.stride, axes), 1),
        padding=_in_two(_pair(padding, axes), 0),
        connect_zeros=max(dilation) == 1,
        groups=module.groups,
    )
    made = given.through(connector, lengths)
    return made if module.bias is None else made.plus(_numbers(module.bias))


def _check_axes(axes: int, given: Affine, where: str) -> None:
    if len(given.lengths) != axes + 1:
        raise SpecError(
            f"takes a layer of {axes + 1} axes, and gets the shape {given.lengths}", where=where
        )


def _linear(module: Any, given: Affine, lengths: Lengths, where: str) -> Affine:
    if len(given.lengths) != 1:
        raise SpecError(
            f"gets the shape {given.lengths}, and works on its last axis alone; put a Flatten"
            " before it",
            where=where,
        )
    made = given.through(DenseConnector(_numbers(module.weight), given.shape), lengths)
    return made if module.bias is None else made.plus(_numbers(module.bias))


def average_pooling(module: Any, given: Affine, lengths: Lengths, where: str) -> Affine:
    """The average over windows of each channel."""
    axes = 1 if isinstance(module, nn.AvgPool1d) else 2
    _check_axes(axes, given, where)
    padding = _pair(module.padding, axes)
    if module.ceil_mode:
        raise SpecError("ceil_mode makes windows of unequal size; leave it out", where=where)
    if getattr(module, "divisor_override", None) is not None:
        raise SpecError("has a divisor of its own; leave it out", where=where)
    if any(padding) and not module.count_include_pad:
        raise SpecError(
            "averages windows at the border over fewer values; set count_include_pad=True",
            where=where,
        )
    size, stride = _pair(module.kernel_size, axes), _pair(module.stride, axes)
    return _averaged(given, lengths, size, stride, padding)


def _averaged(
    given: Affine, lengths: Lengths, size: Lengths, stride: Lengths, padding: Lengths
) -> Affine:
    rows, columns = _in_two(size, 1)
    channels = given.shape[0]
    connector = ConvolutionConnector(
        np.full((channels, 1, rows, columns), 1.0 / (rows * columns)),
        given.shape,
        stride=_in_two(stride, 1),
        padding=_in_two(padding, 0),
        groups=channels,
    )
    return given.through(connector, lengths)


def _adaptive(module: Any, given: Affine, lengths: Lengths, where: str) -> Affine:
    _check_axes(1 if isinstance(module, nn.AdaptiveAvgPool1d) else 2, given, where)
    if any(n % m for n, m in zip(given.lengths[1:], lengths[1:], strict=True)):
        raise SpecError(
            f"averages {given.lengths} to {lengths} over windows of unequal size; use an AvgPool2d",
            where=where,
        )
    size = tuple(n // m for n, m in zip(given.lengths[1:], lengths[1:], strict=True))
    return _averaged(given, lengths, size, size, (0,) * len(size))


def _normalisation(module: Any, given: Affine, lengths: Lengths, where: str) -> Affine:
    if module.running_var is None:
        raise SpecError(
            "has no running mean and variance; train it with track_running_stats=True", where=where
        )
    scale = 1.0 / np.sqrt(_numbers(module.running_var) + module.eps)
    shift = -_numbers(module.running_mean) * scale
    if module.affine:
        weight, bias = _numbers(module.weight), _numbers(module.bias)
        scale, shift = scale * weight, shift * weight + bias
    return given.scaled(scale).plus(shift)


def _nothing(module: Any, given: Affine, lengths: Lengths, where: str) -> Affine:
    return given.reshaped(lengths)


#: Module → what it does.
LINEAR: dict[Any, Callable[[Any, Affine, Lengths, str], Affine]] = {
    nn.Conv1d: _convolution,
    nn.Conv2d: _convolution,
    nn.Linear: _linear,
    nn.AvgPool1d: average_pooling,
    nn.AvgPool2d: average_pooling,
    nn.AdaptiveAvgPool1d: _adaptive,
    nn.AdaptiveAvgPool2d: _adaptive,
    nn.BatchNorm1d: _normalisation,
    nn.BatchNorm2d: _normalisation,
    nn.Dropout: _nothing,
    nn.Dropout1d: _nothing,
    nn.Dropout2d: _nothing,
    nn.Flatten: _nothing,
    nn.Identity: _nothing,
}

_REMEDIES = {
    "max": "the largest of several rates has no counterpart in spikes; train with an average"
    " pooling, or a convolution with a stride",
    "softmax": "leave it out: the largest output is the same without it",
}


def refusal(module: Any, target: Any, where: str) -> SpecError:
    """The error for something that has no counterpart."""
    word = type(module).__name__ if module is not None else getattr(target, "__name__", target)
    for part, remedy in _REMEDIES.items():
        if part in str(word).lower() and (part != "max" or "pool" in str(word).lower()):
            return SpecError(remedy, where=where)
    known = ", ".join([*(k.__name__ for k in LINEAR), "ReLU", "QCFS"])
    return SpecError(
        f"has no counterpart in spikes; use {known}, sums and torch.flatten", where=where
    )
