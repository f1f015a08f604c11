"""Ports: parameters of a neuron that an input can change in time, such as an injected current.

A port is a parameter in nA, uS or mV in the equations. A driven port is a state variable that
only the input sets, with a derivative of zero: ``di_offset/dt = 0 : amp``. It is therefore constant
within a step, and a method that is exact for a constant current is exact for a piecewise constant
one.
"""

from __future__ import annotations

import dataclasses
import functools

from scnnbio.errors import SpecError, hint
from scnnbio.neurons.model import NeuronModel
from scnnbio.neurons.variables import Parameter
from scnnbio.neurons.whitelist import check_expression
from scnnbio.units import BRIAN2_NAMES, dimension

#: Units of ports: of a current, a conductance or a potential.
PORT_UNITS = ("nA", "uS", "mV")


@functools.lru_cache(maxsize=64)
def ports(model: NeuronModel) -> dict[str, Parameter]:
    """The parameters of a neuron that an input can change in time.

    Parameters
    ----------
    model : NeuronModel

    Returns
    -------
    dict of str to Parameter
        Those in nA, uS or mV that an equation names, that no state starts from, and that neither
        the threshold nor the reset uses.

    Examples
    --------
    >>> from scnnbio.neurons import LIF
    >>> sorted(ports(LIF))
    ['i_offset']
    """
    named = set().union(*(check_expression(state.rate) for state in model.states))
    fixed = {*model.initial.values(), *check_expression(model.threshold)}
    fixed |= set().union(*(check_expression(text) for _, _, text in model.resets))
    return {
        name: parameter
        for name, parameter in model.parameters.items()
        if name in named - fixed and parameter.unit in PORT_UNITS
    }


def port(model: NeuronModel, name: str, where: str) -> Parameter:
    """The port of that name.

    Raises
    ------
    SpecError
        If the neuron has none of that name.
    """
    known = ports(model)
    if name not in known:
        said = hint(str(name), sorted(known), "it has") if known else "it has none"
        raise SpecError(
            f"{model.name} has no port {name!r}, a parameter in {', '.join(PORT_UNITS)} that its"
            f" equations name; {said}",
            where=where,
        )
    return known[name]


@functools.lru_cache(maxsize=64)
def driven(model: NeuronModel, names: tuple[str, ...]) -> NeuronModel:
    """The neuron with the ports of these names as states that only an input changes.

    Parameters
    ----------
    model : NeuronModel
    names : tuple of str
        Some of :func:`ports`.

    Returns
    -------
    NeuronModel

    Examples
    --------
    >>> from scnnbio.neurons import LIF
    >>> driven(LIF, ("i_offset",)).states[-1].name
    'i_offset'
    """
    lines = [
        f"d{name}/dt = 0 : {BRIAN2_NAMES[dimension(model.parameters[name].unit)]}\n"
        for name in names
    ]
    return dataclasses.replace(
        model,
        equations="".join([model.equations.rstrip("\n"), "\n", *lines]),
        parameters={n: p for n, p in model.parameters.items() if n not in names},
    )


def described(model: NeuronModel, known: NeuronModel | None) -> NeuronModel:
    """The known neuron, if :func:`driven` made the model of it; else the model itself."""
    if known is None:
        return model
    names = tuple(s.name for s in model.states if s.name in known.parameters)
    return known if names and driven(known, names) == model else model
