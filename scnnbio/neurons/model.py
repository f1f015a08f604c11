"""A neuron model: equations, threshold and reset as text."""

from __future__ import annotations

import ast
import functools
import re
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from scnnbio._exclusive import ignore_warnings
from scnnbio.errors import SpecError, hint, not_one_of
from scnnbio.neurons.arithmetic import deep_trees
from scnnbio.neurons.brian2_loader import as_sympy, load_brian2
from scnnbio.neurons.coherence import check_coherence
from scnnbio.neurons.names import check_noise, check_state, check_variable
from scnnbio.neurons.parsing import split_assignments
from scnnbio.neurons.variables import Parameter, StateVariable
from scnnbio.neurons.whitelist import check_expression
from scnnbio.units import BRIAN2_NAMES, PLAIN, dimension
from scnnbio.values import FrozenTable, Value

if TYPE_CHECKING:
    import sympy

_LEFT = re.compile(r"d([A-Za-z]\w*)/dt")
_RIGHT = re.compile(r"([A-Za-z0-9]+)\s*(\(unless refractory\))?")
_NAME = re.compile(r"[A-Za-z]\w*", re.ASCII)
#: Longest text of the equations, in characters.
_MAX_TEXT = 20_000

#: Methods of integration on a time grid; see :mod:`scnnbio.neurons.integrator`.
INTEGRATORS = {name: name for name in ("exact", "forward-euler")}

#: Brian2's name of a state variable's dimension → its plain unit.
_PLAIN_UNIT = {BRIAN2_NAMES[dimension(unit)]: unit for unit in PLAIN if unit != "deg"}


