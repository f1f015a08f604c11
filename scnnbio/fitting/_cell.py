"""A neuron that is to be fitted: its free parameters, their bounds, and its current port."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from scnnbio.errors import SpecError, hint
from scnnbio.neurons import LIBRARY, NeuronModel, Parameter
from scnnbio.neurons.integrator import exact_states
from scnnbio.neurons.ports import ports
from scnnbio.neurons.whitelist import check_expression
from scnnbio.units import In, plain

Array = NDArray[np.float64]

#: A positive parameter without declared ends is searched from its default divided by this, to its
#: default times this.
_FACTOR = 30.0
#: Half of the range that is searched around the default of an unlimited parameter in mV.
_POTENTIALS = 30.0
#: A threshold in mV that no potential reaches.
_UNREACHED = 1e9
#: Least share of a range by which a value differs from the end of it.
_AT_END = 0.005


@dataclasses.dataclass(frozen=True)
class Free:
    """A free parameter and where it is searched.

    Parameters
    ----------
    name : str
    unit : str
    low, high : float
        In its unit.
    logarithmic : bool
        Whether equal ratios are equally likely at the beginning of the search.
    """

    name: str
    unit: str
    low: Annotated[float, In(None)]
    high: Annotated[float, In(None)]
    logarithmic: bool

    def value(self, place: Array) -> Array:
        """Values at places from 0, the low end, to 1, the high end."""
        if self.logarithmic:
            return np.asarray(self.low * (self.high / self.low) ** place)
        return np.asarray(self.low + (self.high - self.low) * place)

    def place(self, value: Annotated[float, In(None)]) -> float:
        """Place of a value, from 0 to 1; that of the nearest end if it is outside."""
        inside = min(max(plain(value, self.unit, where=self.name), self.low), self.high)
        if self.logarithmic:
            return math.log(inside / self.low) / math.log(self.high / self.low)
        return (inside - self.low) / (self.high - self.low)

    def at_end(self, value: Annotated[float, In(None)]) -> bool:
        """Whether a value is at an end of the range, so that a better one may be outside."""
        place = self.place(value)
        return min(place, 1.0 - place) < _AT_END


def chosen(model: NeuronModel | str) -> NeuronModel:
    """The neuron itself, or that of a name of the library.

    Raises
    ------
    SpecError
        If there is none of that name, or it has no membrane potential ``v``.
    """
    if isinstance(model, str):
        if model not in LIBRARY:
            raise SpecError(f"there is no neuron {model!r}; {hint(model, LIBRARY)}", where="model")
        model = LIBRARY[model]
    if not isinstance(model, NeuronModel):
        raise SpecError(f"{model!r} is not a NeuronModel", where="model")
    if "v" not in {s.name for s in model.states} or model.unit_of("v") != "mV":
        raise SpecError(
            f"{model.name} has no potential 'v' to compare with a recording", where="model"
        )
    return model


def isolated(model: NeuronModel) -> NeuronModel:
    """The neuron without the states that only arriving spikes move, which stay at zero.

    Parameters
    ----------
    model : NeuronModel

    Returns
    -------
    NeuronModel
        Synaptic currents and conductances are parameters of value 0. All else is the same.

    Examples
    --------
    >>> [state.name for state in isolated(LIBRARY["LIF"]).states]
    ['v']
    """
    silent = _silent(model)
    lines = [
        line
        for line in model.equations.splitlines()
        if line.strip() and line.split("/dt")[0].strip()[1:] not in silent
    ]
    zeros = {name: Parameter(0.0, model.unit_of(name)) for name in silent}
    return dataclasses.replace(
        model,
        equations="\n".join(lines),
        parameters={**model.parameters, **zeros},
        receptors={r: state for r, state in model.receptors.items() if state not in silent},
    )


def _silent(model: NeuronModel, before_spikes: bool = False) -> list[str]:
    """States that start at zero and stay there, unless a spike arrives (or the neuron fires)."""
    import sympy

    moved = {*model.initial, "v"}
    if not before_spikes:
        moved |= {name for name, _, _ in model.resets}
    silent, rates = [s.name for s in model.states if s.name not in moved], model.sympy()
    while True:
        zero = {sympy.Symbol(name, real=True): 0 for name in silent}
        still = [name for name in silent if rates[name].subs(zero) == 0]
        if still == silent:
            return silent
        silent = still


def before_spikes(model: NeuronModel) -> frozenset[str]:
    """Parameters on which the potential depends until the first spike.

    Parameters
    ----------
    model : NeuronModel

    Returns
    -------
    frozenset of str
        Empty unless the neuron is linear: without its spikes, the potential of others runs away.

    Examples
    --------
    >>> sorted(before_spikes(LIBRARY["GLIF4"]))
    ['cm', 'tau_m', 'v_rest']
    """
    import sympy

    if "v" not in exact_states(isolated(model)):
        return frozenset()
    zero = {sympy.Symbol(name, real=True): 0 for name in _silent(model, before_spikes=True)}
    rates = {name: rate.subs(zero) for name, rate in model.sympy().items()}
    reached, named = {"v"}, set[str]()
    while True:
        named = {str(s) for name in reached for s in rates[name].free_symbols}
        further = reached | (named & set(rates))
        if further == reached:
            break
        reached = further
    named |= {p for state, p in model.initial.items() if state in reached - {"v"}}
    return frozenset(named & set(model.parameters)) - {*ports_in_nanoampere(model)}


def never_firing(model: NeuronModel) -> NeuronModel:
    """The neuron with a threshold that no potential reaches."""
    name = "v_unreached"
    while name in model.parameters or name in {s.name for s in model.states}:
        name += "_"
    return dataclasses.replace(
        model,
        threshold=f"v >= {name}",
        parameters={**model.parameters, name: Parameter(_UNREACHED, "mV")},
    )


def ports_in_nanoampere(model: NeuronModel) -> list[str]:
    """Parameters to which a current can be added."""
    return [name for name, parameter in ports(model).items() if parameter.unit == "nA"]


def effective(model: NeuronModel) -> frozenset[str]:
    """Parameters on which the response to an injected current depends.

    Parameters
    ----------
    model : NeuronModel

    Returns
    -------
    frozenset of str
    """
    import sympy

    zero = {sympy.Symbol(name, real=True): 0 for name in _silent(model)}
    named = {str(s) for rate in model.sympy().values() for s in rate.subs(zero).free_symbols}
    named |= check_expression(model.threshold) | {model.refractory or ""}
    named |= {p for state, p in model.initial.items() if state != "v"}
    for _, _, text in model.resets:
        named |= check_expression(text)
    return frozenset(named & set(model.parameters))


def current_port(model: NeuronModel, name: str = "") -> str:
    """The parameter to which the injected current is added.

    Parameters
    ----------
    model : NeuronModel
    name : str
        Of a port in nA; empty for ``i_offset``, or the only one.

    Raises
    ------
    SpecError
        If there is none of that name, or none or several without ``i_offset``.
    """
    known = ports_in_nanoampere(model)
    if name:
        if name not in known:
            said = hint(name, known, "it has")
            raise SpecError(f"{model.name} has no port {name!r} in nA; {said}", where="port")
        return name
    if "i_offset" in known or len(known) == 1:
        return "i_offset" if "i_offset" in known else known[0]
    raise SpecError(
        f"{model.name} has {len(known)} parameters to which a current can be added"
        f" ({', '.join(known) or 'none'}); name one",
        where="port",
    )


def free_parameters(
    model: NeuronModel,
    names: Sequence[str],
    bounds: Mapping[str, Any],
    fixed: Mapping[str, Any],
    largest_current: Annotated[float, In("nA")],
) -> tuple[Free, ...]:
    """Free parameters with their bounds.

    Parameters
    ----------
    model : NeuronModel
    names : sequence of str
    bounds : mapping of str to (low, high)
        Replace the ends that follow from the declared range and the default.
    fixed : mapping of str to value
        Parameters that replace defaults; none of them may be free.
    largest_current : float
        Largest injected current (nA).

    Returns
    -------
    tuple of Free

    Raises
    ------
    SpecError
        If a name is unknown, given twice, fixed, or without effect, or bounds are not an interval
        within the declared range.
    """
    if isinstance(names, str) or not names:
        raise SpecError("name at least one parameter to fit, such as ['tau_m']", where="free")
    known, matter = model.parameters, effective(model)
    largest = plain(largest_current, "nA", where="largest_current")
    for name in (*names, *bounds, *fixed):
        if name not in known:
            said = hint(str(name), sorted(known), "it has")
            raise SpecError(f"{model.name} has no parameter {name!r}; {said}", where="free")
    for name in bounds:
        if name not in names:
            raise SpecError("has bounds but is not free", where=f"bounds.{name}")
    found = []
    for name in names:
        if list(names).count(name) > 1 or name in fixed:
            why = "fixed as well as free" if name in fixed else "given twice"
            raise SpecError(f"is {why}", where=f"free.{name}")
        if name not in matter:
            raise SpecError(
                f"the response of {model.name} to an injected current does not depend on it; leave"
                " it out",
                where=f"free.{name}",
            )
        found.append(_free(name, known[name], bounds.get(name), largest))
    return tuple(found)


def _free(name: str, parameter: Parameter, given: Any, largest: float) -> Free:
    low, high = _searched(parameter, largest)
    if given is not None:
        try:
            first, last = given
        except (TypeError, ValueError):
            raise SpecError(
                f"{given!r} is not a pair of values, low and high", where=f"bounds.{name}"
            ) from None
        low, high = (parameter.check(end, f"bounds.{name}") for end in (first, last))
    if not low < high:
        raise SpecError(
            f"{low:g} is not below {high:g} {parameter.unit}; give a low and a high end",
            where=f"bounds.{name}",
        )
    # Where zero is excluded, or a default and its range are of one sign.
    logarithmic = low > 0 and parameter.bounds[0] >= 0
    return Free(name, parameter.unit, low, high, logarithmic)


def _searched(parameter: Parameter, largest: float) -> tuple[float, float]:
    """Ends from the declared range, else from the default."""
    low, high = parameter.bounds
    size = abs(parameter.default)
    if low >= 0 and size > 0:
        # Open or closed at zero: times, capacitances.
        wide = size / _FACTOR, size * _FACTOR
    else:
        reach = {"mV": _POTENTIALS, "nA": max(largest, size), "1": max(1.0, size)}
        half = reach.get(parameter.unit, size or 1.0)
        wide = parameter.default - half, parameter.default + half
    return max(low, wide[0]), min(high, wide[1])
