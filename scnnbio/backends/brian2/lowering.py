"""An experiment as Brian2 objects, the same for the runtime and for C++ standalone.

Numbers are plain (ms, mV, nA), since dimensions were checked when the equations were read. The step
has the expressions of :mod:`scnnbio.neurons.integrator`, as on every backend; the slots are those
of :mod:`scnnbio.backends.base`, mapped to Brian2's schedule::

    update → groups     deliver → after_groups     threshold → thresholds
    learn → synapses    reset → resets             trial begins → start

All objects have explicit names, so that translating a network twice gives the same code.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import brian2 as b2

from scnnbio.backends.brian2.driving import drive_objects
from scnnbio.backends.brian2.layers import Layer
from scnnbio.backends.brian2.learning import Learning, at_lag, connections_at, kernel_group
from scnnbio.backends.brian2.lists import Listing, is_listed
from scnnbio.backends.brian2.presentations import Source, internal_trials, shares
from scnnbio.backends.brian2.procedural import Arrivals, KernelPathway
from scnnbio.backends.brian2.rewarding import add_reward
from scnnbio.backends.steps import gate_steps, refractory_steps
from scnnbio.errors import Unsupported
from scnnbio.experiment import Experiment, Inputs
from scnnbio.experiment.inputs import first_units
from scnnbio.network import Network, Projection
from scnnbio.population import Population

_MS = b2.ms
#: Suffixes of the objects that Brian2 creates for a group.
_PARTS = ("_stateupdater", "_spike_thresholder", "_spike_resetter")


def clashes(network: Network) -> list[Unsupported]:
    """Populations and projections whose names equal those of Brian2's objects for another one."""
    problems = []
    kinds = {
        "population": {population.name for population in network.populations},
        "projection": {projection.name for projection in network.projections},
    }
    for kind, names in kinds.items():
        for name, part in itertools.product(sorted(names), _PARTS):
            if name + part in names:
                problems.append(
                    Unsupported(
                        f"{kind} {name + part!r}",
                        f"Brian2 uses its name for a part of {name!r}",
                        "choose another name",
                    )
                )
    return problems


