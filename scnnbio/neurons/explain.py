"""Full description of a neuron: equations and the quantities derived from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scnnbio.errors import SpecError
from scnnbio.neurons.closed_form import closed_form, equilibrium, transfer_function
from scnnbio.neurons.integrator import exact_states
from scnnbio.neurons.linearised import euler_stability, fixed_point
from scnnbio.neurons.model import NeuronModel

if TYPE_CHECKING:
    import sympy


#: A formula that is wider than this in two-dimensional layout is written on one line.
_WIDTH = 100
#: Largest value that counts as zero after Newton's method, in any of the plain units.
_NOTHING = 1e-15


@dataclass(frozen=True)
class Section:
    """A heading and the text below it.

    Parameters
    ----------
    title : str
    blocks : tuple of str
        Paragraphs of one or several lines.
    """

    title: str
    blocks: tuple[str, ...]


def explain(model: NeuronModel, *, latex: bool = False) -> tuple[Section, ...]:
    """Equations, parameters, closed form, transfer functions, equilibrium and stability.

    Parameters
    ----------
    model : NeuronModel
    latex : bool
        Write formulas as LaTeX instead of characters for a terminal.

    Returns
    -------
    tuple of Section
        If a neuron lacks something, such as a closed form, a sentence says so.

    Raises
    ------
    SpecError
        If the dimensions of an equation do not fit.
    """
    import sympy

    write: Callable[[sympy.Basic], str] = sympy.latex if latex else _pretty
    return (
        Section("equations", tuple(write(e) for e in _equations(model))),
        Section("at a spike", tuple(_spike(model))),
        Section("parameters", tuple(_parameters(model))),
        Section("receptors", tuple(_receptors(model))),
        Section("closed form", tuple(_closed_form(model, write))),
        Section("transfer functions", tuple(_transfer(model, write))),
        Section("equilibrium", tuple(_equilibrium(model, write))),
        Section("forward Euler", tuple(_stability(model))),
        Section("integration", tuple(_integration(model))),
        Section("reference", (model.reference or "none given",)),
    )


def _pretty(expression: sympy.Basic) -> str:
    """Two-dimensional layout if it fits a terminal, else one line."""
    import sympy

    drawn = str(sympy.pretty(expression, use_unicode=True, wrap_line=False))
    if max(map(len, drawn.splitlines())) <= _WIDTH:
        return drawn
    if isinstance(expression, sympy.Eq):
        return f"{expression.lhs} = {expression.rhs}"
    return str(expression)


def _equations(model: NeuronModel) -> Iterable[sympy.Basic]:
    import sympy

    t = sympy.Symbol("t")
    for name, rate in model.sympy().items():
        state = sympy.Symbol(name)
        yield sympy.Eq(sympy.Derivative(state, t, evaluate=False), rate, evaluate=False)


def _spike(model: NeuronModel) -> Iterable[str]:
    yield f"where {model.threshold}"
    yield from (f"{name} {operator} {text}" for name, operator, text in model.resets)
    held = [state.name for state in model.states if state.held_when_refractory]
    if model.refractory is not None and held:
        yield f"{', '.join(held)} held for {model.refractory}"


def _parameters(model: NeuronModel) -> Iterable[str]:
    width = max((len(name) for name in model.parameters), default=0)
    for name, parameter in sorted(model.parameters.items()):
        unit = "" if parameter.unit == "1" else parameter.unit
        given = f"{name:<{width}}  {parameter.default:g} {unit}".rstrip()
        yield f"{given}, in {parameter.range}" if parameter.bounded else given


def _receptors(model: NeuronModel) -> Iterable[str]:
    for receptor, state in model.receptors.items():
        yield f"{receptor}: a spike adds its weight, in {model.unit_of(state)}, to {state}"
    if not model.receptors:
        yield "none"


def _closed_form(model: NeuronModel, write: Callable[[sympy.Basic], str]) -> Iterable[str]:
    import sympy

    try:
        solved = closed_form(model)
    except SpecError as error:
        yield f"none: {error.message}"
        return
    t = sympy.Symbol("t", real=True)
    for name, formula in solved.items():
        yield write(sympy.Eq(sympy.Function(name)(t), formula, evaluate=False))


def _transfer(model: NeuronModel, write: Callable[[sympy.Basic], str]) -> Iterable[str]:
    import sympy

    if not any(state.name == "v" for state in model.states):
        yield "none: there is no state 'v'"
        return
    try:
        for receptor in model.receptors:
            gain = transfer_function(model, receptor)
            yield write(sympy.Eq(sympy.Symbol(f"H_{receptor}"), gain, evaluate=False))
    except SpecError:
        yield (
            "none, since the neuron is not linear; neurons.linearised.frequency_response gives the"
            " response near any state"
        )


def _equilibrium(model: NeuronModel, write: Callable[[sympy.Basic], str]) -> Iterable[str]:
    import sympy

    try:
        for name, formula in equilibrium(model).items():
            if formula != 0:
                yield write(sympy.Eq(sympy.Symbol(name), formula, evaluate=False))
        yield "all other states at 0"
    except SpecError as error:
        yield error.message
        try:
            point = fixed_point(model)
        except SpecError as other:
            yield other.message
            return
        values = (
            f"{name} = {value:.6g} {model.unit_of(name)}"
            for name, value in point.items()
            if abs(value) > _NOTHING
        )
        yield f"with the defaults, near the initial state: {', '.join(values)}; all others at 0"


def _stability(model: NeuronModel) -> Iterable[str]:
    try:
        stability = euler_stability(model)
    except SpecError as error:
        yield error.message
        return
    yield f"stable for dt < {stability.limit:.6g} ms with the defaults, at rest"
    eigenvalues = [e for e in stability.eigenvalues if e != 0]
    times = sorted({float(f"{-1 / e.real:.6g}") for e in eigenvalues})
    yield f"time constants: {', '.join(f'{tau:g} ms' for tau in times) or 'none'}"


def _integration(model: NeuronModel) -> Iterable[str]:
    exact = exact_states(model)
    rest = [state.name for state in model.states if state.name not in exact]
    if exact:
        yield f"exact propagator: {', '.join(exact)}"
    if rest:
        yield f"exponential Euler: {', '.join(rest)}"
