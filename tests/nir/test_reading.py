"""Graphs become networks that fire the spikes of the framework's own loop, later by whole steps."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scnnbio import backends
from scnnbio.connectors import ConvolutionConnector, DenseConnector, EdgeListConnector
from scnnbio.experiment import Experiment, Record
from scnnbio.inputs import FromSpikes
from scnnbio.nir import FromNIR, read

nir = pytest.importorskip("nir")

#: Step of the frameworks, in s.
DT = 1e-3
STEPS, TRIALS = 14, 3


def draws(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def drawn(shape: tuple[int, ...], rate: float = 0.35) -> np.ndarray:
    """Input (step, trial, ...)."""
    return np.random.default_rng(5).random((STEPS, TRIALS, *shape)) < rate


def fired(made: FromNIR, given: np.ndarray, backend: str = "reference") -> dict[str, np.ndarray]:
    """Spikes (step, trial, neuron) of each population, each shifted back."""
    extra = max(made.shift.values())
    (eye,) = made.network.sources
    steps, trials = given.shape[:2]
    step, trial, unit = np.nonzero(given.reshape(steps, trials, -1))
    spikes = FromSpikes(
        (step + 1.0) * made.dt, unit, trial, size=eye.shape, n_trials=trials,
        duration=(steps + extra) * made.dt,
    )  # fmt: skip
    names = tuple(p.name for p in made.network.populations)
    case = Experiment(made.network, inputs={eye.name: spikes}, record=Record(names), dt=made.dt)
    recording = backends.get(backend).run(case).recording
    found = {}
    for population in made.network.populations:
        ours = recording.spikes_of(population.name)
        dense = np.zeros((steps + extra + 1, trials, population.size), bool)
        dense[np.rint(ours.time / made.dt).astype(int), ours.trial, ours.unit] = True
        shift = made.shift[population.name]
        assert not dense[: shift + 1].any()
        found[population.name] = dense[shift + 1 : shift + 1 + steps]
    return found


# ------------------------------------------------------ the frameworks' loops, written by hand


def leaky(
    x: np.ndarray, tau: Any, r: Any, leak: Any, level: Any, reset: Any = 0.0, exact: bool = False
) -> np.ndarray:
    """LIF by Euler's rule, or exactly, with input that lasts for a step."""
    keep = np.exp(-DT / tau) if exact else 1 - DT / tau
    v, out = np.zeros_like(x[0]) + leak, []
    for now in x:
        v = keep * v + (1 - keep) * (leak + r * now)
        z = v > level
        v = np.where(z, reset, v)
        out.append(z)
    return np.array(out)


def perfect(x: np.ndarray, r: Any, level: Any, reset: Any = 0.0) -> np.ndarray:
    v, out = np.zeros_like(x[0]), []
    for now in x:
        v = v + DT * r * now
        z = v > level
        v = np.where(z, reset, v)
        out.append(z)
    return np.array(out)


def cuba(x: np.ndarray, tau_syn: Any, tau: Any, r: Any, level: Any, w_in: Any) -> np.ndarray:
    """CubaLIF as snnTorch's Synaptic: the new current acts on the potential in the same step."""
    current, v, out = np.zeros_like(x[0]), np.zeros_like(x[0]), []
    for now in x:
        current = (1 - DT / tau_syn) * current + DT / tau_syn * w_in * now
        v = (1 - DT / tau) * v + DT / tau * r * current
        z = v > level
        v = np.where(z, 0.0, v)
        out.append(z)
    return np.array(out)


def chain(shape: tuple[int, ...], *nodes: Any) -> Any:
    return nir.NIRGraph.from_list(
        nir.Input(np.array(shape)), *nodes, nir.Output(nodes[-1].output_type["output"])
    )


def lif(n: int, tau: float = 8e-3, level: float = 0.9, **more: Any) -> Any:
    ones = np.ones(n)
    values = {
        "tau": tau * ones,
        "r": tau / DT * ones,
        "v_leak": 0 * ones,
        "v_threshold": level * ones,
    }
    return nir.LIF(**{**values, **more})


# ------------------------------------------------------------------------------ what is mapped


