"""Matrices of linear neurons, and their distance to threshold, as numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scnnbio.backends._expressions import evaluate
from scnnbio.errors import SpecError
from scnnbio.neurons.algebra import known_to_sympy, linear_system
from scnnbio.neurons.parsing import sides
from scnnbio.population import Population
from scnnbio.units import UNITS, si_factor

FloatArray = NDArray[np.float64]


def parameter_sets(population: Population) -> dict[str, FloatArray]:
    """Parameters, one set per channel or per neuron, or a single set if all neurons are equal."""
    values = population.values()
    if all(np.all(v == v[0]) for v in values.values()):
        return {name: v[:1] for name, v in values.items()}
    return values


def generators(population: Population) -> FloatArray:
    """Matrices of ``d(z, 1)/dt = M (z, 1)``, in plain units and 1/ms.

    Parameters
    ----------
    population : Population

    Returns
    -------
    ndarray (sets, states + 1, states + 1)
        One per set of :func:`parameter_sets`. The last column holds the constant input.

    Raises
    ------
    SpecError
        If the model is not linear.
    """
    model, values = population.model, parameter_sets(population)
    matrix, constant = linear_system(model)
    whole = matrix.row_join(constant)
    scale = np.array([UNITS[model.unit_of(s.name)][1] for s in model.states] + [1.0])
    size, sets = len(scale), len(next(iter(values.values()), np.zeros(1)))
    found = np.zeros((sets, size, size))
    for k in range(sets):
        numbers = {
            symbol: float(values[symbol.name][k]) * si_factor(model.parameters[symbol.name].unit)
            for symbol in whole.free_symbols
        }
        try:
            found[k, :-1] = np.array(known_to_sympy(whole).subs(numbers).evalf(30), dtype=float)
        except TypeError:  # sympy's own infinity and NaN do not convert
            found[k] = np.nan
        if not np.isfinite(found[k]).all():
            raise SpecError(
                "its equations are not finite with these parameters; check for a time constant or"
                " capacitance of zero",
                where=f"population {population.name!r}.parameters",
            )
        found[k] *= scale[None, :] / scale[:, None] * 1e-3
    return found


@dataclass(frozen=True, eq=False)
class _Affine:
    """An affine form of the states: constant (sets,) and factors (sets, states)."""

    constant: Any
    factors: Any

    #: Makes numpy arrays defer to the operators defined here.
    __array_ufunc__ = None

    def __add__(self, other: Any) -> _Affine:
        if isinstance(other, _Affine):
            return _Affine(self.constant + other.constant, self.factors + other.factors)
        return _Affine(self.constant + other, self.factors)

    __radd__ = __add__

    def __neg__(self) -> _Affine:
        return self * -1.0

    def __pos__(self) -> _Affine:
        return self

    def __sub__(self, other: Any) -> _Affine:
        return self + (-other)

    def __rsub__(self, other: Any) -> _Affine:
        return -self + other

    def __mul__(self, other: Any) -> _Affine:
        if isinstance(other, _Affine):
            return NotImplemented
        return _Affine(self.constant * other, self.factors * np.reshape(other, (-1, 1)))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> _Affine:
        return NotImplemented if isinstance(other, _Affine) else self * (1.0 / other)


def threshold_form(population: Population) -> FloatArray:
    """Distance to threshold as a linear form: the neuron fires where ``form (z, 1)`` reaches zero.

    Parameters
    ----------
    population : Population

    Returns
    -------
    ndarray (sets, states + 1)
        In the units of the states; sets as in :func:`generators`.

    Raises
    ------
    SpecError
        If the threshold is not a single comparison that is linear in the states. ``>`` and ``>=``
        are equivalent, since a curve reaches both at the same time.
    """
    model, values = population.model, parameter_sets(population)
    sets, names = len(next(iter(values.values()), np.zeros(1))), [s.name for s in model.states]
    known: dict[str, Any] = dict(values)
    for k, name in enumerate(names):
        unit = np.zeros((sets, len(names)))
        unit[:, k] = 1.0
        known[name] = _Affine(np.zeros(sets), unit)
    try:
        high, low = (evaluate(side, known) for side in sides(model.threshold))
        distance = high - low
    except (TypeError, ValueError):
        distance = None
    if not isinstance(distance, _Affine):
        raise SpecError(f"the threshold {model.threshold!r} is not linear in the states")
    return np.concatenate([distance.factors, np.reshape(distance.constant, (-1, 1))], axis=1)


def distance_to_threshold(
    population: Population, states: Mapping[str, FloatArray], units: NDArray[np.integer[Any]]
) -> FloatArray:
    """Distance of neurons to threshold; a neuron fires if it is above zero.

    Parameters
    ----------
    population : Population
    states : mapping of str to ndarray (samples, units)
        Every state variable, in its unit.
    units : ndarray of int (units,)
        Indices of the neurons.

    Returns
    -------
    ndarray (samples, units)

    Raises
    ------
    SpecError
        If the threshold is not linear in the states.
    """
    form = threshold_form(population)
    chosen = form[np.asarray(units) // (population.size // len(form))]
    total = chosen[:, -1][None, :]
    for column, state in enumerate(population.model.states):
        total = total + chosen[:, column] * states[state.name]
    return np.asarray(total)
