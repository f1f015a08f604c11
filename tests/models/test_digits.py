"""The layers that learn from digits: shapes, what learns, and that no cell fires twice."""

from __future__ import annotations

import numpy as np
import pytest

from models.digits import build
from scnnbio import LatencyCode, backends
from scnnbio.errors import SpecError
from scnnbio.experiment import Experiment, Record, Run
from scnnbio.inputs import FromImages
from scnnbio.network import Network

CODE = LatencyCode(budget=64, window=14.0, onset=1.0, spacing="relative-rank")
DEEP = {"layers": 2, "deep_maps": 6, "deep_size": 3, "deep_threshold": "1.5 mV", "trial": "20 ms"}


def test_shapes_follow_from_the_arguments() -> None:
    made = build(maps=5, size=3, extent=10)
    assert made.population("retina").shape == (1, 10, 10)
    assert made.population("v1").shape == (5, 10, 10)
    assert made.projection("retina_v1").kernel.shape == (5, 1, 3, 3)
    deep = build(maps=5, size=3, extent=10, **DEEP)
    assert deep.population("pool").shape == (5, 5, 5)
    assert deep.population("v2").shape == (6, 5, 5)
    assert deep.projection("pool_v2").kernel.shape == (6, 5, 3, 3)


SIDES = {"size": [3, 5], "maps": [4, 3], "threshold": ["2 mV", "5 mV"]}


def test_each_size_of_kernels_is_a_population_of_its_own() -> None:
    made = build(extent=10, **SIDES, **DEEP)
    shapes = {p.name: p.shape for p in made.populations}
    assert shapes == {
        "retina": (1, 10, 10),
        "v1_3": (4, 10, 10),
        "v1_5": (3, 10, 10),
        "pool_3": (4, 5, 5),
        "pool_5": (3, 5, 5),
        "v2": (6, 5, 5),
    }
    learn = {p.name: p.kernel.shape for p in made.projections if p.plasticity}
    assert learn == {
        "retina_v1_3": (4, 1, 3, 3),
        "retina_v1_5": (3, 1, 5, 5),
        "pool_3_v2": (6, 4, 3, 3),
        "pool_5_v2": (6, 3, 3, 3),
    }
    assert made.population("v1_5").parameters["v_thresh"] == 5.0
    rivals = made.population("v1_3").competition
    assert rivals == made.population("v1_5").competition == build().population("v1").competition


def test_a_single_number_holds_for_every_size() -> None:
    one = build(size=[3, 5], maps=4, threshold="2 mV")
    assert one == build(size=(3, 5), maps=[4, 4], threshold=[2.0, 2.0])
    assert build(size=[7], maps=[70], threshold=["10 mV"]) == build()


@pytest.mark.slow
def test_a_size_fires_and_learns_as_it_does_alone() -> None:
    """Populations side by side share nothing, so that a layer of one size is the oracle."""
    shown = FromImages("digits-8x8", CODE, 20.0, part="train", n=8)
    common = {"extent": 8, "radius": 1, "winners": 2, "trial": "20 ms"}

    def ran(network: Network, *layers: str) -> Run:
        record = Record(spikes=layers)
        experiment = Experiment(network, inputs={"retina": shown}, record=record, dt=1.0)
        return backends.get("reference").run(experiment)

    made = build(**common, **SIDES)
    both = ran(made, "v1_3", "v1_5")
    for size, maps, threshold in zip(*SIDES.values(), strict=True):
        alone = build(size=size, maps=maps, threshold=threshold, **common)
        kernel = made.projection(f"retina_v1_{size}").kernel
        run = ran(alone.with_weights({"retina_v1": kernel}), "v1")
        fired = run.recording.spikes_of("v1")
        beside = both.recording.spikes_of(f"v1_{size}")
        assert len(fired) > 20
        for name in ("time", "unit", "trial"):
            np.testing.assert_array_equal(getattr(fired, name), getattr(beside, name))
        np.testing.assert_array_equal(run.weights["retina_v1"], both.weights[f"retina_v1_{size}"])
    # The first size draws the kernels that it draws alone.
    first = build(**common, size=3, maps=4).projection("retina_v1")
    np.testing.assert_array_equal(made.projection("retina_v1_3").kernel, first.kernel)


