"""Seeded distributions, and values that differ from neuron to neuron."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from scnnbio.distributions import LogNormal, Normal, Uniform, distribution_from
from scnnbio.errors import SpecError
from scnnbio.experiment.networks import network_from, network_table
from scnnbio.network import Network
from scnnbio.neurons import LIF
from scnnbio.plasticity import SharedThreshold
from scnnbio.population import Population, SpikeSource

SHAPE = (3, 20, 50)


@pytest.mark.parametrize(
    ("made", "law"),
    [
        (Uniform("-60 mV", "-50 mV", seed=1), stats.uniform(-60, 10)),
        (Normal("-0.06 V", 2.0, seed=2), stats.norm(-60, 2)),
        (Normal(-60, 2.0, seed=3, low=-62, high=-59.5), stats.truncnorm(-1, 0.25, -60, 2)),
        (LogNormal("16 mV", 0.3, seed=4), stats.lognorm(0.3, scale=16)),
    ],
)
def test_draws_follow_the_law(made, law):
    values = made.draw(20_000, "mV", "v1.v", "here")
    # Oracle: scipy's distributions.
    assert stats.kstest(values, law.cdf).pvalue > 1e-3
    np.testing.assert_array_equal(values, made.draw(20_000, "mV", "v1.v", "here"))
    other = made.draw(20_000, "mV", "v2.v", "here")
    assert abs(np.corrcoef(values, other)[0, 1]) < 4 / np.sqrt(20_000)


def layer(**changes: object) -> Population:
    return Population("v1", SHAPE, LIF, **changes)


def test_a_population_draws_one_value_per_neuron():
    made = layer(
        parameters={
            "tau_m": LogNormal("16 ms", 0.3, seed=1),
            "cm": 0.5,
            "v_thresh": [-50, -51, -52],
        },
        initial={"v": Uniform("-65 mV", "-55 mV", seed=1), "I_exc": [0.1, 0.2, "300 pA"]},
    )
    values = made.values()
    assert {len(v) for v in values.values()} == {3000}
    assert len(np.unique(values["tau_m"])) == 3000
    assert values["v_thresh"].reshape(SHAPE)[1, 3, 4] == -51
    assert made.initial["v"].shape == SHAPE
    assert made.initial["I_exc"].tolist() == [0.1, 0.2, 0.3]
    # The same seed serves both, and they do not follow one another.
    drawn = np.log(values["tau_m"]), made.initial["v"].ravel()
    assert abs(np.corrcoef(*drawn)[0, 1]) < 4 / np.sqrt(3000)
    # Without any, a population is what it was: one value per channel.
    assert {len(v) for v in layer().values().values()} == {3}


def test_an_array_in_the_shape_of_the_layer():
    values = np.random.default_rng(0).uniform(10, 20, SHAPE)
    made = layer(parameters={"tau_m": values})
    np.testing.assert_array_equal(made.values()["tau_m"], values.ravel())
    listed = layer(parameters={"tau_m": values.tolist()})
    np.testing.assert_array_equal(listed.values()["tau_m"], values.ravel())


def test_documents_draw_and_come_back():
    table = {
        "populations": [
            {"name": "lgn", "shape": [2, 4, 4], "neuron": "SpikeSource"},
            {
                "name": "v1",
                "shape": [2, 3, 4],
                "neuron": "LIF",
                "parameters": {"tau_m": {"lognormal": ["16 ms", 0.3]}, "cm": 1.0},
                "initial": {"v": {"uniform": ["-65 mV", "-60 mV"], "seed": 4}},
            },
        ],
        "projections": [],
    }
    made = network_from(table, seed=7)
    given = Population(
        "v1",
        (2, 3, 4),
        LIF,
        parameters={"tau_m": LogNormal("16 ms", 0.3, seed=7), "cm": 1.0},
        initial={"v": Uniform(-65, -60, seed=4)},
    )
    expected = Network((Population("lgn", (2, 4, 4), SpikeSource()), given), ())
    assert made.digest() == expected.digest()
    assert network_from(network_table(made)).digest() == made.digest()
    assert network_from(table, seed=8).digest() != made.digest()


@pytest.mark.parametrize(
    ("table", "where", "says"),
    [
        ({"gauss": [1, 2]}, "here", "lognormal"),
        ({"uniform": [1, 2], "normal": [1, 2]}, "here", "not a distribution"),
        ({"uniform": [1, 2], "low": 0}, "here", "not a distribution"),
        ({"uniform": [1]}, "here.uniform", "two values"),
        ({"uniform": [2, 1]}, "here.uniform", "smaller value first"),
        ({"uniform": ["1 ms", "2 mV"]}, "here.uniform", "voltage"),
        ({"normal": [1, 0]}, "here.normal", "not positive"),
        ({"normal": [0, 1], "low": 60}, "here.normal", "widen"),
        ({"lognormal": ["16 mV", -1]}, "here.lognormal", "positive sigma"),
        ({"uniform": [1, 2], "seed": 0.5}, "here.seed", "whole number"),
    ],
)
def test_what_is_no_distribution(table, where, says):
    with pytest.raises(SpecError, match=says) as caught:
        distribution_from(table, "here", 1).draw(
            10, "ms" if "ms" in str(table) else "mV", "x", "here"
        )
    assert caught.value.where == where


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"parameters": {"tau_m": np.ones((3, 20, 49))}}, "per neuron in the shape of the layer"),
        ({"parameters": {"tau_m": [[1.0, 2.0], [3.0]]}}, "different lengths"),
        ({"initial": {"u": 1.0}}, "no state variable 'u'"),
        ({"initial": {"v": [1.0, 2.0]}}, "2 values for 3 channels"),
        ({"initial": {"v": "3 ms"}}, "voltage"),
        ({"initial": 3}, "not a mapping"),
        (
            {
                "parameters": {"v_thresh": Uniform(-55, -50, seed=1)},
                "homeostasis": SharedThreshold(eta=0.1, target=5.0),
            },
            "not per neuron",
        ),
    ],
)
def test_what_a_population_refuses(changes, says):
    with pytest.raises(SpecError, match=says):
        layer(**changes)
