"""Populations on the machine (layers), and projections on the machine (pathways)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from scnnbio.backends.spinnaker.arithmetic import CORE_NEURONS, Floats, Ints, delay_slots
from scnnbio.backends.spinnaker.cells import Cells, CellType, signed
from scnnbio.network import Projection
from scnnbio.population import Population


@dataclass(frozen=True, eq=False)
class Layer:
    """A population on the machine.

    Parameters
    ----------
    population : Population
    cells : Cells or None
        None for a source.
    planes : bool
        Whether each channel is a separate two-dimensional population of sPyNNaker, as its
        convolution needs; otherwise one population holds all channels.
    """

    population: Population
    cells: Cells | None
    planes: bool

    @property
    def name(self) -> str:
        """Name of the population."""
        return self.population.name

    @property
    def size(self) -> int:
        """Number of neurons."""
        return self.population.size

    @property
    def parts(self) -> int:
        """Number of sPyNNaker's populations."""
        return self.population.shape[0] if self.planes else 1

    @property
    def part_size(self) -> int:
        """Neurons per sPyNNaker population."""
        return self.size // self.parts

    @property
    def core_shape(self) -> tuple[int, int]:
        """Columns and rows of a channel on one core."""
        return core_shape(self.population)

    def each(self, values: Floats | Ints) -> NDArray[np.generic]:
        """One value per neuron (size,), from one per channel."""
        return np.repeat(values, self.size // len(values))

    @property
    def slots(self) -> int:
        """Slots of its cores' ring buffers: their longest delay in ticks."""
        neurons = int(np.prod(self.core_shape)) if self.planes else self.size
        return delay_slots(neurons)


@dataclass(frozen=True, eq=False)
class Pathway:
    """A projection on the machine, or the part of it with one lag.

    Parameters
    ----------
    projection : Projection
    kind : CellType
        Cell type of the target.
    delay : int
        Ticks from a spike to its effect.
    native : bool
        Whether it uses the machine's convolution; otherwise a list of connections.
    lag : int
        Index on the kernel's axis of lags.
    """

    projection: Projection
    kind: CellType
    delay: int
    native: bool
    lag: int = 0

    @property
    def name(self) -> str:
        """Name of the projection."""
        return self.projection.name

    @cached_property
    def kernel(self) -> Floats:
        """Weights of the kernel's shape: positive for the first pool, negative for the second."""
        weights = self.projection.weight * self.projection.kernel
        present = self.projection.connector.present
        return signed(self.projection, self.kind, np.where(present, weights, 0.0))

    @cached_property
    def connections(self) -> tuple[Ints, Ints, Floats]:
        """(pre, post, weight) of all connections with a weight."""
        edges = self.projection.connector.edges()
        weights = self.kernel.ravel()[edges.tap]
        carries = (weights != 0) & (self.projection.connector.lag_index(edges) == self.lag)
        return edges.pre[carries], edges.post[carries], weights[carries]


def core_shape(population: Population) -> tuple[int, int]:
    """Columns and rows of the largest block that tiles a channel and fits on a core."""
    _, rows, columns = population.shape
    blocks = [(x, y) for x in _divisors(columns) for y in _divisors(rows) if x * y <= CORE_NEURONS]
    return max(blocks, key=lambda block: (block[0] * block[1], block[0]))


def _divisors(number: int) -> list[int]:
    return [n for n in range(1, min(number, CORE_NEURONS) + 1) if number % n == 0]