@pytest.mark.slow
def test_several_sizes_fire_and_learn_alike_on_two_backends() -> None:
    network = build(extent=8, radius=1, deep_rate=0.1, deep_depression=0.7, **SIDES, **DEEP)
    shown = FromImages("digits-8x8", CODE, 20.0, part="train", n=10)
    layers = ("v1_3", "v1_5", "v2")
    experiment = Experiment(network, inputs={"retina": shown}, record=Record(spikes=layers), dt=1.0)
    runs = [backends.get(name).run(experiment) for name in ("reference", "brian2")]
    for layer in layers:
        one, other = (run.recording.spikes_of(layer) for run in runs)
        assert len(one) > 20
        for name in ("time", "unit", "trial"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    for name, weights in runs[0].weights.items():
        np.testing.assert_allclose(weights, runs[1].weights[name], rtol=1e-9)
        assert np.abs(weights - network.projection(name).kernel).max() > 0.01


def test_kernels_follow_the_seed_and_their_distribution() -> None:
    one, other = build(seed=1), build(seed=1, threshold=3.0)
    kernel = one.projection("retina_v1").kernel
    np.testing.assert_array_equal(kernel, other.projection("retina_v1").kernel)
    assert not np.array_equal(kernel, build(seed=2).projection("retina_v1").kernel)
    # Of 3430 draws of a normal distribution that is hardly cut.
    assert kernel.mean() == pytest.approx(0.8, abs=4 * 0.05 / np.sqrt(kernel.size))
    assert kernel.std() == pytest.approx(0.05, rel=0.05)


def test_a_layer_whose_rate_is_zero_stays_as_it_is_while_the_other_learns() -> None:
    network = build(
        maps=6, size=3, extent=8, threshold="2 mV", radius=1, rate=0.0, deep_rate=0.1, **DEEP
    )
    shown = FromImages("digits-8x8", CODE, 20.0, part="train", n=6)
    experiment = Experiment(
        network, inputs={"retina": shown}, record=Record(spikes=("v1", "pool", "v2")), dt=1.0
    )
    run = backends.get("reference").run(experiment)
    np.testing.assert_array_equal(run.weights["retina_v1"], network.projection("retina_v1").kernel)
    assert np.abs(run.weights["pool_v2"] - network.projection("pool_v2").kernel).max() > 0.01
    counts = run.recording.counts("v2")
    assert counts.sum() > 0
    assert counts.max() == 1
    # The pool passes the first spike of each block of 2 x 2 of a map: fired is fired.
    v1 = run.recording.counts("v1").reshape(6, 6, 4, 2, 4, 2).any(axis=(3, 5))
    pool = run.recording.counts("pool").reshape(6, 6, 4, 4)
    assert pool.max() == 1
    assert (pool.astype(bool) <= v1).all()
    assert pool.sum() > 0.8 * v1.sum()  # but for those of the trial's last step


def test_deep_cells_that_are_not_silenced_fire_where_their_input_suffices() -> None:
    """Closed form: without a leak, the sum of the weights whose pool cell fired in time."""
    shown = FromImages("digits-8x8", CODE, 20.0, part="train", n=6)
    fired = {}
    for silence in (True, False):
        network = build(
            maps=6, size=3, extent=8, threshold="2 mV", radius=1, deep_silence=silence, **DEEP
        )
        experiment = Experiment(
            network,
            inputs={"retina": shown},
            record=Record(spikes=("pool", "v2")),
            dt=1.0,
            learning=False,
        )
        recording = backends.get("reference").run(experiment).recording
        fired[silence] = recording.counts("v2").reshape(6, 6, 4, 4)
    spikes, held = recording.spikes_of("pool"), np.zeros((6, 6 * 4 * 4))
    early = spikes.time < 19.5  # a spike of the last step arrives after the trial
    held[spikes.trial[early], spikes.unit[early]] = 1.0
    patches = np.lib.stride_tricks.sliding_window_view(
        np.pad(held.reshape(6, 6, 4, 4), ((0, 0), (0, 0), (1, 1), (1, 1))), (3, 3), axis=(2, 3)
    )
    kernel = network.projection("pool_v2").kernel
    drive = np.einsum("ncyxrq,mcrq->nmyx", patches, kernel)
    np.testing.assert_array_equal(fired[False], drive >= 1.5)
    # Silence changes which maps fire at a place, but not where there are spikes.
    assert fired[True].sum(axis=1).max() == 1 < fired[False].sum(axis=1).max()
    np.testing.assert_array_equal(fired[True].any(axis=1), fired[False].any(axis=1))


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"size": 4}, "size"),
        ({"layers": 3}, "layers"),
        ({"maps": 0}, "maps"),
        ({"winners": True}, "winners"),
        ({"rate": -1.0}, "rate"),
        ({"threshold": "3 ms"}, "threshold"),
        ({"maps": 10**9}, "maps"),
        ({"layers": 2, "deep_maps": 10**7}, "deep_maps"),
        ({"deep_silence": 0}, "deep_silence"),
        ({"size": []}, "size"),
        ({"size": [5, 5]}, "size"),
        ({"size": [5, 4]}, "size"),
        ({"size": "57"}, "size"),
        ({"size": [5, 7], "maps": [3]}, "maps"),
        ({"maps": [3, 4]}, "maps"),
        ({"size": [5, 7], "maps": [3, 0]}, "maps"),
        ({"size": [5, 7], "threshold": [3.0, "4 ms"]}, "threshold"),
        ({"size": [5, 7], "threshold": [3.0]}, "threshold"),
    ],
)
def test_what_is_out_of_range_is_named(changes: dict[str, object], where: str) -> None:
    with pytest.raises(SpecError) as caught:
        build(**changes)  # type: ignore[arg-type]
    assert caught.value.where == f"parameters.{where}"


def test_a_kernel_learns_the_same_from_digits_elsewhere() -> None:
    """Places share a kernel, so where a digit lies changes nothing, but at the edge."""
    digits = FromImages("digits-8x8", CODE, 17.0, part="train", shuffle=2, n=12).values[:, 0]
    network = build(maps=4, size=3, extent=18, threshold="2 mV", radius=1, winners=2)
    kernels, places = [], []
    for row, column in ((3, 2), (6, 7)):
        page = np.zeros((len(digits), 18, 18))
        page[:, row : row + 8, column : column + 8] = digits
        shown = FromImages(page, CODE, 17.0)
        experiment = Experiment(
            network, inputs={"retina": shown}, record=Record(spikes=("v1",)), dt=1.0
        )
        run = backends.get("reference").run(experiment)
        kernels.append(run.weights["retina_v1"])
        fired = run.recording.counts("v1").sum(axis=0).reshape(4, 18, 18)
        places.append(np.roll(fired, (-row, -column), axis=(1, 2)))
    np.testing.assert_allclose(kernels[0], kernels[1], rtol=1e-12)
    np.testing.assert_array_equal(*places)
    assert np.abs(kernels[0] - network.projection("retina_v1").kernel).max() > 0.1
