"""A backend: linear neurons by the matrix exponential, connections as sparse matrices.

It declares what it has, and scnnbio refuses the rest for it. ``scnnbio.testing.contract`` holds it
against the reference, feature by feature.
"""

from typing import ClassVar

import numpy as np
from scipy.sparse import csr_array

from scnnbio.backends import Backend
from scnnbio.backends.base import Stopwatch
from scnnbio.backends.outcome import Outcome
from scnnbio.backends.promises import Promise, UnlessAtThreshold
from scnnbio.backends.steps import initial_states, refractory_steps
from scnnbio.errors import Unsupported
from scnnbio.experiment import Experiment, Feature, Inputs, Report
from scnnbio.network import Projection
from scnnbio.neurons.algebra import propagator
from scnnbio.population import Population

_THRESHOLD, _RESET = "v >= v_thresh", "v = v_reset"


class MatrixBackend(Backend):
    """Linear neurons without learning, all of a layer in one product of matrices."""

    name: ClassVar[str] = "matrix"
    summary: ClassVar[str] = "linear neurons by matrix exponentials"
    # Sums in another order round otherwise, which decides where a potential meets the threshold.
    promises: ClassVar[tuple[Promise, ...]] = (UnlessAtThreshold("spikes", distance=1e-9),)
    supports: ClassVar[frozenset[Feature]] = frozenset(
        {
            *(Feature.INPUT_SPIKES, Feature.STANDARD_CELL, Feature.OWN_EQUATIONS),
            *(Feature.SYNAPTIC_STATES, Feature.REFRACTORY, Feature.RESET),
            *(Feature.CONVOLUTION, Feature.STRIDE, Feature.PADDING, Feature.BOTH_SIGNS),
            *(Feature.DENSE, Feature.LOCAL, Feature.EDGE_LIST, Feature.OTHER_CONNECTIONS),
            Feature.RECURRENCE,
        }
    )

    def unsupported(self, experiment: Experiment) -> list[Unsupported]:
        problems = super().unsupported(experiment)
        for population in experiment.network.populations:
            if population.is_source:
                continue
            model = population.model
            if (model.threshold, model.reset) != (_THRESHOLD, _RESET):
                what = f"another threshold or reset than {_THRESHOLD!r} and {_RESET!r}"
                element = f"population {population.name!r}"
                problems.append(Unsupported(element, what, "run it on brian2"))
        return problems

    def _simulate(
        self, experiment: Experiment, inputs: Inputs, watch: Stopwatch, report: Report
    ) -> Outcome:
        network, dt = experiment.network, experiment.dt
        with watch.phase("build"):
            layers = {p.name: _Layer(p, dt) for p in network.populations if not p.is_source}
            pathways = [_Pathway(p, experiment) for p in network.projections]
        fired: dict[str, list[np.ndarray]] = {p.name: [] for p in network.populations}
        total = experiment.n_trials * experiment.trial_steps
        driven = {
            name: csr_array(
                (np.ones(len(step)), (step, unit)),
                shape=(total + 1, network.population(name).size),
            )
            for name, (step, unit) in inputs.by_source.items()
        }
        with watch.phase("simulate"):
            for step in range(1, total + 1):
                first = (step - 1) // experiment.trial_steps * experiment.trial_steps
                for layer in layers.values():
                    if step == first + 1:
                        layer.restart()
                    layer.update()
                for path in pathways:
                    sent = step - path.delay
                    if sent > first:  # nothing is in flight from one trial to the next
                        arriving = path.weights @ fired[path.pre][sent - 1]
                        layers[path.post].receive(path.receptor, arriving)
                for name in fired:
                    spikes = layers[name].fire() if name in layers else _row(driven[name], step)
                    fired[name].append(spikes)
                report("simulating", step, total)
        kept = {name: _listed(rows) for name, rows in fired.items()}
        return Outcome(
            spikes=kept,
            signals={},
            weights={},
            snapshots={},
            output_spikes={name: len(kept[name][0]) for name in layers},
            pathways={p.name: "expanded" for p in network.projections},
        )


class _Layer:
    """States of a population: one row per state, one column per neuron."""

    def __init__(self, population: Population, dt: float) -> None:
        model, size = population.model, population.size
        self.values = {name: float(value[0]) for name, value in population.values().items()}
        sets = {name: np.array([value]) for name, value in self.values.items()}
        step = propagator(model, sets, dt)
        self.matrix, self.offset = step.matrix[0], step.offset[0][:, None]
        self.row = {receptor: step.states.index(s) for receptor, s in model.receptors.items()}
        self.v = step.states.index("v")
        held = [state.held_when_refractory for state in model.states]
        self.holds = np.array(held)[:, None]
        self.held_for = int(refractory_steps(population, dt)[0])
        begin = initial_states(population)
        self.begin = np.array([np.full(size, begin[state][0]) for state in step.states])
        self.restart()

    def restart(self) -> None:
        self.state = self.begin.copy()
        self.left = np.zeros(self.state.shape[1], dtype=int)
        self.held = self.left > 0

    def update(self) -> None:
        self.held = self.left > 0
        self.left = np.maximum(self.left - 1, 0)
        after = self.matrix @ self.state + self.offset
        self.state = np.where(self.holds & self.held, self.state, after)

    def receive(self, receptor: str, amounts: np.ndarray) -> None:
        row = self.row[receptor]
        self.state[row] += np.where(self.holds[row] & self.held, 0.0, amounts)

    def fire(self) -> np.ndarray:
        crossed = (self.state[self.v] >= self.values["v_thresh"]) & ~self.held
        self.state[self.v, crossed] = self.values["v_reset"]
        self.left[crossed] = self.held_for
        return crossed.astype(float)


class _Pathway:
    """A projection as a matrix (post, pre)."""

    def __init__(self, projection: Projection, experiment: Experiment) -> None:
        self.pre, self.post, self.receptor = projection.pre, projection.post, projection.receptor
        (self.delay,) = experiment.delay_steps(projection)
        edges = projection.connector.edges()
        weights = projection.weight * projection.kernel.ravel()[edges.tap]
        sizes = [experiment.network.population(end).size for end in (self.post, self.pre)]
        self.weights = csr_array((weights, (edges.post, edges.pre)), shape=sizes)


def _row(matrix: csr_array, step: int) -> np.ndarray:
    return np.asarray(matrix[[step]].todense()).ravel()


def _listed(rows: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    step, unit = np.nonzero(np.array(rows))
    return step.astype(np.int64) + 1, unit.astype(np.int32)
