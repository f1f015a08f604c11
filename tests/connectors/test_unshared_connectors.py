"""Dense, local and listed connections: as values, in PyNN scripts, and in lists for SpiNNaker."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from scnnbio.connectors import (
    ConvolutionConnector,
    DenseConnector,
    EdgeListConnector,
    FixedInDegree,
    FixedProbability,
    KernelConnector,
    LocalConnector,
)
from scnnbio.connectors.spinnaker import by_sign
from scnnbio.errors import SpecError
from scnnbio.geometry import local_edges_oracle
from scnnbio.network import Projection
from scnnbio.plasticity import SharedSTDP
from tests.connectors.scripts import cells, kernel, sources

RING = ([0, 1, 2, 3], [1, 2, 3, 0])


def rows_of(connector: KernelConnector) -> list[tuple[int, int, float]]:
    """(pre, post, weight) of every connection."""
    edges = connector.edges()
    weights = connector.kernel.ravel()[edges.tap]
    return list(zip(edges.pre.tolist(), edges.post.tolist(), weights.tolist(), strict=True))


# -- dense -----------------------------------------------------------------------------------------


def test_a_dense_layer_is_a_matrix_product():
    weights, activity = kernel(6, 20), kernel(2, 2, 5, seed=1)
    made = DenseConnector(weights, (2, 2, 5), (3, 1, 2))
    total = np.zeros(6)
    for pre, post, weight in rows_of(made):
        total[post] += weight * activity.flat[pre]
    # Oracle: the product of matrix and vector.
    np.testing.assert_allclose(total, weights @ activity.ravel(), atol=1e-12)
    assert made.out_shape == (3, 1, 2)
    assert rows_of(made) == sorted(rows_of(made))
    # A kernel as large as the layer is the same connections, where the output has no space.
    whole = ConvolutionConnector(weights.reshape(6, 2, 2, 5), (2, 2, 5))
    assert rows_of(DenseConnector(weights, (2, 2, 5))) == rows_of(whole)


# -- local -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stride", "padding"), [((1, 1), (0, 0)), ((2, 1), (1, 0)), ((1, 3), (2, 1)), ((1, 1), (1, 1))]
)
def test_local_edges_are_those_of_the_oracle(stride, padding):
    shared = ConvolutionConnector(kernel(3, 2, 3, 2), (2, 5, 6), stride, padding)
    out = shared.out_shape
    made = LocalConnector(kernel(*out, 2, 3, 2, seed=3), (2, 5, 6), stride, padding)
    edges = made.edges()
    found = list(zip(edges.pre.tolist(), edges.post.tolist(), edges.tap.tolist(), strict=True))
    assert found == local_edges_oracle((2, 5, 6), made.kernel.shape, made.stride, made.padding)
    assert made.out_shape == out
    # With one kernel everywhere it is the convolution.
    alike = np.broadcast_to(shared.kernel[:, None, None], made.kernel.shape)
    same = LocalConnector(alike, (2, 5, 6), stride, padding)
    assert rows_of(same) == rows_of(shared)
    # What meets the padding is zero, and absent.
    assert same.present.sum() == len(shared.edges())
    assert not same.kernel[~same.present].any()


# -- lists -----------------------------------------------------------------------------------------


def test_a_list_is_sorted_with_its_weights_and_lags():
    made = EdgeListConnector(
        (1, 1, 3), (1, 2, 2), ([2, 0, 0, 2], [1, 3, 0, 1]), [1.0, 2.0, 3.0, 4.0], [5, 0, 2, "1 ms"]
    )
    assert made.pre.tolist() == [0, 0, 2, 2]
    assert made.post.tolist() == [0, 3, 1, 1]
    assert made.kernel.tolist() == [3.0, 2.0, 4.0, 1.0]
    assert made.lag.tolist() == [2.0, 0.0, 1.0, 5.0]
    assert made.lags == (0.0, 1.0, 2.0, 5.0)
    np.testing.assert_array_equal(made.edge_lags(made.edges()), made.lag)


def test_a_fixed_probability_joins_a_binomial_number_of_pairs():
    shape, p = (1, 1, 300), 0.05
    drawn = [EdgeListConnector(shape, shape, FixedProbability(p, seed=seed)) for seed in range(40)]
    counts = np.array([len(one.pre) for one in drawn])
    # Definition: each of 90,000 pairs is an independent trial.
    mean, sd = stats.binom.stats(300 * 300, p)[0], stats.binom.std(300 * 300, p)
    assert abs(counts.mean() - mean) < 4 * sd / np.sqrt(40)
    assert 0.6 < counts.std(ddof=1) / sd < 1.5
    # In-degrees are binomial, too: chi-squared over all neurons and seeds.
    degrees = np.concatenate([np.bincount(one.post, minlength=300) for one in drawn])
    edges = np.arange(6, 25)
    seen = np.array([(degrees <= 6).sum(), *[(degrees == k).sum() for k in edges[1:-1]],
                     (degrees >= 24).sum()])  # fmt: skip
    law = stats.binom(300, p)
    share = np.array([law.cdf(6), *law.pmf(edges[1:-1]), law.sf(23)])
    assert stats.chisquare(seen, share * len(degrees)).pvalue > 1e-4
    # No pair is joined twice, and every neuron is reached.
    assert all(len(set(zip(one.pre, one.post, strict=True))) == len(one.pre) for one in drawn[:5])
    assert {int(n) for one in drawn for n in one.pre} == set(range(300))


def test_certainty_joins_all():
    made = EdgeListConnector((1, 2, 2), (1, 1, 3), FixedProbability(1.0, seed=0))
    assert rows_of(made) == [(pre, post, 1.0) for pre in range(4) for post in range(3)]


def test_a_fixed_in_degree_draws_each_input_once_and_all_alike():
    shape = (1, 1, 60)
    made = EdgeListConnector(shape, (2, 5, 10), FixedInDegree(7, seed=2))
    assert np.bincount(made.post).tolist() == [7] * 100
    assert len(set(zip(made.pre, made.post, strict=True))) == 700
    many = EdgeListConnector(shape, (1, 1, 3000), FixedInDegree(7, seed=3))
    uniform = stats.chisquare(np.bincount(many.pre, minlength=60))
    assert uniform.pvalue > 1e-4


@pytest.mark.parametrize("recipe", [FixedProbability, FixedInDegree])
def test_neurons_need_not_be_joined_to_themselves(recipe):
    shape, amount = (1, 1, 12), 0.9 if recipe is FixedProbability else 11
    made = EdgeListConnector(shape, shape, recipe(amount, seed=1, self_connections=False))
    assert (made.pre != made.post).all()
    if recipe is FixedInDegree:
        assert len(made.pre) == 12 * 11  # all but itself
    with pytest.raises(SpecError, match="not one population"):
        EdgeListConnector(shape, (1, 1, 13), recipe(amount, seed=1, self_connections=False))


def test_values():
    sparse = EdgeListConnector((1, 1, 9), (1, 3, 3), FixedProbability(0.3, seed=4), 0.5)
    others = [
        EdgeListConnector((1, 1, 9), (1, 3, 3), FixedProbability(0.3, seed=5), 0.5),
        EdgeListConnector((1, 1, 9), (1, 3, 3), FixedProbability(0.3, seed=4), 0.4),
        EdgeListConnector((1, 1, 9), (1, 3, 3), FixedProbability(0.3, seed=4), 0.5, 2.0),
        EdgeListConnector((1, 1, 9), (1, 3, 3), FixedProbability(0.3, seed=4), 0.5, delay=1.0),
        EdgeListConnector((1, 1, 9), (1, 1, 9), FixedProbability(0.3, seed=4), 0.5),
        DenseConnector(np.ones((9, 9)), (1, 1, 9), (1, 3, 3)),
        LocalConnector(np.ones((1, 3, 3, 1, 1, 1)), (1, 3, 3)),
    ]
    assert len({sparse, *others}) == len(others) + 1
    again = EdgeListConnector((1, 1, 9), (1, 3, 3), (sparse.pre, sparse.post), 0.5)
    assert again == sparse  # drawn or given, the connections are the value
    assert sparse.with_kernel(np.full(len(sparse.pre), 0.4)) == others[1]
    with pytest.raises(SpecError, match="keep the shape"):
        sparse.with_kernel([1.0])
    for one in (sparse, *others):
        assert type(one).__name__ in repr(one)
        assert "out_shape" in repr(one)
        assert not one.kernel.flags.writeable


@pytest.mark.parametrize(
    "made",
    [
        DenseConnector(np.round(kernel(4, 6), 0), (1, 2, 3)),
        LocalConnector(np.round(kernel(2, 3, 3, 1, 2, 2), 0), (1, 4, 4)),
        EdgeListConnector((1, 1, 4), (1, 1, 4), RING, [1.0, -1.0, 0.0, 2.0]),
    ],
    ids=["dense", "local", "list"],
)
def test_parts_of_one_sign(made):
    positive, negative = made.split_by_sign()
    np.testing.assert_array_equal(positive.kernel + negative.kernel, made.kernel)
    expected = [row for row in rows_of(made) if row[2]]
    assert sorted(rows_of(positive) + rows_of(negative)) == expected
    assert all(weight > 0 for *_, weight in rows_of(positive))
    # Lists for SpiNNaker are the same two parts.
    lists = by_sign(made)
    found = [
        (int(pre), int(post), weight if part.receptor == "excitatory" else -weight)
        for part in lists
        for pre, post, weight in zip(part.pre, part.post, part.weight.tolist(), strict=True)
    ]
    assert sorted(found) == expected


@pytest.mark.parametrize(
    ("make", "where", "says"),
    [
        (lambda: DenseConnector(np.ones(3), (1, 1, 3)), "weights", "matrix"),
        (lambda: DenseConnector(np.ones((2, 3)), (1, 1, 4)), "weights", r"\(2, 4\)"),
        (lambda: DenseConnector(np.ones((2, 3)), (1, 1, 3), (1, 1, 3)), "weights", r"\(3, 3\)"),
        (lambda: DenseConnector([[np.nan]], (1, 1, 1)), "weights", "finite"),
        (lambda: LocalConnector(np.ones((2, 2, 2)), (1, 3, 3)), "weights", "kernel row"),
        (lambda: LocalConnector(np.ones((2, 2, 3, 1, 2, 2)), (1, 3, 3)), "weights", r"\(2, 2, 2\)"),
        (lambda: LocalConnector(np.ones((2, 2, 2, 2, 2, 2)), (1, 3, 3)), "kernel", "2 channels"),
        (lambda: EdgeListConnector((1, 1, 4), (1, 1, 4), ([0], [4])), "edges.post", "0..3"),
        (lambda: EdgeListConnector((1, 1, 4), (1, 1, 4), ([-1], [0])), "edges.pre", "0..3"),
        (lambda: EdgeListConnector((1, 1, 4), (1, 1, 4), ([0.5], [0])), "edges.pre", "whole"),
        (lambda: EdgeListConnector((1, 1, 4), (1, 1, 4), ([0, 1], [0])), "edges", "equal length"),
        (lambda: EdgeListConnector((1, 1, 4), (1, 1, 4), ([], [])), "edges", "at least one"),
        (lambda: EdgeListConnector((1, 1, 4), (1, 1, 4), 3), "edges", "two arrays"),
        (lambda: EdgeListConnector((1, 1, 4), (1, 1, 4), ([1, 1], [2, 2])), "edges", "twice"),
        (lambda: EdgeListConnector((1, 1, 4), (1, 1, 4), RING, [1.0, 2.0]), "weight", "per conn"),
        (lambda: EdgeListConnector((1, 1, 4), (1, 1, 4), RING, np.inf), "weight", "finite"),
        (lambda: EdgeListConnector((1, 1, 4), (1, 1, 4), RING, 1.0, -1.0), "lag", "before"),
        (lambda: EdgeListConnector((1, 1, 4), (1, 1, 4), RING, 1.0, "1 mV"), "lag", "mV"),
        (lambda: FixedProbability(0.0, seed=1), "edges.probability", "above 0"),
        (lambda: FixedProbability(1.5, seed=1), "edges.probability", "up to 1"),
        (lambda: FixedProbability(0.5, seed=-1), "edges.seed", "from 0 up"),
        (lambda: FixedInDegree(2.0, seed=1), "edges.count", "whole"),
        (lambda: FixedInDegree(2, seed=1, self_connections=1), "edges.self_connections", "true"),
        (
            lambda: EdgeListConnector((1, 1, 4), (1, 1, 4), FixedInDegree(5, seed=1)),
            "edges.count",
            "4 neurons",
        ),
    ],
)  # fmt: skip
def test_what_is_refused(make, where, says):
    with pytest.raises(SpecError, match=says) as caught:
        make()
    assert caught.value.where == where


@pytest.mark.parametrize(
    "made",
    [
        DenseConnector(np.ones((4, 4)), (1, 1, 4)),
        LocalConnector(np.ones((1, 1, 4, 1, 1, 1)), (1, 1, 4)),
        EdgeListConnector((1, 1, 4), (1, 1, 4), RING),
    ],
)
def test_no_rule_learns_single_weights(made):
    with pytest.raises(SpecError, match="use a ConvolutionConnector") as caught:
        Projection("a", "b", made, plasticity=SharedSTDP())
    assert "a weight of its own" in str(caught.value)


# -- in PyNN scripts -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "made",
    [
        DenseConnector(kernel(6, 8), (2, 2, 2), (1, 2, 3)),
        LocalConnector(kernel(2, 3, 3, 2, 2, 3), (2, 4, 5), padding=(0, 0)),
        LocalConnector(kernel(1, 4, 2, 1, 3, 3), (1, 4, 4), (1, 2), 1),
        EdgeListConnector((1, 1, 9), (1, 3, 3), FixedProbability(0.3, seed=4), 0.5),
        EdgeListConnector((1, 1, 9), (1, 3, 3), FixedInDegree(3, seed=4), kernel(27)),
        EdgeListConnector((1, 1, 4), (1, 1, 4), ([0, 0, 3], [1, 1, 0]), [1, 2, 3], [0, 0.5, 2.0]),
    ],
    ids=["dense", "local", "padded", "probability", "in-degree", "lags"],
)
def test_connections_are_stored_one_for_one(sim, made):
    pre, post = sources(sim, made.in_shape), cells(sim, made.out_shape)
    projection = sim.Projection(pre, post, made, sim.StaticSynapse(delay=1.0))
    stored = projection.get(["weight", "delay"], format="list")
    found = np.array(sorted(tuple(float(value) for value in row) for row in stored))
    # Written down from the connector's own arrays, pair by pair.
    edges = made.edges()
    late = np.zeros(len(edges)) if made.lags is None else made.lag
    rows = [
        (pre, post, made.kernel.flat[tap], 1.0 + late[k])
        for k, (pre, post, tap) in enumerate(zip(edges.pre, edges.post, edges.tap, strict=True))
    ]
    expected = np.array(sorted(rows), float)
    np.testing.assert_array_equal(found[:, :2], expected[:, :2])
    np.testing.assert_allclose(found[:, 2:], expected[:, 2:], rtol=1e-12, atol=1e-15)
