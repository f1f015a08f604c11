"""Every name is refused where the model is made, or works on every backend.

The lists are held against the packages that need the names for themselves.
"""

from __future__ import annotations

import importlib.util
import keyword
import re
import shutil
import subprocess
from collections.abc import Iterable

import numpy as np
import pytest

from scnnbio.errors import SpecError
from scnnbio.neurons import NeuronModel, Parameter
from scnnbio.plasticity import Trace, TraceRule
from tests.backends.test_reference import pair, run

WORD = re.compile(r"[A-Za-z]\w*")


def model(*names: str) -> NeuronModel:
    """States of these names, each of which decays to a number of its own."""
    states = [f"d{name}/dt = ({k + 1} - {name})/tau : 1" for k, name in enumerate(names)]
    return NeuronModel(
        name="named",
        equations="\n".join([*states, "dv/dt = -v/tau : 1"]),
        threshold=f"v + {' + '.join(names)} > 1e9",
        reset="; ".join(f"{name} += 1" for name in names),
        parameters={"tau": Parameter(10.0, "ms")},
        receptors={"excitatory": "v"},
    )


def free(names: Iterable[str]) -> list[str]:
    """Those that a state may have."""
    found = []
    for name in names:
        try:
            model(name)
        except SpecError:
            continue
        found.append(name)
    return found


@pytest.mark.parametrize(
    "name", ["rand", "poisson", "timestep", "log1p", "expm1", "xi_1", "xi", "randn", "x_post"]
)
def test_the_error_names_the_name_and_the_reason(name: str) -> None:
    with pytest.raises(SpecError, match=f"the name '{name}' is reserved: it is .*; choose another"):
        model(name)


def test_what_brian2_means_by_a_name_is_refused() -> None:
    from brian2 import NeuronGroup
    from brian2.core.functions import DEFAULT_CONSTANTS, DEFAULT_FUNCTIONS
    from brian2.core.namespace import DEFAULT_UNITS

    group = NeuronGroup(1, "v : 1", name="group_of_test_names")
    names = {*DEFAULT_FUNCTIONS, *DEFAULT_CONSTANTS, *DEFAULT_UNITS, *dir(group)} - {"v"}
    assert free(filter(WORD.fullmatch, names)) == []


def test_words_of_python_and_cpp_are_refused() -> None:
    from sympy.printing.cxx import reserved

    assert free(keyword.kwlist) == []
    assert free({*reserved["C++98"], *reserved["C++11"], *reserved["C++17"]}) == []


@pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++")
def test_macros_of_the_cpp_library_are_refused() -> None:
    headers = "cmath iostream fstream vector stdint.h stdlib.h time.h climits algorithm string"
    headers += " random map omp.h sys/stat.h"
    lines = "\n".join(f"#include <{header}>" for header in headers.split())
    words = ["g++", "-std=c++11", "-fopenmp", "-dM", "-E", "-x", "c++", "-"]
    done = subprocess.run(words, input=lines, capture_output=True, text=True, check=True)
    macros = {line.split()[1].split("(")[0] for line in done.stdout.splitlines()}
    assert len(macros) > 300
    assert free(name for name in macros if not name.startswith("_")) == []


def test_names_in_use_are_free() -> None:
    # Of models in the literature, and of this library's own parameters.
    names = ["w", "u", "m", "h", "n", "g_exc", "I_syn", "Ca", "E_Na", "EK", "R", "S", "V_m"]
    assert free(names) == names


def test_names_of_a_rule_are_as_free_as_they_can_be() -> None:
    for name in ("rand", "xi_1", "lambda", "poisson"):
        with pytest.raises(SpecError, match="is reserved"):
            TraceRule(traces={name: Trace("pre", 10.0)})
        with pytest.raises(SpecError, match="is reserved"):
            TraceRule(parameters={name: 1.0})
    # With a prefix everywhere, words of C++ are names like others.
    assert TraceRule(on_pre="new*w", traces={"new": Trace("pre", 10.0)}).used("pre") == ("new",)


def words_of_nestml() -> set[str]:
    from pynestml.generated.PyNestMLLexer import PyNestMLLexer
    from pynestml.symbols.predefined_functions import PredefinedFunctions

    literals = {word.strip("'") for word in PyNestMLLexer.literalNames}
    functions = {name for key, name in vars(PredefinedFunctions).items() if key.isupper()}
    return set(filter(WORD.fullmatch, literals | functions))


#: What NEST, NESTML and sympy use, and what generated texts are full of.
USED = ["V_m", "B_", "S_", "P_", "t0", "lag", "origin", "weight", "delay", "told", "excess", "gap"]
USED += ["clock_", "period", "beta", "gamma", "zeta", "I", "S", "E", "Q", "O", "np", "sympy"]
USED += ["level", "rate", "fall", "present", "opens", "trace_x", "step", "p_v_v", "q_v", "p", "x"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "backend", ["brian2", "brian2-standalone", pytest.param("nest", marks=pytest.mark.nest)]
)
def test_what_is_taken_works_on_every_backend(backend: str) -> None:
    nestml = importlib.util.find_spec("pynestml") is not None
    if backend == "nest" and not nestml:
        pytest.skip("needs NESTML")
    names = free(sorted({*USED, *(words_of_nestml() if nestml else ())}))
    assert set(USED) <= set(names)
    made = pair(np.ones((1, 2, 1, 1)), (2, 1, 1), model(*names))
    found, expected = (
        run(made, ((2.0, 0),), duration=5.0, backend=name).recording.signals["post"]["v"].values
        for name in (backend, "reference")
    )
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    assert expected[-1] > 0.5