@dataclass(frozen=True)
class NeuronModel(Value):
    """A point neuron as equations in Brian2's notation.

    Parameters
    ----------
    name : str
        Name of the model.
    equations : str
        One line per state variable, ``dv/dt = ... : volt``; a variable marked
        ``(unless refractory)`` is held while the neuron is refractory.
    threshold : str
        Condition for a spike, such as ``"v >= v_thresh"``.
    reset : str
        Assignments at a spike, such as ``"v = v_reset"``.
    parameters : mapping of str to Parameter
        Defaults, units and ranges.
    receptors : mapping of str to str
        Receptor → state variable to which an arriving spike adds its weight.
    refractory : str, optional
        Name of the parameter with the absolute refractory period.
    initial : mapping of str to str, optional
        State variable → parameter with its initial value; others start at zero.
    reference : str, optional
        Source of the equations.
    integrator : {"exact", "forward-euler"}
        Integration on backends with a time step: ``"exact"`` is exact where the equations are
        linear, and exponential Euler elsewhere; ``"forward-euler"`` shows the errors of that
        method.

    Raises
    ------
    SpecError
        If an equation is not arithmetic, a name is neither state nor parameter, or a receptor, the
        refractory period or an initial value names an unknown variable.

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
    reference: str = ""
    integrator: str = "exact"

    def __post_init__(self) -> None:
        if self.integrator not in INTEGRATORS:
            raise SpecError(not_one_of(self.integrator, INTEGRATORS), where="integrator")
        for name in ("name", "equations", "threshold", "reset", "reference"):
            if not isinstance(getattr(self, name), str):
                raise SpecError(f"{reprlib.repr(getattr(self, name))} is not text", where=name)
        for name in ("parameters", "receptors", "initial"):
            table = getattr(self, name)
            if not isinstance(table, Mapping):
                raise SpecError(f"{reprlib.repr(table)} is not a mapping", where=name)
            object.__setattr__(self, name, FrozenTable(table))
        self._check_names()
        self._check_expressions()
        self._check_references()
        self._check_units()

    def _check_names(self) -> None:
        for state in self.states:
            if state.unit not in _PLAIN_UNIT:
                raise SpecError(
                    f"{state.unit!r} is not a dimension; use one of {', '.join(_PLAIN_UNIT)}",
                    where=f"{self.name}.d{state.name}/dt",
                )
        names = [*(state.name for state in self.states), *self.parameters]
        for name in names:
            where = f"{self.name}.{name}"
            if not isinstance(name, str) or not _NAME.fullmatch(name):
                raise SpecError(
                    f"{name!r} is not a name; use letters, digits and underscores", where=self.name
                )
            check_variable(name, where)
            if names.count(name) > 1:
                raise SpecError(f"{name!r} is defined twice; rename one", where=where)
        for state in self.states:
            check_state(state.name, f"{self.name}.{state.name}")
        for name, parameter in self.parameters.items():
            if not isinstance(parameter, Parameter):
                raise SpecError(
                    f"{parameter!r} is not a Parameter", where=f"{self.name}.parameters.{name}"
                )

    def _check_expressions(self) -> None:
        known = {state.name for state in self.states} | set(self.parameters)
        rates = [(f"{self.name}.d{s.name}/dt", s.rate) for s in self.states]
        resets = [(f"{self.name}.reset", text) for _, _, text in self.resets]
        condition = (f"{self.name}.threshold", self.threshold)
        for label, text in (*rates, condition, *resets):
            unknown = check_expression(text, where=label) - known
            if unknown:
                first = min(unknown)
                check_noise(first, label)
                raise SpecError(
                    f"{first!r} is neither a state nor a parameter of {self.name!r};"
                    f" {hint(first, sorted(known), 'known are')}",
                    where=label,
                )
        top = ast.parse(self.threshold.strip(), mode="eval").body
        if not isinstance(top, ast.Compare | ast.BoolOp):
            raise SpecError(
                f"{self.threshold!r} is not a condition; write 'v >= v_thresh'", where=condition[0]
            )

    def _check_references(self) -> None:
        states = {state.name for state in self.states}
        rows = [(f"receptors.{r}", s, states) for r, s in self.receptors.items()]
        rows += [("reset", name, states) for name, _, _ in self.resets]
        rows += [("initial", name, states) for name in self.initial]
        rows += [(f"initial.{s}", p, set(self.parameters)) for s, p in self.initial.items()]
        if self.refractory is not None:
            rows.append(("refractory", self.refractory, set(self.parameters)))
        for label, name, allowed in rows:
            if not isinstance(name, str) or name not in allowed:
                raise SpecError(not_one_of(name, sorted(allowed)), where=f"{self.name}.{label}")

    def _check_units(self) -> None:
        needed = [(f"initial.{s}", p, self.unit_of(s)) for s, p in self.initial.items()]
        if self.refractory is not None:
            needed.append(("refractory", self.refractory, "ms"))
        for label, name, unit in needed:
            found = self.parameters[name].unit
            if found != unit:
                raise SpecError(
                    f"parameter {name!r} is in {found}, but {unit} is needed",
                    where=f"{self.name}.{label}",
                )

    def __repr__(self) -> str:
        states = ", ".join(state.name for state in self.states)
        return f"NeuronModel({self.name!r}: states {states}; receptors {', '.join(self.receptors)})"

    def __hash__(self) -> int:
        # Hashing a few fields is fast: a model is a key of several caches.
        return hash((self.name, self.equations, self.threshold, self.reset))

    @functools.cached_property
    def states(self) -> tuple[StateVariable, ...]:
        """The differential equations, in the order written."""
        if len(self.equations) > _MAX_TEXT:
            raise SpecError(
                f"{len(self.equations)} characters; at most {_MAX_TEXT} are allowed",
                where=f"{self.name}.equations",
            )
        states = []
        for line in filter(None, map(str.strip, self.equations.splitlines())):
            # Split piece by piece: one regular expression for all could take exponential time.
            left, _, rest = (part.strip() for part in line.partition("="))
            rate, _, unit = (part.strip() for part in rest.rpartition(":"))
            name, kind = _LEFT.fullmatch(left), _RIGHT.fullmatch(unit)
            if not name or not kind or not rate:
                raise SpecError(
                    f"{reprlib.repr(line)} is not an equation; write"
                    " 'dv/dt = (v_rest - v)/tau_m : volt'",
                    where=f"{self.name}.equations",
                )
            states.append(StateVariable(name[1], rate, kind[1], kind[2] is not None))
        if not states:
            raise SpecError(
                "there is no equation; write at least one", where=f"{self.name}.equations"
            )
        return tuple(states)

    @property
    def resets(self) -> tuple[tuple[str, str, str], ...]:
        """The reset as (state variable, operator, expression)."""
        return split_assignments(self.reset, where=f"{self.name}.reset")

    def unit_of(self, state: str) -> str:
        """Plain unit of a state variable: mV for volt, nA for amp, and so on."""
        return _PLAIN_UNIT[next(s.unit for s in self.states if s.name == state)]

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
@deep_trees()
def _parse(model: NeuronModel) -> dict[str, sympy.Expr]:
    _check_dimensions(model)
    parsed = {}
    for state in model.states:
        try:
            with ignore_warnings():  # sympy warns about arithmetic with conditions
                parsed[state.name] = as_sympy(state.rate)
        except (SyntaxError, TypeError, NotImplementedError) as error:
            raise SpecError(
                f"{state.rate!r} cannot be read as a formula: {error}",
                where=f"{model.name}.d{state.name}/dt",
            ) from None
    return parsed


def _check_dimensions(model: NeuronModel) -> None:
    """Raise unless every expression has the dimension that its place requires."""
    brian2 = load_brian2()
    from brian2.core.functions import DEFAULT_FUNCTIONS, Function
    from brian2.core.variables import Constant

    def unit(name: str) -> Any:
        return brian2.Quantity(1.0) if name == "1" else getattr(brian2, name)

    known: dict[str, Constant | Function] = dict(DEFAULT_FUNCTIONS)
    named = {s.name: s.unit for s in model.states}
    named |= {n: BRIAN2_NAMES.get(dimension(p.unit), "1") for n, p in model.parameters.items()}
    known |= {name: Constant(name, 1.0, dimensions=unit(si).dim) for name, si in named.items()}
    # A rate of zero, of a state that an input changes, fits every dimension.
    rows = [
        (f"d{s.name}/dt", s.rate, f"{s.unit}/second", unit(s.unit) / brian2.second)
        for s in model.states
        if not s.is_given
    ]
    rows.append(("threshold", model.threshold, "1", unit("1")))
    for name, operator, text in model.resets:
        needed = "1" if operator in ("*=", "/=") else named[name]
        rows.append(("reset", text, needed, unit(needed)))
    for label, text, needed, quantity in rows:
        _check_dimension(text, known, needed, quantity.dim, f"{model.name}.{label}")
    units = {name: p.unit for name, p in model.parameters.items()}
    units |= {s.name: model.unit_of(s.name) for s in model.states}
    check_coherence(model.threshold, units, "1", where=f"{model.name}.threshold")
    for name, operator, text in model.resets:
        unit_after = "1" if operator in ("*=", "/=") else units[name]
        check_coherence(text, units, unit_after, where=f"{model.name}.reset")


def _check_dimension(text: str, known: Any, needed: str, dim: Any, where: str) -> None:
    from brian2.parsing.expressions import parse_expression_dimensions
    from brian2.units.fundamentalunits import DimensionMismatchError, get_unit

    try:
        found = parse_expression_dimensions(text, known)
    except (DimensionMismatchError, SyntaxError, TypeError, ValueError) as error:
        # Brian2's message has the expression on a separate line, with a caret below.
        message = " ".join(str(error).replace("^", " ").split())
        raise SpecError(f"in {text!r}: {message}", where=where) from None
    if found is not dim:
        unit = get_unit(found)
        raise SpecError(f"{text!r} is in {unit!s}, but {needed} is needed", where=where)
