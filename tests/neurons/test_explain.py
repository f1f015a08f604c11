"""The description of a neuron by ``explain``, compared with formulas from a textbook."""

from __future__ import annotations

import pytest

from docs.models_page import PAGE
from scnnbio.neurons import LIBRARY
from scnnbio.neurons.explain import explain


def told(name: str, *, latex: bool = False) -> dict[str, str]:
    return {s.title: "\n".join(s.blocks) for s in explain(LIBRARY[name], latex=latex)}


def test_the_simplest_neuron_in_full() -> None:
    """v relaxes to v_rest + i_offset tau_m/cm; Euler is stable below 2 tau_m = 40 ms."""
    found = told("LIF_curr_delta", latex=True)
    assert found["equations"] == (
        r"\frac{d}{d t} v = \frac{- v + v_{rest}}{\tau_{m}} + \frac{i_{offset}}{cm}"
    )
    assert found["at a spike"] == "where v >= v_thresh\nv = v_reset\nv held for tau_refrac"
    assert r"e^{- \frac{t}{\tau_{m}}}" in found["closed form"]
    assert r"v = v_{rest} + \frac{i_{offset} \tau_{m}}{cm}" in found["equilibrium"]
    assert r"\frac{\tau_{m}}{s \tau_{m} + 1}" in found["transfer functions"]
    assert "stable for dt < 40 ms" in found["forward Euler"]
    assert found["integration"] == "exact propagator: v"
    assert "excitatory" not in found["receptors"]
    assert "membrane: a spike adds its weight, in mV, to v" in found["receptors"]


def test_what_a_neuron_does_not_have_is_said() -> None:
    found = told("AdEx")
    assert found["closed form"].startswith("none: 'AdEx' is not linear")
    assert found["transfer functions"].startswith("none, since")
    assert "near the initial state: v = -70.59" in found["equilibrium"]
    assert "exponential Euler: v, w" in found["integration"]


@pytest.mark.slow
@pytest.mark.parametrize("name", LIBRARY)
def test_no_formula_is_drawn_wider_than_a_terminal(name: str) -> None:
    for section in explain(LIBRARY[name]):
        for block in section.blocks:
            lines = block.splitlines()
            # What does not fit is written on one line, which a terminal can fold.
            assert len(lines) == 1 or max(map(len, lines)) <= 100


@pytest.mark.slow
def test_the_page_of_models_tells_of_all_of_them_and_of_their_defaults() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for name, model in LIBRARY.items():
        part = page.split(f"## {name}\n")[1].split("\n## ")[0]
        parameters = "\n".join(told_parameters(name))
        assert parameters in part, "run python docs/models_page.py"
        assert f"where {model.threshold}" in part
        assert model.reference in part


def told_parameters(name: str) -> tuple[str, ...]:
    return next(s.blocks for s in explain(LIBRARY[name]) if s.title == "parameters")
