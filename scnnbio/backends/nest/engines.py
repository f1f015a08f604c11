"""Engines: nodes of scnnbio's NEST module for shared kernels and shared thresholds.

``module/engine.h`` documents them. An engine receives every spike. It is created before the
neurons, on every virtual process; the numbers of its neurons are set afterwards.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

import nest
import numpy as np
from numpy.typing import NDArray

from scnnbio.backends.nest.build import build_in_parallel, rule_module, shared_module
from scnnbio.backends.nest.placed import Placed, SpikeKind
from scnnbio.backends.nest.rules import rule_code, rule_values
from scnnbio.backends.steps import gate_steps
from scnnbio.connectors import KernelConnector
from scnnbio.errors import SpecError, Unsupported
from scnnbio.experiment import Experiment, Feature
from scnnbio.network import Projection
from scnnbio.plasticity import SharedThreshold
from scnnbio.population import Population

FloatArray = NDArray[np.float64]

#: What to do with a rule that NEST cannot run.
ELSEWHERE = (
    "learn on brian2-standalone, then run network.with_weights(run.weights) here,"
    " with learning=False"
)

# Period of a run without resets.
_NEVER = 0
_SHARED = "use NestBackend(kernels='shared')"


class Engine(ABC):
    """The engine nodes of one projection or population, one per virtual process.

    Parameters
    ----------
    experiment : Experiment
    model : str
        Name of the node's model in NEST.
    """

    def __init__(self, experiment: Experiment, model: str) -> None:
        self.experiment = experiment
        self.nodes = nest.Create(model, nest.total_num_virtual_procs)

    @property
    @abstractmethod
    def name(self) -> str:
        """Name of the projection or population."""

    @property
    @abstractmethod
    def learns(self) -> bool:
        """Whether its values change."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Shape of its values."""

    @abstractmethod
    def start(self, placed: Placed) -> None:
        """Set the nodes' parameters, after the neurons were created, and connect them."""

    def values(self) -> FloatArray:
        """Its current values, such as a learned kernel."""
        return self._read("values").reshape(self.shape)

    def snapshots(self) -> FloatArray:
        """Values at the snapshots (snapshots, ...)."""
        return self._read("snapshots").reshape(-1, *self.shape)

    def _read(self, key: str) -> FloatArray:
        # All nodes have the same values; any node of this process can be read.
        local = next(node for node in self.nodes if node.local)
        return np.array(local.get(key), dtype=float)

    def _set(self, placed: Placed, target: str, port: int, **values: Any) -> None:
        schedule, experiment = placed.schedule, self.experiment
        values |= {
            "gap": schedule.gap,
            "period": schedule.trial + schedule.gap if schedule.reset else _NEVER,
            "last": int(schedule.of_stamps(np.array(schedule.n_trials * schedule.trial))),
            "target": placed.first(target),
            "receptor": port,
        }
        starts = np.array(experiment.snapshot_trials(), dtype=np.int64)
        if self.learns and len(starts):  # NEST does not accept empty lists of numbers
            values["snapshot_steps"] = _integers(schedule.of_stamps(starts * schedule.trial + 1))
        self.nodes.set(values)

    def _receive_spikes(
        self,
        placed: Placed,
        population: Population,
        port: int,
        delay: int,
        kind: SpikeKind = "fired",
    ) -> None:
        """Receive every spike of a population; the port identifies the sender."""
        if population.name in placed.relays:
            placed.relays[population.name].forward(int(self.nodes[0].global_id), port, delay, kind)
        else:
            self._connect(placed, population, port, delay)

    def _connect(self, placed: Placed, population: Population, port: int, delay: int) -> None:
        """Connect every neuron to every engine, each at its own port."""
        senders = placed.first(population.name) + np.arange(population.size)
        synapses = {
            "synapse_model": "static_synapse",
            "weight": np.ones(population.size),
            "delay": np.full(population.size, round(delay * self.experiment.dt, 3)),
            "receptor_type": port + np.arange(population.size),
        }
        # One engine at a time: a single call would need lists of all connections in every process.
        for engine in self.nodes.tolist():
            nest.Connect(senders, np.full(population.size, engine), "one_to_one", synapses)


