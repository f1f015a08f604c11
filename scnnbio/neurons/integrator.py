r"""One time step of a neuron as expressions: exact where linear, else exponential Euler.

States whose equations are linear with constant coefficients, and depend only on each other
(synapses, traces; all states of a linear neuron), are integrated by the exact propagator. Every
other state x, with rate f and slope :math:`a = \partial f / \partial x`, is integrated by

.. math:: x(t + dt) = x + dt\, f \operatorname{exprel}(a\, dt), \quad
    \operatorname{exprel}(y) = (e^y - 1)/y,

with all other states at their values at t. Where f = a x + b this is
:math:`x e^{a\,dt} + (b/a)(e^{a\,dt} - 1)`, the exponential Euler step of Brian2, without a special
case at a = 0. Where f is nonlinear (v², exp(v)) the slope at x is used: the exponential
Rosenbrock-Euler step of one variable. The order is 1 in either case, since the other states are
constant over the step. Every backend evaluates the same expressions, so all take the same step.

A model whose ``integrator`` is ``"forward-euler"`` uses x + dt f for every state instead, which is
unstable for large dt (:func:`~scnnbio.neurons.linearised.euler_stability`). Use it only to show the
errors of forward Euler in published simulations.

A rate without a derivative in its own state, such as ``sign(v)`` or ``floor(v)`` in dv/dt, raises
an error. If the slope is so large that exp(a dt) overflows, late in an upstroke, the potential
becomes infinite: set a threshold that ends the upstroke earlier (AdEx: ``v_spike`` = -40 mV).

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
    """The expression for a state variable after a step.

    Parameters
    ----------
    state : str
    expression : str
        In plain units, from states at the beginning of the step, parameters of the neuron and
        constants of the :class:`Integrator`.
    exact : bool
        Whether it uses the exact propagator.
    """

    state: str
    expression: str
    exact: bool


@dataclass(frozen=True, eq=False)
class Integrator:
    """A time step of a neuron as expressions, for any parameters and time step.

    Parameters
    ----------
    model : NeuronModel
    updates : tuple of Update
        In the order of the neuron's states. All use values at the beginning of the step: compute
        all before assigning any.
    dt : str
        Name of the constant that is the time step in ms.
    entries : mapping of str to (str, str or None)
        Other constants: row and column of the propagator of the exact states; column None for its
        offset.
    """

    model: NeuronModel
    updates: tuple[Update, ...]
    dt: str
    entries: Mapping[str, tuple[str, str | None]]

    @functools.cached_property
    def names(self) -> frozenset[str]:
        """All names in the updates."""
        return frozenset().union(*(check_expression(u.expression) for u in self.updates))

    def constants(
        self, parameters: Mapping[str, NDArray[np.float64]], dt: float
    ) -> dict[str, NDArray[np.float64]]:
        """Values of the constants.

        Parameters
        ----------
        parameters : mapping of str to ndarray (sets,)
            Every parameter of the model, in its unit, one value per set.
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


@functools.lru_cache(maxsize=256)
def exact_states(model: NeuronModel) -> tuple[str, ...]:
    """States that the exact propagator integrates: linear, and depending only on each other.

    Parameters
    ----------
    model : NeuronModel

    Returns
    -------
    tuple of str
        In the order of the neuron's states; the largest such set. Empty for forward Euler.
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
    """Derive the time step of a neuron.

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
    """States in the step of each exact state, for any parameters, and states with constant input.

    Each state comes first, then all states that it depends on, directly or through others.
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
        # A slope is in 1/ms, whatever the unit of the state.
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
        If there is no such derivative, or it uses functions that expressions may not call.
    """
    import sympy

    where = f"{model.name}.d{name}/dt"
    try:
        slope: sympy.Expr = sympy.simplify(model.sympy()[name].diff(sympy.Symbol(name, real=True)))
        text = "0" if slope == 0 else as_text(slope)
        check_expression(text, where=where)
    except (AttributeError, TypeError, ValueError, NotImplementedError, SpecError):
        raise SpecError(
            f"the rate has no closed-form derivative in {name!r}, which exponential Euler needs;"
            " replace steps such as sign or floor by a smooth function",
            where=where,
        ) from None
    return text
