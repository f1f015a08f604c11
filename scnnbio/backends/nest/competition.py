"""Competition in a layer: its nodes receive every crossing of a threshold, and pass spikes on.

``module/competition.h`` says what they decide, and when. The neurons' states do not wait for
it: who is silenced is reset as who fires.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from scnnbio.backends.nest.engines import Engine
from scnnbio.backends.nest.placed import Heard, Placed
from scnnbio.experiment import Experiment
from scnnbio.plasticity import WinnerTakeAll
from scnnbio.population import Population


class CompetitionEngine(Engine):
    """The competition of a population, which speaks for its neurons."""

    def __init__(self, experiment: Experiment, population: Population, rule: WinnerTakeAll) -> None:
        self.population, self.rule = population, rule
        #: Engines that receive spikes: (first node, port of the first neuron, delay in steps).
        self.receivers: dict[Heard, list[tuple[int, int, int]]] = {"fired": [], "learned": []}
        super().__init__(experiment, "scnnbio_competition")

    @property
    def name(self) -> str:
        """Of the population."""
        return self.population.name

    @property
    def learns(self) -> bool:
        """It has no values."""
        return False

    @property
    def shape(self) -> tuple[int, ...]:
        """It has no values."""
        return (0,)

    def forward(self, node: int, port: int, delay: int, heard: Heard) -> None:
        """Pass spikes on to an engine, as its connections from the neurons would."""
        self.receivers[heard].append((node, port, delay))

    def start(self, placed: Placed) -> None:
        """Hand over the rule and the receivers, now that all are known, and connect the neurons."""
        maps, rows, columns = self.population.shape
        lists: dict[str, Any] = {}
        for heard, receivers in self.receivers.items():
            if receivers:  # NEST knows no empty list of numbers
                keys = (f"{heard}_engines", f"{heard}_ports", f"{heard}_delays")
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
        # All decide the same; one keeps it.
        self.nodes[0].set(log=True)
        self._connect(placed, self.population, 0, 1)

    def collect(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Take the spikes that fired since the last call: the run's stamps, and neurons.

        Of several processes, one has them all.
        """
        log = self.nodes[0]
        if not log.local:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int32)
        kept = log.get(["logged_steps", "logged_units"])
        log.set(n_logged=0)
        return (
            np.array(kept["logged_steps"], dtype=np.int64),
            np.array(kept["logged_units"], dtype=np.int32),
        )
