"""A population: neurons of one model on a grid, with parameters and initial values."""

from __future__ import annotations

import math
import operator
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from scnnbio._html import short, sized
from scnnbio.distributions import per_neuron
from scnnbio.errors import SpecError, hint
from scnnbio.neurons.model import NeuronModel
from scnnbio.neurons.noise import Noise
from scnnbio.neurons.parsing import check_name, sides
from scnnbio.neurons.variables import Parameter
from scnnbio.plasticity import SharedThreshold, WinnerTakeAll
from scnnbio.units import Degrees, In, is_several, plain, plain_array
from scnnbio.values import FrozenTable, Value, fields_of

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class SpikeSource(Value):
    """Neurons that emit given spikes: the layer that an encoding or another input drives."""

    name: str = "SpikeSource"


@dataclass(frozen=True)
class ValueSource(Value):
    """A source of values, such as the pixels of an image; it fires no spikes.

    A projection from them brings each neuron a current, or what its port takes: the sum of weight
    times value.
    """

    name: str = "ValueSource"


#: Neurons of a population are numbered in 32 bits, in recordings as in simulators.
_MOST_NEURONS = 2**31 - 1


@dataclass(frozen=True, eq=False)
class Population(Value):
    """A layer of neurons of one model on a grid.

    Parameters
    ----------
    name : str
        By which projections, stages and recordings refer to it.
    shape : tuple of int
        (channel, row, column); neurons are numbered in C order.
    neuron : NeuronModel, SpikeSource or ValueSource
        The model of every neuron, or what an input drives.
    parameters : mapping of str to float, str, array or Distribution, optional
        Values that replace the model's defaults, in the model's units: one for all neurons, one
        per channel (channels,), or one per neuron, as an array (channel, row, column) or drawn
        from a :class:`~scnnbio.distributions.Distribution` when the population is made.
    field_of_view : float, optional
        Side of the layer's grid in degrees of visual angle.
    homeostasis : SharedThreshold, optional
        A threshold that the neurons of each channel share and that learning changes.
    competition : WinnerTakeAll, optional
        Which neurons may learn in a trial, and which may fire.
    noise : tuple of Noise, optional
        Background noise of each neuron: :class:`~scnnbio.neurons.PoissonNoise` or
        :class:`~scnnbio.neurons.OrnsteinUhlenbeckNoise`, one or several.
    initial : mapping of str to float, str, array or Distribution, optional
        State variable → initial value, in place of the model's, in the same forms as parameters.

    Raises
    ------
    SpecError
        If a parameter is unknown, has the wrong unit or number of values, is outside its range, or
        a rule could move it out of that range; if a conductance is initially negative; or if
        the neuron lacks a threshold that a rule needs.
    """

    name: str
    shape: Shape
    neuron: NeuronModel | SpikeSource | ValueSource
    parameters: Mapping[str, Annotated[float | NDArray[np.float64], In(None)]] = field(
        default_factory=dict
    )
    field_of_view: Degrees | None = None
    homeostasis: SharedThreshold | None = None
    competition: WinnerTakeAll | None = None
    initial: Mapping[str, Annotated[float | NDArray[np.float64], In(None)]] = field(
        default_factory=dict
    )
    noise: tuple[Noise, ...] = ()

    def __post_init__(self) -> None:
        check_name(self.name, "population.name")
        where = f"population {self.name!r}"
        shape = _shape(self.shape, where)
        object.__setattr__(self, "shape", shape)
        if not isinstance(self.neuron, NeuronModel | SpikeSource | ValueSource):
            raise SpecError(
                f"{reprlib.repr(self.neuron)} is not a NeuronModel, a SpikeSource or a ValueSource",
                where=f"{where}.neuron",
            )
        if not isinstance(self.parameters, Mapping):
            raise SpecError(
                f"{reprlib.repr(self.parameters)} is not a mapping of names to values",
                where=f"{where}.parameters",
            )
        if self.field_of_view is not None:
            degrees = plain(self.field_of_view, "deg", where=f"{where}.field_of_view")
            if degrees <= 0:
                raise SpecError(f"{degrees} deg is not positive", where=f"{where}.field_of_view")
            object.__setattr__(self, "field_of_view", degrees)
        values = {name: self._checked(name, v, where) for name, v in self.parameters.items()}
        object.__setattr__(self, "parameters", FrozenTable(values))
        object.__setattr__(self, "initial", FrozenTable(self._checked_initial(where)))
        if isinstance(self.neuron, NeuronModel):
            self._check_conductances(self.neuron, where)
        object.__setattr__(self, "noise", self._checked_noise(f"{where}.noise"))
        if self.homeostasis is not None:
            self._check_homeostasis(self.homeostasis, where)
        if self.competition is not None:
            self._check_competition(f"{where}.competition")

    def _checked_noise(self, where: str) -> tuple[Noise, ...]:
        """Every noise, in the units of the neuron."""
        given = self.noise if isinstance(self.noise, list | tuple) else (self.noise,)
        for noise in given:
            if not isinstance(noise, Noise):
                raise SpecError(
                    f"{reprlib.repr(noise)} is neither a PoissonNoise nor an"
                    " OrnsteinUhlenbeckNoise",
                    where=where,
                )
        if given and self.is_source:
            raise SpecError("a source gives what it is given and has no noise", where=where)
        several = len(given) > 1
        return tuple(
            noise.checked(self.model, f"{where}[{k}]" if several else where)
            for k, noise in enumerate(given)
        )

    def canonical_fields(self) -> dict[str, Any]:
        """Content; a population without noise is what it was before there was any."""
        fields = fields_of(self)
        return fields if self.noise else {n: v for n, v in fields.items() if n != "noise"}

    def _check_homeostasis(self, rule: SharedThreshold, where: str) -> None:
        if self.is_source:
            raise SpecError("a source has no threshold to adapt", where=where)
        moved = self._known(rule.parameter, f"{where}.parameters.{rule.parameter}")
        path = f"{where}.homeostasis.parameter"
        if moved.unit != "mV":
            raise SpecError(
                f"{rule.parameter!r} is in {moved.unit}, but a shared threshold is in mV",
                where=path,
            )
        low, high = moved.bounds
        if high < math.inf or (low > -math.inf and rule.minimum is None):
            remedy = "name another parameter" if high < math.inf else "set homeostasis.minimum"
            raise SpecError(
                f"{rule.parameter!r} must stay in {moved.range} mV, but the rule can move it out;"
                f" {remedy}",
                where=path,
            )
        if rule.minimum is not None:
            moved.check(rule.minimum, f"{where}.homeostasis.minimum")
        if np.ndim(self.parameters.get(rule.parameter, 0.0)) == 3:
            raise SpecError(
                "a shared threshold begins with one value per channel, not per neuron",
                where=f"{where}.parameters.{rule.parameter}",
            )
        rule.fall(self.shape[0], 1.0)

    def _check_competition(self, where: str) -> None:
        if not isinstance(self.competition, WinnerTakeAll):
            raise SpecError(f"{reprlib.repr(self.competition)} is not a WinnerTakeAll", where=where)
        if self.is_source:
            raise SpecError(
                "a source emits given spikes or values, so it cannot compete", where=where
            )
        try:
            sides(self.model.threshold)
        except SpecError as error:
            raise SpecError(
                f"{error.message}, and competition needs to know by how much it is crossed; write"
                " it like 'v >= v_thresh'",
                where=where,
            ) from None

    def _check_conductances(self, model: NeuronModel, where: str) -> None:
        """Raise if a conductance is initially negative."""
        for state in model.states:
            if model.unit_of(state.name) != "uS":
                continue
            named = model.initial.get(state.name)
            given = {f"{where}.initial.{state.name}": self.initial.get(state.name)}
            if named is not None and state.name not in self.initial:
                given = {f"{where}.parameters.{named}": self.values()[named]}
            for path, value in given.items():
                least = 0.0 if value is None else float(np.min(value))
                if least < 0:
                    raise SpecError(
                        f"the conductance {state.name!r} begins at {least:g} uS, but must not be"
                        " negative; give 0 or more",
                        where=path,
                    )

    def _known(self, name: str, path: str) -> Parameter:
        """The neuron's parameter of that name."""
        known = self.neuron.parameters if isinstance(self.neuron, NeuronModel) else {}
        if name not in known:
            raise SpecError(
                f"{self.neuron.name} has no parameter {name!r};"
                f" {hint(name, sorted(known), 'it has')}",
                where=path,
            )
        return known[name]

    def _checked(self, name: str, value: Any, where: str) -> float | NDArray[np.float64]:
        path = f"{where}.parameters.{name}"
        parameter = self._known(name, path)
        found = self._values(value, parameter.unit, name, path)
        if isinstance(found, float):
            return parameter.check(found, path)
        for extreme in (
            found.argmin(),
            found.argmax(),
        ):  # the extremes decide, since a range is an interval
            place = np.unravel_index(extreme, found.shape)
            parameter.check(float(found[place]), f"{path}[{', '.join(map(str, place))}]")
        return found

    def _checked_initial(self, where: str) -> dict[str, float | NDArray[np.float64]]:
        if not isinstance(self.initial, Mapping):
            raise SpecError(
                f"{reprlib.repr(self.initial)} is not a mapping of names to values",
                where=f"{where}.initial",
            )
        states = self.neuron.states if isinstance(self.neuron, NeuronModel) else ()
        known = [state.name for state in states]
        values: dict[str, float | NDArray[np.float64]] = {}
        for name, value in self.initial.items():
            path = f"{where}.initial.{name}"
            if name not in known:
                raise SpecError(
                    f"{self.neuron.name} has no state variable {name!r};"
                    f" {hint(name, known, 'it has')}",
                    where=path,
                )
            unit = self.model.unit_of(name)
            values[name] = self._values(value, unit, f"initial.{name}", path)
        return values

    def _values(self, value: Any, unit: str, name: str, path: str) -> float | NDArray[np.float64]:
        """One number, or one per channel (channels,) or per neuron (channel, row, column)."""
        each = per_neuron(value, self.shape, unit, f"{self.name}.{name}", path)
        if each is not None:
            return each
        if not is_several(value):
            return plain(value, unit, where=path)
        array = plain_array(value, unit, where=path).copy()
        if array.shape != self.shape[:1]:
            raise SpecError(
                f"{array.size} values for {self.shape[0]} channels; give one value, one per"
                " channel, or one per neuron in the shape of the layer",
                where=path,
            )
        array.flags.writeable = False
        return array

    def __repr__(self) -> str:
        shape = sized(self.shape)
        values = {**self.parameters, **{f"initial {k}": v for k, v in self.initial.items()}}
        named = "".join(f", {name}={short(value)}" for name, value in values.items())
        named += f", noise={short(self.noise)}" if self.noise else ""
        return f"Population({self.name!r}, {shape}, {short(self.neuron.name)}{named})"

    @property
    def size(self) -> int:
        """Number of neurons."""
        return math.prod(self.shape)

    @property
    def is_source(self) -> bool:
        """Whether the population is a source, which emits given spikes or values."""
        return not isinstance(self.neuron, NeuronModel)

    @property
    def gives_values(self) -> bool:
        """Whether it is a source of values, not of spikes."""
        return isinstance(self.neuron, ValueSource)

    @property
    def model(self) -> NeuronModel:
        """The neuron's equations; raises a SpecError for a source."""
        if not isinstance(self.neuron, NeuronModel):
            raise SpecError("a source has no equations", where=f"population {self.name!r}")
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
            name: spread(self.parameters.get(name, parameter.default), sets)
            for name, parameter in self.model.parameters.items()
        }

    def channel_values(self, name: str) -> NDArray[np.float64]:
        """Values (channels,) of a parameter that is the same for all neurons of a channel.

        Raises
        ------
        SpecError
            If it differs within channels.
        """
        value = self.parameters.get(name, self.model.parameters[name].default)
        if np.ndim(value) == 3 and self.size > self.shape[0]:
            raise SpecError(
                f"{name!r} differs between neurons of a channel; give one value per channel",
                where=f"population {self.name!r}.parameters.{name}",
            )
        return spread(value, self.shape[0])

    def common_value(self, name: str) -> float:
        """Value of a parameter that all neurons share, as closed forms of one neuron need it.

        Raises
        ------
        SpecError
            If neurons differ in it.
        """
        value = np.asarray(self.parameters.get(name, self.model.parameters[name].default))
        if (value != value.flat[0]).any():
            raise SpecError(
                f"{name!r} differs between neurons, and this is the closed form of one; give all"
                " the same value",
                where=f"population {self.name!r}.parameters.{name}",
            )
        return float(value.flat[0])


def spread(value: float | NDArray[np.float64], sets: int) -> NDArray[np.float64]:
    """Repeat one value, or one per channel, to ``sets`` values: one per channel or neuron."""
    array = np.asarray(value, dtype=float)
    if array.ndim == 0:
        return np.broadcast_to(array, (sets,))
    flat = array.ravel()
    return flat if len(flat) == sets else np.repeat(flat, sets // len(flat))


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
            f"shape {reprlib.repr(value)} has more than {_MOST_NEURONS:,} neurons, the most that"
            " 32-bit numbers allow; make it smaller",
            where=where,
        )
    return channels, rows, columns
