"""The nodes of an experiment in NEST, as its engines need them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from scnnbio.backends.nest.cells import Cells
from scnnbio.backends.nest.schedule import Schedule

#: Spikes of a population: all, or those of the winners of a competition.
SpikeKind = Literal["fired", "learned"]


class Relay(Protocol):
    """Relays the spikes of a competing population to engines."""

    def forward(self, node: int, port: int, delay: int, kind: SpikeKind) -> None:
        """Send spikes to an engine, in place of connections from the neurons.

        Parameters
        ----------
        node : int
            NEST's number of the engine's first node.
        port : int
            Port of the first neuron.
        delay : int
            In steps.
        kind : {"fired", "learned"}
            Which spikes.
        """


@dataclass(frozen=True, eq=False)
class Placed:
    """The NEST nodes of an experiment's populations.

    Parameters
    ----------
    schedule : Schedule
    cells : Cells
    nodes : dict of str to nest.NodeCollection
        By population; filled during building.
    relays : mapping of str to Relay
        By population that competes.
    """

    schedule: Schedule
    cells: Cells
    nodes: dict[str, Any] = field(default_factory=dict)
    relays: Mapping[str, Relay] = field(default_factory=dict)

    def first(self, population: str) -> int:
        """NEST's number of a population's first neuron."""
        return int(self.nodes[population][0].tolist()[0])
