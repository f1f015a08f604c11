"""The networks that learn digits by gradient: shapes, kernels, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from models import converted_digits, voting_digits
from scnnbio.errors import SpecError

BUILDS = (voting_digits.build, converted_digits.build)


def test_shapes_follow_from_the_arguments() -> None:
    made = voting_digits.build(extent=10, maps=[3, 4], size=3, votes=2)
    shapes = [population.shape for population in made.populations]
    assert shapes == [(1, 10, 10), (3, 5, 5), (4, 3, 3), (10, 2, 1)]
    made = converted_digits.build(extent=10, maps=[3, 4], size=3)
    shapes = [population.shape for population in made.populations]
    assert shapes == [(1, 10, 10), (3, 5, 5), (4, 3, 3), (10, 1, 1)]
    assert [projection.kernel.shape[:2] for projection in made.projections][:2] == [(3, 1), (4, 3)]


def test_weights_have_the_gain_that_is_said() -> None:
    made = voting_digits.build(seed=3)
    one, two, vote = (projection.kernel for projection in made.projections)
    # 1600 weights of the first layer: the standard error of a standard deviation is 2 %.
    assert np.std(one) * 5 == pytest.approx(2.0, rel=0.1)
    assert np.std(two) * (25 * 32) ** 0.5 == pytest.approx(4.0, rel=0.02)
    assert np.std(vote) * (64 * 49) ** 0.5 == pytest.approx(8.0, rel=0.02)


def test_kernels_of_a_seed_stay_the_same() -> None:
    """Those of the networks of docs/how_to/training.md, before this model drew them for all."""
    kernels = [projection.kernel for projection in voting_digits.build(seed=1).projections]
    firsts = [float(kernel.flat[0]) for kernel in kernels]
    sums = [float(kernel.sum()) for kernel in kernels]
    assert firsts == pytest.approx([0.13823367682591, -0.09863813112262, -0.11545806111193])
    assert sums == pytest.approx([-21.8513519478641, -55.5858099713204, -92.0206127204634])


@pytest.mark.parametrize("build", BUILDS)
def test_kernels_follow_the_seed(build: Any) -> None:
    first, same, other = (build(seed=seed).projections[0].kernel for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, same)
    assert (first != other).all()


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"extent": 0}, "extent"),
        ({"size": 4}, "size"),
        ({"maps": 3}, "maps"),
        ({"maps": [3, True]}, r"maps\[1\]"),
        ({"maps": [4000, 4000]}, "maps"),
    ],
)
def test_a_value_out_of_range_is_named(build: Any, change: dict[str, Any], named: str) -> None:
    with pytest.raises(SpecError, match=named):
        build(**change)


def test_a_time_constant_has_a_unit() -> None:
    assert voting_digits.build(tau_m="0.004 s").populations[1].values()["tau_m"][0] == 4.0
    with pytest.raises(SpecError, match="tau_m"):
        voting_digits.build(tau_m="4 mV")
