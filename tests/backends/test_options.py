"""Options of backends: arguments of a constructor, from a table and into provenance."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
import pytest

from scnnbio import backends
from scnnbio.backends.options import Option, checked, options_of
from scnnbio.backends.spinnaker.backend import SpinnakerBackend
from scnnbio.errors import BackendMissing, SpecError
from scnnbio.units import Milliseconds


class Chosen:
    def __init__(
        self, place: Literal["here", "there"] = "here", share: float = 0.5, loud: bool = False
    ) -> None: ...


class Plain: ...


def test_options_are_the_arguments_of_the_constructor():
    assert [str(o) for o in options_of(Chosen).values()] == [
        "place = here | there",
        "share = a number",
        "loud = true or false",
    ]
    assert options_of(Plain) == {}


def test_values_are_taken_as_they_are_and_whole_numbers_where_numbers_are_asked_for():
    values = checked(Chosen, {"place": "there", "share": 1, "loud": True})
    assert values == {"place": "there", "share": 1.0, "loud": True}
    assert type(values["share"]) is float


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"plce": "here"}, "backend: there is no option 'plce'; did you mean 'place'?"),
        ({"place": "away"}, "backend.place: 'away' is not one of here, there"),
        ({"share": True}, "backend.share: True is not one of a number"),
        ({"share": math.nan}, "backend.share: nan is not one of a number"),
        ({"share": math.inf}, "backend.share: inf is not one of a number"),
        ({"loud": 1}, "backend.loud: 1 is not one of true or false"),
    ],
)
def test_what_is_no_option_is_refused_by_name(values: dict[str, Any], message: str):
    with pytest.raises(SpecError) as caught:
        checked(Chosen, values)
    assert str(caught.value) == message


def test_an_option_with_a_unit_takes_quantities():
    option = Option("gap", Milliseconds | None, None)
    assert str(option) == "gap = a number (ms)"
    # 0.02 s are 20 ms.
    assert [option.checked(v) for v in ("0.02 s", "20", 20, np.float32(20))] == [20.0] * 4
    with pytest.raises(SpecError, match="'3 mV' is a voltage, but a time is needed"):
        option.checked("3 mV")
    assert options_of(SpinnakerBackend)["gap"].unit == "ms"


def test_a_union_takes_each_of_its_types():
    option = Option("threads", int | Literal["all"] | None, None)
    assert option.checked(3) == 3
    assert option.checked("all") == "all"
    with pytest.raises(SpecError, match="not one of a whole number, all"):
        option.checked(None)


@pytest.mark.parametrize("name", backends.names())
def test_every_backend_keeps_its_options_by_name(name: str):
    # Provenance reads them back from the backend itself.
    try:
        backend = backends.get(name)
    except BackendMissing as error:
        pytest.skip(str(error))
    told = {key: value for key, value in backend.options.items() if value is not None}
    assert backends.get(name, told).options == backend.options
    assert set(backend.options) == set(options_of(type(backend)))
