"""What the equations imply without simulating: whether a model is linear, and its exact step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scnnbio.errors import SpecError
from scnnbio.neurons.model import NeuronModel
from scnnbio.units import UNITS, si_factor

if TYPE_CHECKING:
    import sympy


@dataclass(frozen=True)
class Propagator:
    """The exact step of a linear neuron over dt, in plain units: ``z(t+dt) = matrix z + offset``.

    Parameters
    ----------
    states : tuple of str
        Names of the state variables, in the order of the axes.
    matrix : ndarray (sets, states, states)
        One matrix for each set of parameters.
    offset : ndarray (sets, states)
        What constant input adds.
    """

    states: tuple[str, ...]
    matrix: NDArray[np.float64]
    offset: NDArray[np.float64]

    def terms(self, state: str) -> list[str]:
        """State variables that enter the update of ``state`` in any set, ``state`` itself first."""
        row = np.any(self.matrix[:, self.states.index(state)] != 0, axis=0)
        others = [s for s, used in zip(self.states, row, strict=True) if used and s != state]
        return [state, *others] if row[self.states.index(state)] else others


def linear_system(model: NeuronModel) -> tuple[sympy.Matrix, sympy.Matrix]:
    """Matrix and constant of the subthreshold equations ``dz/dt = A z + b``, symbolically.

    Parameters
    ----------
    model : NeuronModel

    Returns
    -------
    (A, b)
        In SI, as functions of the parameters.

    Raises
    ------
    SpecError
        If an equation is not linear in the state variables.
    """
    import sympy

    right = model.sympy()
    states = [sympy.Symbol(name, real=True) for name in right]
    rates = sympy.Matrix(list(right.values()))
    matrix = rates.jacobian(states)
    curved = matrix.free_symbols & set(states)
    if curved:
        raise SpecError(
            f"{model.name!r} is not linear in {', '.join(sorted(map(str, curved)))}: only linear"
            " subthreshold equations have an exact step",
            where=f"{model.name}.equations",
        )
    return matrix, sympy.simplify(rates - matrix * sympy.Matrix(states))


def propagator(
    model: NeuronModel, parameters: Mapping[str, NDArray[np.float64]], dt: float
) -> Propagator:
    """Exact integration of a linear neuron on a grid.

    Parameters
    ----------
    model : NeuronModel
    parameters : mapping of str to ndarray (sets,)
        Every parameter of the model, in its unit, one value a set.
    dt : float
        Step in ms.

    Returns
    -------
    Propagator

    Raises
    ------
    SpecError
        If the model is not linear.

    Notes
    -----
    The exponential of the augmented matrix ``[[A, b], [0, 0]] dt`` (Van Loan 1978, IEEE Trans
    Autom Control 23:395) needs neither distinct eigenvalues nor an invertible A, so equal time
    constants and the integrator without leak are no special cases. Rotter & Diesmann 1999, Biol
    Cybern 81:381, introduced exact integration to spiking networks.
    """
    from scipy.linalg import expm

    matrix, constant = linear_system(model)
    names = tuple(state.name for state in model.states)
    scale = np.array([UNITS[model.unit_of(name)][1] for name in names])
    sets = len(next(iter(parameters.values())))
    size = len(names)
    steps = np.zeros((sets, size, size))
    offsets = np.zeros((sets, size))
    for k in range(sets):
        values = {
            _symbol(name): float(parameters[name][k]) * si_factor(parameter.unit)
            for name, parameter in model.parameters.items()
        }
        block = np.zeros((size + 1, size + 1))
        block[:size, :size] = np.array(matrix.subs(values).evalf(30), dtype=float)
        block[:size, size] = np.array(constant.subs(values).evalf(30), dtype=float).ravel()
        # In plain units from here on: z_plain = z_si / scale.
        block[:size, :size] *= scale[None, :] / scale[:, None]
        block[:size, size] /= scale
        exact = expm(block * dt * 1e-3)
        steps[k], offsets[k] = exact[:size, :size], exact[:size, size]
    return Propagator(names, steps, offsets)


def _symbol(name: str) -> sympy.Symbol:
    import sympy

    return sympy.Symbol(name, real=True)
