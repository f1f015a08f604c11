"""The V1 layer: its shapes and parameters, against the numbers it is described by."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from models.v1_features import build
from scnnbio.errors import SpecError


def test_shapes_follow_from_the_convolution():
    # (extent - size) // stride + 1 places a side.
    made = build(maps=6, size=5, extent=12, stride=3)
    assert made.population("lgn").shape == (2, 12, 12)
    assert made.population("v1").shape == (6, 3, 3)
    assert made.projection("lgn_v1").kernel.shape == (6, 2, 5, 5)
    assert made.projection("v1_v1").connector.edges().pre.size == 6 * 5 * 9


def test_kernels_follow_the_seed_alone():
    one, other = build(seed=3), build(seed=3, tau_m=20, psp=2.0)
    np.testing.assert_array_equal(
        one.projection("lgn_v1").kernel, other.projection("lgn_v1").kernel
    )
    assert not np.array_equal(
        one.projection("lgn_v1").kernel, build(seed=4).projection("lgn_v1").kernel
    )
    assert one.digest() == build(seed=3).digest()


def test_time_constants_are_the_quantiles_of_a_lognormal_distribution():
    tau = build(maps=20, tau_m="16 ms", tau_m_spread=0.8).population("v1").parameters["tau_m"]
    # Share of the distribution below each: 1/40, 3/40 ...
    np.testing.assert_allclose(
        norm.cdf(np.log(tau / 16.0) / 0.8), (np.arange(20) + 0.5) / 20, atol=1e-12
    )
    alike = build(maps=3, tau_m=16, tau_m_spread=0).population("v1").parameters["tau_m"]
    np.testing.assert_array_equal(alike, [16.0] * 3)


def test_maps_share_the_wins():
    # 0.95 wins a place and trial of 20 ms, on 3 x 3 places: all maps together 427.5 spikes/s.
    made = build(maps=5, size=11, extent=15, stride=2, wins=0.95, trial="20 ms")
    assert made.population("v1").homeostasis.target * 5 == pytest.approx(0.95 * 9 / 0.02)


def test_units_reach_the_network():
    made = build(psp="500 uV", inhibition="0.03 V", delay="2 ms", eta="100 uV", tau_refrac="5 ms")
    assert made.projection("lgn_v1").weight == 0.5
    assert made.projection("v1_v1").weight == -30.0
    assert {p.delay for p in made.projections} == {2.0}
    assert made.population("v1").homeostasis.eta == 0.1
    assert made.population("v1").parameters["tau_refrac"] == 5.0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((n, v) for n in ("maps", "size", "extent", "stride") for v in (0, -1, 1.5, "x", True)),
        *(
            (n, v)
            for n in ("tau_m", "delay", "eta", "wins", "trial", "rate_half_life", "tau_plus")
            for v in (0, -1, "x", float("nan"))
            if n != "tau_plus" or not isinstance(v, int)
        ),
        *((n, "5 Hz") for n in ("tau_m", "tau_refrac", "v_thresh", "psp", "inhibition", "eta")),
        ("size", 40),
        ("maps", 10**9),
        ("extent", 10**9),
        ("tau_m_spread", -1),
        ("tau_m_spread", 100),
        ("tau_m_spread", "x"),
        ("threshold_half_life", 0),
        ("a_plus", None),
        ("inhibition_scope", "everywhere"),
        ("inhibition_radius", -1),
        ("inhibition_radius", 10**6),
    ],
)
def test_a_parameter_out_of_range_is_named(name, value):
    with pytest.raises(SpecError) as caught:
        build(**{name: value})
    assert caught.value.where == f"parameters.{name}"


def test_currents_carry_the_charge_of_the_jumps():
    jump, current = build(psp=1.5, inhibition=3.0), build(psp=1.5, inhibition=3.0, tau_syn="2 ms")
    layer = current.population("v1")
    assert (layer.parameters["tau_syn_E"], layer.parameters["tau_syn_I"]) == (2.0, 2.0)
    for name, receptor in (("lgn_v1", "excitatory"), ("v1_v1", "inhibitory")):
        # A current w exp(-t/tau) moves a membrane of 1 nF, without leak, by w tau in the end.
        assert current.projection(name).weight * 2.0 == jump.projection(name).weight
        assert current.projection(name).receptor == receptor