@pytest.mark.parametrize("integration", ["euler", "exact"])
@pytest.mark.parametrize("backend", ["reference", "brian2", "torch"])
def test_two_layers_with_biases_fire_the_frameworks_spikes(integration: str, backend: str) -> None:
    if backend == "torch":
        pytest.importorskip("torch")
    rng = np.random.default_rng(2)
    w1, b1 = rng.normal(0.2, 0.6, (7, 5)), rng.normal(0.05, 0.05, 7)
    w2, b2 = rng.normal(0.2, 0.6, (4, 7)), rng.normal(0.05, 0.05, 4)
    tau = np.linspace(4e-3, 12e-3, 7)
    one = lif(7, tau=1.0, v_reset=np.full(7, -0.2))
    one = dataclasses.replace(one, tau=tau, r=tau / DT, v_leak=np.linspace(0, 0.1, 7))
    two = lif(4)
    graph = chain((5,), nir.Affine(w1, b1), one, nir.Affine(w2, b2), two)
    made = read(graph, DT * 1e3, integration)
    given = drawn((5,))
    exact = integration == "exact"
    first = leaky(given @ w1.T + b1, tau, one.r, one.v_leak, 0.9, -0.2, exact)
    second = leaky(first @ w2.T + b2, 8e-3, two.r, 0.0, 0.9, 0.0, exact)
    found = fired(made, given, backend)
    assert (made.shift["lif"], made.shift["lif_1"]) == (1, 2)
    for name, wanted in (("lif", first), ("lif_1", second)):
        assert 20 < wanted.sum() < 0.8 * wanted.size
        np.testing.assert_array_equal(found[name], wanted)


