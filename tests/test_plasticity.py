"""Learning rules as data: what they refuse, and the closed forms of what they compute."""

from __future__ import annotations

import math

import numpy as np
import pytest

from scnnbio.errors import SpecError
from scnnbio.plasticity import SharedSTDP, SharedThreshold


def test_units_are_stripped_at_the_door():
    rule = SharedSTDP(tau_plus="0.017 s", half_life="2 s", a_plus=1, w_max=2)
    assert (rule.tau_plus, rule.half_life) == (17.0, 2000.0)
    assert isinstance(rule.a_plus, float)
    assert SharedSTDP(a_plus=1) == SharedSTDP(a_plus=1.0)
    threshold = SharedThreshold(eta="100 uV", target="0.002 kHz", minimum="-0.06 V")
    assert (threshold.eta, threshold.target, threshold.minimum) == (0.1, 2.0, -60.0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, value) for name in ("tau_plus", "tau_minus", "half_life") for value in (0, -1.0)),
        *((name, -0.1) for name in ("a_plus", "a_minus", "a_post")),
        *(
            (name, value)
            for name in ("tau_plus", "a_plus", "a_minus", "a_post", "w_min", "w_max")
            for value in (math.nan, math.inf, "x", True, [1.0], None)
        ),
        ("tau_plus", "17 mV"),
        ("bounds", "Soft"),
        ("bounds", ["soft"]),
    ],
)
def test_stdp_refuses(name, value):
    with pytest.raises(SpecError) as caught:
        SharedSTDP(**{name: value})
    assert caught.value.where == f"plasticity.{name}"


@pytest.mark.parametrize("bounds", [(1.0, 1.0), (1.0, 0.0)])
def test_bounds_are_in_order(bounds):
    with pytest.raises(SpecError, match="not below"):
        SharedSTDP(w_min=bounds[0], w_max=bounds[1])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("eta", 0.0),
        ("eta", "1 ms"),
        ("eta", None),
        ("target", 0.0),
        ("target", ()),
        ("target", (1.0, 0.0)),
        ("target", np.ones((2, 2))),
        ("target", "x"),
        ("target", math.nan),
        ("minimum", math.inf),
        ("half_life", 0),
        ("parameter", 3),
    ],
)
def test_threshold_refuses(name, value):
    with pytest.raises(SpecError) as caught:
        SharedThreshold(**{"eta": 0.1, "target": 1.0, name: value})
    assert caught.value.where == f"homeostasis.{name}"


def test_a_rate_halves_in_its_half_life():
    # By definition: after 100 ms in steps of 0.5 ms one half is left.
    rule = SharedSTDP(half_life=100.0)
    assert rule.slowing(0.5) ** 200 == pytest.approx(0.5)
    assert SharedSTDP().slowing(0.5) == 1.0
    assert SharedThreshold(eta=1, target=1, half_life=100.0).slowing(100.0) == pytest.approx(0.5)


def test_a_threshold_falls_at_eta_times_target():
    # At rest a map fires `target` spikes a second: in 1 s it falls as far as they raise it.
    one = SharedThreshold(eta=0.2, target=5.0)
    np.testing.assert_allclose(one.fall(3, 1000.0), [1.0, 1.0, 1.0])
    several = SharedThreshold(eta=0.2, target=[5.0, 10.0])
    np.testing.assert_allclose(several.fall(2, 0.5), [0.0005, 0.001])
    with pytest.raises(SpecError, match="2 targets for 3 channels"):
        several.fall(3, 1.0)
