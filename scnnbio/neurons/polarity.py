"""Which way a receptor moves its neuron: towards the threshold, or away from it.

What decides is the neuron's own equations. A receptor excites if more of its variable brings the
neuron closer to its threshold, and inhibits if it takes the neuron further from it. A conductance
does either, by the side of its reversal potential on which the potential is.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from scnnbio.errors import SpecError
from scnnbio.neurons.model import NeuronModel
from scnnbio.neurons.parsing import excess_over
from scnnbio.units import si_factor

if TYPE_CHECKING:
    import sympy


def conducts(model: NeuronModel, receptor: str) -> bool:
    """Whether a receptor's variable is a conductance, which is never negative.

    Parameters
    ----------
    model : NeuronModel
    receptor : str
        One of the model's receptors.

    Returns
    -------
    bool
        True where the variable is counted in uS; and where it has no unit and multiplies a
        potential in the potential's own rate, as the share of open channels does.
    """
    state = model.receptors[receptor]
    unit = model.unit_of(state)
    return unit == "uS" or (unit == "1" and _gates(model, state))


def _gates(model: NeuronModel, gate: str) -> bool:
    return any(
        _derivative(_derivative(rate, gate), name) != 0
        for name, rate in model.sympy().items()
        if name != gate and model.unit_of(name) == "mV"
    )


def polarity(model: NeuronModel, receptor: str, values: Mapping[str, float]) -> float:
    """Whether a positive weight on a receptor excites.

    Parameters
    ----------
    model : NeuronModel
    receptor : str
        One of the model's receptors.
    values : mapping of str to float
        Every parameter, in its unit.

    Returns
    -------
    float
        1.0 if more of the receptor's variable brings the neuron closer to its threshold, -1.0 if it
        takes the neuron further from it, 0.0 if it does neither, and NaN if the equations do not
        tell.

    Raises
    ------
    SpecError
        If the dimensions of an equation do not fit.

    Notes
    -----
    The signs of the partial derivatives along the way from the variable to the threshold are
    multiplied. They are taken at the initial states, with the potential at the threshold: there it
    counts which side a reversal potential is on (Gerstner et al. 2014, Neuronal Dynamics,
    section 3.1). Where the rate of the potential is not linear in it, the threshold only ends an
    upstroke, and the potential is taken halfway from its initial value.

    Examples
    --------
    >>> from scnnbio.neurons.library import LIF_COND_EXP
    >>> defaults = {name: p.default for name, p in LIF_COND_EXP.parameters.items()}
    >>> polarity(LIF_COND_EXP, "excitatory", defaults)
    1.0
    >>> polarity(LIF_COND_EXP, "inhibitory", defaults)
    -1.0
    """
    return _polarity(model, receptor, tuple(sorted(values.items())))


@functools.lru_cache(maxsize=1024)
def _polarity(model: NeuronModel, receptor: str, values: tuple[tuple[str, float], ...]) -> float:
    rates = dict(model.sympy())
    try:
        excess = _excess(model)
        point = _point(model, rates, excess, dict(values))
        return _effect(model.receptors[receptor], rates, excess, point, frozenset())
    except (SpecError, TypeError, ValueError, ArithmeticError):
        # A threshold of several conditions, or a rate that cannot be differentiated.
        return math.nan


@functools.lru_cache(maxsize=64)
def _excess(model: NeuronModel) -> sympy.Expr:
    """By how much the threshold is crossed."""
    from brian2.parsing.sympytools import str_to_sympy

    return str_to_sympy(excess_over(model.threshold))


def _point(
    model: NeuronModel,
    rates: Mapping[str, sympy.Expr],
    excess: sympy.Expr,
    values: Mapping[str, float],
) -> dict[str, float]:
    """Every name's value in SI where the signs are taken."""
    point = {n: v * si_factor(model.parameters[n].unit) for n, v in values.items()}
    for state in model.states:
        start = model.initial.get(state.name)
        point[state.name] = 0.0 if start is None else point[start]
    for state in model.states:
        slope = _at(_derivative(excess, state.name), point)
        if slope and state.name in model.initial:
            at_threshold = point[state.name] - _at(excess, point) / slope
            bend = _derivative(_derivative(rates[state.name], state.name), state.name)
            halfway = (point[state.name] + at_threshold) / 2
            point[state.name] = halfway if bend != 0 else at_threshold
            break
    return point


def _effect(
    name: str,
    rates: Mapping[str, sympy.Expr],
    excess: sympy.Expr,
    point: Mapping[str, float],
    passed: frozenset[str],
) -> float:
    """Sign of what more of a state does to the excess: by itself, or through other states."""
    direct = _at(_derivative(excess, name), point)
    if direct:
        return math.copysign(1.0, direct)
    found = set()
    for other, rate in rates.items():
        if other != name and other not in passed:
            slope = _at(_derivative(rate, name), point)
            if slope:
                further = _effect(other, rates, excess, point, passed | {name})
                found.add(math.copysign(1.0, slope) * further)
    found.discard(0.0)
    if any(map(math.isnan, found)) or len(found) > 1:
        return math.nan
    return found.pop() if found else 0.0


# Parameters that differ from neuron to neuron ask for the same few expressions many times.
@functools.lru_cache(maxsize=1024)
def _derivative(expression: sympy.Expr, name: str) -> sympy.Expr:
    import sympy

    symbols = {str(symbol): symbol for symbol in expression.free_symbols}
    return sympy.diff(expression, symbols[name]) if name in symbols else sympy.Integer(0)


@functools.lru_cache(maxsize=1024)
def _symbols(expression: sympy.Expr) -> tuple[sympy.Symbol, ...]:
    return tuple(sorted(expression.free_symbols, key=str))


def _at(expression: sympy.Expr, point: Mapping[str, float]) -> float:
    """Value of an expression; an error if it has none."""
    number = _value(expression, tuple(point.get(str(s)) for s in _symbols(expression)))
    if not math.isfinite(number):
        raise ValueError
    return number


@functools.lru_cache(maxsize=4096)
def _value(expression: sympy.Expr, values: tuple[float | None, ...]) -> float:
    given = zip(_symbols(expression), values, strict=True)
    return float(expression.subs({symbol: v for symbol, v in given if v is not None}))
