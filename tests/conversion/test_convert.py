"""Converted networks against closed forms, torch's own activations, and each other's spikes."""

from __future__ import annotations

import contextlib
import dataclasses
import warnings
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from scnnbio import backends  # noqa: E402
from scnnbio.connectors import ConvolutionConnector  # noqa: E402
from scnnbio.conversion import (  # noqa: E402
    QCFS,
    ConversionWarning,
    Converted,
    calibrate,
    compare,
    convert,
)
from scnnbio.experiment import Experiment, Record, Sampling  # noqa: E402
from scnnbio.inputs import FromSpikes  # noqa: E402
from scnnbio.recording import Recording  # noqa: E402
from tests.conversion.modules import (  # noqa: E402
    Residual,
    convolutional,
    drawn,
    images,
    one_dimensional,
    said_by,
)

#: Of floating point, in counts.
CLOSE = 1e-9


def run(experiment: Experiment, backend: str = "brian2") -> Recording:
    return backends.get(backend).run(experiment).recording


def shown(converted: Converted, given: np.ndarray, steps: int) -> Recording:
    return run(converted.experiment(given, steps))


def small() -> tuple[nn.Module, np.ndarray]:
    return drawn(lambda: convolutional(lambda: QCFS(4, 0.8)), seed=3), images(3, 1, 8, 8, seed=5)


# ------------------------------------------------------------------------------ closed forms


@pytest.mark.slow
@pytest.mark.parametrize("begins", [0.0, 0.5])
@pytest.mark.parametrize("steps", [1, 4, 13])
def test_a_first_layer_fires_the_floor_of_its_input(begins: float, steps: int) -> None:
    # A neuron that adds up a constant a, and loses 1 at a spike, has fired floor(v0 + a T) times
    # after T steps if 0 <= a <= 1, never if a < 0 <= v0 < 1, and at every step if a >= 1.
    module = drawn(lambda: nn.Sequential(nn.Linear(3, 40), nn.ReLU()))
    given = images(6, 3)
    with pytest.warns(ConversionWarning) if steps == 1 else contextlib.nullcontext():
        made = convert(module, given, percentile=99.0, begins=begins)
        found = made.counts(shown(made, given, steps), made.output.name, steps)
    share = (given @ module[0].weight.detach().numpy().T + module[0].bias.detach().numpy()) / (
        made.output.scale
    )
    assert (share > 1).any()
    assert (share < 0).any()
    expected = np.floor(begins + np.clip(share, 0, 1) * steps)
    np.testing.assert_array_equal(found, expected)


def test_qcfs_is_the_rounded_clipped_ramp_with_the_ramps_gradient() -> None:
    value = torch.tensor([-1.0, 0.1, 0.13, 0.9, 1.1, 3.0], requires_grad=True)
    activation = QCFS(levels=4, threshold=2.0)
    with torch.no_grad():
        # 2 floor(4 x/2 + 1/2)/4, cut at 0 and 2 (Bu et al. 2022, eq. 13).
        assert activation(value).tolist() == [0.0, 0.0, 0.0, 1.0, 1.0, 2.0]
        assert activation(torch.tensor([0.25, 0.2499])).tolist() == [0.5, 0.0]
    activation(value).sum().backward()
    assert value.grad is not None
    assert value.grad.tolist() == [0.0, 1.0, 1.0, 1.0, 1.0, 0.0]


@pytest.mark.parametrize("levels", [2, 8])
def test_with_qcfs_and_as_many_steps_as_levels_the_first_layer_is_torchs(levels: int) -> None:
    module = drawn(lambda: convolutional(lambda: QCFS(levels, 0.8)))
    given = images(5, 1, 8, 8)
    made = convert(module, given)
    first, second, output = compare(made, module, given, shown(made, given, levels), levels)
    assert np.unique(first.activation).size > levels * 0.75
    np.testing.assert_allclose(first.spiking, first.activation, atol=CLOSE)
    # Deeper, input comes as spikes at uneven times: a neuron that got too much too early has fired
    # once too often, one that got too little at the end once too few (Bu et al. 2022, section 4.3).
    away = np.abs(second.spiking - second.activation) * levels / made.layer("layer5").scale
    np.testing.assert_allclose(away, np.round(away), atol=CLOSE)
    assert (away > CLOSE).mean() < 0.1
    assert output.error < 0.1


