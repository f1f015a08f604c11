"""An experiment's checks, and the input that every backend gets."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from scnnbio.encoding import LGN, Encoding, PoissonCode
from scnnbio.errors import SpecError
from scnnbio.experiment import Record, Sampling
from scnnbio.network import Network
from scnnbio.neurons import LIF
from scnnbio.population import Population, SpikeSource
from scnnbio.stimuli import WhiteNoise
from tests.experiment.small import experiment, network

NET = network()


def with_delay(delay: float) -> Network:
    feed, rivals = NET.projections
    return Network(NET.populations, (dataclasses.replace(feed, delay=delay), rivals))


def with_refractory(hold: float) -> Network:
    lgn, v1 = NET.populations
    changed = dataclasses.replace(v1, parameters={**v1.parameters, "hold": hold})
    return Network((lgn, changed), NET.projections)


def signal(**changes: object) -> Record:
    return Record(signals=(Sampling(**{"population": "v1", "variables": ("v",), **changes}),))


REFUSED = [
    ({"dt": 0}, "dt"),
    ({"dt": "0.5 mV"}, "dt"),
    ({"dt": 1e-300}, "projection 'lgn_v1'.delay"),
    ({"dt": 1.0}, "projection 'rivals'.delay"),
    ({"dt": 0.3}, "projection 'lgn_v1'.delay"),
    ({"network": with_delay(0.25)}, "projection 'lgn_v1'.delay"),
    ({"network": with_delay(0.75)}, "projection 'lgn_v1'.delay"),
    ({"network": with_refractory(0.7)}, "population 'v1'.refractory"),
    ({"network": with_refractory(0.1)}, "population 'v1'.refractory"),
    ({"stimulus": WhiteNoise(n_trials=1, duration=40.2, frame=20.1)}, "stimulus.duration"),
    ({"input_dt": 0.75}, "input_dt"),
    ({"input_dt": 0.25}, "input_dt"),
    ({"input_dt": "1 mV"}, "input_dt"),
    ({"seed": -1}, "seed"),
    ({"seed": 1.5}, "seed"),
    ({"seed": True}, "seed"),
    ({"seed": 10**40}, "seed"),
    ({"stage": "../learn"}, "stage"),
    ({"stage": ""}, "stage"),
    ({"learning": "false"}, "learning"),
    ({"reset": 1}, "reset"),
    ({"record": Record(spikes=("v2",))}, "network"),
    ({"record": signal(population="v2")}, "network"),
    ({"record": signal(population="lgn")}, "population 'lgn'"),
    ({"record": signal(variables=("u",))}, "record.signals"),
    ({"record": signal(units=(12**3,))}, "record.signals.units"),
    ({"record": signal(units=(-1,))}, "record.signals.units"),
    ({"record": signal(period=0.7)}, "record.signals.period"),
    ({"record": signal(period=0.1)}, "record.signals.period"),
]


@pytest.mark.parametrize(("change", "where"), REFUSED, ids=range(len(REFUSED)))
def test_what_does_not_fit_is_told_with_its_place(change, where):
    with pytest.raises(SpecError) as caught:
        experiment(**change)
    assert caught.value.where == where


RECORDS = [
    ({"spikes": "v1"}, "record.spikes"),
    ({"spikes": [1]}, "record.spikes"),
    ({"snapshots": -1}, "record.snapshots"),
    ({"snapshots": "3"}, "record.snapshots"),
    ({"snapshots": True}, "record.snapshots"),
    ({"signals": (Sampling("v1", ("v",)), Sampling("v1", ("g", "v")))}, "record.signals"),
]


@pytest.mark.parametrize(("change", "where"), RECORDS, ids=range(len(RECORDS)))
def test_record_refuses(change, where):
    with pytest.raises(SpecError) as caught:
        Record(**change)
    assert caught.value.where == where


@pytest.mark.parametrize(
    "change",
    [{"variables": "v"}, {"variables": ()}, {"units": ()}, {"units": (1, 1)}, {"units": (0.5,)},
     {"units": 3}, {"period": "1 mV"}],
)  # fmt: skip
def test_sampling_refuses(change):
    with pytest.raises(SpecError) as caught:
        signal(**change)
    assert caught.value.where.startswith("record.signals.")


def test_a_name_twice_is_one():
    assert Record(spikes=["v1", "lgn", "v1"]).spikes == ("v1", "lgn")
    assert signal(units=range(3)).signals[0].units == (0, 1, 2)


@pytest.mark.parametrize("extra", [(), (Population("second", (2, 3, 3), SpikeSource()),)])
def test_an_encoding_drives_exactly_one_source(extra):
    lgn, v1 = NET.populations
    populations = (lgn, v1, *extra) if extra else (v1,)
    projections = NET.projections if extra else NET.projections[1:]
    with pytest.raises(SpecError, match=f"{2 if extra else 0} sources"):
        experiment(network=Network(populations, projections))


def test_the_source_has_on_and_off_cells():
    with pytest.raises(SpecError, match="3 channels"):
        experiment(
            network=Network((Population("x", (3, 5, 5), SpikeSource()),), ()), record=Record()
        )


def test_without_learning_nothing_is_plastic():
    assert experiment().network.learns
    assert not experiment(learning=False).network.learns


def test_numbers():
    made = experiment()
    # 4 trials of 40 ms in steps of 0.5 ms.
    assert (made.trial_steps, made.duration) == (80, 160.0)
    table = made.trial_table()
    assert table["stage"].tolist() == ["learn"] * 4
    assert table["start"].tolist() == [0.0, 40.0, 80.0, 120.0]
    assert table["duration"].tolist() == [40.0] * 4
    assert made.steps(0.1 + 0.2 + 0.2, "x") == 1  # 0.5000000000000001


def poisson(**changes):
    return experiment(
        encoding=Encoding(LGN(normalisation_sigma=0), PoissonCode(gain=80.0)), **changes
    )


def test_input_does_not_depend_on_the_order_of_trials():
    made, again = poisson(), poisson()
    forward = [made.input_spikes(k) for k in range(4)]
    backward = [again.input_spikes(k) for k in reversed(range(4))][::-1]
    for one, other in zip(forward, backward, strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])
    assert not np.array_equal(forward[0][0], forward[1][0])
    assert not np.array_equal(forward[0][0], poisson(seed=4).input_spikes(0)[0])


def test_inputs_are_the_trials_one_after_another():
    made, told = poisson(), []
    inputs = made.input_stream(lambda *what: told.append(what))
    expected = [
        (s + 80 * k, u) for k in range(4) for s, u in zip(*made.input_spikes(k), strict=True)
    ]
    assert list(zip(inputs.step.tolist(), inputs.unit.tolist(), strict=True)) == expected
    assert inputs.step.dtype == np.int64
    assert (np.diff(inputs.step) >= 0).all()
    assert told[-1] == ("drawing input spikes", 4, 4)


def test_input_depends_on_the_experiment_and_not_on_the_network():
    other = experiment(network=network(LIF), record=Record())
    np.testing.assert_array_equal(experiment().input_stream().step, other.input_stream().step)


@pytest.mark.parametrize(
    ("trials", "snapshots", "kept"),
    # By hand: equal distances from trial 0 on, and never more than asked for.
    [(12, 3, [0, 4, 8]), (4, 4, [0, 1, 2, 3]), (5, 2, [0, 3]), (6, 4, [0, 2, 4]), (3, 9, [0, 1, 2]),
     (5, 0, [])],
)  # fmt: skip
def test_snapshots_are_at_equal_distances(trials, snapshots, kept):
    made = experiment(
        stimulus=WhiteNoise(n_trials=trials, duration=40.0, frame=20.0),
        record=Record(snapshots=snapshots),
    )
    assert list(made.snapshot_trials()) == kept
    assert not dataclasses.replace(made, learning=False).snapshot_trials()


CHANGES = [
    {"network": with_delay(2.0)},
    {"stimulus": WhiteNoise(n_trials=5, duration=40.0, frame=20.0)},
    {"encoding": Encoding(LGN(), PoissonCode())},
    {"record": Record(spikes=("lgn",))},
    {"dt": 0.25},
    {"seed": 4},
    {"learning": False},
    {"reset": False},
]


def test_the_digest_changes_with_all_that_changes_the_result():
    digests = {experiment(**change).digest() for change in CHANGES}
    assert len(digests | {experiment().digest()}) == len(CHANGES) + 1
    assert experiment().digest() == experiment(dt="500 us").digest()


def test_one_grid_for_the_input_gives_the_same_spikes_at_any_step() -> None:
    noisy = {"encoding": Encoding(LGN(), PoissonCode(gain=200.0)), "input_dt": 0.5}
    coarse, fine = (experiment(dt=dt, **noisy) for dt in (0.5, 0.1))
    ours, theirs = coarse.input_stream(), fine.input_stream()
    assert len(ours.step) > 100
    np.testing.assert_array_equal(theirs.step, 5 * ours.step)
    np.testing.assert_array_equal(theirs.unit, ours.unit)
    # It is the coarse grid's own draw, and not the fine one's.
    plain = experiment(dt=0.5, **{**noisy, "input_dt": None})
    np.testing.assert_array_equal(plain.input_stream().step, ours.step)
    free = experiment(dt=0.1, **{**noisy, "input_dt": None})
    assert (free.input_stream().step % 5).any()
    assert len({plain.digest(), coarse.digest(), fine.digest(), free.digest()}) == 4
