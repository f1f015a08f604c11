"""Spikes that are given: from arrays, a recording, a Neo block."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import quantities as pq

from scnnbio import Experiment, Recording, backends
from scnnbio.errors import SpecError
from scnnbio.inputs import FromSpikes
from scnnbio.recording import Spikes
from tests.inputs.networks import DURATION, drawn_spikes, experiment, one_source


def given(**changes: object) -> FromSpikes:
    """Two spikes."""
    base: dict[str, object] = {
        "time": [2.0, 1.0], "unit": [0, 3], "trial": [0, 1],
        "size": (1, 2, 2), "n_trials": 2, "duration": 4.0,
    }  # fmt: skip
    return FromSpikes(**{**base, **changes})  # type: ignore[arg-type]


def shown(spikes: FromSpikes, dt: float, trial: int = 0) -> tuple[list[int], list[int]]:
    made = Experiment(one_source((1, 3, 3)), inputs={"in": spikes}, dt=dt)
    step, unit = made.input_spikes(trial)
    return step.tolist(), unit.tolist()


def test_what_a_run_fired_drives_another_one() -> None:
    """The stamps of the second run's source are those of the first run's layer."""
    first = backends.get("reference").run(experiment("images"))
    network = one_source(first.recording.shapes["v1"])
    heard = FromSpikes.from_recording(first.recording, "v1")
    second = Experiment(network, inputs={"in": heard}, record=first.experiment.record, dt=0.5)
    run = backends.get("reference").run(second)
    expected, found = first.recording.spikes["v1"], run.recording.spikes["in"]
    assert len(found.time) > 100
    np.testing.assert_array_equal(found.unit, expected.unit)
    np.testing.assert_array_equal(found.trial, expected.trial)
    np.testing.assert_allclose(found.time, expected.time, atol=1e-9)
    assert run.recording.trials["label"].tolist() == [3, 1, 4]
    assert run.recording.trials["start"].tolist() == [0.0, DURATION, 2 * DURATION]


def test_a_neo_block_is_read_through_a_recording() -> None:
    spikes = drawn_spikes()
    recording = Recording(
        {"in": Spikes(spikes.time, spikes.unit, spikes.trial)},
        shapes={"in": (3, 5, 5)},
        trials={"duration": np.full(3, DURATION), "touch": ["soft", "hard", "soft"]},
    )
    block = recording.to_neo()
    assert FromSpikes.from_recording(Recording.from_neo(block), "in") == spikes


def test_trials_of_several_lengths_are_refused() -> None:
    recording = Recording(
        {"v1": Spikes([1.0], [0], [0])}, shapes={}, trials={"duration": [10.0, 20.0]}
    )
    with pytest.raises(SpecError, match="trials last from 10 to 20 ms"):
        FromSpikes.from_recording(recording, "v1")
    short = FromSpikes.from_recording(recording.select(duration=10.0), "v1")
    assert short.n_trials == 1


def test_times_take_units_and_any_order() -> None:
    ours = given(time=[0.002, 0.001] * pq.s, duration="4 ms")
    assert ours == given()
    assert ours.trial.tolist() == [0, 1]  # type: ignore[union-attr]
    assert given(time=[1.0, 2.0], unit=[3, 0], trial=[1, 0]) == ours


def test_it_is_a_value() -> None:
    ours = drawn_spikes()
    for other in (copy.deepcopy(ours), pickle.loads(pickle.dumps(ours))):
        assert other == ours
        assert hash(other) == hash(ours)
        assert not other.time.flags.writeable  # type: ignore[union-attr]
    assert drawn_spikes(off_grid="up") != ours


def test_between_steps_it_is_refused_or_moved_as_declared() -> None:
    """0.5 ms steps: 1.2 is in the step that ends at 1.5, 2 is on the grid."""
    times = {"time": [1.2, 2.0], "unit": [1, 2], "trial": [0, 0], "size": (1, 3, 3)}
    with pytest.raises(SpecError, match=r"a spike at 1\.2 ms in trial 0 is between two steps"):
        shown(given(**times), 0.5)
    assert shown(given(**times, off_grid="up"), 0.5) == ([3, 4], [1, 2])
    assert shown(given(**times), 0.1) == ([12, 20], [1, 2])


def test_a_grid_is_checked_before_any_trial() -> None:
    late = {"time": [1.0, 1.2], "unit": [1, 1], "trial": [0, 1], "size": (1, 3, 3)}
    for changes in ({"dt": 0.5}, {"dt": 0.1, "input_dt": 0.5}):
        with pytest.raises(SpecError, match=r"^inputs\.in: .*1\.2 ms in trial 1 is between"):
            Experiment(one_source((1, 3, 3)), inputs={"in": given(**late)}, **changes)  # type: ignore[arg-type]
    made = Experiment(
        one_source((1, 3, 3)), inputs={"in": given(**late, off_grid="up")}, dt=0.1, input_dt=0.5
    )
    assert made.input_spikes(1)[0].tolist() == [15]


def test_rounding_is_not_off_the_grid() -> None:
    """3 * 0.1 is not 0.3 to the last bit."""
    times = {"time": [3 * 0.1, 0.7], "unit": [1, 2], "trial": [0, 0], "size": (1, 3, 3)}
    assert shown(given(**times), 0.1) == ([3, 7], [1, 2])


def test_two_spikes_in_one_step_are_never_one() -> None:
    times = {"time": [1.2, 1.4], "unit": [1, 1], "trial": [0, 0], "size": (1, 3, 3)}
    with pytest.raises(SpecError, match="unit 1 has two spikes in step 3 of trial 0"):
        shown(given(**times, off_grid="up"), 0.5)
    with pytest.raises(SpecError, match="unit 1 has two spikes"):
        shown(given(**{**times, "time": [1.0, 1.0]}), 0.5)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"time": [2.0, 4.5]}, "a spike at 4.5 ms is outside trial 1"),
        ({"time": [2.0, 0.0]}, "a spike at 0 ms is outside trial 1"),
        ({"time": [2.0, float("nan")]}, "FromSpikes.time"),
        ({"time": [2.0]}, "give three flat arrays of equal length"),
        ({"time": [[2.0, 1.0]]}, "give three flat arrays"),
        ({"time": "2 mV"}, "FromSpikes.time"),
        ({"unit": [0, 4]}, "unit 4 is not one of the 4, which are 0 to 3"),
        ({"unit": [0, -1]}, "unit -1 is not one of"),
        ({"unit": [0, 1.5]}, "FromSpikes.unit"),
        ({"trial": [0, 2]}, "trial 2 is not one of the 2"),
        ({"size": (2, 2)}, r"\(2, 2\) is not \(channel, row, column\)"),
        ({"size": (0, 2, 2)}, "each 1 or more"),
        ({"n_trials": 0}, "FromSpikes.n_trials"),
        ({"duration": 0.0}, "FromSpikes.duration: 0.0 is not positive"),
        ({"off_grid": "round"}, "'round' is not one of refuse, up"),
        ({"trials": {"touch": [1]}}, "not a column of 2"),
        ({"trials": 3}, "3 is not a table of columns by name"),
        ({"trials": {"touch": [[1], [1, 2]]}}, "is not a column of 2"),
        ({"trials": {"a/b": [1, 2]}}, "is not a name of a column"),
        ({"trials": {"start": [1, 2]}}, "the experiment fills this column in itself"),
    ],
)
def test_what_is_wrong_is_one_error(changes: dict[str, object], told: str) -> None:
    with pytest.raises(SpecError, match=told) as found:
        given(**changes)
    assert "\n" not in str(found.value)
