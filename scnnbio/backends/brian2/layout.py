"""Between the public layout (channel first) and the one that the pathways compute in."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scnnbio.network import Shape


def public_of_internal(shape: Shape) -> NDArray[np.int64]:
    """Public number (channel, row, column) of each neuron numbered (row, column, channel)."""
    return np.arange(np.prod(shape)).reshape(shape).transpose(1, 2, 0).ravel()


def internal_of_public(shape: Shape) -> NDArray[np.int64]:
    """Number (row, column, channel) of each neuron numbered (channel, row, column)."""
    return np.argsort(public_of_internal(shape))


def internal_kernel(kernel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Flat kernel as the pathways keep it: (in, row, column reversed, out)."""
    return np.ascontiguousarray(kernel.transpose(1, 2, 3, 0)[:, :, ::-1]).ravel()


def public_kernel(
    values: NDArray[np.float64], shape: tuple[int, int, int, int]
) -> NDArray[np.float64]:
    """Kernel (..., out, in, row, column) from the last axis of ``values``."""
    out, into, rows, columns = shape
    stored = values.reshape(*values.shape[:-1], into, rows, columns, out)[..., ::-1, :]
    return np.ascontiguousarray(np.moveaxis(stored, -1, -4))