@pytest.mark.parametrize("steps", [5, 8])
def test_no_charge_is_lost_in_a_deeper_layer(steps: int) -> None:
    # Each spike takes one threshold, so n = v(0) + W n_before + T b - v(T), exactly (Rueckauer et
    # al. 2017, eq. 7); W and b are the module's, folded here by hand.
    module, given = small()
    made = convert(module, given)
    recorded = Record(spikes=("layer2", "layer5"), signals=(Sampling("layer5", ("v",)),))
    experiment = dataclasses.replace(made.experiment(given, steps), record=recorded)
    recording = run(experiment)
    before = made.activations(recording, "layer2", steps).reshape(3, 4, 8, 8)
    with torch.no_grad():
        total = module[4](module[3](torch.from_numpy(before))).reshape(3, -1).numpy()
    signal = recording.signals["layer5"]["v"]
    left = signal.values[np.isclose(signal.time, 2 + steps)]
    count, theta = made.counts(recording, "layer5", steps), made.layer("layer5").scale
    assert count.max() > 0
    np.testing.assert_allclose(count, 0.5 + total * steps / theta - left, atol=CLOSE)


# ------------------------------------------------------------------------------ towards torch


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "shape", "scale"),
    [
        (lambda: convolutional(nn.ReLU), (1, 8, 8), "channel"),
        (Residual, (2, 6, 6), "layer"),
        (Residual, (2, 6, 6), "channel"),
        (lambda: one_dimensional(nn.ReLU), (2, 15), "layer"),
    ],
)
def test_rates_approach_activations_as_one_over_the_steps(
    make: Any, shape: tuple[int, ...], scale: Any
) -> None:
    module, given = drawn(make), images(4, *shape)
    made = convert(module, given, scale=scale)
    recording = shown(made, given, 256)
    steps = np.array([16, 32, 64, 128, 256])
    away = [[layer.error for layer in compare(made, module, given, recording, n)] for n in steps]
    for error in np.transpose(away):
        slope = np.polyfit(np.log(steps), np.log(error), 1)[0]
        assert slope == pytest.approx(-1.0, abs=0.25)
    assert max(away[-1]) < 0.03
    theirs = said_by(module, given)
    np.testing.assert_allclose(
        made.outputs(recording, 256), theirs, atol=0.03 * np.abs(theirs).max()
    )


@pytest.mark.slow
def test_a_lower_greatest_rate_takes_longer_and_loses_less_by_a_reset_to_zero() -> None:
    module, given = drawn(lambda: convolutional(nn.ReLU)), images(4, 1, 8, 8)
    errors = {}
    for rate in (1000.0, 100.0):
        made = convert(module, given, r_max=rate, reset="zero")
        steps = round(40 * 1000 / rate)
        errors[rate] = compare(made, module, given, shown(made, given, steps), steps)[0].error
    # A spike after n = ceil(1/a) steps has the rate 1/n in place of a; with a tenth of the input,
    # a tenth of what is lost (Rueckauer et al. 2017, eq. 8).
    assert errors[100.0] < 0.25 * errors[1000.0]


def test_spikes_as_input_stand_for_values() -> None:
    # Each of 3 pixels fires in a share of the steps: 1, 1/2 and 1/4 of the brightest, 2.
    module = drawn(lambda: nn.Sequential(nn.Linear(3, 12), nn.ReLU()), seed=4)
    values = np.array([[2.0, 1.0, 0.5]])
    made = convert(module, values, source="spikes", brightest=2.0)
    steps = 64
    every = [range(1, steps + 1), range(1, steps + 1, 2), range(1, steps + 1, 4)]
    pairs = [(float(t), unit) for unit, times in enumerate(every) for t in times]
    time, unit = zip(*sorted(pairs), strict=True)
    given = FromSpikes(time, unit, [0] * len(time), size=(3, 1, 1), duration=made.duration(steps))
    found = made.outputs(run(made.experiment(given, steps)), steps)
    np.testing.assert_allclose(found, said_by(module, values), atol=made.output.scale[0] * 2 / 64)


