"""Competition in a layer: its nodes receive all threshold crossings, and relay spikes.

``module/competition.h`` documents their decisions. The neurons' states do not depend on them:
silenced neurons are reset like those that fire.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from scnnbio.backends.nest.engines import Engine
from scnnbio.backends.nest.placed import Placed, SpikeKind
from scnnbio.experiment import Experiment
from scnnbio.plasticity import WinnerTakeAll
from scnnbio.population import Population


class CompetitionEngine(Engine):
    """The competition of a population; it sends spikes in place of the neurons."""

    def __init__(self, experiment: Experiment, population: Population, rule: WinnerTakeAll) -> None:
        self.population, self.rule = population, rule
        #: Engines that receive spikes: (first node, port of the first neuron, delay in steps).
        self.receivers: dict[SpikeKind, list[tuple[int, int, int]]] = {"fired": [], "learned": []}
        super().__init__(experiment, "scnnbio_competition")

    @property
    def name(self) -> str:
        """Name of the population."""
        return self.population.name

    @property
    def learns(self) -> bool:
        """False or empty, since it has no values."""
        return False

    @property
    def shape(self) -> tuple[int, ...]:
        """False or empty, since it has no values."""
        return (0,)

    def forward(self, node: int, port: int, delay: int, kind: SpikeKind) -> None:
        """Send spikes to an engine, in place of connections from the neurons."""
        self.receivers[kind].append((node, port, delay))

    def start(self, placed: Placed) -> None:
        """Set the rule and all receivers, and connect the neurons."""
        maps, rows, columns = self.population.shape
        lists: dict[str, Any] = {}
        for kind, receivers in self.receivers.items():
            if receivers:  # NEST does not accept empty lists of numbers
                keys = (f"{kind}_engines", f"{kind}_ports", f"{kind}_delays")
                lists |= dict(zip(keys, map(list, zip(*receivers, strict=True)), strict=True))
        self._set(
            placed,
            self.name,
            0,
            maps=maps,
            places=rows * columns,
            columns=columns,
            radius=self.rule.radius,
            winners=self.rule.winners or 0,
            silence=self.rule.silence,
            trial=placed.schedule.trial,
            **lists,
        )
        # All nodes decide the same; one records it.
        self.nodes[0].set(log=True)
        self._connect(placed, self.population, 0, 1)

    def collect(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Take the spikes since the last call: their steps in the run, and neurons.

        Of several processes, only one has them.
        """
        log = self.nodes[0]
        if not log.local:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int32)
        logged = log.get(["logged_steps", "logged_units"])
        log.set(n_logged=0)
        return (
            np.array(logged["logged_steps"], dtype=np.int64),
            np.array(logged["logged_units"], dtype=np.int32),
        )
