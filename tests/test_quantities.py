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
import types
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

import brian2
import numpy as np
import pandas
import pytest
import quantities as pq
from numpy.typing import ArrayLike

from scnnbio.errors import SpecError
from scnnbio.neurons.model import NeuronModel
from scnnbio.units import BRIAN2_NAMES, UNITS, dimension, si_factor
from tests.public_arguments import DECIDED
from tests.public_parameters import Case, cases, hints, marks, parameters

#: Needs a simulator or a long run to return; what it refuses is tried.
LONG = {
    *("for_spinnaker.delay", "homeostatic_return.within"),
    *("fit.bounds", "fit.fixed", "fit.dt", "read_sweeps.window"),
}
#: Take a fit or a model's equations for each of a dozen forms.
COSTLY = {
    "fit_masks",
    "reconstruction_error",
    "fit_gabor",
    "fit_gabors",
    "measure_kernels",
    "kernel_shapes",
    "frequency_response",
    "analytic_curve",
}


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
    if callable(one) and not isinstance(one, types.FunctionType):
        # A sampler: it is known by what it draws.
        return same(one(np.random.default_rng(1)), other(np.random.default_rng(1)))
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
    if isinstance(one, pandas.DataFrame):
        pandas.testing.assert_frame_equal(one, other, rtol=1e-12)
        return True
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