@pytest.mark.slow
def test_calibration_takes_away_what_few_steps_are_off_by() -> None:
    # From v(0) = 0 a count is rounded down, on average by half a spike; biases by channel that were
    # found on other images make up for most of it (Li et al. 2021, ICML).
    module = drawn(lambda: convolutional(nn.ReLU))
    given, others = images(6, 1, 8, 8), images(6, 1, 8, 8, seed=3)
    made = convert(module, given, begins=0.0)
    better = calibrate(made, module, others, 4, run)
    off = []
    for one in (made, better):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConversionWarning)
            recording = shown(one, given, 4)
            layers = compare(one, module, given, recording, 4)
        off.append([abs(layer.spiking.mean() - layer.activation.mean()) for layer in layers])
    assert (np.array(off[1]) < 0.4 * np.array(off[0])).all()


# ------------------------------------------------------------------------------ every backend


@pytest.mark.parametrize(
    "backend",
    [
        "brian2",
        "torch",
        pytest.param("brian2-standalone", marks=pytest.mark.slow),
        pytest.param("nest", marks=[pytest.mark.nest, pytest.mark.slow]),
    ],
)
def test_backends_fire_the_same_spikes(backend: str) -> None:
    module, given = small()
    experiment = convert(module, given).experiment(given, 8)
    theirs, ours = (run(experiment, name) for name in ("reference", backend))
    assert set(theirs.spikes) == {"layer2", "layer5"}
    for name, spikes in theirs.spikes.items():
        assert len(spikes.time) > 20
        np.testing.assert_array_equal(ours.spikes[name].time, spikes.time)
        np.testing.assert_array_equal(ours.spikes[name].unit, spikes.unit)
        np.testing.assert_array_equal(ours.spikes[name].trial, spikes.trial)
    np.testing.assert_allclose(
        ours.signals["output"]["v"].values, theirs.signals["output"]["v"].values, atol=CLOSE
    )


@pytest.mark.slow
def test_input_that_stops_after_t_steps_changes_nothing_in_them() -> None:
    module, given = small()
    converted = convert(module, given)
    whole, part = (run(converted.experiment(given, 8, stops=stops)) for stops in (False, True))
    for layer in converted.layers:
        for steps in (1, 5, 8):
            kept, found = (converted.activations(r, layer.name, steps) for r in (whole, part))
            np.testing.assert_array_equal(found, kept)
    assert len(part.spikes["layer2"].time) < len(whole.spikes["layer2"].time)


# ------------------------------------------------------------------------------ what it is made of


def test_pooling_and_normalisation_keep_the_shared_kernel() -> None:
    module, given = small()
    made = convert(module, given)
    kinds = {p.name: p.connector for p in made.network.projections}
    joined = kinds["layer2_layer5"]
    assert isinstance(joined, ConvolutionConnector)
    # A tap on an average over 2 x 2 is a quarter of it on each of the four.
    assert (joined.kernel.shape, joined.stride, joined.padding) == ((6, 4, 6, 6), (2, 2), (2, 2))
    tap = module[4].weight.detach().numpy()[5, 2, 1, 0]
    np.testing.assert_allclose(joined.kernel[5, 2, 2:4, 0:2], tap / 4)


def test_operations_count_the_targets_of_every_spike() -> None:
    module, given = small()
    made = convert(module, given)
    recording = shown(made, given, 4)
    # Every position of the second layer's kernel, on average: no output is left out at T = 4.
    counts = {name: made.counts(recording, name, 4) for name in ("layer2", "layer5")}
    shape = (3, 4, 8, 8)
    reached = np.zeros((8, 8))
    for y in range(4):
        for x in range(4):
            rows, columns = ((2 * n - 2, 2 * n + 4) for n in (y, x))
            reached[max(rows[0], 0) : rows[1], max(columns[0], 0) : columns[1]] += 6
    expected = (counts["layer2"].reshape(shape) * reached).sum(axis=(1, 2, 3))
    expected += counts["layer5"].sum(axis=1) * 5
    np.testing.assert_array_equal(made.operations(recording, 4), expected)
