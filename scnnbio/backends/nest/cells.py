"""Populations as nodes of NEST: compiled from the equations, or NEST's own cells."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import nest
import numpy as np
from numpy.typing import NDArray

from scnnbio.backends.nest.build import build_in_parallel, compiled
from scnnbio.backends.nest.nestml import NestmlModel, nestml_model
from scnnbio.backends.nest.schedule import Schedule
from scnnbio.backends.steps import initial_states, refractory_steps, step_constants
from scnnbio.errors import SpecError, Unsupported
from scnnbio.experiment import Experiment
from scnnbio.network import Projection
from scnnbio.neurons.library import LIBRARY
from scnnbio.neurons.model import NeuronModel
from scnnbio.neurons.ports import described
from scnnbio.neurons.standard import STANDARD_CELLS, StandardCell, standard_cell
from scnnbio.population import Population

Values = Mapping[str, NDArray[np.float64]]


class Cells(ABC):
    """How neurons of an experiment are created as nodes."""

    name: ClassVar[str]

    @abstractmethod
    def unsupported(self, experiment: Experiment) -> list[Unsupported]:
        """Features of an experiment that these cells lack."""

    @abstractmethod
    def modules(self, experiment: Experiment) -> list[str]:
        """Modules with the models, compiled if they are not cached."""

    @abstractmethod
    def create(self, population: Population, dt: float, schedule: Schedule) -> Any:
        """Nodes of a population, inactive until the first trial."""

    @abstractmethod
    def start(self) -> None:
        """Start the first trial, at the end of the first gap."""

    @abstractmethod
    def port(self, population: Population, receptor: str) -> tuple[int, float]:
        """Port of a receptor, and the factor from scnnbio's weights to NEST's."""

    @abstractmethod
    def threshold_port(self, population: Population) -> int:
        """Port on which neurons receive the shared threshold."""

    @abstractmethod
    def driven_port(self, population: Population, port: str) -> tuple[str, float]:
        """NEST's name of a driven port, and the factor from scnnbio's unit to NEST's."""

    @abstractmethod
    def recordable(self, population: Population, state: str) -> tuple[str, float]:
        """Name of a state variable in NEST, and the factor from scnnbio's unit to NEST's."""


@dataclass
class CompiledCells(Cells):
    """Neurons compiled from the model's equations with NESTML."""

    name: ClassVar[str] = "compiled"

    models: dict[str, NestmlModel] = field(default_factory=dict)

    def unsupported(self, experiment: Experiment) -> list[Unsupported]:
        """Functions in equations that NESTML lacks."""
        problems = []
        for population in _neurons(experiment):
            try:
                _generated(population)
            except SpecError as error:
                element = f"population {population.name!r}"
                problems.append(Unsupported(element, error.message, "use another backend"))
        return problems

    def modules(self, experiment: Experiment) -> list[str]:
        """One module per distinct set of equations."""
        self.models = {p.name: _generated(p) for p in _neurons(experiment)}
        different = {model.name: model for model in self.models.values()}.values()
        return build_in_parallel(compiled, different)

    def create(self, population: Population, dt: float, schedule: Schedule) -> Any:
        """Nodes that themselves count the steps of trials."""
        generated = self.models[population.name]
        constants = step_constants(population, dt)
        values = {f"c_{name}": constants[name] for name in generated.constants}
        values |= {f"i_{name}": v for name, v in initial_states(population).items()}
        values |= {f"p_{name}": population.values()[name] for name in generated.used}
        if population.homeostasis is not None:
            values["told"] = population.values()[population.homeostasis.parameter]
        values["held_steps"] = refractory_steps(population, dt).astype(float)
        values["gap"] = np.array([float(schedule.gap)])
        values["period"] = np.array([float(schedule.period)])
        return _create(generated.name, population, values)

    def start(self) -> None:
        """Do nothing: each neuron counts the steps."""

    def port(self, population: Population, receptor: str) -> tuple[int, float]:
        """One port per receptor, for weights of both signs."""
        return self.models[population.name].receptors[receptor], 1.0

    def threshold_port(self, population: Population) -> int:
        """The port of the parameter that the rule changes."""
        port = self.models[population.name].parameter_port
        if port is None:
            raise SpecError("has no shared threshold", where=f"population {population.name!r}")
        return port

    def driven_port(self, population: Population, port: str) -> tuple[str, float]:
        """None: compiled neurons read their ports from an array."""
        raise SpecError("is read by the neurons themselves", where=f"{population.name}.{port}")

    def recordable(self, population: Population, state: str) -> tuple[str, float]:
        """States in scnnbio's units."""
        return f"s_{state}", 1.0


