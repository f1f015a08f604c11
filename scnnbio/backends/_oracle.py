"""What the oracles have in common: a simulation in numpy that is made, run, and then asked."""

from __future__ import annotations

from abc import abstractmethod
from typing import Protocol

from scnnbio.backends.base import Backend, Stopwatch
from scnnbio.backends.outcome import Outcome
from scnnbio.experiment import Experiment, Inputs, Report


class Simulation(Protocol):
    """All of an experiment, and what it has fired so far."""

    def run(self, report: Report) -> None:
        """Go through every trial."""

    def outcome(self) -> Outcome:
        """Everything that was kept."""


class Oracle(Backend):
    """A backend without a simulator."""

    def _simulate(
        self, experiment: Experiment, inputs: Inputs, watch: Stopwatch, report: Report
    ) -> Outcome:
        with watch.phase("build"):
            simulation = self._made(experiment, inputs)
        with watch.phase("simulate"):
            simulation.run(report)
        return simulation.outcome()

    @abstractmethod
    def _made(self, experiment: Experiment, inputs: Inputs) -> Simulation:
        """The simulation of an experiment, before its first step."""
