"""Base class of the oracle backends, which simulate in numpy."""

from __future__ import annotations

from abc import abstractmethod
from typing import Protocol

from scnnbio.backends.base import Backend, Stopwatch
from scnnbio.backends.outcome import Outcome
from scnnbio.experiment import Experiment, Inputs, Report


class Simulation(Protocol):
    """The state of a simulation of an experiment, with the spikes fired so far."""

    def run(self, report: Report) -> None:
        """Simulate all trials."""

    def outcome(self) -> Outcome:
        """Everything that was recorded."""


class Oracle(Backend):
    """A backend without an external simulator."""

    def _simulate(
        self, experiment: Experiment, inputs: Inputs, watch: Stopwatch, report: Report
    ) -> Outcome:
        with watch.phase("build"):
            simulation = self._make(experiment, inputs)
        with watch.phase("simulate"):
            simulation.run(report)
        return simulation.outcome()

    @abstractmethod
    def _make(self, experiment: Experiment, inputs: Inputs) -> Simulation:
        """Make the simulation of an experiment, before its first step."""
