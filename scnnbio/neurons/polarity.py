"""Polarity of a receptor: whether it excites or inhibits, from the neuron's equations.

A receptor excites if an increase of its variable brings the neuron closer to its threshold, and
inhibits if the increase takes the neuron further from it. A conductance can do either, depending on
whether the membrane potential is below or above its reversal potential.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from scnnbio.errors import SpecError
from scnnbio.neurons.brian2_loader import as_sympy
from scnnbio.neurons.model import NeuronModel
from scnnbio.neurons.parsing import excess_over
from scnnbio.units import si_factor

if TYPE_CHECKING:
    import sympy


def conducts(model: NeuronModel, receptor: str) -> bool:
    """Whether a receptor's variable is a conductance, which must not be negative.

    Parameters
    ----------
    model : NeuronModel
    receptor : str
        One of the model's receptors.

    Returns
    -------
    bool
        True if the variable is in uS, or if it has no unit and multiplies a potential in the
        potential's own rate, as the fraction of open channels does.
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
        1.0 if a positive weight excites, -1.0 if it inhibits, 0.0 if it does neither, and NaN if
        the equations do not determine the sign.

    Raises
    ------
    SpecError
        If the dimensions of an equation do not fit.

    Notes
    -----
    The signs of the partial derivatives along the path from the variable to the threshold are
    multiplied. They are evaluated at the initial states, with the potential at the threshold, where
    the side of a reversal potential matters (Gerstner et al. 2014, Neuronal Dynamics, section 3.1).
    Where the rate of the potential is nonlinear, the threshold only ends an upstroke, and the
    potential is halfway between its initial value and the threshold.

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
    """Excess over the threshold."""
    return as_sympy(excess_over(model.threshold))


def _point(
    model: NeuronModel,
    rates: Mapping[str, sympy.Expr],
    excess: sympy.Expr,
    values: Mapping[str, float],
) -> dict[str, float]:
    """Values in SI at which the signs are evaluated, by name."""
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
    """Sign of the effect of a state on the excess, directly or through other states."""
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


# Cached, since parameters per neuron need the same few expressions many times.
@functools.lru_cache(maxsize=1024)
def _derivative(expression: sympy.Expr, name: str) -> sympy.Expr:
    import sympy

    symbols = {str(symbol): symbol for symbol in expression.free_symbols}
    return sympy.diff(expression, symbols[name]) if name in symbols else sympy.Integer(0)


@functools.lru_cache(maxsize=1024)
def _symbols(expression: sympy.Expr) -> tuple[sympy.Symbol, ...]:
    return tuple(sorted(expression.free_symbols, key=str))


def _at(expression: sympy.Expr, point: Mapping[str, float]) -> float:
    """Value of an expression; raises if it is not finite."""
    number = _value(expression, tuple(point.get(str(s)) for s in _symbols(expression)))
    if not math.isfinite(number):
        raise ValueError
    return number


@functools.lru_cache(maxsize=4096)
def _value(expression: sympy.Expr, values: tuple[float | None, ...]) -> float:
    given = zip(_symbols(expression), values, strict=True)
    return float(expression.subs({symbol: v for symbol, v in given if v is not None}))
