"""A neuron's equations as numbers: values, rates of change, and their Jacobian."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import numpy as np
from numpy.typing import NDArray

from scnnbio.errors import SpecError, not_one_of
from scnnbio.neurons.model import NeuronModel
from scnnbio.units import In, plain, si_factor

if TYPE_CHECKING:
    import sympy

#: Used outside :mod:`scnnbio.neurons.linearised`.
__all__ = ["Linearisation", "Values", "parameter_values", "state_values"]


#: Parameters or state variables by name, in their units.
Values = Mapping[str, Annotated[float, In(None)]] | None


@dataclass(frozen=True, eq=False)
class Linearisation:
    """A neuron linearised at a point: ``d(z - point)/dt = matrix (z - point) + rate``.

    Parameters
    ----------
    states : tuple of str
    point : ndarray (states,)
        In plain units.
    matrix : ndarray (states, states)
        Jacobian; entries in the unit of the row's state per unit of the column's, per ms.
    rate : ndarray (states,)
        Rates of change at the point, zero at a fixed point.
    """

    states: tuple[str, ...]
    point: NDArray[np.float64]
    matrix: NDArray[np.float64]
    rate: NDArray[np.float64]


def parameter_values(model: NeuronModel, given: Values) -> dict[str, float]:
    """Values of all parameters of a model in their units; defaults for those not given."""
    values = {name: p.default for name, p in model.parameters.items()}
    for name, value in (given or {}).items():
        where = f"{model.name}.parameters"
        if name not in values:
            raise SpecError(not_one_of(name, sorted(values)), where=where)
        values[name] = plain(value, model.parameters[name].unit, where=f"{where}.{name}")
    return values


def state_values(model: NeuronModel, at: Values) -> dict[str, float]:
    """Values of the given state variables of a model, in their units."""
    names = [state.name for state in model.states]
    at = at or {}
    for name in at:
        if name not in names:
            raise SpecError(not_one_of(name, names), where=f"{model.name}.at")
    return {
        name: plain(value, model.unit_of(name), where=f"{model.name}.{name}")
        for name, value in at.items()
    }


def start_values(model: NeuronModel, at: Mapping[str, float]) -> NDArray[np.float64]:
    """Values of all state variables in plain units; zero for those not given."""
    given = state_values(model, at)
    return np.array([given.get(state.name, 0.0) for state in model.states])


class System:
    """A model's rates and Jacobian as numbers, in plain units."""

    def __init__(self, model: NeuronModel, parameters: Mapping[str, float] | None) -> None:
        import sympy

        values = parameter_values(model, parameters)
        si = {
            sympy.Symbol(n, real=True): values[n] * si_factor(p.unit)
            for n, p in model.parameters.items()
        }
        self.model = model
        self.states = tuple(state.name for state in model.states)
        self.symbols = [sympy.Symbol(name, real=True) for name in self.states]
        self.right = [rate.subs(si) for rate in model.sympy().values()]
        self.scale = np.array([si_factor(model.unit_of(name)) for name in self.states])
        self.jacobian: list[list[sympy.Expr]] | None = None

    def rates(self, z: NDArray[np.float64]) -> NDArray[np.float64]:
        """Rates of change at a state, per ms."""
        return self._numbers(self.right, z) / self.scale * 1e-3

    def about(self, z: NDArray[np.float64]) -> Linearisation:
        """Jacobian at a state."""
        if self.jacobian is None:
            self.jacobian = [[rate.diff(s) for s in self.symbols] for rate in self.right]
        rows = np.array([self._numbers(row, z) for row in self.jacobian])
        matrix = rows * self.scale[None, :] / self.scale[:, None] * 1e-3
        return Linearisation(self.states, z, matrix, self.rates(z))

    def _numbers(
        self, expressions: list[sympy.Expr], z: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        import sympy

        at = dict(zip(self.symbols, (z * self.scale).tolist(), strict=True))
        try:
            numbers = np.array([float(sympy.sympify(e).subs(at).evalf()) for e in expressions])
        except (TypeError, ArithmeticError):  # infinite, or not differentiable
            numbers = np.array([np.nan])
        if not np.isfinite(numbers).all():
            raise SpecError(
                "the equations or their derivatives are not finite at this state; check for a time"
                " constant of zero",
                where=f"{self.model.name}.equations",
            )
        return numbers
