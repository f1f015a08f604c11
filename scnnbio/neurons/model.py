"""A neuron, written once as equations."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from scnnbio.errors import SpecError
from scnnbio.neurons.brian2_loader import load_brian2
from scnnbio.neurons.parsing import check_expression, split_assignments
from scnnbio.units import BRIAN2_NAMES, UNITS, dimension, plain

if TYPE_CHECKING:
    import sympy

_EQUATION = re.compile(
    r"\s*d([A-Za-z]\w*)/dt\s*=\s*([^:#]+?)\s*:\s*([A-Za-z0-9]+)\s*(\(unless refractory\))?\s*"
)


@dataclass(frozen=True)
class Parameter:
    """A parameter of a neuron: its default and the unit it is given in.

    Parameters
    ----------
    default : float
        Value in ``unit``.
    unit : str
        One of :data:`scnnbio.units.UNITS`.
    """

    default: float
    unit: str

    def __post_init__(self) -> None:
        if self.unit not in UNITS:
            raise SpecError(f"unknown unit {self.unit!r}; use one of {', '.join(UNITS)}")
        object.__setattr__(self, "default", plain(self.default, self.unit))


@dataclass(frozen=True)
class StateVariable:
    """One differential equation: ``d name/dt = rate``, in SI dimension ``unit``."""

    name: str
    rate: str
    unit: str
    held_when_refractory: bool


@dataclass(frozen=True)
class NeuronModel:
    """A point neuron as equations in Brian2's notation.

    Parameters
    ----------
    name : str
        What the model is called.
    equations : str
        One line a state variable, ``dv/dt = ... : volt``; a variable marked
        ``(unless refractory)`` is held while the neuron is refractory.
    threshold : str
        Condition for a spike, such as ``"v >= v_thresh"``.
    reset : str
        Assignments at a spike, such as ``"v = v_reset"``.
    parameters : mapping of str to Parameter
        Defaults and units.
    receptors : mapping of str to str
        Receptor name → the state variable that an arriving spike adds its weight to.
    refractory : str, optional
        The parameter that holds the absolute refractory period.
    initial : mapping of str to str, optional
        State variable → the parameter it starts from; zero where none is named.
    state_units : mapping of str to str, optional
        State variable → the unit it is counted in (mV, nA, uS by default for volt, amp, siemens).
    reference : str, optional
        Where the equations come from.

    Raises
    ------
    SpecError
        If an equation is not arithmetic, a name is neither state nor parameter, or a receptor, the
        refractory period or an initial value points at nothing.

    Examples
    --------
    >>> leak = NeuronModel(
    ...     name="leak",
    ...     equations="dv/dt = (v_rest - v)/tau_m : volt",
    ...     threshold="v >= v_thresh",
    ...     reset="v = v_rest",
    ...     parameters={
    ...         "v_rest": Parameter(-65.0, "mV"),
    ...         "v_thresh": Parameter(-50.0, "mV"),
    ...         "tau_m": Parameter(20.0, "ms"),
    ...     },
    ...     receptors={"excitatory": "v"},
    ...     initial={"v": "v_rest"},
    ... )
    >>> [state.name for state in leak.states]
    ['v']
    """

    name: str
    equations: str
    threshold: str
    reset: str
    parameters: Mapping[str, Parameter]
    receptors: Mapping[str, str]
    refractory: str | None = None
    initial: Mapping[str, str] = field(default_factory=dict)
    state_units: Mapping[str, str] = field(default_factory=dict)
    reference: str = ""

    def __post_init__(self) -> None:
        for name in ("parameters", "receptors", "initial", "state_units"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))
        states = {state.name for state in self.states}
        known = states | set(self.parameters)
        for label, text in self._expressions():
            unknown = check_expression(text, where=label) - known
            if unknown:
                raise SpecError(
                    f"{sorted(unknown)[0]!r} is neither a state nor a parameter of {self.name!r};"
                    f" known are {', '.join(sorted(known))}",
                    where=label,
                )
        for label, name, allowed in self._references():
            if name not in allowed:
                raise SpecError(
                    f"{name!r} is not one of {', '.join(sorted(allowed))}",
                    where=f"{self.name}.{label}",
                )

    def _expressions(self) -> list[tuple[str, str]]:
        rates = [(f"{self.name}.d{s.name}/dt", s.rate) for s in self.states]
        resets = [(f"{self.name}.reset", text) for _, _, text in self.resets]
        return [*rates, (f"{self.name}.threshold", self.threshold), *resets]

    def _references(self) -> list[tuple[str, str, set[str]]]:
        states = {state.name for state in self.states}
        rows = [(f"receptors.{r}", s, states) for r, s in self.receptors.items()]
        rows += [("reset", name, states) for name, _, _ in self.resets]
        rows += [("initial", name, states) for name in self.initial]
        rows += [(f"initial.{s}", p, set(self.parameters)) for s, p in self.initial.items()]
        if self.refractory is not None:
            rows.append(("refractory", self.refractory, set(self.parameters)))
        return rows

    def __hash__(self) -> int:
        return hash((self.name, self.equations, self.threshold, self.reset))

    @functools.cached_property
    def states(self) -> tuple[StateVariable, ...]:
        """The differential equations, in the order written."""
        states = []
        for line in filter(str.strip, self.equations.splitlines()):
            match = _EQUATION.fullmatch(line)
            if match is None:
                raise SpecError(
                    f"{line.strip()!r} is not an equation; write 'dv/dt = (v_rest - v)/tau_m :"
                    " volt'",
                    where=f"{self.name}.equations",
                )
            states.append(StateVariable(match[1], match[2], match[3], match[4] is not None))
        if not states:
            raise SpecError("no equation is given", where=f"{self.name}.equations")
        return tuple(states)

    @property
    def resets(self) -> tuple[tuple[str, str, str], ...]:
        """The reset as (state variable, operator, expression)."""
        return split_assignments(self.reset, where=f"{self.name}.reset")

    def unit_of(self, state: str) -> str:
        """Unit in which a state variable is counted: mV for volt, nA for amp, and so on."""
        if state in self.state_units:
            return self.state_units[state]
        si = next(s.unit for s in self.states if s.name == state)
        plain_units = {"volt": "mV", "amp": "nA", "siemens": "uS", "second": "ms", "hertz": "Hz"}
        return plain_units.get(si, "1")

    def sympy(self) -> dict[str, sympy.Expr]:
        """Right-hand sides by state variable, in SI, from Brian2's own parser.

        Returns
        -------
        dict of str to sympy.Expr

        Raises
        ------
        SpecError
            If the dimensions of an equation do not fit.
        """
        return _parse(self)


@functools.lru_cache(maxsize=64)
def _parse(model: NeuronModel) -> dict[str, sympy.Expr]:
    brian2 = load_brian2()
    from brian2.core.functions import DEFAULT_FUNCTIONS, Function
    from brian2.core.variables import Constant
    from brian2.parsing.expressions import parse_expression_dimensions
    from brian2.parsing.sympytools import str_to_sympy
    from brian2.units.fundamentalunits import DimensionMismatchError

    def unit(name: str) -> Any:
        return brian2.Quantity(1.0) if name == "1" else getattr(brian2, name)

    known: dict[str, Constant | Function] = dict(DEFAULT_FUNCTIONS)
    named = {s.name: s.unit for s in model.states}
    named |= {n: BRIAN2_NAMES.get(dimension(p.unit), "1") for n, p in model.parameters.items()}
    known |= {name: Constant(name, 1.0, dimensions=unit(si).dim) for name, si in named.items()}
    parsed = {}
    for state in model.states:
        where = f"{model.name}.d{state.name}/dt"
        try:
            found = parse_expression_dimensions(state.rate, known)
        except (DimensionMismatchError, SyntaxError, TypeError, ValueError) as error:
            raise SpecError(" ".join(str(error).split()), where=where) from None
        if found is not (unit(state.unit) / brian2.second).dim:
            raise SpecError(
                f"{state.rate!r} has dimension {found}, but {state.unit}/second is needed",
                where=where,
            )
        parsed[state.name] = str_to_sympy(state.rate)
    return parsed
