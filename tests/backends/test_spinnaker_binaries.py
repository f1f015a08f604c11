"""The integer model against the machine's own ARM code, bit for bit."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from scnnbio.connectors import ConvolutionConnector, PoolingConnector
from scnnbio.experiment import Experiment
from scnnbio.network import Network, Population, Projection, SpikeSource
from scnnbio.neurons import LIBRARY, LIF
from scnnbio.stimuli import WhiteNoise
from tests.oracles.spinnaker_board import assert_bit_exact, driven, networks

pytestmark = [pytest.mark.spinnaker, pytest.mark.slow]

for _module in ("spynnaker", "unicorn"):
    if importlib.util.find_spec(_module) is None:
        pytest.skip(f"needs {_module}: pip install 'scnnbio[spinnaker]'", allow_module_level=True)


@pytest.mark.parametrize("cells", ["native", "LIF", "LIF_cond_exp", "LIF_curr_delta"])
def test_networks_of_random_shape_weights_and_delays(cells: str) -> None:
    seen: list[int] = []

    @settings(
        max_examples=3,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(networks(cells))
    def check(experiment: Experiment) -> None:
        run = assert_bit_exact(experiment)
        paths = set(run.provenance["pathways"].values())
        assert ("native" in paths) == (cells == "native")
        seen.append(sum(run.provenance["output_spikes"].values()))

    check()
    assert len(seen) == 3
    assert min(seen) > 20, f"too quiet to show it: {seen}"


def test_trials_that_begin_from_rest() -> None:
    connector = ConvolutionConnector(np.full((2, 2, 3, 3), 0.3), (2, 5, 5))
    network = Network(
        (
            Population("lgn", (2, 5, 5), SpikeSource()),
            Population("v1", connector.out_shape, LIF, {"tau_m": [4.0, 5.0], "cm": 0.3}),
        ),
        (Projection("lgn", "v1", connector, weight=0.8),),
    )
    run = assert_bit_exact(driven(network, reset=True))
    assert run.provenance["mapping"]["silence"] == 60.0  # twelve time constants
    first = run.recording.signals["v1"]["v"]
    begins = first.values[first.time == 0]
    # A current with the membrane's own time constant leaves (1 + 12) exp(-12) of some 100 mV.
    np.testing.assert_allclose(begins, -65.0, rtol=0, atol=100 * 13 * np.exp(-12))


def test_native_convolution_on_several_cores_and_two_layers() -> None:
    # 18 x 20 neurons of a plane are more than a core holds, and the second layer needs all of them.
    rng = np.random.default_rng(5)
    first = ConvolutionConnector(rng.normal(0.15, 0.3, (2, 2, 3, 3)), (2, 18, 20), padding=1)
    second = ConvolutionConnector(rng.normal(0.2, 0.4, (1, 2, 5, 5)), (2, 18, 20))
    network = Network(
        (
            Population("lgn", (2, 18, 20), SpikeSource()),
            Population("v1", (2, 18, 20), LIF, {"tau_refrac": 2.0, "tau_m": [10.0, 17.0]}),
            Population("v2", second.out_shape, LIF, {"tau_refrac": 1.0}),
        ),
        (
            Projection("lgn", "v1", first, weight=4.0, delay=1.0),
            Projection("v1", "v2", second, weight=4.0, delay=4.0),
        ),
    )
    run = assert_bit_exact(
        driven(network, rate=30.0, stimulus=WhiteNoise(n_trials=1, duration=25.0, frame=25.0))
    )
    assert set(run.provenance["pathways"].values()) == {"native"}
    assert min(run.provenance["output_spikes"].values()) > 50


def test_lists_on_several_cores() -> None:
    rng = np.random.default_rng(6)
    wide = ConvolutionConnector(rng.uniform(0.1, 1.0, (5, 2, 2, 2)), (2, 9, 9))
    network = Network(
        (
            Population("lgn", (2, 9, 9), SpikeSource()),
            Population("v1", wide.out_shape, LIBRARY["LIF_cond_exp"], {"tau_refrac": 2.0}),
        ),
        (Projection("lgn", "v1", wide, weight=0.05, delay=15.0),),
    )
    run = assert_bit_exact(
        driven(network, stimulus=WhiteNoise(n_trials=1, duration=40.0, frame=40.0)), headroom=0.05
    )
    assert run.experiment.network.population("v1").size > 256
    assert run.provenance["pathways"] == {"lgn_v1": "expanded"}
    # Sums that find no room are cut off, and the model cuts off the same.
    assert any("a ring was full" in warning for warning in run.provenance["mapping"]["warnings"])
    assert sum(run.provenance["output_spikes"].values()) > 300


def test_pooling_and_kernels_with_lags() -> None:
    rng = np.random.default_rng(7)
    kernel = rng.normal(0.2, 0.5, (3, 2, 2, 2, 3))
    moving = ConvolutionConnector(kernel, (2, 7, 7), lags=(0.0, 3.0, 9.0))
    pooling = PoolingConnector(moving.out_shape, 2, mode="average")
    network = Network(
        (
            Population("lgn", (2, 7, 7), SpikeSource()),
            Population("v1", moving.out_shape, LIF, {"tau_refrac": 1.0}),
            Population("c1", pooling.out_shape, LIF, {"tau_m": 8.0}),
        ),
        (
            Projection("lgn", "v1", moving, weight=2.0),
            Projection("v1", "c1", pooling, weight=40.0, delay=2.0),
        ),
    )
    run = assert_bit_exact(driven(network, stimulus=WhiteNoise(1, 60.0, 60.0)))
    assert min(run.provenance["output_spikes"].values()) > 50


@pytest.mark.parametrize("name", ["LIF", "LIF_cond_exp", "LIF_curr_delta"])
def test_time_constants_over_three_decades(name: str) -> None:
    """The machine's exponential is its own; 200 maps of one neuron sweep its argument."""
    maps = 200
    connector = ConvolutionConnector(np.ones((maps, 2, 1, 1)), (2, 1, 1))
    sweep = np.geomspace(0.7, 700.0, maps)
    values: dict[str, object] = {"tau_m": sweep, "v_thresh": -45.0}
    if name == "LIF":
        # Currents so strong that the last of the 32 bits of a decay shows in the potential.
        values = {"tau_m": 1.0, "cm": 1.0, "v_thresh": 6e4, "tau_syn_E": sweep}
    elif name == "LIF_cond_exp":
        values |= {"tau_syn_E": np.roll(sweep, 70), "tau_syn_I": 3.0}
    weight, receptor = {
        "LIF": (1e4, "excitatory"),
        "LIF_cond_exp": (0.01, "excitatory"),
        "LIF_curr_delta": (7.0, "membrane"),
    }[name]
    network = Network(
        (
            Population("lgn", (2, 1, 1), SpikeSource()),
            Population("v1", (maps, 1, 1), LIBRARY[name], values),
        ),
        (Projection("lgn", "v1", connector, weight=weight, receptor=receptor),),
    )
    run = assert_bit_exact(
        driven(network, rate=60.0, stimulus=WhiteNoise(n_trials=1, duration=15.0, frame=15.0))
    )
    assert np.ptp(run.recording.signals["v1"]["v"].values) > 5.0
