"""The features that an experiment can require and a backend can support, one name each.

To add one: a line in :class:`Feature`, a line in the function below that finds it in a description,
a case in :mod:`scnnbio.testing.cases`, and a line in the ``supports`` of each backend that has
it. Every other backend then refuses it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from scnnbio.connectors import (
    ConvolutionConnector,
    DenseConnector,
    EdgeListConnector,
    KernelConnector,
    LateralInhibitionConnector,
    LocalConnector,
    PoolingConnector,
    pooling,
)
from scnnbio.errors import SpecError
from scnnbio.network import Network, Projection
from scnnbio.neurons.algebra import linear_system
from scnnbio.neurons.model import NeuronModel
from scnnbio.neurons.noise import PoissonNoise
from scnnbio.neurons.parsing import split_assignments
from scnnbio.neurons.standard import standard_cells
from scnnbio.plasticity import MSTDP, MSTDPET, LearningRule, SharedSTDP, TraceRule, TripletSTDP
from scnnbio.population import Population

_ELSEWHERE = "run it on brian2 or brian2-standalone"
#: Remedy on a backend whose neurons take spikes only.
_AS_SPIKES = f"give the values as spikes, by FromImages with a code, or {_ELSEWHERE}"
_AS_TRAINS = f"give the population PoissonNoise, which is spikes, or {_ELSEWHERE}"
#: Remedy on a backend that does not learn.
LEARN_ELSEWHERE = (
    "learn on brian2-standalone, then run network.with_weights(run.weights) here,"
    " with learning = false"
)


#: Remedy on a backend that does not train by gradient.
TRAIN_ON_TORCH = (
    "train on torch and run the other stages here, with --backend STAGE=torch,BACKEND, where STAGE"
    " is the one with training"
)


class Feature(Enum):
    """One feature; its value is its name in messages and in the support table.

    Attributes
    ----------
    remedy : str
        What to do on a backend without the feature; a backend can give a better remedy.
    """

    remedy: str

    def __new__(cls, name: str, remedy: str = _ELSEWHERE) -> Feature:
        """Keep the remedy beside the name."""
        feature = object.__new__(cls)
        feature._value_, feature.remedy = name, remedy
        return feature

    def __str__(self) -> str:
        return str(self.value)

    # Inputs.
    INPUT_SPIKES = "a source of spikes"
    INPUT_VALUES = "a source of values", _AS_SPIKES
    INPUT_CURRENT = "an injected current", _AS_SPIKES
    POISSON_NOISE = "Poisson noise"
    WANDERING_NOISE = "Ornstein-Uhlenbeck noise", _AS_TRAINS
    # Connections.
    CONVOLUTION = "a convolution"
    POOLING = "pooling by sum or average"
    FIRST_SPIKE = pooling.FIRST_SPIKE
    LATERAL_INHIBITION = "lateral inhibition"
    INHIBITION_BY_DISTANCE = "inhibition by distance"
    DENSE = "a dense connection"
    LOCAL = "a kernel of its own at each place"
    EDGE_LIST = "a list of connections"
    OTHER_CONNECTIONS = "a connector of another kind"
    STRIDE = "a stride"
    PADDING = "padding"
    GROUPS = "grouping of channels"
    LAGS = "a kernel with lags"
    BOTH_SIGNS = "a kernel of both signs"
    RECURRENCE = "a projection within a population"
    # Neurons.
    STANDARD_CELL = "a standard cell"
    OWN_EQUATIONS = "a neuron written as equations"
    NONLINEAR = "a nonlinear equation"
    CONDUCTANCES = "a synaptic conductance"
    SYNAPTIC_STATES = "a synapse with a time course"
    JUMPS = "a jump of the potential"
    FORWARD_EULER = "the integrator forward-euler"
    RESET_OF_STATES = "a reset of several states"
    REFRACTORY = "a refractory period"
    VALUES_PER_CHANNEL = "a parameter per channel"
    VALUES_PER_NEURON = "a parameter per neuron"
    INITIAL_POTENTIAL = "an initial potential"
    INITIAL_STATES = "an initial value of another state"
    # Learning and competition.
    SHARED_STDP = "SharedSTDP", LEARN_ELSEWHERE
    TRIPLET_STDP = "TripletSTDP", LEARN_ELSEWHERE
    TRACE_RULE = "TraceRule", LEARN_ELSEWHERE
    MSTDP = "MSTDP", LEARN_ELSEWHERE
    MSTDPET = "MSTDPET", LEARN_ELSEWHERE
    OTHER_RULE = "a learning rule of another kind", LEARN_ELSEWHERE
    REWARD = "a reward", LEARN_ELSEWHERE
    EACH_STEP = "a learning rule that acts in each step", LEARN_ELSEWHERE
    NEAREST_PAIRING = "nearest-neighbour pairing", LEARN_ELSEWHERE
    POWER_BOUNDS = "a power law at the bounds", LEARN_ELSEWHERE
    HALF_LIFE = "a learning rate that falls", LEARN_ELSEWHERE
    GROWTH = "a learning rate that grows", LEARN_ELSEWHERE
    NORMALISATION = "Normalisation", LEARN_ELSEWHERE
    SHARED_THRESHOLD = "SharedThreshold", LEARN_ELSEWHERE
    WINNERS_LEARN = "WinnerTakeAll", LEARN_ELSEWHERE
    WINNERS_SILENCE = "WinnerTakeAll that silences", "run it on brian2-standalone"
    SNAPSHOTS = "a snapshot of what learns", LEARN_ELSEWHERE
    GRADIENT = "training by gradient", TRAIN_ON_TORCH
    # Trials and what is recorded.
    RESET = "a reset between trials", "set reset = false, or run it on brian2"
    RUN_ON = "a trial that begins where the last one ended", "set reset = true, or run it on brian2"
    SAMPLED_POTENTIAL = "a sampled potential", "leave record.signals out, or run it on brian2"
    SAMPLED_STATES = "a sampled state", "record v only, or run it on brian2"


@dataclass(frozen=True)
class Requirement:
    """A feature and the element of an experiment that needs it.

    Parameters
    ----------
    element : str
        The part of the experiment, such as ``"projection 'lgn_v1'"``.
    feature : Feature
    detail : str
        Details for messages, such as the name of the model or the sampled states.
    """

    element: str
    feature: Feature
    detail: str = ""


_CONNECTIONS: dict[type[KernelConnector], Feature] = {
    ConvolutionConnector: Feature.CONVOLUTION,
    PoolingConnector: Feature.POOLING,
    LateralInhibitionConnector: Feature.LATERAL_INHIBITION,
    DenseConnector: Feature.DENSE,
    LocalConnector: Feature.LOCAL,
    EdgeListConnector: Feature.EDGE_LIST,
}
_RULES: dict[type[LearningRule], Feature] = {
    SharedSTDP: Feature.SHARED_STDP,
    TripletSTDP: Feature.TRIPLET_STDP,
    TraceRule: Feature.TRACE_RULE,
    MSTDP: Feature.MSTDP,
    MSTDPET: Feature.MSTDPET,
}


def of_network(network: Network) -> Iterator[Requirement]:
    """Features that the populations and projections of a network require."""
    for population in network.populations:
        element = f"population {population.name!r}"
        if population.is_source:
            values = population.gives_values
            yield Requirement(element, Feature.INPUT_VALUES if values else Feature.INPUT_SPIKES)
            continue
        for noise in population.noise:
            trains = isinstance(noise, PoissonNoise)
            yield Requirement(element, Feature.POISSON_NOISE if trains else Feature.WANDERING_NOISE)
        yield from _of_neurons(element, network, population)
        for feature in _of_values(population):
            yield Requirement(element, feature)
        others = [n for n, value in population.initial.items() if n != "v" and np.any(value)]
        if others:
            yield Requirement(element, Feature.INITIAL_STATES, ", ".join(others))
        for feature in _of_control(population):
            yield Requirement(element, feature)
    for projection in network.projections:
        if network.population(projection.pre).gives_values:
            continue  # computed above the backends
        element = f"projection {projection.name!r}"
        for feature in (*_of_connections(projection), *_of_rule(projection.plasticity)):
            yield Requirement(element, feature)


def of_drives(
    network: Network, drives: Iterable[str], inputs: Iterable[str]
) -> Iterator[Requirement]:
    """Features that driven populations require.

    Parameters
    ----------
    network : Network
        The lowered network.
    drives : iterable of str
        The populations whose ports are driven.
    inputs : iterable of str
        The populations among them into which an input injects a current.
    """
    injected = set(inputs)
    for name in drives:
        element = f"population {name!r}"
        if name in injected:
            yield Requirement(element, Feature.INPUT_CURRENT)
        # A driven conductance makes a linear equation nonlinear.
        yield from _of_curves(element, network.population(name).model)


def of_trials(n_trials: int, *, reset: bool, snapshots: bool) -> Iterator[Requirement]:
    """Features that trials and snapshots require."""
    if n_trials > 1:
        yield Requirement("reset", Feature.RESET if reset else Feature.RUN_ON)
    if snapshots:
        yield Requirement("record.snapshots", Feature.SNAPSHOTS)


def of_signals(sampled: Iterable[tuple[str, tuple[str, ...]]]) -> Iterator[Requirement]:
    """Features that sampled signals require."""
    for population, variables in sampled:
        element = f"record.signals of {population!r}"
        if "v" in variables:
            yield Requirement(element, Feature.SAMPLED_POTENTIAL)
        others = [name for name in variables if name != "v"]
        if others:
            yield Requirement(element, Feature.SAMPLED_STATES, ", ".join(others))


def of_gradient(*, gradient: bool) -> Iterator[Requirement]:
    """Features that learning by gradient requires."""
    if gradient:
        yield Requirement("training", Feature.GRADIENT)


def _of_neurons(element: str, network: Network, population: Population) -> Iterator[Requirement]:
    """Features that the equations and the used receptors require."""
    model = population.model
    known = Feature.STANDARD_CELL if standard_cells(model) else Feature.OWN_EQUATIONS
    yield Requirement(element, known, model.name)
    if model.integrator != "exact":
        yield Requirement(element, Feature.FORWARD_EULER, model.integrator)
    targets = [target for target, _, _ in split_assignments(model.reset)]
    if len(targets) > 1 or any(target != model.states[0].name for target in targets):
        yield Requirement(element, Feature.RESET_OF_STATES, model.name)
    yield from _of_curves(element, model)
    used = {projection.receptor for projection in network.incoming(population.name)}
    used |= {noise.receptor for noise in population.noise if isinstance(noise, PoissonNoise)}
    units = {model.unit_of(model.receptors[name]) for name in used & {*model.receptors}}
    if "mV" in units:
        yield Requirement(element, Feature.JUMPS)
    if units - {"mV"}:
        yield Requirement(element, Feature.SYNAPTIC_STATES)


def _of_curves(element: str, model: NeuronModel) -> Iterator[Requirement]:
    """Features that nonlinear subthreshold equations require."""
    nonlinear, given_conductances = _linearity(model)
    if given_conductances:
        yield Requirement(element, Feature.NONLINEAR, given_conductances)
    if nonlinear and any(model.unit_of(state.name) == "uS" for state in model.states):
        yield Requirement(element, Feature.CONDUCTANCES, nonlinear)


@functools.lru_cache(maxsize=64)
def _linearity(model: NeuronModel) -> tuple[str, str]:
    """Why the subthreshold equations are nonlinear in all states, and in all but conductances.

    The second reason treats conductances as given; a reason is empty if the equations are linear.

    Raises
    ------
    SpecError
        If the dimensions of an equation do not fit.
    """
    # Inconsistent dimensions are an error on every backend, and are not caught here.
    model.sympy()
    states = [state.name for state in model.states]
    conductances = [name for name in states if model.unit_of(name) == "uS"]
    others = [name for name in states if name not in conductances]
    why = _why_not_linear(model, states)
    if not why or not conductances:
        return why, why
    still = [
        _why_not_linear(model, *two) for two in ((others, conductances), (conductances, others))
    ]
    return why, why if any(still) else ""


def _why_not_linear(model: NeuronModel, states: list[str], given: Sequence[str] = ()) -> str:
    """Why the equations of some states are nonlinear in them; empty if they are linear."""
    try:
        linear_system(model, states, given=given)
    except SpecError as error:
        return error.message
    return ""


def _of_values(population: Population) -> Iterator[Feature]:
    """Features that the values of parameters and states require."""
    held = population.model.refractory
    if held is not None and population.values()[held].max() > 0:
        yield Feature.REFRACTORY
    given = [np.ndim(value) for value in population.parameters.values()]
    if 1 in given:
        yield Feature.VALUES_PER_CHANNEL
    if 3 in given:
        yield Feature.VALUES_PER_NEURON
    if "v" in population.initial:
        yield Feature.INITIAL_POTENTIAL


def _of_control(population: Population) -> Iterator[Feature]:
    """Features that homeostasis and competition require."""
    if population.homeostasis is not None:
        yield Feature.SHARED_THRESHOLD
        if population.homeostasis.half_life is not None:
            yield Feature.HALF_LIFE
    if population.competition is not None:
        silences = population.competition.silence
        yield Feature.WINNERS_SILENCE if silences else Feature.WINNERS_LEARN


def _of_connections(projection: Projection) -> Iterator[Feature]:
    """Features that a projection requires, except for learning."""
    connector = projection.connector
    first = isinstance(connector, PoolingConnector) and connector.passes_first_spike
    if first:
        yield Feature.FIRST_SPIKE
    if not first or type(connector) is not PoolingConnector:
        # A subclass can connect differently.
        yield _CONNECTIONS.get(type(connector), Feature.OTHER_CONNECTIONS)
    if isinstance(connector, LateralInhibitionConnector) and connector.profile is not None:
        yield Feature.INHIBITION_BY_DISTANCE
    if isinstance(connector, ConvolutionConnector | LocalConnector):
        if max(connector.stride) > 1:
            yield Feature.STRIDE
        if max(connector.padding) > 0:
            yield Feature.PADDING
    if isinstance(connector, ConvolutionConnector) and connector.groups > 1:
        yield Feature.GROUPS
    if connector.lags is not None:
        yield Feature.LAGS
    if projection.kernel.min() < 0 < projection.kernel.max():
        yield Feature.BOTH_SIGNS
    if projection.pre == projection.post:
        yield Feature.RECURRENCE


def _of_rule(rule: LearningRule | None) -> Iterator[Feature]:
    """Features that a learning rule requires."""
    if rule is None:
        return
    yield _RULES.get(type(rule), Feature.OTHER_RULE)
    traces = rule.as_traces()
    if traces.reward is not None:
        yield Feature.REWARD
    if traces.each_step is not None:
        yield Feature.EACH_STEP
    if any(trace.pairing == "nearest" for trace in traces.traces.values()):
        yield Feature.NEAREST_PAIRING
    if getattr(rule, "bounds", "") == "power":
        yield Feature.POWER_BOUNDS
    if rule.half_life is not None:
        yield Feature.HALF_LIFE
    if rule.growth is not None:
        yield Feature.GROWTH
    if rule.normalisation is not None:
        yield Feature.NORMALISATION
