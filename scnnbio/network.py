"""A network as a plain value: populations and the projections between them."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import operator
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scnnbio.connectors import KernelConnector
from scnnbio.distributions import per_neuron
from scnnbio.errors import SpecError
from scnnbio.neurons.model import NeuronModel
from scnnbio.neurons.parsing import check_name, sides
from scnnbio.plasticity import LearningRule, SharedThreshold, WinnerTakeAll
from scnnbio.units import plain

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class SpikeSource:
    """Neurons that fire when they are told to: the layer that an encoding drives."""

    name: str = "SpikeSource"


#: Neurons of a population are numbered in 32 bits, in recordings as in simulators.
_MOST_NEURONS = 2**31 - 1


@dataclass(frozen=True, eq=False)
class Population:
    """A layer of like neurons on a grid.

    Parameters
    ----------
    name : str
    shape : tuple of int
        (channel, row, column); neurons are numbered in C order.
    neuron : NeuronModel or SpikeSource
    parameters : mapping of str to float, str, array or Distribution, optional
        Values that differ from the model's defaults, in the model's units: one for all neurons, one
        for each channel (channels,), or one for each neuron, as an array (channel, row, column) or
        drawn from a :class:`~scnnbio.distributions.Distribution` when the population is made.
    field_of_view : float, optional
        Side of the layer's grid in degrees of visual angle.
    homeostasis : SharedThreshold, optional
        A threshold that each channel shares and that learning moves.
    competition : WinnerTakeAll, optional
        Which neurons may learn in a trial, and which may fire.
    initial : mapping of str to float, str, array or Distribution, optional
        State variable → the value that it starts from, in place of the model's; forms as those of
        parameters.

    Raises
    ------
    SpecError
        If a parameter is unknown, has the wrong unit or the wrong number of values, or the neuron
        has no threshold that a rule needs.
    """

    name: str
    shape: Shape
    neuron: NeuronModel | SpikeSource
    parameters: Mapping[str, float | NDArray[np.float64]] = field(default_factory=dict)
    field_of_view: float | None = None
    homeostasis: SharedThreshold | None = None
    competition: WinnerTakeAll | None = None
    initial: Mapping[str, float | NDArray[np.float64]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_name(self.name, "population.name")
        where = f"population {self.name!r}"
        shape = _shape(self.shape, where)
        object.__setattr__(self, "shape", shape)
        if not isinstance(self.neuron, NeuronModel | SpikeSource):
            raise SpecError(
                f"{reprlib.repr(self.neuron)} is neither a NeuronModel nor a SpikeSource",
                where=f"{where}.neuron",
            )
        if not isinstance(self.parameters, Mapping):
            raise SpecError(
                f"{reprlib.repr(self.parameters)} is not a table", where=f"{where}.parameters"
            )
        if self.field_of_view is not None:
            degrees = plain(self.field_of_view, "deg", where=f"{where}.field_of_view")
            if degrees <= 0:
                raise SpecError(f"{degrees} deg is not positive", where=f"{where}.field_of_view")
            object.__setattr__(self, "field_of_view", degrees)
        values = {name: self._checked(name, v, where) for name, v in self.parameters.items()}
        object.__setattr__(self, "parameters", MappingProxyType(values))
        object.__setattr__(self, "initial", MappingProxyType(self._checked_initial(where)))
        if self.homeostasis is not None:
            self._check_homeostasis(self.homeostasis, where)
        if self.competition is not None:
            self._check_competition(f"{where}.competition")

    def _check_homeostasis(self, rule: SharedThreshold, where: str) -> None:
        if isinstance(self.neuron, SpikeSource):
            raise SpecError("a spike source has no threshold to adapt", where=where)
        self._checked(rule.parameter, 0.0, where)
        unit = self.neuron.parameters[rule.parameter].unit
        if unit != "mV":
            raise SpecError(
                f"{rule.parameter!r} is in {unit}, but a shared threshold is in mV",
                where=f"{where}.homeostasis.parameter",
            )
        if np.ndim(self.parameters.get(rule.parameter, 0.0)) == 3:
            raise SpecError(
                "a shared threshold begins with one value per channel, not per neuron",
                where=f"{where}.parameters.{rule.parameter}",
            )
        rule.fall(self.shape[0], 1.0)

    def _check_competition(self, where: str) -> None:
        if not isinstance(self.competition, WinnerTakeAll):
            raise SpecError(f"{reprlib.repr(self.competition)} is not a WinnerTakeAll", where=where)
        if isinstance(self.neuron, SpikeSource):
            raise SpecError("a spike source fires what it is given and cannot compete", where=where)
        try:
            sides(self.neuron.threshold)
        except SpecError as error:
            raise SpecError(
                f"{error.message}, and competition needs to know by how much it is crossed; write"
                " it like 'v >= v_thresh'",
                where=where,
            ) from None

    def _checked(self, name: str, value: object, where: str) -> float | NDArray[np.float64]:
        known = {} if isinstance(self.neuron, SpikeSource) else self.neuron.parameters
        path = f"{where}.parameters.{name}"
        if name not in known:
            raise SpecError(
                f"{self.neuron.name} has no parameter {name!r};"
                f" it has {', '.join(sorted(known)) or 'none'}",
                where=path,
            )
        each = per_neuron(value, self.shape, known[name].unit, f"{self.name}.{name}", path)
        if each is not None:
            return each
        if not isinstance(value, list | tuple | np.ndarray):
            return plain(value, known[name].unit, where=path)
        array = np.array([plain(v, known[name].unit, where=path) for v in value])
        if array.shape != (self.shape[0],):
            raise SpecError(
                f"{array.size} values for {self.shape[0]} channels; give one value or one a"
                " channel",
                where=path,
            )
        array.flags.writeable = False
        return array

    def _checked_initial(self, where: str) -> dict[str, float | NDArray[np.float64]]:
        if not isinstance(self.initial, Mapping):
            raise SpecError(
                f"{reprlib.repr(self.initial)} is not a table", where=f"{where}.initial"
            )
        known = () if isinstance(self.neuron, SpikeSource) else self.neuron.states
        values: dict[str, float | NDArray[np.float64]] = {}
        for name, value in self.initial.items():
            path = f"{where}.initial.{name}"
            if name not in {state.name for state in known}:
                raise SpecError(
                    f"{self.neuron.name} has no state variable {name!r};"
                    f" it has {', '.join(state.name for state in known) or 'none'}",
                    where=path,
                )
            unit = self.model.unit_of(name)
            each = per_neuron(value, self.shape, unit, f"{self.name}.initial.{name}", path)
            if each is not None:
                values[name] = each
            elif not isinstance(value, list | tuple | np.ndarray):
                values[name] = plain(value, unit, where=path)
            else:
                numbers = np.array([plain(v, unit, where=path) for v in value])
                if numbers.shape != self.shape[:1]:
                    raise SpecError(
                        f"{numbers.size} values for {self.shape[0]} channels; give one value, one"
                        " per channel, or one per neuron in the shape of the layer",
                        where=path,
                    )
                numbers.flags.writeable = False
                values[name] = numbers
        return values

    @property
    def size(self) -> int:
        """Number of neurons."""
        return math.prod(self.shape)

    @property
    def is_source(self) -> bool:
        """Whether the population only emits the spikes it is given."""
        return isinstance(self.neuron, SpikeSource)

    @property
    def model(self) -> NeuronModel:
        """The neuron's equations; an error for a spike source."""
        if isinstance(self.neuron, SpikeSource):
            raise SpecError("a spike source has no equations", where=f"population {self.name!r}")
        return self.neuron

    @property
    def differs_within_channels(self) -> bool:
        """Whether a parameter has one value per neuron."""
        return any(np.ndim(value) == 3 for value in self.parameters.values())

    def values(self) -> dict[str, NDArray[np.float64]]:
        """Every parameter of the model, one value per channel (channels,).

        Where any parameter differs within a channel, all have one value per neuron (neurons,).
        """
        sets = self.size if self.differs_within_channels else self.shape[0]
        return {
            name: self.spread(self.parameters.get(name, parameter.default), sets)
            for name, parameter in self.model.parameters.items()
        }

    def channel_values(self, name: str) -> NDArray[np.float64]:
        """A parameter that is the same for all neurons of a channel (channels,).

        Raises
        ------
        SpecError
            If it differs within channels.
        """
        value = self.parameters.get(name, self.model.parameters[name].default)
        if np.ndim(value) == 3 and self.size > self.shape[0]:
            raise SpecError(
                f"{name!r} differs from neuron to neuron, and one value per channel is needed",
                where=f"population {self.name!r}.parameters.{name}",
            )
        return self.spread(value, self.shape[0])

    def spread(self, value: float | NDArray[np.float64], sets: int) -> NDArray[np.float64]:
        """One value per channel or per neuron, from one for all, per channel or per neuron."""
        array = np.asarray(value, dtype=float)
        if array.ndim == 0:
            return np.broadcast_to(array, (sets,))
        flat = array.ravel()
        return flat if len(flat) == sets else np.repeat(flat, sets // len(flat))


@dataclass(frozen=True, eq=False)
class Projection:
    """Connections from one population to another, or to itself.

    Parameters
    ----------
    pre, post : str
        Names of the populations.
    connector : KernelConnector
        Owns the initial kernel, or the weights of single connections, which have no unit.
    weight : float or str
        What a kernel element of 1 adds to the receptor's variable, in that variable's unit (nA for
        a current, mV for a membrane jump).
    delay : float or str
        In ms, at least one step. The lags of a kernel in space and time come on top of it.
    receptor : str
        One of the postsynaptic model's receptors.
    plasticity : SharedSTDP, TripletSTDP or TraceRule, optional
    name : str, optional
        ``"<pre>_<post>"`` if not given.
    """

    pre: str
    post: str
    connector: KernelConnector
    weight: float = 1.0
    delay: float = 1.0
    receptor: str = "excitatory"
    plasticity: LearningRule | None = None
    name: str = ""

    def __post_init__(self) -> None:
        check_name(self.pre, "projection.pre")
        check_name(self.post, "projection.post")
        object.__setattr__(self, "name", self.name or f"{self.pre}_{self.post}")
        check_name(self.name, "projection.name")
        where = f"projection {self.name!r}"
        if not isinstance(self.connector, KernelConnector):
            raise SpecError(
                f"{reprlib.repr(self.connector)} is not a connector of layers; use one of"
                " scnnbio.connectors, such as a ConvolutionConnector, a DenseConnector or an"
                " EdgeListConnector",
                where=f"{where}.connector",
            )
        if self.connector.delay is not None:
            raise SpecError(
                "the connector has a delay of its own; give it to the projection",
                where=f"{where}.delay",
            )
        if not isinstance(self.plasticity, LearningRule | None):
            raise SpecError(
                f"{reprlib.repr(self.plasticity)} is not a learning rule; use SharedSTDP,"
                " TripletSTDP or TraceRule",
                where=f"{where}.plasticity",
            )
        object.__setattr__(self, "delay", plain(self.delay, "ms", where=f"{where}.delay"))
        if self.delay <= 0:
            raise SpecError(f"{self.delay} ms is not positive", where=f"{where}.delay")
        if self.plasticity is not None and not self.connector.learnable:
            raise SpecError(
                f"a {type(self.connector).__name__} {self.connector.why_fixed}; use a"
                " ConvolutionConnector, or leave the plasticity out",
                where=f"{where}.plasticity",
            )

    @property
    def kernel(self) -> NDArray[np.float64]:
        """The initial kernel (out, in, row, column) or (out, in, row, column, lag).

        Of a connector that shares no weights, all of them, in its shape.
        """
        return self.connector.kernel

    @property
    def delays(self) -> tuple[float, ...]:
        """Delay of each lag of the connector in ms, increasing; one where it has no lags."""
        return tuple(self.delay + lag for lag in self.connector.lags or (0.0,))


@dataclass(frozen=True, eq=False)
class Network:
    """Populations and projections, checked against one another.

    Parameters
    ----------
    populations : sequence of Population
    projections : sequence of Projection

    Raises
    ------
    SpecError
        If names repeat, a projection points at nothing, shapes do not fit, a receptor is missing,
        or a weight has the wrong unit.
    """

    populations: tuple[Population, ...]
    projections: tuple[Projection, ...]

    def __post_init__(self) -> None:
        kinds: dict[str, type[Population | Projection]]
        kinds = {"populations": Population, "projections": Projection}
        # Populations and projections share one set of names: weights are filed under them.
        names: set[str] = set()
        for label, kind in kinds.items():
            members = tuple(getattr(self, label))
            object.__setattr__(self, label, members)
            for member in members:
                if not isinstance(member, kind):
                    raise SpecError(f"{member!r} is not a {kind.__name__}", where=label)
                if member.name in names:
                    raise SpecError(f"the name {member.name!r} is used twice", where=label)
                names.add(member.name)
        object.__setattr__(self, "projections", tuple(map(self._checked, self.projections)))

    def _checked(self, projection: Projection) -> Projection:
        """The projection, its weight in the unit of the receptor, which only the network knows."""
        where = f"projection {projection.name!r}"
        pre, post = self._end(projection.pre, where), self._end(projection.post, where)
        connector = projection.connector
        for end, expected in ((pre, connector.in_shape), (post, connector.out_shape)):
            if end.shape != tuple(expected):
                raise SpecError(
                    f"population {end.name!r} has shape {end.shape}, but the connector needs"
                    f" {tuple(expected)}",
                    where=where,
                )
        if post.is_source:
            raise SpecError(f"{post.name!r} is a spike source and takes no input", where=where)
        receptors = post.model.receptors
        if not isinstance(projection.receptor, str) or projection.receptor not in receptors:
            raise SpecError(
                f"{post.neuron.name} has no receptor {projection.receptor!r}; it has"
                f" {', '.join(receptors) or 'none'}",
                where=where,
            )
        if projection.plasticity is not None:
            try:
                projection.plasticity.check_kernel(projection.kernel, connector.present)
            except SpecError as error:
                place = ".".join(filter(None, [where, error.where]))
                raise SpecError(error.message, where=place) from None
        unit = post.model.unit_of(receptors[projection.receptor])
        weight = plain(projection.weight, unit, where=f"{where}.weight")
        return dataclasses.replace(projection, weight=weight)

    def _end(self, name: str, where: str) -> Population:
        for population in self.populations:
            if population.name == name:
                return population
        known = ", ".join(p.name for p in self.populations) or "none"
        raise SpecError(f"there is no population {name!r}; there are {known}", where=where)

    def population(self, name: str) -> Population:
        """The population of that name."""
        return self._end(name, "network")

    def projection(self, name: str) -> Projection:
        """The projection of that name."""
        for projection in self.projections:
            if projection.name == name:
                return projection
        known = ", ".join(p.name for p in self.projections) or "none"
        raise SpecError(f"there is no projection {name!r}; there are {known}", where="network")

    def into(self, name: str) -> tuple[Projection, ...]:
        """Projections that end in a population, in the order of the network."""
        return tuple(p for p in self.projections if p.post == name)

    @property
    def sources(self) -> tuple[Population, ...]:
        """The populations that only emit what they are given."""
        return tuple(p for p in self.populations if p.is_source)

    @property
    def learns(self) -> bool:
        """Whether any projection or threshold is plastic."""
        return any(p.plasticity for p in self.projections) or any(
            p.homeostasis for p in self.populations
        )

    def with_weights(self, weights: Mapping[str, ArrayLike]) -> Network:
        """The same network with other kernels and shared thresholds.

        Parameters
        ----------
        weights : mapping of str to array
            Kernels by projection, in the shape of the connector's, and thresholds (channels,) in
            mV by population, as :attr:`Run.weights` holds them.

        Returns
        -------
        Network

        Raises
        ------
        SpecError
            If a name is neither a projection nor a population with a shared threshold.
        """
        known = {p.name for p in self.projections}
        known |= {p.name for p in self.populations if p.homeostasis}
        unknown = set(weights) - known
        if unknown:
            raise SpecError(f"{sorted(unknown)[0]!r} has no weights", where="network.with_weights")
        projections = tuple(
            dataclasses.replace(
                p, connector=p.connector.with_kernel(np.asarray(weights[p.name], dtype=float))
            )
            if p.name in weights
            else p
            for p in self.projections
        )
        populations = tuple(
            dataclasses.replace(
                p, parameters={**p.parameters, p.homeostasis.parameter: np.asarray(weights[p.name])}
            )
            if p.name in weights and p.homeostasis
            else p
            for p in self.populations
        )
        return Network(populations, projections)

    def without_plasticity(self) -> Network:
        """The same network with every kernel and threshold fixed; what silences still does."""
        return Network(
            tuple(
                dataclasses.replace(p, homeostasis=None, competition=_of_firing(p.competition))
                for p in self.populations
            ),
            tuple(dataclasses.replace(p, plasticity=None) for p in self.projections),
        )

    def digest(self) -> str:
        """Hexadecimal digest of everything that the network computes with."""
        document = {
            "populations": [_plain_fields(p) for p in self.populations],
            "projections": [_plain_fields(p) for p in self.projections],
        }
        text = json.dumps(document, sort_keys=True, default=_jsonable)
        return hashlib.sha256(text.encode()).hexdigest()


def _shape(value: Any, where: str) -> Shape:
    try:
        channels, rows, columns = (operator.index(n) for n in value)
    except (TypeError, ValueError):
        channels = rows = columns = 0
    if min(channels, rows, columns) < 1:
        raise SpecError(
            f"shape {reprlib.repr(value)} is not three positive numbers (channel, row, column)",
            where=where,
        )
    if channels * rows * columns > _MOST_NEURONS:
        raise SpecError(
            f"shape {reprlib.repr(value)} is of more than {_MOST_NEURONS:,} neurons, which is as"
            " far as they are numbered; make it smaller",
            where=where,
        )
    return channels, rows, columns


def _of_firing(competition: WinnerTakeAll | None) -> WinnerTakeAll | None:
    """What is left of a competition where nothing learns."""
    return competition if competition is not None and competition.silence else None


def _plain_fields(value: Any) -> dict[str, object]:
    found = {item.name: getattr(value, item.name) for item in dataclasses.fields(value)}
    if isinstance(value, Population) and not value.initial:
        del found["initial"]  # as before there were any
    return found


def _jsonable(value: object) -> object:
    if isinstance(value, KernelConnector):
        return value.digest()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Mapping):
        return dict(value)
    if dataclasses.is_dataclass(value):
        return _plain_fields(value)
    raise TypeError(f"{type(value).__name__} has no digest")