@dataclass(frozen=True)
class _Native:
    """A cell of NEST, with rows of (scnnbio's name, NEST's name, factor to NEST's unit)."""

    name: str
    parameters: tuple[tuple[str, str, float], ...]
    states: tuple[tuple[str, str, float], ...]
    weight: float


_MEMBRANE = (
    ("v_rest", "E_L", 1.0),
    ("v_reset", "V_reset", 1.0),
    ("v_thresh", "V_th", 1.0),
    ("cm", "C_m", 1e3),  # nF, pF
    ("tau_m", "tau_m", 1.0),
    ("tau_refrac", "t_ref", 1.0),
    ("i_offset", "I_e", 1e3),  # nA, pA
)
_SYNAPSES = (("tau_syn_E", "tau_syn_ex", 1.0), ("tau_syn_I", "tau_syn_in", 1.0))
_STATES = (("v", "V_m", 1.0), ("I_exc", "I_syn_ex", 1e3), ("I_inh", "I_syn_in", 1e3))

#: PyNN's cell → NEST's.
_NATIVE = {
    "IF_curr_exp": _Native("iaf_psc_exp", _MEMBRANE + _SYNAPSES, _STATES, 1e3),
    "IF_curr_alpha": _Native("iaf_psc_alpha", _MEMBRANE + _SYNAPSES, _STATES, 1e3),
    "IF_curr_delta": _Native("iaf_psc_delta", _MEMBRANE, _STATES[:1], 1.0),
}


@dataclass
class StandardCells(Cells):
    """NEST's own cells. They need no compiler, but cannot be reset between trials."""

    name: ClassVar[str] = "standard"
    driven: list[tuple[Any, dict[str, float]]] = field(default_factory=list)

    def unsupported(self, experiment: Experiment) -> list[Unsupported]:
        """Models that are not standard cells, missing receptors and states, and resets."""
        problems = []
        remedy = "use NestBackend(cells='compiled')"
        for population in _neurons(experiment):
            cell = _cell(population.model)
            if cell is None:
                feature = f"{population.neuron.name} is not a standard cell of NEST"
                problems.append(Unsupported(f"population {population.name!r}", feature, remedy))
            if population.homeostasis is not None:
                feature = "NEST's own cells cannot share a threshold"
                problems.append(Unsupported(f"population {population.name!r}", feature, remedy))
            if {*population.initial} - {*_ports(population)}:
                feature = "NEST's own cells always begin at rest"
                problems.append(Unsupported(f"population {population.name!r}", feature, remedy))
            if population.competition is not None:
                feature = "NEST's own cells do not send their excess over threshold"
                problems.append(Unsupported(f"population {population.name!r}", feature, remedy))
        for projection in experiment.network.projections:
            feature = _lacking(experiment, projection)
            if feature:
                element = f"projection {projection.name!r}"
                problems.append(Unsupported(element, feature, remedy))
        for sampling in experiment.record.signals:
            population = experiment.network.population(sampling.population)
            if _cell(population.model) is None:
                continue
            known = {ours for ours, _, _ in _native(population).states}
            for variable in sorted(set(sampling.variables) - known):
                feature = f"{_native(population).name} cannot record {variable!r}"
                problems.append(Unsupported(f"population {population.name!r}", feature, remedy))
        if experiment.reset and experiment.n_trials > 1:
            feature = "NEST's own cells cannot be reset between trials"
            problems.append(Unsupported("reset", feature, f"set reset = false, or {remedy}"))
        return problems

    def modules(self, experiment: Experiment) -> list[str]:
        """None, since the cells are part of NEST."""
        return []

    def create(self, population: Population, dt: float, schedule: Schedule) -> Any:
        """Nodes at rest, without constant input until the first trial."""
        native = _native(population)
        values = population.values()
        translated = {
            theirs: values[ours] * factor
            for ours, theirs, factor in native.parameters
            if ours in values
        }
        # A current that is driven is set when the first trial begins.
        current = translated.pop("I_e", np.zeros(1))
        translated["V_m"] = translated["E_L"]
        nodes = _create(native.name, population, translated)
        places = population.size // len(current)
        for k, value in enumerate(current.tolist()):
            self.driven.append((nodes[k * places : (k + 1) * places], {"I_e": value}))
        return nodes

    def start(self) -> None:
        """Switch on the constant input."""
        for nodes, values in self.driven:
            nodes.set(values)

    def port(self, population: Population, receptor: str) -> tuple[int, float]:
        """Port 0 for all: the sign of a weight selects the receptor."""
        return 0, _native(population).weight

    def threshold_port(self, population: Population) -> int:
        """Raise, since there is none."""
        raise SpecError("NEST's own cells cannot share a threshold", where=population.name)

    def driven_port(self, population: Population, port: str) -> tuple[str, float]:
        """A driven port is a parameter of the cell."""
        return next((n, f) for ours, n, f in _native(population).parameters if ours == port)

    def recordable(self, population: Population, state: str) -> tuple[str, float]:
        """NEST's name and unit."""
        rows = {ours: (theirs, factor) for ours, theirs, factor in _native(population).states}
        return rows[state]


