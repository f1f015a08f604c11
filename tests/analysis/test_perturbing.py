"""Networks with faults, against the closed forms of their draws."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from scnnbio import Network, Population, Projection, SpikeSource, backends
from scnnbio.analysis.perturbing import with_dead_cells, with_threshold_spread, with_weight_noise
from scnnbio.connectors import ConvolutionConnector, DenseConnector, PoolingConnector
from scnnbio.errors import SpecError
from scnnbio.experiment import Experiment, Record
from scnnbio.inputs import FromSpikes
from scnnbio.neurons import LIBRARY
from scnnbio.plasticity import SharedThreshold

CELL = LIBRARY["LIF_curr_delta"]
VALUES = {"v_rest": 0.0, "v_reset": 0.0, "v_thresh": 10.0, "tau_m": 8.0, "tau_refrac": 0.0}


def network(**changes) -> Network:
    rng = np.random.default_rng(1)
    kernel = rng.normal(0.0, 2.0, (40, 2, 9, 9))
    kernel[:, :, 0] = 0.0
    one = ConvolutionConnector(kernel, (2, 20, 20))
    pool = PoolingConnector(one.out_shape, 2)
    two = DenseConnector(rng.normal(0.0, 1.0, (5, 1440)), pool.out_shape, (5, 1, 1))
    return Network(
        (
            Population("eye", (2, 20, 20), SpikeSource()),
            Population("one", one.out_shape, CELL, VALUES, **changes),
            Population("pool", pool.out_shape, CELL, VALUES),
            Population("two", (5, 1, 1), CELL, VALUES),
        ),
        tuple(
            Projection(pre, post, connector, receptor="membrane")
            for pre, post, connector in (("eye", "one", one), ("one", "pool", pool),
                                         ("pool", "two", two))
        ),
    )  # fmt: skip


def test_noise_multiplies_each_weight_by_a_normal_factor() -> None:
    before = network()
    after = with_weight_noise(before, 0.3, seed=4)
    for name in ("eye_one", "pool_two"):
        kernel, changed = before.projection(name).kernel, after.projection(name).kernel
        assert np.array_equal(changed[kernel == 0], kernel[kernel == 0])
        factors = changed[kernel != 0] / kernel[kernel != 0]
        assert stats.kstest(factors, stats.norm(1.0, 0.3).cdf).pvalue > 1e-3
    # The variance of the change is the square of the noise times the mean square of the weights.
    kernel, changed = before.projection("eye_one").kernel, after.projection("eye_one").kernel
    expected = 0.3**2 * (kernel**2).mean()
    assert np.var(changed - kernel) == pytest.approx(expected, rel=0.1)
    assert after.projection("one_pool") == before.projection("one_pool")


def test_a_share_of_cells_is_dead() -> None:
    before = network()
    after = with_dead_cells(before, 0.25, seed=3, populations=("one",))
    values = after.population("one").parameters["v_thresh"]
    dead = values != 10.0
    assert dead.sum() == round(0.25 * 40 * 12 * 12)
    assert (values[dead] > 1e20).all()
    # Cells die at any place: the numbers of dead cells of channels are hypergeometric.
    counts = dead.reshape(40, -1).sum(axis=1)
    assert counts.mean() == pytest.approx(36.0)
    assert counts.var(ddof=1) == pytest.approx(144 * 0.25 * 0.75 * (1 - 143 / 5759), rel=0.6)
    assert after.population("two") == before.population("two")
    assert (with_dead_cells(before, 1.0, 3).population("two").parameters["v_thresh"] > 1e20).all()


def test_thresholds_differ_by_a_normal_number() -> None:
    after = with_threshold_spread(network(), "500 uV", seed=3)
    moved = after.population("one").parameters["v_thresh"].ravel() - 10.0
    assert stats.kstest(moved, stats.norm(0.0, 0.5).cdf).pvalue > 1e-3
    assert np.ptp(after.population("two").parameters["v_thresh"]) > 0


def test_draws_depend_on_the_seed_and_the_name_alone() -> None:
    whole, part = (with_weight_noise(network(), 0.3, 5, p) for p in (None, ("pool_two",)))
    assert np.array_equal(whole.projection("pool_two").kernel, part.projection("pool_two").kernel)
    other = with_weight_noise(network(), 0.3, 6)
    assert not np.array_equal(
        whole.projection("pool_two").kernel, other.projection("pool_two").kernel
    )
    assert with_dead_cells(network(), 0.2, 5) == with_dead_cells(network(), 0.2, 5)
    assert with_weight_noise(network(), 0.0, 5) == network()


def test_dead_cells_never_fire_and_thresholds_are_crossed() -> None:
    # One spike of 10 mV reaches each of 200 cells: those whose threshold is 10 mV or less fire.
    size = (1, 1, 200)
    matrix = DenseConnector(np.full((200, 1), 10.0), (1, 1, 1), size)
    plain = Network(
        (Population("eye", (1, 1, 1), SpikeSource()), Population("one", size, CELL, VALUES)),
        (Projection("eye", "one", matrix, receptor="membrane"),),
    )
    given = FromSpikes([1.0], [0], [0], size=(1, 1, 1), duration=5.0)
    for changed in (with_dead_cells(plain, 0.3, 1), with_threshold_spread(plain, 2.0, 1)):
        shown = Experiment(changed, inputs={"eye": given}, record=Record(("one",)), dt=1.0)
        run = backends.get("reference").run(shown)
        fired = np.unique(run.recording.spikes_of("one").unit)
        low = np.flatnonzero(changed.population("one").parameters["v_thresh"].ravel() <= 10.0)
        assert np.array_equal(fired, low)
        assert 0 < len(low) < 200


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda n: with_weight_noise(n, -0.1, 1), "with_weight_noise.noise.*negative"),
        (lambda n: with_weight_noise(n, 0.1, 1, ["one_pool"]), "with_weight_noise.projections"),
        (lambda n: with_weight_noise(n, 0.1, 1, ["one_two"]), "no projection 'one_two'"),
        (lambda n: with_weight_noise(n, 0.1, -1), "seed.*whole number"),
        (lambda n: with_dead_cells(n, 1.5, 1), "with_dead_cells.share.*0 to 1"),
        (lambda n: with_dead_cells(n, 0.1, 1, ["eye"]), "with_dead_cells.populations.*source"),
        (lambda n: with_dead_cells(n, 0.1, 1, parameter="v_th"), "LIF_curr_delta has no such"),
        (lambda n: with_threshold_spread(n, 0.1, 1, parameter="tau_m"), "has it in ms"),
        (lambda n: with_threshold_spread(n, "1 ms", 1), "with_threshold_spread.spread"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(make, message) -> None:
    with pytest.raises(SpecError, match=message):
        make(network())


def test_thresholds_that_a_rule_moves_are_refused() -> None:
    rule = SharedThreshold(target=5.0, eta="0.1 mV", minimum=1.0)
    with pytest.raises(SpecError, match="shared threshold"):
        with_dead_cells(network(homeostasis=rule), 0.1, 1)
