"""Every public parameter that is a number takes quantities, or refuses in one line.

The parameters are found by their annotations. One that is a number and does not declare its unit,
with ``scnnbio.units.In`` or a name made of it, fails here; and so does a new public name for which
``public_arguments`` has no arguments.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import math
import pkgutil
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, get_args, get_origin

import brian2
import numpy as np
import pytest
import quantities as pq
from numpy.typing import ArrayLike

import scnnbio.analysis
from scnnbio.backends.base import Backend
from scnnbio.errors import ScnnbioError, SpecError
from scnnbio.neurons.model import NeuronModel
from scnnbio.units import BRIAN2_NAMES, UNITS, In, dimension, si_factor
from tests.public_arguments import ARGUMENTS, DECIDED, INSTANCES, network

#: Where public names are.
MODULES = [
    "scnnbio",
    *(f"scnnbio.{part}" for part in ("connectors", "encoding", "experiment", "neurons")),
    *(f"scnnbio.{part}" for part in ("plasticity", "recording", "stimuli", "inputs")),
    *(f"scnnbio.neurons.{part}" for part in ("linearised", "rates", "synapses")),
    *(m.name for m in pkgutil.iter_modules(scnnbio.analysis.__path__, "scnnbio.analysis.")),
    "scnnbio.validation.evidence",
]
#: Needs a simulator or a long run to return; what it refuses is tried.
LONG = {"for_spinnaker.delay", "homeostatic_return.within"}
#: Take a fit or a model's equations for each of a dozen forms.
COSTLY = {"fit_gabor", "fit_gabors", "measure_kernels", "frequency_response", "analytic_curve"}
BACKENDS = [f"scnnbio.backends.{name}.backend" for name in ("brian2", "nest", "spinnaker")]

#: What scnnbio itself makes and returns; only its methods are called by others.
RESULTS = {
    *("Linearisation", "EulerStability", "EffectiveMembrane", "Run", "Published", "Adaptation"),
    *("Distance", "Agreement", "Alignment", "Convergence", "Membranes", "FrequencyResponse"),
    *("GaborFit", "Estimate", "Curve", "GainChange", "Line", "Return", "Irregularity"),
    *(
        "Images",
        "Draw",
        "Statistic",
        "Responses",
        "KernelMeasures",
        "Correlations",
        "Inhibition",
        "TrialCV",
    ),
}

#: Parameters whose annotation leaves open that they are no quantity.
OTHERS = {
    "indices": {"trials", "trial", "unit", "units", "maps", "conditions"},
    "pairs of neurons": {"edges"},
    "columns of a trial table": {"FromImages.labels"},
    "objects of other packages": {"pre", "post", "projection", "engine", "run"},
    "whole documents": {"document", "rows", "digest_of.value", "mean.values"},
}


@dataclass(frozen=True)
class Case:
    """One public parameter."""

    name: str
    parameter: str
    mark: In
    call: Callable[..., Any]
    arguments: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.name}.{self.parameter}"

    @property
    def value(self) -> Any:
        """What is given where nothing is tried."""
        return self.arguments[self.parameter]

    def result(self, value: Any) -> Any:
        """What comes of another value."""
        arguments = {**self.arguments, self.parameter: value}
        made = {k: v() if inspect.isroutine(v) else v for k, v in arguments.items()}
        if str(self) == "Projection.weight":  # whose unit only the network knows
            return network(weight=value).projections[0].weight
        return self.call(**made)


# ------------------------------------------------------------------------------ what is there


class _Open(type):
    """A name that only a type checker imports, and whatever is asked of it."""

    def __getattr__(cls, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return cls


class Unknown(metaclass=_Open):
    pass


def hints(thing: Any) -> dict[str, Any]:
    """Annotations, those that only a type checker imports left open."""
    own = (
        inspect.isclass(thing) and "__init__" in vars(thing) and not dataclasses.is_dataclass(thing)
    )
    if inspect.isclass(thing) and dataclasses.is_dataclass(thing):
        own = not thing.__dataclass_params__.init
    subject = thing.__init__ if own else thing
    known: dict[str, Any] = {}
    while True:
        try:
            return typing.get_type_hints(subject, localns=known, include_extras=True)
        except NameError as error:
            known[error.name] = Unknown


def marks(annotation: Any) -> Iterator[In | None]:
    """Marks of the numbers in an annotation; None for a number without one."""
    if get_origin(annotation) is Annotated:
        declared = [m for m in annotation.__metadata__ if isinstance(m, In)]
        yield from declared or marks(get_args(annotation)[0])
    elif annotation in (float, complex, np.ndarray, Any) or annotation == ArrayLike:
        yield None
    elif get_origin(annotation) is np.ndarray:
        kind = get_args(get_args(annotation)[1])[0]
        if kind is Any or not issubclass(kind, np.integer | np.bool_ | np.complexfloating):
            yield None
    elif get_origin(annotation) not in (typing.Literal, Callable, type):
        for part in get_args(annotation):
            if part is not Ellipsis and not isinstance(part, list):
                yield from marks(part)


def public() -> Iterator[tuple[str, Any]]:
    """Public functions and classes by module and name, each once."""
    seen = set()
    for place in [*MODULES, *BACKENDS]:
        module = importlib.import_module(place)
        names = getattr(module, "__all__", [n for n in vars(module) if not n.startswith("_")])
        for name in names:
            thing = getattr(module, name)
            is_own = hasattr(module, "__all__") or getattr(thing, "__module__", "") == place
            if not (inspect.isfunction(thing) or inspect.isclass(thing)) or not is_own:
                continue
            if place in BACKENDS and not (inspect.isclass(thing) and issubclass(thing, Backend)):
                continue
            if thing in seen or (inspect.isclass(thing) and issubclass(thing, ScnnbioError)):
                continue
            seen.add(thing)
            yield f"{thing.__module__.rpartition('.')[2]}.{name}", thing


def arguments_of(*names: str) -> Mapping[str, Any]:
    """Arguments of the first of these names that has any."""
    return next((ARGUMENTS[name] for name in names if name in ARGUMENTS), {})


def instance(cls: type) -> Any:
    """An object whose methods are tried."""
    if cls.__name__ in INSTANCES:
        return INSTANCES[cls.__name__]()
    arguments = arguments_of(cls.__name__)
    return cls(**{k: v() if inspect.isroutine(v) else v for k, v in arguments.items()})


def callables() -> Iterator[tuple[str, Any, Callable[..., Any], Mapping[str, Any]]]:
    """Name, what is annotated, how to call it, and its arguments."""
    for full, thing in public():
        name = thing.__name__
        if inspect.isfunction(thing):
            yield name, thing, thing, arguments_of(full, name)
            continue
        if name not in RESULTS and not inspect.isabstract(thing):
            yield name, thing, thing, arguments_of(name)
        for method, function in vars(thing).items():
            if method.startswith("_") or not inspect.isfunction(function):
                continue
            if getattr(function, "__isabstractmethod__", False):
                continue
            names = [f"{base.__name__}.{method}" for base in thing.__mro__]

            def call(owner: type = thing, method: str = method, **arguments: Any) -> Any:
                return getattr(instance(owner), method)(**arguments)

            yield f"{name}.{method}", function, call, arguments_of(*names)


def parameters() -> Iterator[
    tuple[str, Any, Callable[..., Any], Mapping[str, Any], str, list[Any]]
]:
    exempt = frozenset().union(*OTHERS.values())
    for name, thing, call, arguments in callables():
        found = hints(thing)
        for parameter, about in inspect.signature(thing).parameters.items():
            if about.kind is about.VAR_KEYWORD or parameter not in found:
                continue
            numbers = list(dict.fromkeys(marks(found[parameter])))
            undeclared = parameter in exempt or f"{name}.{parameter}" in exempt
            numbers = [mark for mark in numbers if not (undeclared and mark is None)]
            if numbers:
                given = {parameter: about.default, **arguments}
                yield name, thing, call, given, parameter, numbers


def cases() -> list[Case]:
    return [
        Case(name, parameter, mark, call, given)
        for name, _, call, given, parameter, numbers in parameters()
        for mark in numbers
        if mark is not None
    ]


def test_every_number_declares_its_unit():
    missing = [f"{name}.{p}" for name, *_, p, numbers in parameters() if None in numbers]
    assert not missing, (
        f"{', '.join(missing)}: declare the unit in the annotation, as in Annotated[float,"
        " In('ms')] or scnnbio.units.Milliseconds, and read the value by scnnbio.units.plain"
    )


def test_every_declared_number_is_tried():
    absent = [str(c) for c in cases() if c.value is None or c.value is inspect.Parameter.empty]
    assert not absent, f"{', '.join(absent)}: add arguments to tests/public_arguments.py"


def test_a_number_without_a_declaration_is_found():
    def undeclared(time: float, data: ArrayLike, values: np.ndarray | None, n: int) -> None: ...

    found = {name: set(marks(hint)) for name, hint in hints(undeclared).items()}
    assert [name for name, numbers in found.items() if None in numbers] == [
        "time",
        "data",
        "values",
    ]


# ------------------------------------------------------------------------------ what is tried


def other_unit(unit: str) -> str:
    """The SI unit of the dimension: seconds for ms."""
    return next(u for u in UNITS if dimension(u) == dimension(unit) and si_factor(u) == 1.0)


def moved(number: float, unit: str) -> float:
    """A number in the SI unit, by decimal arithmetic, so that it is exact."""
    power = round(math.log10(si_factor(unit)))
    return float(Decimal(repr(float(number))).scaleb(power))


def in_pq(numbers: Any, unit: str) -> pq.Quantity:
    return pq.Quantity(numbers, "dimensionless" if unit == "1" else unit.replace("O", "o"))


def in_brian2(number: float, unit: str) -> Any:
    name = BRIAN2_NAMES[dimension(unit)]
    scale = brian2.Quantity(1.0) if name == "1" else getattr(brian2, name)
    return moved(number, unit) * scale


Form = Callable[[float, str], Any]
#: Ways to write one number in a unit.
FORMS: dict[str, Form] = {
    "text": lambda v, u: f"{v!r} {u}",
    "text in SI": lambda v, u: f"{moved(v, u)!r} {other_unit(u)}",
    "quantities": in_pq,
    "quantities in SI": lambda v, u: in_pq(moved(v, u), other_unit(u)),
    "Brian2": in_brian2,
    "an array of no dimension": lambda v, u: np.array(v),
    "numpy": lambda v, u: np.float64(v),
    "single": lambda v, u: np.float32(v),
    "whole": lambda v, u: int(v),
}
ARRAYS: dict[str, Callable[[Any, str], Any]] = {
    "array of quantities": in_pq,
    "array of Brian2": lambda v, u: (
        np.vectorize(lambda x: moved(x, u))(v) * in_brian2(1.0, u) / moved(1.0, u)
    ),
    "array": lambda v, u: np.array(v),
}


def formed(value: Any, unit: str, form: Form) -> Any:
    """The same value with each of its numbers in a form; nested as it was."""
    if isinstance(value, Mapping):
        keys = {k: form(k, unit) if isinstance(k, float) else k for k in value}
        return {
            keys[k]: v if isinstance(k, float) else formed(v, DECIDED.get(k, unit), form)
            for k, v in value.items()
        }
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return type(value)(formed(item, unit, form) for item in value)
    return form(value, unit)


def numbers_in(value: Any) -> Iterator[float]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from [key] if isinstance(key, float) else numbers_in(item)
    elif isinstance(value, list | tuple | np.ndarray):
        for item in value:
            yield from numbers_in(item)
    else:
        yield value


def fits(form: str, value: Any, unit: str) -> bool:
    """Whether a form can say this value at all."""
    numbers = list(numbers_in(value))
    if form == "single":
        return all(float(np.float32(v)) == v for v in numbers)
    if form == "whole":
        return all(float(v).is_integer() for v in numbers)
    if unit == "deg":
        return "SI" not in form
    return True


def same(one: Any, other: Any) -> bool:
    """Whether two results are equal, up to the rounding of a unit."""
    if hasattr(one, "digest"):
        return type(one) is type(other) and one.digest() == other.digest()
    if isinstance(one, NeuronModel):
        return one == other
    if dataclasses.is_dataclass(one):
        return type(one) is type(other) and all(
            same(getattr(one, f.name), getattr(other, f.name)) for f in dataclasses.fields(one)
        )
    if isinstance(one, Mapping):
        return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    if isinstance(one, list | tuple) and any(not isinstance(v, int | float) for v in one):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, str | None | types.FunctionType):
        return bool(one == other)
    if hasattr(one, "__dict__") and not isinstance(one, np.ndarray):
        return same(vars(one), vars(other))
    if np.asarray(one).dtype.kind == "U":
        return bool(np.array_equal(one, other))
    return np.shape(one) == np.shape(other) and np.allclose(
        one, other, rtol=1e-12, atol=1e-300, equal_nan=True
    )


def unit_of(case: Case) -> str:
    if case.mark.unit is not None:
        return case.mark.unit
    if isinstance(case.value, Mapping):
        (key,) = case.value
        return DECIDED[key]
    return DECIDED[str(case)]


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    for part in ("gain", "frequency_response", "homeostasis", "paired"):
        module = importlib.import_module(f"scnnbio.analysis.{part}")
        if hasattr(module, "_RESAMPLES"):
            monkeypatch.setattr(module, "_RESAMPLES", 9)


def hashable(value: Any) -> bool:
    """Whether it can be the key of a mapping, as time steps are."""
    try:
        hash(value)
    except TypeError:
        return False
    return True


CASES = [
    pytest.param(case, marks=pytest.mark.slow if case.name in COSTLY else ()) for case in cases()
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_parameter_takes_its_unit_in_every_form(case: Case):
    if str(case) in LONG:
        pytest.skip("needs a simulator or a long run")
    unit = unit_of(case)
    expected = case.result(case.value)
    is_keyed = isinstance(case.value, Mapping) or inspect.isroutine(case.value)
    base = case.value() if inspect.isroutine(case.value) else case.value
    is_array = isinstance(base, list | tuple | np.ndarray)
    for name, form in FORMS.items():
        if not fits(name, base, unit) or (unit == "deg" and name == "Brian2"):
            continue
        if is_keyed and any(isinstance(k, float) and not hashable(form(k, unit)) for k in base):
            continue
        assert same(case.result(formed(base, unit, form)), expected), name
    for name, whole in ARRAYS.items() if is_array else ():
        if unit != "deg" or "Brian2" not in name:
            assert same(case.result(whole(base, unit)), expected), name


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_parameter_refuses_other_dimensions_in_one_line(case: Case):
    unit = unit_of(case)
    wrong = "mV" if unit != "mV" else "ms"
    base = case.value() if inspect.isroutine(case.value) else case.value
    forms = dict(FORMS)
    refused = {n: lambda v, u, f=forms[n]: f(v, wrong) for n in ("text", "quantities", "Brian2")}
    if case.mark.finite:
        refused["nan"] = lambda v, u: math.nan
        refused["nan of numpy"] = lambda v, u: np.array(np.nan)
        refused["nan in a unit"] = lambda v, u: in_pq(math.nan, u)
        refused["nan in text"] = lambda v, u: "nan"
    if unit == "deg":  # Brian2 has no angles: which of deg and rad is 3?
        refused["a number of Brian2"] = lambda v, u: brian2.Quantity(v)
    if isinstance(base, list | tuple | np.ndarray):
        whole = {"an array": lambda v: in_pq(v, wrong), "of Brian2": lambda v: v * brian2.mV}
        if wrong == "mV":
            for name, make in whole.items():
                with pytest.raises(SpecError) as caught:
                    case.result(make(np.array(base, dtype=float)))
                assert "\n" not in str(caught.value), name
    for name, form in refused.items():
        keyed = [k for k in base if isinstance(k, float)] if isinstance(base, Mapping) else []
        if any(not hashable(form(k, unit)) for k in keyed):
            continue
        with pytest.raises(SpecError) as caught:
            pytest.fail(f"{name} is taken: {case.result(formed(base, unit, form))}")
        assert "\n" not in str(caught.value)
