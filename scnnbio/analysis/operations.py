"""What a run computes: spikes, synaptic operations, updates, memory, and the dense equivalent.

A synaptic operation is the arrival of one spike through one connection. An update is one neuron in
one time step: what a simulation by a clock does, and what neuromorphic chips do. The dense
equivalent is a network of the same connections without spikes: it multiplies every connection by a
value, once per trial.
:meth:`Operations.neurobench` names and counts the same as NeuroBench does.

References
----------
Yik J et al. (2025) The NeuroBench framework for benchmarking neuromorphic computing algorithms and
systems. Nature Communications 16:1545.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scnnbio.errors import SpecError
from scnnbio.experiment import Run
from scnnbio.inputs import Draw, FromCurrents
from scnnbio.network import Projection
from scnnbio.neurons import NeuronModel
from scnnbio.population import Population, ValueSource
from scnnbio.recording import Spikes

#: Bytes of a number in double precision, as the simulations here have them.
_WORD = 8


@dataclass(frozen=True)
class LayerOperations:
    """What one population does, in all trials together.

    Parameters
    ----------
    name : str
    neurons : int
    spikes : int
        0 for a source of values.
    updates : int
        Neurons times time steps; 0 for sources, which have no state.
    state : int
        Numbers that hold the state of a neuron.
    """

    name: str
    neurons: int
    spikes: int
    updates: int
    state: int


@dataclass(frozen=True)
class PathOperations:
    """What one projection does, in all trials together.

    Parameters
    ----------
    name : str
    connections : int
        0 for biases.
    effective : int
        Of the connections, those with a weight other than 0.
    parameters, zeros : int
        Weights that are stored, and those of them that are 0.
    operations : int
        Spikes times the connections of the neuron that fired.
    accumulated : int
        The same through weights other than 0.
    multiplied : int
        Values other than 0 of a source of values, times their connections of weights other than 0,
        in every time step; 0 for a source of spikes.
    bias : bool
        Whether the weights are biases.
    """

    name: str
    connections: int
    effective: int
    parameters: int
    zeros: int
    operations: int
    accumulated: int
    multiplied: int
    bias: bool = False


@dataclass(frozen=True)
class Operations:
    """What a run computed.

    Parameters
    ----------
    n_trials, steps : int
        Trials, and time steps of all of them.
    layers : tuple of LayerOperations
    paths : tuple of PathOperations
    """

    n_trials: int
    steps: int
    layers: tuple[LayerOperations, ...]
    paths: tuple[PathOperations, ...]

    @property
    def spikes(self) -> int:
        """Spikes of all populations."""
        return sum(layer.spikes for layer in self.layers)

    @property
    def synaptic(self) -> int:
        """Synaptic operations: every spike at every neuron that it reaches."""
        return sum(path.operations for path in self.paths)

    @property
    def updates(self) -> int:
        """Updates of neurons."""
        return sum(layer.updates for layer in self.layers)

    @property
    def dense(self) -> int:
        """Multiplications of the dense equivalent: every connection once per trial."""
        return self.n_trials * sum(path.connections for path in self.paths)

    @property
    def memory(self) -> int:
        """Bytes that are read and written, without caches.

        A synaptic operation reads its weight and the state of one neuron's input, and writes that;
        an update reads and writes the whole state.
        """
        moved = sum(2 * layer.state * layer.updates for layer in self.layers)
        return _WORD * (3 * self.synaptic + moved)

    @property
    def dense_memory(self) -> int:
        """Bytes of the dense equivalent: a weight and a value read, and a sum written."""
        return 3 * _WORD * self.dense

    def neurobench(self) -> dict[str, float]:
        """The metrics that NeuroBench defines, by its names, per trial where it does so.

        ``activation_sparsity`` counts neurons that can fire, sources excluded. Dense synaptic
        operations are those of every time step, as it counts them.
        """
        layers = [layer for layer in self.layers if layer.updates]
        active = sum(layer.updates for layer in layers)
        fired = sum(layer.spikes for layer in layers)
        parameters = sum(path.parameters for path in self.paths)
        weights = sum(path.parameters for path in self.paths if not path.bias)
        zeros = sum(path.zeros for path in self.paths)
        connections = sum(path.connections for path in self.paths)
        return {
            "parameter_count": parameters,
            "connection_sparsity": round(zeros / weights, 4) if weights else 0.0,
            "activation_sparsity": (active - fired) / active if active else 0.0,
            "effective_macs": sum(path.multiplied for path in self.paths) / self.n_trials,
            "effective_acs": sum(path.accumulated for path in self.paths) / self.n_trials,
            "dense_synops": connections * self.steps / self.n_trials,
        }


def operations(run: Run, biases: tuple[str, ...] = ("bias",)) -> Operations:
    """Count what a run computed.

    Parameters
    ----------
    run : Run
        With the spikes of every population that projects to another one recorded.
    biases : tuple of str
        Sources of values whose weights are biases: they count as parameters, not as operations.

    Returns
    -------
    Operations

    Raises
    ------
    SpecError
        If the spikes of a population that projects were not recorded.
    """
    experiment, recording = run.experiment, run.recording
    network = experiment.network
    steps = round(float(recording.trials["duration"].sum()) / experiment.dt)
    fired = {
        population.name: _spikes(run, population)
        for population in network.populations
        if not isinstance(population.neuron, ValueSource)
    }
    layers = []
    for population in network.populations:
        neurons, neuron = int(np.prod(population.shape)), population.neuron
        state = len(neuron.states) if isinstance(neuron, NeuronModel) else 0
        spikes = fired.get(population.name)
        layers.append(
            LayerOperations(
                population.name,
                neurons,
                0 if spikes is None else len(spikes),
                neurons * steps if state else 0,
                state,
            )
        )
    paths = tuple(
        _path(run, path, fired.get(path.pre), bias=path.pre in biases and path.pre not in fired)
        for path in network.projections
    )
    return Operations(recording.n_trials, steps, tuple(layers), paths)


def _spikes(run: Run, population: Population) -> Spikes | None:
    """Spikes of a population; None where they were not recorded and reach no neuron."""
    recording, name = run.recording, population.name
    # A recording that was joined from stages has populations that only another stage recorded.
    if name in run.experiment.record.spikes:
        return recording.spikes_of(name)
    if any(projection.pre == name for projection in run.experiment.network.projections):
        raise SpecError(
            f"the spikes of {name!r} were not recorded, and its synaptic operations cannot be"
            f" counted; add it to record.spikes of stage {run.experiment.stage!r}",
            where="operations.run",
        )
    return None


def _path(run: Run, path: Projection, spikes: Spikes | None, *, bias: bool) -> PathOperations:
    edges, weights = path.connector.edges(), np.asarray(run.weights.get(path.name, path.kernel))
    stored = weights[np.broadcast_to(path.connector.present, weights.shape)]
    if bias:
        return PathOperations(path.name, 0, 0, stored.size, 0, 0, 0, 0, bias=True)
    told = weights.ravel()[edges.tap] != 0
    lags = path.connector.lags or (0.0,)
    of_lag = edges.tap % len(lags)
    counted, accumulated, multiplied = 0, 0, 0
    for k, lag in enumerate(lags):
        delay = (run.experiment.dt if path.delay is None else float(path.delay)) + lag
        arrived = _arrived(run, path, spikes, delay)
        through = np.bincount(edges.pre[told & (of_lag == k)], minlength=len(arrived))
        if spikes is None:
            multiplied += int(arrived @ through)
        else:
            accumulated += int(arrived @ through)
            counted += int(arrived @ np.bincount(edges.pre[of_lag == k], minlength=len(arrived)))
    return PathOperations(
        path.name, len(edges), int(told.sum()), stored.size, int((stored == 0).sum()),
        counted, accumulated, multiplied,
    )  # fmt: skip


def _arrived(run: Run, path: Projection, spikes: Spikes | None, delay: float) -> NDArray[np.int64]:
    """Spikes, or steps with a value other than 0, of each neuron that arrive within their trial."""
    size = int(np.prod(path.connector.in_shape))
    if spikes is None:
        return _values(run, path.pre, size, delay)
    lasting = np.asarray(run.recording.trials["duration"], float)[spikes.trial]
    # Without a reset, a spike arrives in the next trial.
    inside = (spikes.time + delay <= lasting + 1e-6) | (not run.experiment.reset)
    return np.bincount(spikes.unit[inside], minlength=size)


def _values(run: Run, source: str, size: int, delay: float) -> NDArray[np.int64]:
    """Time steps in which each value of a source arrives and is not 0, of all trials."""
    experiment = run.experiment
    driven = experiment.inputs[source]
    if not isinstance(driven, FromCurrents):
        raise SpecError(
            f"the values of {source!r} come from {type(driven).__name__}; those of FromCurrents can"
            " be counted",
            where="operations.run",
        )
    shape = experiment.network.population(source).shape
    unused = np.random.default_rng(0)  # values are given, not drawn
    draw = Draw(shape, experiment.dt, unused, unused)
    steps = round((driven.duration - delay) / experiment.dt)
    active = np.zeros(size, dtype=np.int64)
    for trial in range(driven.n_trials):
        pieces = [piece for piece in driven.currents(trial, draw) if piece[0] < steps]
        ends = [begin for begin, _ in pieces[1:]] + [steps]
        for (begin, values), end in zip(pieces, ends, strict=True):
            active += (values != 0) * (end - begin)
    return active