def test_convolution_pooling_and_flattening() -> None:
    kernel = draws(1).normal(0.05, 0.5, (4, 1, 3, 2))
    weights = draws(2).normal(0, 0.4, (5, 4 * 2 * 2))
    given = drawn((2, 6, 6))
    padded = np.pad(given.astype(float), ((0, 0), (0, 0), (0, 0), (1, 1), (1, 1)))
    out = np.zeros((STEPS, TRIALS, 4, 4, 7))
    for c in range(4):
        for i, j in np.ndindex(3, 2):
            out[:, :, c] += kernel[c, 0, i, j] * padded[:, :, c // 2, 2 * i : 2 * i + 4, j : j + 7]
    bias = np.linspace(-0.05, 0.1, 4)
    first = perfect(out + bias[:, None, None], 1 / DT, 0.7)
    pooled = first[..., :4, :6].reshape(STEPS, TRIALS, 4, 2, 2, 2, 3).mean((4, 6))
    second = perfect(pooled.reshape(STEPS, TRIALS, 16) @ weights.T, 1 / DT, 0.5)
    nodes = {
        "in": nir.Input(np.array([2, 6, 6])),
        "conv": nir.Conv2d((6, 6), kernel, (1, 1), (1, 1), (2, 1), 2, bias),
        "if1": nir.IF(np.full((4, 4, 7), 1 / DT), np.full((4, 4, 7), 0.7)),
        "pool": nir.AvgPool2d(np.array([2, 3]), np.array([2, 3]), np.array([0, 0])),
        "flat": nir.Flatten({"input": np.array([4, 2, 2])}, 0),
        "fc": nir.Linear(weights),
        "if2": nir.IF(np.full(5, 1 / DT), np.full(5, 0.5)),
        "out": nir.Output(np.array([5])),
    }
    names = list(nodes)
    edges = list(itertools.pairwise(names))
    made = read(nir.NIRGraph(nodes, edges, type_check=False), 1.0)
    found = fired(made, given)
    for name, wanted in (("if1", first), ("if2", second)):
        assert wanted.sum() > 20, name
        np.testing.assert_array_equal(found[name], wanted.reshape(STEPS, TRIALS, -1))
    kinds = [type(p.connector) for p in made.network.projections]
    assert kinds == [ConvolutionConnector, EdgeListConnector]
    np.testing.assert_array_equal(made.network.projections[0].kernel[:, :, ::2], kernel)


def test_currents_delays_scales_and_what_a_layer_hands_to_itself() -> None:
    w, back = draws(3).normal(0.1, 0.5, (6, 5)), draws(4).normal(-0.1, 0.4, (6, 6))
    ones, scale = np.ones(6), np.linspace(0.5, 1.5, 6)
    tau_syn, tau = 5e-3, 9e-3
    nodes = {
        "input": nir.Input(np.array([5])),
        "w": nir.Linear(w),
        "scale": nir.Scale(scale),
        "syn": nir.CubaLIF(
            tau_syn * ones, tau * ones, tau / DT * ones, 0 * ones, 0.8 * ones,
            w_in=tau_syn / DT * ones,
        ),
        "wait": nir.Delay(np.full(6, 3 * DT)),
        "lif": lif(6, level=0.5),
        "back": nir.Linear(back),
        "output": nir.Output(np.array([6])),
    }  # fmt: skip
    edges = [
        ("input", "w"), ("w", "scale"), ("scale", "syn"), ("syn", "wait"), ("wait", "lif"),
        ("lif", "back"), ("back", "lif"), ("lif", "output"),
    ]  # fmt: skip
    made = read(nir.NIRGraph(nodes, edges, type_check=False), 1.0)
    given = drawn((5,))
    first = cuba(given @ w.T * scale, tau_syn, tau, tau / DT, 0.8, tau_syn / DT)
    late = np.concatenate([np.zeros((3, TRIALS, 6)), first[:-3]])
    v, z, second = np.zeros((TRIALS, 6)), np.zeros((TRIALS, 6)), []
    for now in late:
        v = (1 - DT / 8e-3) * v + now + z @ back.T
        z = v > 0.5
        v = np.where(z, 0.0, v)
        second.append(z)
    found = fired(made, given)
    assert made.shift == {"input": 0, "syn": 2, "lif": 3}
    for name, wanted in (("syn", first), ("lif", np.array(second))):
        assert 15 < wanted.sum() < 0.8 * wanted.size, name
        np.testing.assert_array_equal(found[name], wanted)


def test_a_graph_within_a_graph_is_read_in_its_place() -> None:
    """As snnTorch writes a layer that feeds itself."""
    w, back = draws(21).normal(0.3, 0.5, (4, 3)), draws(22).normal(-0.2, 0.5, (4, 4))
    inner = nir.NIRGraph(
        {
            "input": nir.Input(np.array([4])), "lif": lif(4), "w_rec": nir.Linear(back),
            "output": nir.Output(np.array([4])),
        },
        [("input", "lif"), ("lif", "w_rec"), ("w_rec", "lif"), ("lif", "output")],
    )  # fmt: skip
    nodes = {
        "input": nir.Input(np.array([3])), "w": nir.Linear(w), "rec": inner, "two": lif(4),
        "output": nir.Output(np.array([4])),
    }  # fmt: skip
    graph = nir.NIRGraph(nodes, list(itertools.pairwise(nodes)), type_check=False)
    given = drawn((3,))
    v, z, wanted = np.zeros((TRIALS, 4)), np.zeros((TRIALS, 4)), []
    for now in given:
        v = (1 - DT / 8e-3) * v + now @ w.T + z @ back.T
        z = v > 0.9
        v = np.where(z, 0.0, v)
        wanted.append(z)
    found = fired(read(graph, 1.0), given)
    assert np.array(wanted).sum() > 10
    np.testing.assert_array_equal(found["rec_lif"], wanted)
    behind = leaky(np.array(wanted, float), 8e-3, 8.0, 0.0, 0.9)
    np.testing.assert_array_equal(found["two"], behind)


def test_ways_of_different_length_arrive_together() -> None:
    """A layer that is fed by the input, and by a layer behind it, sees both in one step."""
    w = draws(5).normal(0.3, 0.5, (4, 4))
    nodes = {
        "input": nir.Input(np.array([4])),
        "w": nir.Linear(w), "one": lif(4), "two": lif(4, level=1.1),
        "output": nir.Output(np.array([4])),
    }  # fmt: skip
    edges = [("input", "w"), ("w", "one"), ("one", "two"), ("input", "two"), ("two", "output")]
    given = drawn((4,))
    first = leaky(given @ w.T, 8e-3, 8e-3 / DT, 0.0, 0.9)
    second = leaky(first + given.astype(float), 8e-3, 8e-3 / DT, 0.0, 1.1)
    made = read(nir.NIRGraph(nodes, edges), 1.0)
    np.testing.assert_array_equal(fired(made, given)["two"], second)
    assert {p.name: p.delay for p in made.network.projections} == {
        "input_one": 1.0, "input_two": 2.0, "one_two": 1.0,
    }  # fmt: skip


def test_what_does_not_reset_or_does_not_fire() -> None:
    """A LI with a Threshold fires as long as it is passed; a LI alone integrates and is silent."""
    ones, w = np.ones(3), draws(6).normal(0.3, 0.4, (3, 3))
    li = nir.LI(8e-3 * ones, 8.0 * ones, 0 * ones)
    graph = chain((3,), nir.Linear(w), li, nir.Threshold(0.6 * ones))
    given = drawn((3,))
    v, wanted = np.zeros((TRIALS, 3)), []
    for now in given:
        v = (1 - 1 / 8) * v + now @ w.T
        wanted.append(v > 0.6)
    found = fired(read(graph, 1.0), given)["li"]
    assert np.array(wanted).sum() > 10
    np.testing.assert_array_equal(found, wanted)
    silent = read(chain((3,), nir.Linear(w), nir.I(1000 * ones)), 1.0)
    assert not fired(silent, given)["i"].any()


def test_a_threshold_has_to_be_passed() -> None:
    """v > 1 does not hold at 1: two spikes of one half do not fire."""
    cell = nir.IF(np.array([1 / DT]), np.array([1.0]))
    graph = chain((1,), nir.Linear(np.array([[0.5]])), cell)
    given = np.ones((STEPS, TRIALS, 1), bool)
    found = fired(read(graph, 1.0), given)["if"]
    assert np.flatnonzero(found[:, 0, 0]).tolist() == [2, 5, 8, 11]


def test_a_delay_holds_back_a_bias_too() -> None:
    """By a loop written by hand: before 3 steps there is neither input nor bias."""
    w, b = draws(1).normal(0.3, 0.5, (3, 3)), np.array([0.3, 0.2, 0.1])
    graph = chain((3,), nir.Affine(w, b), nir.Delay(np.full(3, 3 * DT)), lif(3))
    given = drawn((3,))
    arriving = np.concatenate([np.zeros((3, TRIALS, 3)), (given @ w.T + b)[:-3]])
    wanted = leaky(arriving, 8e-3, 8.0, 0.0, 0.9)
    assert wanted.sum() > 20
    np.testing.assert_array_equal(fired(read(graph, 1.0), given)["lif"], wanted)


@pytest.mark.parametrize(
    ("factor", "bias"),
    [
        (np.array([[[0.2, 0.6], [1.0, 2.0]]]), np.array([0.1, 0.0, 0.2, -0.1])),
        (np.array([0.4, 1.0]), np.array([[[0.1, 0.2], [0.3, 0.4]]])),
        (np.array([0.4, 1.0, 0.2, 0.7]).reshape(4, 1, 1), np.array(0.1)),
    ],
)  # fmt: skip
def test_values_spread_over_a_layer_as_numpy_spreads_them(
    factor: np.ndarray, bias: np.ndarray
) -> None:
    """Four channels of 2 x 2: a plane, or the last axis, is not one value per channel.

    A convolution has one bias per channel.
    """
    cell = nir.LIF(*(np.full((4, 2, 2), v) for v in (8e-3, 8.0, 0.0, 0.9)))
    nodes = {
        "in": nir.Input(np.array([4, 2, 2])),
        "conv": nir.Conv2d((2, 2), np.eye(4).reshape(4, 4, 1, 1), 1, 0, 1, 1, bias),
        "scale": nir.Scale(factor), "cell": cell, "out": nir.Output(np.array([4, 2, 2])),
    }  # fmt: skip
    graph = nir.NIRGraph(nodes, list(itertools.pairwise(nodes)), type_check=False)
    given = drawn((4, 2, 2))
    each = bias.reshape(4, 1, 1) if bias.shape == (4,) else bias
    wanted = leaky((given + each) * factor, 8e-3, 8.0, 0.0, 0.9).reshape(STEPS, TRIALS, -1)
    assert wanted.sum() > 20
    np.testing.assert_array_equal(fired(read(graph, 1.0), given)["cell"], wanted)


def test_an_edge_named_twice_is_one_and_a_layer_can_follow_a_flatten() -> None:
    flat = nir.Flatten({"input": np.array([2, 3, 1])}, 0)
    nodes = {"in": nir.Input(np.array([2, 3, 1])), "flat": flat, "lif": lif(6)}
    edges = [("in", "flat"), ("flat", "lif"), ("in", "flat"), ("flat", "lif")]
    made = read(nir.NIRGraph(nodes, edges, type_check=False), 1.0)
    assert len(made.network.projections) == 1
    given = drawn((2, 3, 1))
    wanted = leaky(given.reshape(STEPS, TRIALS, 6).astype(float), 8e-3, 8.0, 0.0, 0.9)
    np.testing.assert_array_equal(fired(made, given)["lif"], wanted)


def test_a_file_is_the_graph_that_was_written(tmp_path: Path) -> None:
    graph = chain((5,), nir.Affine(draws(7).normal(size=(3, 5)), np.zeros(3)), lif(3))
    nir.write(tmp_path / "net.nir", graph)
    from_file, from_graph = read(tmp_path / "net.nir", 1.0), read(graph, "1 ms")
    assert from_file.network == from_graph.network
    assert isinstance(from_file.network.projections[0].connector, DenseConnector)
    np.testing.assert_array_equal(
        from_file.network.projections[0].kernel, graph.nodes["affine"].weight
    )


def test_maps_of_their_own_gain_go_on_sharing_a_kernel() -> None:
    """The kernel of each map is multiplied by what a weight of 1 does to its neurons."""
    kernel, tau = draws(31).normal(size=(2, 1, 3, 3)), np.array([4e-3, 8e-3]).reshape(2, 1, 1)
    shape = np.ones((2, 2, 2))
    cell = nir.LIF(tau * shape, 3 * shape, 0 * shape, shape)
    conv = nir.Conv2d((4, 4), kernel, 1, 0, 1, 1, np.zeros(2))
    made = read(chain((1, 4, 4), conv, cell), 1.0)
    (projection,) = made.network.projections
    assert isinstance(projection.connector, ConvolutionConnector)
    wanted = kernel * (3 * DT / tau.reshape(2, 1, 1, 1))
    np.testing.assert_allclose(projection.weight * projection.kernel, wanted, rtol=1e-13)
