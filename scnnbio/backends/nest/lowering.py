"""An experiment as NEST's nodes and connections.

A population is a block of nodes, in the order of its neurons. A projection is an engine that holds
its kernel without synapses, or one call of Connect with an array of weights. NEST adds the input of
a receptor in one step before it reaches the neuron, and the reference adds spike by spike, so sums
may differ in the last bit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import nest
import numpy as np
from numpy.typing import NDArray

from scnnbio.backends._finite import NotFinite
from scnnbio.backends.nest.cells import Cells
from scnnbio.backends.nest.competition import CompetitionEngine
from scnnbio.backends.nest.engines import Engine, KernelEngine, ThresholdEngine, takes
from scnnbio.backends.nest.noting import take_notes
from scnnbio.backends.nest.placed import Placed
from scnnbio.backends.nest.schedule import Schedule
from scnnbio.backends.processes import Team
from scnnbio.experiment import Experiment, Inputs
from scnnbio.experiment.inputs import split_by_source
from scnnbio.network import Projection
from scnnbio.population import Population


@dataclass(frozen=True, eq=False)
class InputSpikes:
    """The input spikes of a run.

    Parameters
    ----------
    step : ndarray of int64 (spikes,)
        Spike times in steps since the run began; sorted.
    unit : ndarray of int32 (spikes,)
        Neurons of all sources, numbered consecutively over the sources.
    """

    step: NDArray[np.int64]
    unit: NDArray[np.int32]

    def by_source(
        self, experiment: Experiment
    ) -> dict[str, tuple[NDArray[np.int64], NDArray[np.int32]]]:
        """Spike times and neurons, by source."""
        return split_by_source(self.step, self.unit, experiment.network.sources)

    @classmethod
    def of(cls, inputs: Inputs, team: Team) -> InputSpikes:
        """Draw input in the first process, and send it to the others without stimulus files."""
        drawn = team.together((lambda: (inputs.step, inputs.unit)) if team.first else None)
        step, unit = drawn or (None, None)
        found = cls(team.from_first(step, np.int64), team.from_first(unit, np.int32))
        inputs.drawn = len(found.step)
        return found


@dataclass
class Lowered:
    """The NEST nodes of one experiment.

    Attributes
    ----------
    shared : bool
        Whether engines with shared kernels are used where possible; otherwise one synapse per
        connection.
    placed : Placed
        Nodes of the populations.
    engines : dict of str to Engine
        By projection with a shared kernel, and by population with a shared threshold.
    competitions : dict of str to CompetitionEngine
        By population that competes.
    """

    experiment: Experiment
    inputs: InputSpikes
    schedule: Schedule
    cells: Cells
    shared: bool
    placed: Placed = field(init=False)
    engines: dict[str, Engine] = field(default_factory=dict)
    competitions: dict[str, CompetitionEngine] = field(default_factory=dict)

    def __post_init__(self) -> None:
        network = self.experiment.network
        self.placed = Placed(self.schedule, self.cells, relays=self.competitions)
        for population in network.populations:
            if population.competition is not None:
                self.competitions[population.name] = CompetitionEngine(
                    self.experiment, population, population.competition
                )
        for projection in network.projections:
            if self.shared and takes(projection):
                self.engines[projection.name] = KernelEngine(self.experiment, projection)
        for population in network.populations:
            if population.homeostasis is not None:
                self.engines[population.name] = ThresholdEngine(
                    self.experiment, population, population.homeostasis
                )
        given = self.inputs.by_source(self.experiment)
        for population in network.populations:
            if population.is_source:
                self._add_source(population, *given[population.name])
            else:
                self.nodes[population.name] = self.cells.create(
                    population, self.experiment.dt, self.schedule
                )
        for projection in network.projections:
            if projection.name not in self.engines:
                self._connect(projection)
        for engine in (*self.engines.values(), *self.competitions.values()):
            engine.start(self.placed)

    @property
    def nodes(self) -> dict[str, Any]:
        """Nodes of each population."""
        return self.placed.nodes

    def first(self, population: str) -> int:
        """NEST's number of a population's first neuron."""
        return self.placed.first(population)

    def check_finite(self, modules: Iterable[str]) -> None:
        """Raise if a state became NaN or infinite in a compiled neuron of these modules."""
        for step, node, state in sorted(take_notes(modules)):
            run_step = int(self.schedule.stamps(np.array(step)))
            for name, nodes in self.nodes.items():
                unit = node - self.first(name)
                if 0 <= unit < len(nodes):
                    raise NotFinite(self.experiment, name, state, unit, run_step)

    def _add_source(
        self, population: Population, step: NDArray[np.int64], unit: NDArray[np.int32]
    ) -> None:
        nodes = nest.Create("spike_train_injector", population.size)
        self.nodes[population.name] = nodes
        order = np.argsort(unit, kind="stable")
        stamps = self.schedule.of_stamps(step)[order]
        # Rounded to NEST's tics, since a product such as 3*0.1 is off the grid.
        times = np.round(stamps * self.experiment.dt, 3)
        cuts = np.searchsorted(unit[order], np.arange(1, population.size))
        nodes.set([{"spike_times": part} for part in np.split(times, cuts)])

    def _connect(self, projection: Projection) -> None:
        edges = projection.connector.edges()
        if not len(edges):
            return
        post = self.experiment.network.population(projection.post)
        port, factor = self.cells.port(post, projection.receptor)
        weight = factor * (projection.weight * projection.kernel.ravel()[edges.tap])
        delays = np.array(self.experiment.delay_steps(projection)) * self.experiment.dt
        nest.Connect(
            edges.pre + self.first(projection.pre),
            edges.post + self.first(projection.post),
            "one_to_one",
            {
                "synapse_model": "static_synapse",
                "weight": weight,
                "delay": np.round(delays, 3)[projection.connector.lag_index(edges)],
                "receptor_type": port,
            },
        )