def _neurons(experiment: Experiment) -> list[Population]:
    return [p for p in experiment.network.populations if not p.is_source]


def _ports(population: Population) -> list[str]:
    """Driven ports of a population."""
    return [state.name for state in population.model.states if state.is_given]


def _generated(population: Population) -> NestmlModel:
    rule = population.homeostasis
    return nestml_model(
        population.model,
        None if rule is None else rule.parameter,
        competes=population.competition is not None,
    )


def _cell(model: NeuronModel) -> StandardCell | None:
    """The NEST cell that equals a model; not with conductances, where NEST's integrator differs."""
    known = LIBRARY.ours(model.name) if model.name in STANDARD_CELLS else None
    cell = standard_cell(described(model, known))
    return cell if cell is not None and cell.pynn in _NATIVE else None


def _native(population: Population) -> _Native:
    cell = _cell(population.model)
    if cell is None:
        raise SpecError(f"{population.neuron.name} is not a standard cell", where=population.name)
    return _NATIVE[cell.pynn]


def _lacking(experiment: Experiment, projection: Projection) -> str:
    """What a standard cell lacks for a projection; empty if nothing."""
    cell = _cell(experiment.network.population(projection.post).model)
    if cell is None:
        return ""
    if projection.receptor not in cell.receptors:
        return f"{cell.pynn} has no receptor {projection.receptor!r}"
    if projection.receptor == "membrane":
        return ""
    weights = projection.weight * projection.kernel
    wrong = weights.max() > 0 if projection.receptor == "inhibitory" else weights.min() < 0
    return f"NEST selects the receptor of {cell.pynn} by the sign of the weight" if wrong else ""


def _create(model: str, population: Population, values: Values) -> Any:
    """Nodes with the same parameters, or with parameters per channel or per neuron."""
    channels, rows, columns = population.shape
    if rows * columns == 1 or any(len(v) > channels for v in values.values()):
        return _create_per_neuron(model, population.size, values)
    if all(np.all(v == v[0]) for v in values.values()):
        return _create_equal(model, population.size, {n: float(v[0]) for n, v in values.items()})
    spread = {name: np.broadcast_to(v, (channels,)) for name, v in values.items()}
    blocks = [
        _create_equal(model, rows * columns, {name: float(v[k]) for name, v in spread.items()})
        for k in range(channels)
    ]
    return sum(blocks[1:], blocks[0])


def _create_per_neuron(model: str, count: int, values: Values) -> Any:
    """Nodes with parameters per neuron."""
    same = {name: float(v[0]) for name, v in values.items() if np.all(v == v[0])}
    nodes = _create_equal(model, count, same)
    own = {n: np.repeat(v, count // len(v)).tolist() for n, v in values.items() if n not in same}
    if own:
        nodes.set(own)
    return nodes


def _create_equal(model: str, count: int, values: dict[str, float]) -> Any:
    # With parameters as an argument of Create, every process would make a dictionary of some 3 kB
    # per neuron. All parameters are set here, so defaults of earlier calls do not remain.
    nest.SetDefaults(model, values)
    return nest.Create(model, count)
