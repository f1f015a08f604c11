"""Closed forms of linear neurons: time course between spikes, equilibrium, transfer function."""

from __future__ import annotations

from collections.abc import Mapping
from math import factorial
from typing import TYPE_CHECKING

from scnnbio.errors import SpecError, not_one_of
from scnnbio.neurons.algebra import linear_system
from scnnbio.neurons.model import NeuronModel

if TYPE_CHECKING:
    import sympy

#: A sum of terms c t^n exp(rate t): coefficient c by (rate, n).
_Sum = dict[tuple["sympy.Expr", int], "sympy.Expr"]


def closed_form(
    model: NeuronModel, equal: Mapping[str, str] | None = None
) -> dict[str, sympy.Expr]:
    """Every state variable between spikes, as a function of time.

    Parameters
    ----------
    model : NeuronModel
    equal : mapping of str to str, optional
        Parameters to set equal to another, such as ``{"tau_syn_E": "tau_m"}``. The solution of
        unequal time constants divides by their difference, so equal ones have another solution.

    Returns
    -------
    dict of str to sympy.Expr
        In t (s), the parameters, and initial values named ``v_0`` and so on, in SI.

    Raises
    ------
    SpecError
        If the neuron is not linear, or its states depend on each other in a cycle: then the
        exponents are roots of a polynomial; :func:`~scnnbio.neurons.algebra.propagator` gives
        numbers.

    Notes
    -----
    By variation of constants; states that drive others are solved first.

    Examples
    --------
    >>> from scnnbio.neurons import LIF
    >>> closed_form(LIF)["I_exc"]
    I_exc_0*exp(-t/tau_syn_E)
    """
    import sympy

    matrix, constant = linear_system(model)
    same = {_symbol(a): _symbol(b) for a, b in (equal or {}).items()}
    _check_equal(model, equal or {})
    matrix, constant = matrix.subs(same), constant.subs(same)
    names = [state.name for state in model.states]
    sums: dict[int, _Sum] = {}
    for i in _order(model, matrix):
        own = sympy.simplify(matrix[i, i])
        solution: _Sum = {}
        _add(solution, own, 0, _initial(model, names[i]))
        _add_driven(solution, own, sympy.Integer(0), 0, constant[i])
        for j, drive in sums.items():
            for (rate, n), c in drive.items():
                _add_driven(solution, own, rate, n, matrix[i, j] * c)
        sums[i] = solution
    t = _symbol("t")
    return {
        name: sympy.Add(*(c * t**n * sympy.exp(rate * t) for (rate, n), c in sums[i].items()))
        for i, name in enumerate(names)
    }


def equilibrium(model: NeuronModel) -> dict[str, sympy.Expr]:
    """Equilibrium of every state variable without spikes.

    Parameters
    ----------
    model : NeuronModel

    Returns
    -------
    dict of str to sympy.Expr
        In the parameters, in SI.

    Raises
    ------
    SpecError
        If a state has no unique equilibrium, as without leak; or if the equations are nonlinear, or
        depend on each other in a cycle, as in AdEx:
        :func:`~scnnbio.neurons.linearised.fixed_point` gives numbers.

    Examples
    --------
    >>> from scnnbio.neurons import LIF
    >>> equilibrium(LIF)["v"]
    v_rest + i_offset*tau_m/cm
    """
    import sympy

    right = model.sympy()
    symbols = {name: _symbol(name) for name in right}
    rates = list(right.values())
    dependence = sympy.Matrix(
        [[int(s in rate.free_symbols) for s in symbols.values()] for rate in rates]
    )
    found: dict[sympy.Symbol, sympy.Expr] = {}
    names = list(right)
    for i in _order(model, dependence):
        own = symbols[names[i]]
        rate = rates[i].subs(found)
        slope = sympy.simplify(rate.diff(own))
        if own in slope.free_symbols or slope == 0:
            reason = "its equation is nonlinear" if slope != 0 else "its rate does not depend on it"
            raise SpecError(
                f"{names[i]!r} has no equilibrium in closed form: {reason}",
                where=f"{model.name}.d{names[i]}/dt",
            )
        found[own] = sympy.expand(sympy.simplify(-rate.subs(own, 0) / slope))
    return {name: found[symbol] for name, symbol in symbols.items()}


