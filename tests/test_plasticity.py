"""Learning rules as data: what they refuse, and the closed forms of what they compute."""

from __future__ import annotations

import math

import numpy as np
import pytest

from scnnbio.errors import SpecError
from scnnbio.plasticity import (
    MSTDP,
    MSTDPET,
    Growth,
    Normalisation,
    Reward,
    SharedSTDP,
    SharedThreshold,
    Trace,
    TraceRule,
    TripletSTDP,
    WinnerTakeAll,
)


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
        ("pairing", "all"),
        ("mu", 0.5),
        ("normalisation", 1.0),
    ],
)
def test_stdp_refuses(name, value):
    with pytest.raises(SpecError) as caught:
        SharedSTDP(**{name: value})
    assert caught.value.where == f"plasticity.{name}"


def test_power_bounds_need_an_exponent():
    with pytest.raises(SpecError, match="take an exponent"):
        SharedSTDP(bounds="power")
    with pytest.raises(SpecError, match="not positive"):
        SharedSTDP(bounds="power", mu=0.0)
    assert TripletSTDP(bounds="power", mu=0.2).mu == 0.2


@pytest.mark.parametrize(
    ("name", "value"),
    [("tau_x", 0.0), ("a3_minus", -1.0), ("bounds", "none"), ("pairing", None), ("tau_y", "1 mV")],
)
def test_triplets_refuse(name, value):
    with pytest.raises(SpecError) as caught:
        TripletSTDP(**{name: value})
    assert caught.value.where == f"plasticity.{name}"


def test_published_triplets():
    # Pfister & Gerstner 2006, table 3: the default is the first row.
    assert TripletSTDP.published() == TripletSTDP()
    # Table 4, all-to-all, full.
    rule = TripletSTDP.published("hippocampus", a2_plus=0.0, bounds="soft")
    assert (rule.a3_plus, rule.a2_minus, rule.a3_minus) == (6.7e-3, 1.6e-3, 1.4e-3)
    assert (rule.tau_x, rule.tau_y, rule.a2_plus, rule.bounds) == (946.0, 27.0, 0.0, "soft")
    with pytest.raises(SpecError, match="no fit to 'retina'"):
        TripletSTDP.published("retina")


X = {"x": Trace("pre", 10.0)}


@pytest.mark.parametrize(
    ("fields", "where", "message"),
    [
        ({"on_post": "__import__('os')"}, "on_post", "only these functions"),
        ({"on_post": "x.__class__"}, "on_post", "not allowed"),
        ({"on_post": "x; w"}, "on_post", "not an expression"),
        ({"on_pre": "a*x"}, "on_pre", "'a' is neither a trace nor a parameter"),
        ({"on_pre": "x > 0"}, "on_pre", "write int(x > 0)"),
        ({"on_pre": "0.1*(not x)"}, "on_pre", "a condition where a number is needed"),
        ({"on_pre": 3}, "on_pre", "is not text"),
        ({"traces": {"w": Trace("pre", 1.0)}}, "traces.w", "means something else"),
        (
            {"traces": {"t": Trace("pre", 1.0)}},
            "traces.t",
            "is reserved: it is a variable of Brian2",
        ),
        ({"traces": {"2x": Trace("pre", 1.0)}}, "traces.2x", "is not a name"),
        ({"traces": {"y": 10.0}}, "traces.y", "is not a Trace"),
        ({"traces": [1]}, "traces", "not a table"),
        ({"parameters": {"x": 1.0}}, "parameters.x", "name of a trace"),
        ({"parameters": {"exp": 1.0}}, "parameters.exp", "is reserved: it is a function"),
        ({"parameters": {"a": math.nan}}, "parameters.a", "finite"),
    ],
)
def test_a_rule_as_text_refuses(fields, where, message):
    with pytest.raises(SpecError) as caught:
        TraceRule(**{"traces": X, "on_post": "0.1*x", **fields})
    assert caught.value.where == f"plasticity.{where}"
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"side": "both"}, "side"),
        ({"tau": 0.0}, "tau"),
        ({"tau": math.inf}, "tau"),
        ({"pairing": "last"}, "pairing"),
    ],
)
def test_a_trace_refuses(fields, where):
    with pytest.raises(SpecError) as caught:
        Trace(**{"side": "pre", "tau": "10 ms", **fields})
    assert caught.value.where == where


def test_only_what_is_read_is_traced():
    assert SharedSTDP().as_traces().used("pre") == ("x",)
    assert SharedSTDP().as_traces().used("post") == ()
    minimal = TripletSTDP.published("visual-cortex", "minimal").as_traces()
    assert (minimal.used("pre"), minimal.used("post")) == (("r1",), ("o1", "o2"))
    still = TripletSTDP(a2_plus=0, a3_plus=0, a2_minus=0, a3_minus=0).as_traces()
    assert (still.on_pre, still.on_post, still.used("pre")) == ("", "", ())


