"""Lateral inhibition against its definition, pair by pair."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scnnbio.connectors import (
    DifferenceOfGaussians,
    Gaussian,
    LateralInhibitionConnector,
    Tabulated,
)
from scnnbio.errors import SpecError
from scnnbio.geometry import convolution_edges_oracle


def joined(scope, radius, a, b):
    """The definition, for neurons (map, row, column)."""
    near = abs(a[1] - b[1]) <= radius and abs(a[2] - b[2]) <= radius
    if scope == "maps":
        return a[0] != b[0] and a[1:] == b[1:]
    if scope == "neighbourhood":
        return a[0] == b[0] and near and a[1:] != b[1:]
    return near and a != b


@settings(deadline=None)
@given(
    st.tuples(st.integers(1, 3), st.integers(1, 5), st.integers(1, 5)),
    st.sampled_from(["maps", "neighbourhood", "both"]),
    st.integers(0, 3),
)
def test_edges_are_the_pairs_of_the_definition(shape, scope, radius):
    radius = 0 if scope == "maps" else min(radius, max(shape[1:]) - 1)
    neurons = list(np.ndindex(shape))
    pairs = [
        (i, j)
        for (i, a), (j, b) in itertools.product(enumerate(neurons), repeat=2)
        if joined(scope, radius, a, b)
    ]
    if not pairs:
        with pytest.raises(SpecError, match="connects no neurons"):
            LateralInhibitionConnector(shape, scope, radius)
        return
    connector = LateralInhibitionConnector(shape, scope, radius, strength=0.5)
    edges = connector.edges()
    assert list(zip(edges.pre.tolist(), edges.post.tolist(), strict=True)) == pairs
    assert (connector.kernel.ravel()[edges.tap] == 0.5).all()


@pytest.mark.parametrize(("scope", "radius"), [("maps", 0), ("neighbourhood", 1), ("both", 2)])
def test_a_layer_in_one_dimension_is_one_row(scope, radius):
    made = LateralInhibitionConnector((3, 7), scope, radius, strength=0.25)
    assert made == LateralInhibitionConnector((3, 1, 7), scope, radius, strength=0.25)
    assert made.shape == made.out_shape == (3, 1, 7)
    neurons = list(np.ndindex(3, 1, 7))
    edges = made.edges()
    assert list(zip(edges.pre.tolist(), edges.post.tolist(), strict=True)) == [
        (i, j)
        for (i, a), (j, b) in itertools.product(enumerate(neurons), repeat=2)
        if joined(scope, radius, a, b)
    ]


def test_strengths_along_a_row():
    """One value a pair of maps and a shift of places, with the neuron itself left out."""
    strength = np.random.default_rng(3).uniform(size=(2, 2, 5))
    strength[[0, 1], [0, 1], 2] = 0.0
    made = LateralInhibitionConnector((2, 6), "both", 2, strength)
    edges = made.edges()
    weights = made.kernel.ravel()[edges.tap]
    for pre, post, weight in zip(edges.pre, edges.post, weights, strict=True):
        (m, x), (n, y) = divmod(pre, 6), divmod(post, 6)
        assert weight == strength[n, m, x - y + 2]
    assert len(edges) == sum(abs(x - y) <= 2 for x in range(6) for y in range(6)) * 4 - 12
    with pytest.raises(SpecError, match="outside the scope"):
        LateralInhibitionConnector((2, 6), "both", 2, np.ones((2, 2, 5)))


@pytest.mark.parametrize(("scope", "radius"), [("maps", 0), ("neighbourhood", 1), ("both", 2)])
def test_it_is_a_convolution_with_its_kernel(scope, radius):
    made = LateralInhibitionConnector((3, 4, 5), scope, radius, strength=0.25)
    groups = 3 if scope == "neighbourhood" else 1  # depthwise: every map to itself
    assert made.kernel.shape == (3, 3 // groups, 2 * radius + 1, 2 * radius + 1)
    assert made.groups == groups
    assert (made.in_shape, made.out_shape, made.shape) == ((3, 4, 5),) * 3
    assert (made.stride, made.padding) == ((1, 1), (radius, radius))
    dense = convolution_edges_oracle(made.in_shape, made.kernel.shape, 1, radius, groups)
    edges = made.edges()
    assert list(zip(edges.pre, edges.post, edges.tap, strict=True)) == [
        edge for edge in dense if made.kernel.ravel()[edge[2]] != 0
    ]


def test_strengths_can_differ_and_be_zero():
    made = LateralInhibitionConnector((2, 3, 3), "neighbourhood", 1, strength=2.0, delay=1.0)
    assert made.strength == 2.0
    kernel = made.kernel.copy()
    kernel[0, 0, 0, 0] = 0.0
    weakened = made.with_kernel(kernel)
    np.testing.assert_array_equal(weakened.kernel, kernel)
    np.testing.assert_array_equal(weakened.strength, kernel)
    assert weakened.delay == 1.0
    # A connection is there by its scope, whatever its weight: learning may set it again.
    assert len(weakened.edges()) == len(made.edges())
    assert weakened != made
    assert weakened.with_kernel(made.kernel) == made


def test_value():
    made = LateralInhibitionConnector((2, 3, 3), strength=0.5)
    assert made == LateralInhibitionConnector([2, 3, 3], "maps", 0, made.kernel)
    assert made == LateralInhibitionConnector((2, 3, 3), "both", 0, 0.5)  # the same connections
    assert made != LateralInhibitionConnector((2, 3, 3), strength=0.6)
    assert "scope='maps'" in repr(made)
    assert made.describe(template=None)["parameters"]["radius"] == 0
    with pytest.raises(ValueError, match="read-only"):
        made.kernel[:] = 1.0


@pytest.mark.parametrize(
    ("parameters", "where", "says"),
    [
        ({"scope": "everywhere"}, "scope", "'maps', 'neighbourhood', 'both'"),
        ({"scope": []}, "scope", "not a scope"),
        ({"scope": "maps", "radius": 1}, "radius", "use scope 'both'"),
        ({"scope": "both", "radius": -1}, "radius", "integer >= 0"),
        ({"scope": "both", "radius": 1.0}, "radius", "integer >= 0"),
        ({"scope": "both", "radius": True}, "radius", "integer >= 0"),
        ({"scope": "both", "radius": 3}, "radius", "for all of them use 2"),
        ({"scope": "neighbourhood", "radius": 10**6}, "radius", "reaches beyond the layer"),
        ({"scope": "both", "radius": 10**30, "shape": (2, 1, 1)}, "radius", "use 0"),
        ({"scope": "neighbourhood"}, "scope", "connects no neurons"),
        ({"strength": -1.0}, "strength", "would excite"),
        ({"strength": np.nan}, "strength", "finite"),
        ({"strength": np.ones(3)}, "strength", "array of (2, 2, 1, 1)"),
        ({"strength": np.ones((2, 2, 1, 1))}, "strength", "outside the scope"),
        ({"strength": np.ones((2, 1, 3, 3)), "scope": "both", "radius": 1}, "strength", "(2, 2, 3"),
        ({"profile": "gaussian"}, "profile", "Gaussian"),
        ({"profile": []}, "profile.values", "strengths by distance"),
        ({"profile": [1.0, -0.5]}, "profile.values", "would excite"),
        ({"profile": [1.0, "x"]}, "profile.values", "x"),
        ({"profile": [0.0, 1.0]}, "profile", "this profile connects no neurons"),
        ({"shape": (2,)}, "shape", "3 positive integers"),
        ({"delay": -1.0}, "delay", "before the spike"),
    ],
)
def test_what_is_refused(parameters, where, says):
    with pytest.raises(SpecError) as caught:
        LateralInhibitionConnector(**{"shape": (2, 3, 3), **parameters})
    assert caught.value.where == where
    assert says in caught.value.message


#: Closed forms of distance, written out apart from the code.
FALLS = {
    Gaussian(1.5): lambda d: math.exp(-d * d / 4.5),
    DifferenceOfGaussians(3.0, 1.0, 0.75): (
        lambda d: math.exp(-d * d / 18) - 0.75 * math.exp(-d * d / 2)
    ),
    Tabulated((0.0, 1.0, 0.5)): lambda d: d if d <= 1 else max(0.0, 1.5 - d / 2) if d <= 2 else 0.0,
}


@pytest.mark.parametrize("profile", FALLS, ids=lambda profile: type(profile).__name__)
@pytest.mark.parametrize("scope", ["neighbourhood", "both"])
def test_strength_follows_the_distance(profile, scope):
    shape, radius = (2, 5, 6), 3
    connector = LateralInhibitionConnector(shape, scope, radius, 0.8, profile=profile)
    edges = connector.edges()
    found = dict(
        zip(
            zip(edges.pre.tolist(), edges.post.tolist(), strict=True),
            connector.kernel.ravel()[edges.tap].tolist(),
            strict=True,
        )
    )
    expected = {}
    for (i, a), (j, b) in itertools.product(enumerate(np.ndindex(shape)), repeat=2):
        strength = 0.8 * FALLS[profile](math.hypot(a[1] - b[1], a[2] - b[2]))
        if joined(scope, radius, a, b) and strength > 1e-12:
            expected[i, j] = strength
    assert found == pytest.approx(expected, rel=1e-12)


def test_a_profile_and_a_strength_make_the_kernel():
    made = LateralInhibitionConnector((2, 5, 5), "both", 2, 0.3, profile=np.array([1, 0.6, 0.1]))
    assert made.profile == Tabulated((1.0, 0.6, 0.1))
    assert made.strength == pytest.approx(0.3)
    assert made == LateralInhibitionConnector(
        (2, 5, 5), "both", 2, made.strength, None, made.profile
    )
    assert not made.present[0, 1, 0, 0]  # the corner is sqrt(8) away
    kernel = np.where(made.present, 0.2, 0.0)
    other = made.with_kernel(kernel)
    np.testing.assert_array_equal(other.strength, kernel)
    assert len(other.edges()) == len(made.edges())
    assert other.with_kernel(made.kernel) == made
    with pytest.raises(SpecError, match="outside the scope"):
        made.with_kernel(np.full_like(kernel, 0.2))


@pytest.mark.parametrize(
    ("make", "where"),
    [
        (lambda: Gaussian(0.0), "profile.sigma"),
        (lambda: Gaussian("wide"), "profile.sigma"),
        (lambda: DifferenceOfGaussians(1.0, 2.0), "profile.inner"),
        (lambda: DifferenceOfGaussians(2.0, 1.0, 1.5), "profile.depth"),
        (lambda: Tabulated(3.0), "profile.values"),
    ],
)
def test_profiles_that_could_excite_are_refused(make, where):
    with pytest.raises(SpecError) as caught:
        make()
    assert caught.value.where == where