def transfer_function(model: NeuronModel, receptor: str, output: str = "v") -> sympy.Expr:
    """Transfer function from the spike train at a receptor to a state variable.

    Parameters
    ----------
    model : NeuronModel
    receptor : str
    output : str
        State variable.

    Returns
    -------
    sympy.Expr
        H(s) in SI, for spikes of weight 1: a rate r gives a mean of ``weight * H(0) * r``.

    Raises
    ------
    SpecError
        If the neuron is not linear; :func:`~scnnbio.neurons.linearised.frequency_response` works
        for any neuron, linearised at a fixed point.

    Examples
    --------
    >>> from scnnbio.neurons import LIF
    >>> transfer_function(LIF, "excitatory")
    tau_m*tau_syn_E/(cm*(s*tau_m + 1)*(s*tau_syn_E + 1))
    """
    import sympy

    matrix, _ = linear_system(model)
    names = [state.name for state in model.states]
    _check_known("receptor", receptor, list(model.receptors), model)
    _check_known("output", output, names, model)
    entry = sympy.zeros(len(names), 1)
    entry[names.index(model.receptors[receptor])] = 1
    s = sympy.Symbol("s")
    answer = (s * sympy.eye(len(names)) - matrix).LUsolve(entry)
    return sympy.factor(sympy.simplify(answer[names.index(output)]))


def _check_known(kind: str, name: str, known: list[str], model: NeuronModel) -> None:
    if name not in known:
        raise SpecError(not_one_of(name, known), where=f"{model.name}.{kind}")


def _check_equal(model: NeuronModel, equal: Mapping[str, str]) -> None:
    for name in (*equal, *equal.values()):
        _check_known("equal", name, list(model.parameters), model)


def _order(model: NeuronModel, matrix: sympy.Matrix) -> list[int]:
    """Indices of the states, those that drive others first."""
    waiting, order = list(range(matrix.rows)), list[int]()
    while waiting:
        ready = [i for i in waiting if all(matrix[i, j] == 0 for j in waiting if j != i)]
        if not ready:
            names = ", ".join(model.states[i].name for i in waiting)
            raise SpecError(
                f"{names} depend on each other in a cycle, so there is no simple formula",
                where=f"{model.name}.equations",
            )
        order += ready
        waiting = [i for i in waiting if i not in ready]
    return order


def _add(target: _Sum, rate: sympy.Expr, n: int, c: sympy.Expr) -> None:
    if c != 0:
        target[rate, n] = target.get((rate, n), 0) + c


def _add_driven(target: _Sum, own: sympy.Expr, rate: sympy.Expr, n: int, c: sympy.Expr) -> None:
    """Add the convolution of exp(own t) with c t^n exp(rate t)."""
    import sympy

    difference = sympy.simplify(rate - own)
    if c == 0:
        return
    if difference == 0:
        _add(target, own, n + 1, c / (n + 1))
        return
    for k in range(n + 1):
        sign = (-1) ** k * factorial(n) // factorial(n - k)
        _add(target, rate, n - k, sympy.factor(c * sign / difference ** (k + 1)))
    sign = -((-1) ** n) * factorial(n)
    _add(target, own, 0, sympy.factor(c * sign / difference ** (n + 1)))


def _initial(model: NeuronModel, name: str) -> sympy.Symbol:
    start = f"{name}_0"
    while start in model.parameters or any(s.name == start for s in model.states):
        start += "_"
    return _symbol(start)


def _symbol(name: str) -> sympy.Symbol:
    import sympy

    return sympy.Symbol(name, real=True)
