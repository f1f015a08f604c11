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

A model whose ``integrator`` is ``"forward-euler"`` takes x + dt f for every state instead, which
is unstable where dt is long (:func:`~scnnbio.neurons.linearised.euler_stability`): it is there for
showing what others' simulations do, not for getting anything done.

A rate without a derivative in its own state, such as ``sign(v)`` or ``floor(v)`` in dv/dt, is
refused. So large a positive slope that exp(a dt) overflows, far up an upstroke, gives an infinite
potential: let the threshold end the upstroke before (AdEx: ``v_spike`` = -40 mV).

References
----------
Rotter & Diesmann 1999, Biol Cybern 81:381 (exact integration); MacGregor 1987, Neural and Brain
Modeling (exponential Euler); Hochbruck & Ostermann 2010, Acta Numerica 19:209 (Rosenbrock-type).
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scnnbio.errors import SpecError
from scnnbio.neurons.algebra import as_text, linear_system, propagator
from scnnbio.neurons.arithmetic import deep_trees
from scnnbio.neurons.coherence import per_ms
from scnnbio.neurons.model import NeuronModel
from scnnbio.neurons.variables import StateVariable
from scnnbio.neurons.whitelist import check_expression

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
    """A step of a neuron as text, the same whatever the parameters and the time step.

    Parameters
    ----------
    model : NeuronModel
    updates : tuple of Update
        In the order of the neuron's states. All are of values at the step's beginning: compute
        every one before assigning any.
    dt : str
        Name of the constant that is the time step in ms.
    entries : mapping of str to (str, str or None)
        Other constants: the row and the column of the propagator of the exact states, or None for
        its offset.
    """

    model: NeuronModel
    updates: tuple[Update, ...]
    dt: str
    entries: Mapping[str, tuple[str, str | None]]

    @functools.cached_property
    def names(self) -> frozenset[str]:
        """Everything that the updates name."""
        return frozenset().union(*(check_expression(u.expression) for u in self.updates))

    def constants(
        self, parameters: Mapping[str, NDArray[np.float64]], dt: float
    ) -> dict[str, NDArray[np.float64]]:
        """Values of the constants.

        Parameters
        ----------
        parameters : mapping of str to ndarray (sets,)
            Every parameter of the model, in its unit, one value a set.
        dt : float
            Step in ms.

        Returns
        -------
        dict of str to ndarray (sets,) or (1,)

        Raises
        ------
        SpecError
            If the equations are not finite with these parameters.
        """
        found: dict[str, NDArray[np.float64]] = {}
        if self.dt in self.names:
            found[self.dt] = np.array([float(dt)])
        if self.entries:
            chosen = tuple(u.state for u in self.updates if u.exact)
            exact = propagator(self.model, parameters, dt, chosen)
            for name, (row, column) in self.entries.items():
                values = exact.matrix[:, chosen.index(row)]
                found[name] = (
                    exact.offset[:, chosen.index(row)]
                    if column is None
                    else values[:, chosen.index(column)]
                )
        return found


def exact_states(model: NeuronModel) -> tuple[str, ...]:
    """States that the exact propagator can take: linear in one another alone.

    Parameters
    ----------
    model : NeuronModel

    Returns
    -------
    tuple of str
        In the order of the neuron's states; the largest such set, which is empty by forward Euler.
    """
    if model.integrator == "forward-euler":
        return ()
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


@functools.lru_cache(maxsize=64)
@deep_trees()
def integrator(model: NeuronModel) -> Integrator:
    """The step of a neuron on a grid.

    Parameters
    ----------
    model : NeuronModel

    Returns
    -------
    Integrator

    Raises
    ------
    SpecError
        If an equation has no derivative in its own state, or dimensions do not fit.

    Examples
    --------
    >>> from scnnbio.neurons.library import LIBRARY
    >>> [update.exact for update in integrator(LIBRARY["LIF_cond_exp"]).updates]
    [False, True, True]
    """
    chosen = exact_states(model)
    taken = {*model.parameters, *(state.name for state in model.states)}
    dt = _fresh("step", taken)
    entries: dict[str, tuple[str, str | None]] = {}
    updates = []
    terms, driven = _dependence(model, chosen)
    for state in model.states:
        name = state.name
        if state.is_given:
            updates.append(Update(name, name, exact=True))
            continue
        if name not in chosen:
            updates.append(Update(name, _euler(model, state, dt), exact=False))
            continue
        words = []
        for term in terms[name]:
            key = _fresh(f"p_{name}_{term}", taken)
            entries[key] = name, term
            words.append(f"{key}*{term}")
        if name in driven:
            key = _fresh(f"q_{name}", taken)
            entries[key] = name, None
            words.append(key)
        updates.append(Update(name, " + ".join(words), exact=True))
    return Integrator(model, tuple(updates), dt, entries)


def _dependence(
    model: NeuronModel, chosen: tuple[str, ...]
) -> tuple[dict[str, tuple[str, ...]], set[str]]:
    """What enters each exact state's step whatever the parameters, and which have constant input.

    Itself first, then everything that it depends on in the end.
    """
    if not chosen:
        return {}, set()
    matrix, constant = linear_system(model, chosen)
    reach = {
        name: {name} | {other for j, other in enumerate(chosen) if matrix[i, j] != 0}
        for i, name in enumerate(chosen)
    }
    for _ in chosen:
        reach = {name: set().union(*(reach[n] for n in found)) for name, found in reach.items()}
    own = {name for i, name in enumerate(chosen) if constant[i] != 0}
    terms = {
        name: (name, *(other for other in chosen if other in found and other != name))
        for name, found in reach.items()
    }
    return terms, {name for name, found in reach.items() if found & own}


def _fresh(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    taken.add(name)
    return name


def _euler(model: NeuronModel, state: StateVariable, dt: str) -> str:
    units = {name: p.unit for name, p in model.parameters.items()}
    units |= {s.name: model.unit_of(s.name) for s in model.states}
    rate = per_ms(state.rate, units, units[state.name])
    step = f"{state.name} + {dt}*({rate})"
    if model.integrator == "exact":
        # A slope is 1/ms, in whatever unit the state is counted.
        slope = per_ms(slope_text(model, state.name), units, "1")
        if slope != "0":
            step += f"*exprel({dt}*({slope}))"
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

    where = f"{model.name}.d{name}/dt"
    try:
        slope: sympy.Expr = sympy.simplify(model.sympy()[name].diff(sympy.Symbol(name, real=True)))
        text = "0" if slope == 0 else as_text(slope)
        check_expression(text, where=where)
    except (AttributeError, TypeError, ValueError, NotImplementedError, SpecError):
        raise SpecError(
            f"the rate has no derivative in {name!r} that can be written down, which exponential"
            " Euler needs; replace steps such as sign or floor by a smooth function",
            where=where,
        ) from None
    return text