class KernelEngine(Engine):
    """The kernel of a projection; it computes the targets of each spike and stores none."""

    def __init__(self, experiment: Experiment, projection: Projection) -> None:
        self.projection = projection
        rule = projection.plasticity
        super().__init__(
            experiment, "scnnbio_shared_kernel" if rule is None else rule_code(rule).model
        )

    @property
    def name(self) -> str:
        """Name of the projection."""
        return self.projection.name

    @property
    def learns(self) -> bool:
        """Whether the projection is plastic."""
        return self.projection.plasticity is not None

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the kernel."""
        return self.projection.kernel.shape

    def start(self, placed: Placed) -> None:
        """Set the kernel and its geometry, and receive spikes from both sides."""
        projection, connector = self.projection, self.projection.connector
        network = self.experiment.network
        pre, post = network.population(projection.pre), network.population(projection.post)
        port, factor = placed.cells.port(post, projection.receptor)
        delays = self.experiment.delay_steps(projection)
        geometry = (
            *connector.in_shape,
            *connector.out_shape,
            *self.shape[2:4],
            *connector.stride,
            *connector.padding,
            connector.groups,
            len(delays),
        )
        self._set(
            placed,
            post.name,
            port,
            kernel=projection.kernel.ravel().tolist(),
            present=_integers(connector.present.ravel()),
            geometry=_integers(geometry),
            weight=factor * projection.weight,
            gate=gate_steps(self.experiment, projection),
            longest=max(delays[-1], self.experiment.reward_steps(projection)),
            **(rule_values(projection, self.experiment) if self.learns else {}),
        )
        for lag, delay in enumerate(delays):
            self._receive_spikes(placed, pre, lag * pre.size, delay)
        if self.learns:
            # The shortest delay in NEST: a spike's changes apply from the next step on.
            self._receive_spikes(placed, post, len(delays) * pre.size, 1, "learned")
            self._receive_reward(placed, len(delays) * pre.size + post.size)

    def _receive_reward(self, placed: Placed, port: int) -> None:
        """Receive the spikes that carry the reward of the rule, if it has one."""
        delay = self.experiment.reward_steps(self.projection)
        if delay and self.projection.plasticity is not None:
            reward = self.projection.plasticity.as_traces().reward
            if reward is not None:
                population = self.experiment.network.population(reward.population)
                self._receive_spikes(placed, population, port, delay)


class ThresholdEngine(Engine):
    """The shared threshold of a population: one value per channel, sent to the neurons."""

    def __init__(self, experiment: Experiment, population: Population, rule: SharedThreshold):
        self.population, self.rule = population, rule
        super().__init__(experiment, "scnnbio_shared_threshold")

    @property
    def name(self) -> str:
        """Name of the population."""
        return self.population.name

    @property
    def learns(self) -> bool:
        """True, since a shared threshold always changes."""
        return True

    @property
    def shape(self) -> tuple[int, ...]:
        """One value per channel."""
        return self.population.shape[:1]

    def start(self, placed: Placed) -> None:
        """Set the thresholds, and receive the population's spikes."""
        population, rule, dt = self.population, self.rule, self.experiment.dt
        channels, rows, columns = population.shape
        levels = population.channel_values(rule.parameter)
        self._set(
            placed,
            population.name,
            placed.cells.threshold_port(population),
            levels=levels.tolist(),
            fall=rule.fall(channels, dt).tolist(),
            rise=rule.eta,
            floor=-np.inf if rule.minimum is None else rule.minimum,
            keep_rate=float(rule.decay_factor(dt)),
            places=rows * columns,
        )
        self._receive_spikes(placed, population, 0, 1)


def engine_modules(experiment: Experiment) -> list[str]:
    """Modules with the engines, compiled if they are not cached."""
    rules = [p.plasticity for p in experiment.network.projections if p.plasticity is not None]
    codes = {rule_code(rule) for rule in rules}
    return [shared_module(), *build_in_parallel(rule_module, codes)]


def unsupported_rules(experiment: Experiment, shared: bool) -> list[Unsupported]:
    """Reasons against learning and competition in an experiment.

    Parameters
    ----------
    experiment : Experiment
    shared : bool
        Whether engines are used.
    """
    problems = []
    network = experiment.network
    for population in network.populations:
        for shared_rule in (population.homeostasis, population.competition):
            if shared_rule is not None and not shared:
                element = f"population {population.name!r}"
                feature = (
                    f"{type(shared_rule).__name__} is not available with one synapse per connection"
                )
                problems.append(Unsupported(element, feature, _SHARED))
    for projection in network.projections:
        rule = projection.plasticity
        rivals = network.population(projection.pre).competition
        if shared and rivals is not None and not takes(projection):
            element = f"projection {projection.name!r}"
            kind = type(projection.connector).__name__
            feature = f"WinnerTakeAll before a {kind} is not available on nest"
            problems.append(Unsupported(element, feature, "run it on brian2-standalone"))
        if gate_steps(experiment, projection) and not shared:
            element = f"projection {projection.name!r}"
            feature = f"{Feature.FIRST_SPIKE} is not available with one synapse per connection"
            problems.append(Unsupported(element, feature, _SHARED))
        if rule is None:
            continue
        what, remedy = type(rule).__name__, ELSEWHERE
        try:
            rule_code(rule)
        except SpecError as error:
            feature = f"{what}: {error.message}"
        else:
            if not takes(projection):
                kind = type(projection.connector).__name__
                feature = f"{what} is not available on nest for {kind}"
            elif not shared:
                feature = f"{what} is not available with one synapse per connection"
                remedy = _SHARED
            else:
                continue
        problems.append(Unsupported(f"projection {projection.name!r}", feature, remedy))
    return problems


def takes(projection: Projection) -> bool:
    """Whether an engine can compute the targets of a projection: only of plain convolutions."""
    return type(projection.connector).edges is KernelConnector.edges


def _integers(values: Iterable[Any]) -> list[int]:
    return [int(value) for value in values]
