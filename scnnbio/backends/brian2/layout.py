"""Conversion between the public layout (channel first) and the internal one (channel last)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scnnbio.population import Shape


def public_of_internal(shape: Shape) -> NDArray[np.int64]:
    """Public number (channel, row, column) of each neuron numbered (row, column, channel)."""
    return np.arange(np.prod(shape)).reshape(shape).transpose(1, 2, 0).ravel()


def internal_of_public(shape: Shape) -> NDArray[np.int64]:
    """Number (row, column, channel) of each neuron numbered (channel, row, column)."""
    return np.argsort(public_of_internal(shape))


def internal_kernel(kernel: NDArray[np.float64], groups: int = 1) -> NDArray[np.float64]:
    """Flat kernel in internal layout: (lag, channel, row, column reversed, output of a group)."""
    return kernel.ravel()[_order(kernel.shape, groups)]


def public_kernel(
    values: NDArray[np.float64], shape: tuple[int, ...], groups: int = 1
) -> NDArray[np.float64]:
    """Kernel (..., out, in, row, column) or with lags from the last axis of ``values``."""
    return values[..., np.argsort(_order(shape, groups))].reshape(*values.shape[:-1], *shape)


def internal_tap_of_public(shape: tuple[int, ...], groups: int = 1) -> NDArray[np.int64]:
    """Index in the internal kernel of each element of the public one."""
    return np.argsort(_order(shape, groups))


def _order(shape: tuple[int, ...], groups: int) -> NDArray[np.int64]:
    """Index in the public kernel of each internal tap."""
    out, into, rows, columns = shape[:4]
    taps = np.arange(np.prod(shape)).reshape(groups, out // groups, into, rows, columns, -1)
    return taps.transpose(5, 0, 2, 3, 4, 1)[..., ::-1, :].ravel()
