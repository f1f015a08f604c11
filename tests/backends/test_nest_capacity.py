"""NEST beyond 2^19 nodes on a thread: more threads, or refused before anything is built."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from scnnbio.connectors import ConvolutionConnector, PoolingConnector
from scnnbio.errors import SpecError, UnsupportedError
from scnnbio.experiment import Experiment, Record
from scnnbio.network import Network, Projection
from scnnbio.neurons import LIF
from scnnbio.plasticity import SharedSTDP, SharedThreshold, WinnerTakeAll
from scnnbio.population import Population, SpikeSource
from scnnbio.stimuli import Photographs
from tests.backends.nest_cases import need_nest
from tests.backends.networks import experiment, small_network

need_nest()
import nest  # noqa: E402

from scnnbio.backends.nest import NestBackend, capacity  # noqa: E402

pytestmark = pytest.mark.nest

#: One channel in so many crosses its threshold at a spike, and the others get nothing.
EVERY = 3


def large(channels: int) -> Experiment:
    """Input of 2 x 8 x 8, and 64 neurons a channel that fire once for each spike, or never."""
    kernel = np.zeros((channels, 2, 1, 1))
    kernel[::EVERY] = 1.0
    network = Network(
        (
            Population("lgn", (2, 8, 8), SpikeSource()),
            Population("v1", (channels, 8, 8), LIF),
        ),
        (
            Projection(
                "lgn",
                "v1",
                ConvolutionConnector(kernel, (2, 8, 8)),
                weight=20.0,
                receptor="membrane",
            ),
        ),
    )
    return experiment(
        network,
        stimulus=Photographs(n_trials=1, duration=40.0),
        record=Record(spikes=("lgn", "v1")),
        dt=1.0,
    )


def expected(case: Experiment) -> tuple[np.ndarray, np.ndarray]:
    """Spikes by hand: at one ms after those of either input channel, in every third channel."""
    inputs, channels = case.input_stream(), case.network.population("v1").shape[0]
    pairs = np.unique(np.stack([inputs.step + 1, inputs.unit % 64]), axis=1)
    pairs = pairs[:, pairs[0] <= case.trial_steps]
    units = (np.arange(0, channels, EVERY) * 64)[:, None] + pairs[1]
    steps = np.broadcast_to(pairs[0], units.shape)
    order = np.lexsort((units.ravel(), steps.ravel()))
    return steps.ravel()[order] * case.dt, units.ravel()[order]


def assert_right(case: Experiment, backend: NestBackend) -> None:
    run = backend.run(case)
    time, unit = expected(case)
    found = run.recording.spikes["v1"]
    assert len(time) > 10_000
    np.testing.assert_array_equal(found.unit, unit)
    np.testing.assert_allclose(found.time, time)


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("kernels", ["shared", "expanded"])
@pytest.mark.parametrize("everything", [False, True])
def test_nodes_are_counted_as_nest_counts_them(monkeypatch, threads, kernels, everything) -> None:
    if everything and kernels == "expanded":
        pytest.skip("what learns needs shared kernels")
    network = small_network()
    if everything:
        network = small_network(SharedSTDP(), homeostasis=SharedThreshold(eta=0.1, target=5.0))
        v1 = dataclasses.replace(network.population("v1"), competition=WinnerTakeAll(radius=1))
        pooled = PoolingConnector(v1.shape, 2)
        network = Network(
            (network.population("lgn"), v1, Population("c1", pooled.out_shape, LIF)),
            (*network.projections, Projection("v1", "c1", pooled)),
        )
    case, built = experiment(network), []
    built_as = NestBackend._run

    def counted(self, *arguments) -> None:
        built.append(nest.network_size)
        built_as(self, *arguments)

    monkeypatch.setattr(NestBackend, "_run", counted)
    NestBackend(threads=threads, kernels=kernels).run(case)
    once, by_thread = capacity.count_nodes(case, kernels == "shared")
    assert built == [once + threads * by_thread]


@pytest.mark.parametrize(
    ("channels", "needed"), [(8125, 1), (8189, 1), (8190, 2), (8282, 2), (16_378, 2), (16_500, 3)]
)
def test_threads_are_taken_as_they_are_needed(monkeypatch, channels, needed) -> None:
    # 8125 x 64 = 520,000 neurons; 8189 x 64 + 128 = 524,224 with the sources; 8282 x 64 = 530,048.
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    case = large(channels)
    backend = NestBackend()
    assert backend.unsupported(case) == []
    assert backend.threads_for(case) == needed
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    assert NestBackend().threads_for(case) == 4
    for threads in range(1, 4):
        problems = NestBackend(threads=threads).unsupported(case)
        assert bool(problems) == (threads < needed)
        if problems:
            assert f"set backend.threads = {needed}" in problems[0].remedy
            assert "524,287" in problems[0].feature


def test_too_large_is_refused_before_it_is_built(monkeypatch) -> None:
    monkeypatch.setattr(NestBackend, "_begin", lambda *_: pytest.fail("it was built"))
    with pytest.raises(UnsupportedError, match=r"wrong neurons; set backend\.threads = 2"):
        NestBackend(threads=1).run(large(8282))


def test_processes_share_the_nodes() -> None:
    assert capacity.threads_needed(large(8282), True, 2) == 1
    assert capacity.unsupported_size(large(8282), True, 1, 2) == []
    assert capacity.threads_needed(large(16_500), True, 2) == 2


def test_more_than_all_threads_hold_is_refused_with_another_remedy(monkeypatch) -> None:
    monkeypatch.setattr(capacity, "MOST_NEST_NODES", 100)
    monkeypatch.setattr(capacity, "MAX_THREADS", 8)
    problems = capacity.unsupported_size(large(100), True, None, 1)
    assert "more processes" in problems[0].remedy


def test_what_was_built_is_counted_once_more(monkeypatch) -> None:
    monkeypatch.setattr(capacity, "MOST_NEST_NODES", 100)
    monkeypatch.setattr(NestBackend, "unsupported", lambda *_: [])
    monkeypatch.setattr(NestBackend, "threads_for", lambda *_: 1)
    with pytest.raises(UnsupportedError, match="nodes on 1 threads"):
        NestBackend(threads=1).run(large(100))


def test_more_threads_give_the_right_spikes(monkeypatch) -> None:
    monkeypatch.setattr(capacity, "MOST_NEST_NODES", 5000)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    case = large(150)
    backend = NestBackend()
    run = backend.run(case)
    assert run.provenance["options"]["threads"] == backend.threads_for(case) == 2
    np.testing.assert_array_equal(run.recording.spikes["v1"].unit, expected(case)[1])


def test_scripts_of_pynn_are_refused_too(monkeypatch) -> None:
    from scnnbio.connectors import wiring
    from tests.connectors.scripts import cells, sources, start

    sim = start("nest")
    connector = ConvolutionConnector(np.ones((1, 1, 2, 2)), (1, 3, 3))
    pre, post = sources(sim, (1, 3, 3)), cells(sim, (1, 2, 2))
    monkeypatch.setattr(wiring, "MOST_NEST_NODES", 20)
    with pytest.raises(SpecError, match=r"NEST distinguishes 20 .* call setup\(threads=2\)"):
        sim.Projection(pre, post, connector, sim.StaticSynapse(weight=1.0, delay=1.0))
    sim.end()


@pytest.mark.validate
@pytest.mark.parametrize(("channels", "threads"), [(8125, 1), (8282, 2), (8282, None)])
def test_half_a_million_neurons_fire_the_spikes_that_are_theirs(channels, threads) -> None:
    assert_right(large(channels), NestBackend(threads=threads))