@dataclass
class Lowered:
    """The Brian2 objects of one experiment."""

    experiment: Experiment
    inputs: Inputs
    objects: list[Any] = field(default_factory=list)
    groups: dict[str, Any] = field(default_factory=dict)
    kernels: dict[str, Any] = field(default_factory=dict)
    thresholds: dict[str, Any] = field(default_factory=dict)
    #: Event space of the neurons that learn, by population.
    learners: dict[str, tuple[Any, str]] = field(default_factory=dict)
    _pathways: int = 0

    def __post_init__(self) -> None:
        b2.defaultclock.dt = self.experiment.dt * _MS
        sources = self.experiment.network.sources
        each = shares(internal_trials(self.inputs, sources, self.experiment.trial_steps), sources)
        given = dict(zip((source.name for source in sources), each, strict=True))
        for population in self.experiment.network.populations:
            if population.is_source:
                self._add_source(population, given[population.name])
            else:
                self._add_neurons(population)
        for projection in self.experiment.network.projections:
            self._add_projection(projection)
            self._add_reward(projection)
        self.objects += drive_objects(self.experiment, self.inputs, self.groups)

    @property
    def trial(self) -> Any:
        """Length of a trial, as a Brian2 quantity."""
        return self.experiment.trial_steps * self.experiment.dt * _MS

    def _keep(self, thing: Any) -> Any:
        self.objects.append(thing)
        return thing

    # -- populations ------------------------------------------------------------------------------

    def _add_source(self, population: Population, trials: Iterator[Any]) -> None:
        names = [source.name for source in self.experiment.network.sources]
        order = names.index(population.name)
        first = first_units(self.experiment.network.sources)[order]
        share = (first, first + population.size) if len(names) > 1 else None
        self.groups[population.name] = self._keep(
            Source(
                population.size,
                self.experiment.trial_steps,
                trials,
                f"source_{population.name}",
                order,
                share,
            )
        )

    def _add_neurons(self, population: Population) -> None:
        layer = Layer(population, self.experiment, self._keep)
        self.groups[population.name] = layer.group
        self.learners[population.name] = layer.learners
        if layer.levels is not None:
            self.thresholds[population.name] = layer.levels

    # -- projections ------------------------------------------------------------------------------

    def _add_projection(self, projection: Projection) -> None:
        """Add one pathway per lag; each gets its spikes from the arrivals of the previous lag."""
        if is_listed(projection) and not len(projection.connector.edges()):
            return
        kernel = kernel_group(projection, self.experiment, self._keep)
        self.kernels[projection.name] = kernel
        post, source, since = self.groups[projection.post], self.groups[projection.pre], 0
        learning, gate = self._learning(projection, kernel), self._add_gate(projection)
        for lag, delay in enumerate(self.experiment.delay_steps(projection)):
            name, order = at_lag(projection, lag), self._pathways
            self._pathways += 1
            source = self._keep(
                Arrivals(
                    source,
                    delay - since,
                    self.experiment.trial_steps if self.experiment.reset else 0,
                    ("after_groups", 3 * order),
                    f"arrivals_{name}",
                )
            )
            since = delay
            code, ends = [self._delivery(projection)], [(post, "_post")]
            if gate is not None:
                steps = gate_steps(self.experiment, projection)
                code.append(f"opens_post = (t_in_timesteps//{steps} + 1)*{steps}")
                ends.append((gate, "_post"))
            if learning is not None:
                code += learning.on_pre
                ends += learning.ends(lag)
            connections = connections_at(projection, lag)
            self._keep(
                KernelPathway(
                    "listed" if isinstance(connections, Listing) else "convolution",
                    (source, "_arriving"),
                    kernel,
                    ends,
                    connections,
                    "\n".join(code),
                    ("after_groups", 3 * order + 1),
                    f"pathway_{name}",
                    (self._receptor(projection), float(projection.weight)),
                    fixed=projection.plasticity is None,
                )
            )
            if learning is not None:
                learning.add(lag, order, source)
        if learning is not None:
            learning.finish(order)

    def _learning(self, projection: Projection, kernel: Any) -> Learning | None:
        if projection.plasticity is None:
            return None
        learners = self.learners[projection.post]
        return Learning(
            projection.plasticity, projection, self.experiment, kernel, self._keep, learners
        )

    def _add_reward(self, projection: Projection) -> None:
        rule = None if projection.plasticity is None else projection.plasticity.as_traces()
        if rule is not None and rule.reward is not None:
            kernel, source = self.kernels[projection.name], self.groups[rule.reward.population]
            add_reward(rule, projection, self.experiment, kernel, source, self._keep)

    def _add_gate(self, projection: Projection) -> Any:
        """For pooling of first spikes: group with the step in which each window reopens."""
        if not gate_steps(self.experiment, projection):
            return None
        size, name = len(self.groups[projection.post]), f"gate_{projection.name}"
        return self._keep(b2.NeuronGroup(size, "opens : integer", name=name, namespace={}))

    def _receptor(self, projection: Projection) -> str:
        """The state variable that a projection's spikes change."""
        model = self.experiment.network.population(projection.post).model
        return model.receptors[projection.receptor]

    def _delivery(self, projection: Projection) -> str:
        """The statement with which a spike changes its targets."""
        population = self.experiment.network.population(projection.post)
        state = self._receptor(projection)
        held = next(s.held_when_refractory for s in population.model.states if s.name == state)
        if held and refractory_steps(population, self.experiment.dt).any():
            free = "*int(t_in_timesteps >= free_at_post)"
        else:
            free = ""
        if gate_steps(self.experiment, projection):
            free += "*int(t_in_timesteps >= opens_post)"
        # A weight of one is left out, since a product costs time for each connection of a spike.
        weight = "" if projection.weight == 1 else "_weight*"
        return f"{state}_post += {weight}w{free}"
