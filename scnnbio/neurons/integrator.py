r"""One step of a neuron as text: what is linear exactly, the rest by exponential Euler.

The states whose equations are linear, with constant coefficients, in one another alone (synapses,
traces; all states of a linear neuron) go by the exact propagator. Every other state x, with rate f
and slope :math:`a = \partial f / \partial x`, goes by

.. math:: x(t + dt) = x + dt\, f \operatorname{exprel}(a\, dt), \quad
    \operatorname{exprel}(y) = (e^y - 1)/y,

with all other states as they were at t. Where f = a x + b this is
:math:`x e^{a\,dt} + (b/a)(e^{a\,dt} - 1)`, the exponential Euler step of Brian2, without a special
case at a = 0. Where f is curved (v², exp(v)) the slope at x is taken: the exponential
Rosenbrock-Euler step of one variable. The order is 1 in either case, since the other states are
frozen over the step. Every backend can evaluate the text as it stands, so all take the same step.

A rate without a derivative in its own state, such as ``sign(v)`` or ``floor(v)`` in dv/dt, is
refused. So large a positive slope that exp(a dt) overflows, far up an upstroke, gives an infinite
potential: let the threshold end the upstroke before (AdEx: ``v_spike`` = -40 mV).

References
----------
Rotter & Diesmann 1999, Biol Cybern 81:381 (exact integration); MacGregor 1987, Neural and Brain
Modeling (exponential Euler); Hochbruck & Ostermann 2010, Acta Numerica 19:209 (Rosenbrock-type).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scnnbio.errors import SpecError
from scnnbio.neurons.algebra import linear_system, propagator
from scnnbio.neurons.coherence import per_ms
from scnnbio.neurons.model import NeuronModel, StateVariable
from scnnbio.neurons.parsing import check_expression

if TYPE_CHECKING:
    import sympy


@dataclass(frozen=True)
class Update:
    """The value of a state variable after a step.

    Parameters
    ----------
    state : str
    expression : str
        In plain units, naming states at the step's beginning, parameters of the neuron and
        constants of the :class:`Integrator`.
    exact : bool
        Whether it is the exact propagator.
    """

    state: str
    expression: str
    exact: bool


@dataclass(frozen=True, eq=False)
class Integrator:
    """A step of a neuron.

    Parameters
    ----------
    updates : tuple of Update
        In the order of the neuron's states. All are of values at the step's beginning: compute
        every one before assigning any.
    constants : mapping of str to ndarray (sets,)
        Entries of the propagator that the updates name, one a set of parameters.
    dt : float
        Step in ms, written into the updates.
    """

    updates: tuple[Update, ...]
    constants: Mapping[str, NDArray[np.float64]]
    dt: float


def exact_states(model: NeuronModel) -> tuple[str, ...]:
    """States that the exact propagator can take: linear in one another alone.

    Parameters
    ----------
    model : NeuronModel

    Returns
    -------
    tuple of str
        In the order of the neuron's states; the largest such set.
    """
    chosen = [state.name for state in model.states]
    while chosen:
        refused = [name for name in chosen if not _is_linear(model, name, chosen)]
        if not refused:
            break
        chosen = [name for name in chosen if name not in refused]
    return tuple(chosen)


def _is_linear(model: NeuronModel, name: str, among: list[str]) -> bool:
    rate = model.sympy()[name]
    states = {state.name for state in model.states}
    if any(str(symbol) in states - set(among) for symbol in rate.free_symbols):
        return False
    try:
        linear_system(model, (name, *(n for n in among if n != name)), rows=1)
    except SpecError:
        return False
    return True


def integrator(
    model: NeuronModel, parameters: Mapping[str, NDArray[np.float64]], dt: float
) -> Integrator:
    """The step of a neuron on a grid.

    Parameters
    ----------
    model : NeuronModel
    parameters : mapping of str to ndarray (sets,)
        Every parameter of the model, in its unit, one value a set.
    dt : float
        Step in ms.

    Returns
    -------
    Integrator

    Raises
    ------
    SpecError
        If an equation has no derivative in its own state, or coefficients are not finite.

    Examples
    --------
    >>> from scnnbio.neurons.library import LIBRARY
    >>> model = LIBRARY["LIF_cond_exp"]
    >>> values = {name: np.array([p.default]) for name, p in model.parameters.items()}
    >>> [update.exact for update in integrator(model, values, 0.1).updates]
    [False, True, True]
    """
    dt = float(dt)  # a numpy number would be written with its type
    chosen = exact_states(model)
    constants: dict[str, NDArray[np.float64]] = {}
    taken = {*model.parameters, *(state.name for state in model.states)}
    updates = {}
    if chosen:
        exact = propagator(model, parameters, dt, chosen)
        for row, name in enumerate(exact.states):
            terms = []
            for term in exact.terms(name):
                key = _fresh(f"p_{name}_{term}", taken)
                constants[key] = exact.matrix[:, row, exact.states.index(term)]
                terms.append(f"{key}*{term}")
            if exact.offset[:, row].any():
                key = _fresh(f"q_{name}", taken)
                constants[key] = exact.offset[:, row]
                terms.append(key)
            updates[name] = Update(name, " + ".join(terms) or "0.0", exact=True)
    for state in model.states:
        if state.name not in updates:
            updates[state.name] = Update(state.name, _exponential_euler(model, state, dt), False)
    return Integrator(tuple(updates[s.name] for s in model.states), constants, dt)


def _fresh(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    taken.add(name)
    return name


def _exponential_euler(model: NeuronModel, state: StateVariable, dt: float) -> str:
    units = {name: p.unit for name, p in model.parameters.items()}
    units |= {s.name: model.unit_of(s.name) for s in model.states}
    rate = per_ms(state.rate, units, units[state.name])
    # A slope is 1/ms, in whatever unit the state is counted.
    slope = per_ms(slope_text(model, state.name), units, "1")
    step = f"{state.name} + {dt!r}*({rate})"
    if slope != "0":
        step += f"*exprel({dt!r}*({slope}))"
    check_expression(step, where=f"{model.name}.d{state.name}/dt")
    return step


def slope_text(model: NeuronModel, name: str) -> str:
    """Derivative of a state's rate with respect to that state, as text in SI.

    Parameters
    ----------
    model : NeuronModel
    name : str
        The state variable.

    Returns
    -------
    str
        ``"0"`` where the rate does not depend on the state.

    Raises
    ------
    SpecError
        If there is no such derivative, or it calls what an expression may not.
    """
    import sympy
    from brian2.parsing.sympytools import sympy_to_str

    where = f"{model.name}.d{name}/dt"
    try:
        slope: sympy.Expr = sympy.simplify(model.sympy()[name].diff(sympy.Symbol(name, real=True)))
        text = "0" if slope == 0 else str(sympy_to_str(slope))
        check_expression(text, where=where)
    except (AttributeError, TypeError, ValueError, NotImplementedError, SpecError):
        raise SpecError(
            f"the rate has no derivative in {name!r} that can be written down, which exponential"
            " Euler needs; replace steps such as sign or floor by a smooth function",
            where=where,
        ) from None
    return text