def test_rules_are_values():
    one, other = (TraceRule(traces=X, on_post="0.1*x", parameters={"a": 1}) for _ in range(2))
    assert one == other == one.as_traces()
    assert one != TraceRule(traces=X, on_post="0.2*x", parameters={"a": 1})
    with pytest.raises(TypeError):
        one.traces["y"] = Trace("post", 1.0)


@pytest.mark.parametrize(
    ("rule", "fields", "where"),
    [
        (Reward, {"population": 3}, "plasticity.reward.population"),
        (Reward, {"population": "v1", "values": ()}, "plasticity.reward.values"),
        (Reward, {"population": "v1", "values": math.nan}, "plasticity.reward.values"),
        (Reward, {"population": "v1", "delay": 0.0}, "plasticity.reward.delay"),
        (Reward, {"population": "v1", "tau": -1.0}, "plasticity.reward.tau"),
        (MSTDP, {"reward": 1.0}, "plasticity.reward"),
        (MSTDPET, {"reward": Reward("v1"), "tau_e": 0.0}, "plasticity.tau_e"),
        (TraceRule, {"eligibility": 20.0}, "plasticity.eligibility"),
        (TraceRule, {"reward": "v1"}, "plasticity.reward"),
        (Normalisation, {"target": 0.0}, "plasticity.normalisation.target"),
        (Normalisation, {"target": 1.0, "norm": "sum"}, "plasticity.normalisation.norm"),
        (Normalisation, {"target": 1.0, "period": "0 ms"}, "plasticity.normalisation.period"),
        (Growth, {"every": 0, "limit": 2.0}, "plasticity.growth.every"),
        (Growth, {"every": 1.5, "limit": 2.0}, "plasticity.growth.every"),
        (Growth, {"every": 5, "limit": 0.5}, "plasticity.growth.limit"),
        (Growth, {"every": 5, "limit": 2.0, "factor": 1.0}, "plasticity.growth.factor"),
        (WinnerTakeAll, {"radius": -1}, "competition.radius"),
        (WinnerTakeAll, {"radius": 1.5}, "competition.radius"),
        (WinnerTakeAll, {"radius": None}, "competition.radius"),
        (WinnerTakeAll, {"winners": 0}, "competition.winners"),
        (WinnerTakeAll, {"winners": True}, "competition.winners"),
        (WinnerTakeAll, {"silence": 1}, "competition.silence"),
    ],
)
def test_controls_refuse(rule, fields, where):
    with pytest.raises(SpecError) as caught:
        rule(**fields)
    assert caught.value.where == where


def test_a_rate_grows_as_in_spyketorch():
    """The loop of Mozafari et al. 2019: 0.004, doubled every 500 images, 0.15 at most."""
    growth = Growth(every=500, limit=0.15 / 0.004)
    rate, count = 0.004, 0
    for image in range(4001):
        assert 0.004 * growth.rate(image) == pytest.approx(rate, rel=1e-12), image
        count += 1
        if count >= 500:
            count, rate = 0, min(2 * rate, 0.15)
    assert rate == 0.15


def test_a_rate_does_not_grow_and_fall():
    with pytest.raises(SpecError, match="half_life") as caught:
        SharedSTDP(half_life=1000.0, growth=Growth(5, 2.0))
    assert caught.value.where == "plasticity.growth"
    with pytest.raises(SpecError, match="is not a Growth"):
        SharedSTDP(growth=2.0)


def test_a_norm_that_no_kernel_has_is_refused():
    # Three of four taps, each at most 2: a sum of 6 and a length of sqrt(12).
    kernel, present = np.zeros((1, 1, 2, 2)), np.array([[[[True, True], [True, False]]]])
    for norm, most in (("l1", 6.0), ("l2", 12.0**0.5)):
        for target, fits in ((most - 1e-9, True), (most + 1e-9, False)):
            rule = SharedSTDP(w_max=2.0, normalisation=Normalisation(target, norm))
            if fits:
                rule.check_kernel(kernel, present)
            else:
                with pytest.raises(SpecError, match="at most"):
                    rule.check_kernel(kernel, present)


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
    assert rule.decay_factor(0.5) ** 200 == pytest.approx(0.5)
    assert SharedSTDP().decay_factor(0.5) == 1.0
    assert SharedThreshold(eta=1, target=1, half_life=100.0).decay_factor(100.0) == pytest.approx(
        0.5
    )


def test_a_threshold_falls_at_eta_times_target():
    # At rest a map fires `target` spikes a second: in 1 s it falls as far as they raise it.
    one = SharedThreshold(eta=0.2, target=5.0)
    np.testing.assert_allclose(one.fall(3, 1000.0), [1.0, 1.0, 1.0])
    several = SharedThreshold(eta=0.2, target=[5.0, 10.0])
    np.testing.assert_allclose(several.fall(2, 0.5), [0.0005, 0.001])
    with pytest.raises(SpecError, match="2 targets for 3 channels"):
        several.fall(3, 1.0)
