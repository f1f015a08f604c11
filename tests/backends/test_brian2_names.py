"""Names that users give, beside those that Brian2 and the lowering derive from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from scnnbio import backends
from scnnbio.connectors import ConvolutionConnector
from scnnbio.errors import UnsupportedError
from scnnbio.experiment import Record
from scnnbio.network import Network, Projection
from scnnbio.neurons import LIF
from scnnbio.plasticity import SharedThreshold
from scnnbio.population import Population
from tests.backends.networks import experiment, small_network

KERNEL = np.random.default_rng(0).uniform(0.0, 0.4, (3, 2, 5, 5, 2))
LAGGED = ConvolutionConnector(KERNEL, (2, 8, 8), lags=(0.0, 3.0))
PLAIN = ConvolutionConnector(KERNEL[..., 1], (2, 8, 8))


def network(*projections: Projection) -> Network:
    layers = dict.fromkeys(projection.post for projection in projections)
    populations = [Population(name, LAGGED.out_shape, LIF) for name in layers]
    return Network((small_network().population("lgn"), *populations), projections)


@pytest.mark.parametrize("other", ["x_lag0", "x_0", "lag0_x"])
def test_a_projection_may_be_named_as_a_lag_of_another(other: str) -> None:
    made = network(
        Projection("lgn", "v1", LAGGED, name="x"), Projection("lgn", "v1", PLAIN, name=other)
    )
    case = experiment(made, record=Record(("v1",)))
    found, expected = (
        backends.get(name).run(case).recording.spikes["v1"] for name in ("brian2", "reference")
    )
    assert len(expected.time) > 500
    np.testing.assert_array_equal(found.time, expected.time)
    np.testing.assert_array_equal(found.unit, expected.unit)


@pytest.mark.parametrize("backend", ["brian2", "brian2-standalone"])
@pytest.mark.parametrize("part", ["stateupdater", "spike_thresholder", "spike_resetter"])
def test_the_name_of_a_part_of_another_is_refused(backend: str, part: str) -> None:
    """Brian2 names the parts of a group; of two things with one name it would run neither."""
    layers = network(
        Projection("lgn", "v1", PLAIN, name="x"), Projection("lgn", f"v1_{part}", PLAIN, name="y")
    )
    both = network(
        Projection("lgn", "v1", PLAIN, name="x"), Projection("lgn", "v1", PLAIN, name=f"x_{part}")
    )
    for made, element in ((layers, f"population 'v1_{part}'"), (both, f"projection 'x_{part}'")):
        refused = backends.get(backend).unsupported(experiment(made, record=Record(("v1",))))
        assert [problem.element for problem in refused] == [element]
        assert refused[0].remedy == "choose another name"


def test_brian2_adds_these_parts_and_no_others() -> None:
    from scnnbio.backends.brian2.lowering import _PARTS, Lowered

    case = experiment(small_network(homeostasis=SharedThreshold(eta=0.3, target=60.0)))
    added = {
        part.name.removeprefix(thing.name)
        for thing in Lowered(case, case.input_stream()).objects
        for part in thing.contained_objects
        if part.name.startswith(thing.name)
    }
    assert added == set(_PARTS)


def test_an_array_that_grows_is_refused(tmp_path: Path) -> None:
    """A checkpoint would lack it. No experiment makes one; who adds to a program may."""
    import brian2 as b2

    from scnnbio.backends.brian2.backend import lowered_program
    from scnnbio.backends.brian2.lowering import Lowered

    class Monitored(Lowered):
        def __post_init__(self) -> None:
            super().__post_init__()
            self._keep(b2.SpikeMonitor(self.groups["v1"], name="seen"))

    case = experiment(small_network())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("scnnbio.backends.brian2.backend.Lowered", Monitored)
        with (
            pytest.raises(UnsupportedError, match="object 'seen': its 't' grows during a run"),
            lowered_program(case, case.input_stream(), tmp_path),
        ):
            pass
    assert type(b2.get_device()).__name__ == "RuntimeDevice"
