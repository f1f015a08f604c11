"""The nodes of an experiment in NEST, as its engines need them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from scnnbio.backends.nest.cells import Cells
from scnnbio.backends.nest.schedule import Schedule

#: Spikes of a population: all, or those of the winners of a competition.
Heard = Literal["fired", "learned"]


class Relay(Protocol):
    """Passes the spikes of a population that competes on to engines."""

    def forward(self, node: int, port: int, delay: int, heard: Heard) -> None:
        """Pass spikes on to an engine, as its connections from the neurons would.

        Parameters
        ----------
        node : int
            NEST's number of the engine's first node.
        port : int
            Port of the first neuron.
        delay : int
            In steps.
        heard : {"fired", "learned"}
            Which spikes.
        """


@dataclass(frozen=True, eq=False)
class Placed:
    """Where the populations of an experiment are in NEST's kernel.

    Parameters
    ----------
    schedule : Schedule
    cells : Cells
    nodes : dict of str to nest.NodeCollection
        By population; filled while the network is built.
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
