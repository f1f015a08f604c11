"""Linear neurons: their matrices in symbols, and their exact propagator over a time step."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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
        Contribution of constant input.
    """

    states: tuple[str, ...]
    matrix: NDArray[np.float64]
    offset: NDArray[np.float64]


def linear_system(
    model: NeuronModel,
    states: Sequence[str] | None = None,
    rows: int | None = None,
    given: Sequence[str] = (),
) -> tuple[sympy.Matrix, sympy.Matrix]:
    """Matrix and constant of the subthreshold equations ``dz/dt = A z + b``, symbolically.

    Parameters
    ----------
    model : NeuronModel
    states : sequence of str, optional
        State variables of z; default: all, in the model's order.
    rows : int, optional
        Number of equations to use, from the first; default: all.
    given : sequence of str
        State variables that are treated as constants, like parameters.

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
    everything = {_symbol(name) for name in right if name not in given}
    names = tuple(right) if states is None else tuple(states)
    among = [_symbol(name) for name in names]
    matrix, constants = [], []
    for name in names[:rows]:
        rate = right[name]
        try:
            row = [sympy.simplify(rate.diff(state)) for state in among]
            constant = sympy.simplify(rate - sum(a * z for a, z in zip(row, among, strict=True)))
        # Conditions cannot be differentiated, and sympy recurses without end on some functions.
        except (AttributeError, TypeError, RecursionError):
            row, constant = [], rate
        # A step such as floor(v) has derivative 0, but then remains in the constant.
        curved = set().union(constant.free_symbols, *(a.free_symbols for a in row)) & everything
        if curved or not row:
            raise SpecError(
                f"{model.name!r} is not linear in {', '.join(sorted(map(str, curved))) or name}:"
                " only linear subthreshold equations have an exact step",
                where=f"{model.name}.d{name}/dt",
            )
        matrix.append(row)
        constants.append([constant])
    return sympy.Matrix(matrix), sympy.Matrix(constants)


def propagator(
    model: NeuronModel,
    parameters: Mapping[str, NDArray[np.float64]],
    dt: float,
    states: Sequence[str] | None = None,
) -> Propagator:
    """Exact integration of a linear neuron on a grid.

    Parameters
    ----------
    model : NeuronModel
    parameters : mapping of str to ndarray (sets,)
        Every parameter of the model, in its unit, one value per set.
    dt : float
        Step in ms.
    states : sequence of str, optional
        Integrate only these, which must not depend on others; default: all.

    Returns
    -------
    Propagator

    Raises
    ------
    SpecError
        If the model is not linear, or its rates are not finite with these parameters.

    Notes
    -----
    The exponential of the augmented matrix ``[[A, b], [0, 0]] dt`` (Van Loan 1978, IEEE Trans
    Autom Control 23:395) needs neither distinct eigenvalues nor an invertible A, so equal time
    constants and an integrator without leak need no special treatment. Rotter & Diesmann 1999, Biol
    Cybern 81:381, introduced exact integration to spiking networks.
    """
    names = tuple(s.name for s in model.states) if states is None else tuple(states)
    matrix, constant = _known_system(model, names)
    scale = np.array([UNITS[model.unit_of(name)][1] for name in names])
    sets = len(next(iter(parameters.values()), [0.0]))
    size = len(names)
    steps, offsets = np.zeros((sets, size, size)), np.zeros((sets, size))
    for k in range(sets):
        values = {name: float(parameters[name][k]) for name in model.parameters}
        block = np.zeros((size + 1, size + 1))
        block[:size, :size] = _numbers(matrix, model, values)
        block[:size, size] = _numbers(constant, model, values).ravel()
        # In plain units from here on: z_plain = z_si / scale.
        block[:size, :size] *= scale[None, :] / scale[:, None]
        block[:size, size] /= scale
        with np.errstate(over="ignore"):
            exact = _exponential(block * dt * 1e-3)
        if not np.isfinite(exact).all():
            raise _not_finite(model, values)
        steps[k], offsets[k] = exact[:size, :size], exact[:size, size]
    return Propagator(names, steps, offsets)


@functools.lru_cache(maxsize=64)
def _known_system(model: NeuronModel, states: tuple[str, ...]) -> tuple[sympy.Matrix, sympy.Matrix]:
    """As :func:`linear_system`, in functions that sympy knows; for many sets of parameters."""
    matrix, constant = linear_system(model, states)
    return known_to_sympy(matrix).as_immutable(), known_to_sympy(constant).as_immutable()


def as_text(formula: sympy.Expr) -> str:
    """A formula that sympy made of equations, in their notation.

    Parameters
    ----------
    formula : sympy.Expr

    Returns
    -------
    str
        With numbers in place of the constants that sympy has names for: it makes ``e`` of exp(1).
    """
    import sympy
    from brian2.parsing.sympytools import sympy_to_str

    numbers = {one: sympy.Float(float(one), 17) for one in (sympy.E, sympy.pi)}
    return str(sympy_to_str(formula.xreplace(numbers)))


def known_to_sympy(matrix: sympy.Matrix) -> sympy.Matrix:
    """Replace ``int`` and ``clip``, which Brian2's parser leaves as unknown functions, by sympy's.

    Parameters
    ----------
    matrix : sympy.Matrix

    Returns
    -------
    sympy.Matrix
    """
    import sympy
    from sympy.core.function import AppliedUndef
    from sympy.logic.boolalg import BooleanAtom, BooleanFunction

    def whole(x: sympy.Basic) -> sympy.Expr:
        if isinstance(x, sympy.Rel | BooleanFunction | BooleanAtom):
            return sympy.Piecewise((1, x), (0, True))
        return sympy.sign(x) * sympy.floor(sympy.Abs(x))

    def clipped(x: sympy.Expr, least: sympy.Expr, most: sympy.Expr) -> sympy.Expr:
        return sympy.Min(sympy.Max(x, least), most)

    def named(start: str) -> Callable[[sympy.Basic], bool]:
        # Brian2 names an unknown function as numpy does, "int" or "int_".
        return lambda part: isinstance(part, AppliedUndef) and part.func.__name__.startswith(start)

    matrix = matrix.replace(named("int"), lambda part: whole(*part.args))
    return matrix.replace(named("clip"), lambda part: clipped(*part.args))


def _exponential(block: NDArray[np.float64]) -> NDArray[np.float64]:
    """Matrix exponential, exact to the last bit, as mpmath uses extended precision.

    sympy has loaded mpmath already; scipy's linear algebra would occupy memory for a few numbers.
    These are the operations of ``mpmath.expm``, a Taylor series with scaling and squaring, in the
    same order and precision. Products leave out entries that are zero, most of a neuron's.
    """
    from mpmath import mp

    if not np.isfinite(block).all():  # the series would not end
        return np.full_like(block, np.nan)
    with mp.workprec(64):
        given = mp.matrix(block.tolist())
        halvings = int(max(1, mp.mag(mp.mnorm(given, "inf")))) + int(0.5 * mp.prec**0.5)
        with mp.workprec(mp.prec + 10 + 2 * halvings):
            scaled = given / 2**halvings
            term, total, k = scaled, scaled**0 + scaled, 2
            while True:
                term = _product(term, scaled * (1 / mp.mpf(k)))
                if mp.mnorm(term, "inf") < mp.eps:
                    break
                total += term
                k += 1
            for _ in range(halvings):
                total = _product(total, total)
        return np.array((total * 1).tolist(), dtype=np.float64)


def _product(first: Any, second: Any) -> Any:
    """Product of two mpmath matrices; each entry is an exact sum, rounded once."""
    from mpmath import mp

    size = first.rows
    rows = [[(k, first[i, k]) for k in range(size) if first[i, k]] for i in range(size)]
    columns = [{k: second[k, j] for k in range(size) if second[k, j]} for j in range(size)]
    product = mp.matrix(size, size)
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            pairs = [(value, column[k]) for k, value in row if k in column]
            if pairs:
                product[i, j] = mp.fdot(pairs)
    return product


def _numbers(
    matrix: sympy.Matrix, model: NeuronModel, values: Mapping[str, float]
) -> NDArray[np.float64]:
    """Entries in SI of a matrix from :func:`known_to_sympy`, from parameters in their units."""
    named = {str(symbol) for symbol in matrix.free_symbols}
    si = {
        _symbol(n): values[n] * si_factor(p.unit) for n, p in model.parameters.items() if n in named
    }
    try:
        numbers = np.array(matrix.subs(si).evalf(30), dtype=np.float64)
    except (TypeError, ArithmeticError):  # complex, or infinite in sympy
        numbers = np.array([np.nan])
    if not np.isfinite(numbers).all():
        raise _not_finite(model, values)
    return numbers


def _not_finite(model: NeuronModel, values: Mapping[str, float]) -> SpecError:
    given = ", ".join(f"{name} = {v:g} {model.parameters[name].unit}" for name, v in values.items())
    return SpecError(
        f"the equations are not finite with {given}; is a time constant or a capacitance zero?",
        where=f"{model.name}.equations",
    )


def _symbol(name: str) -> sympy.Symbol:
    import sympy

    return sympy.Symbol(name, real=True)
