"""Parts of a network on the machine: a population as a layer, a projection as a pathway."""

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
        Whether each channel is a population of sPyNNaker's for itself, a grid, as its convolution
        needs; one population holds all otherwise.
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
        """Neurons of each."""
        return self.size // self.parts

    @property
    def core_shape(self) -> tuple[int, int]:
        """Columns and rows of a plane that one core holds."""
        return core_shape(self.population)

    def each(self, values: Floats | Ints) -> NDArray[np.generic]:
        """One value a neuron (size,), from one a channel."""
        return np.repeat(values, self.size // len(values))

    @property
    def slots(self) -> int:
        """Slots of its cores' rings: the longest delay that they hold."""
        neurons = int(np.prod(self.core_shape)) if self.planes else self.size
        return delay_slots(neurons)


@dataclass(frozen=True, eq=False)
class Pathway:
    """A projection on the machine, or what of it has one lag.

    Parameters
    ----------
    projection : Projection
    kind : CellType
        Of the cells that it ends on.
    delay : int
        Ticks from the one in which a neuron fires to the one in which its spike acts.
    native : bool
        Whether the machine convolves; a list of connections otherwise.
    lag : int
        Place on the kernel's axis of lags.
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
        """(pre, post, weight) of all connections that carry anything."""
        edges = self.projection.connector.edges()
        weights = self.kernel.ravel()[edges.tap]
        carries = (weights != 0) & (self.projection.connector.lag_index(edges) == self.lag)
        return edges.pre[carries], edges.post[carries], weights[carries]


def core_shape(population: Population) -> tuple[int, int]:
    """Columns and rows of the largest block that divides a plane and fits a core."""
    _, rows, columns = population.shape
    blocks = [(x, y) for x in _divisors(columns) for y in _divisors(rows) if x * y <= CORE_NEURONS]
    return max(blocks, key=lambda block: (block[0] * block[1], block[0]))


def _divisors(number: int) -> list[int]:
    return [n for n in range(1, min(number, CORE_NEURONS) + 1) if number % n == 0]
