"""A connector: which neurons are joined, and by which element of a kernel.

In a document, the keys of its table are the arguments of its initialiser; ``in_shape`` and
``out_shape`` come from the populations. ``canonical_fields`` gives them back.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from scnnbio.connectors import KernelConnector
from scnnbio.errors import SpecError
from scnnbio.geometry import Edges


class RingConnector(KernelConnector):
    """Each neuron to those of its map that lie ``radius`` rows or columns away.

    Parameters
    ----------
    in_shape : (channel, row, column)
    radius : int
    """

    learnable = False

    def __init__(self, in_shape: Sequence[int], radius: int = 1) -> None:
        if not isinstance(radius, int) or radius < 1:
            raise SpecError(f"{radius!r} is not a whole number from 1 on", where="radius")
        fields: dict[str, Any] = {
            "in_shape": tuple(in_shape),
            "radius": radius,
            "kernel": np.ones((1, 1, 1, 1)),
            "stride": (1, 1),
            "padding": (0, 0),
            "delay": None,
        }
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    @property
    def out_shape(self) -> tuple[int, int, int]:
        return self.in_shape

    @property
    def present(self) -> np.ndarray:
        return np.ones((1, 1, 1, 1), dtype=bool)

    def with_kernel(self, kernel: Any) -> "RingConnector":
        raise SpecError("a ring has no weights to set", where="kernel")

    def weight_sign(self, receptor: str, conductance_based: bool) -> float:
        return 1.0

    def canonical_fields(self) -> dict[str, Any]:
        return {"in_shape": self.in_shape, "radius": self.radius}

    def edges(self) -> Edges:
        channel, row, column = np.indices(self.in_shape).reshape(3, -1)
        apart = np.maximum(abs(row[:, None] - row), abs(column[:, None] - column))
        pre, post = np.nonzero((apart == self.radius) & (channel[:, None] == channel))
        return Edges(pre, post, np.zeros_like(pre))
