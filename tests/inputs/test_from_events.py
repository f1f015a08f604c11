"""Events as an input: trials, folders, documents and what is refused."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from scnnbio import Experiment, Network, Population, Record, SpikeSource
from scnnbio.errors import DataError, SpecError
from scnnbio.experiment import Study, load
from scnnbio.inputs import (
    Draw,
    Events,
    EventSensor,
    FromEvents,
    FromSensor,
    FromSpikes,
    Input,
)
from scnnbio.stimuli import MovingBars, WhiteNoise
from tests.inputs.event_files import REAL, as_aedat3, as_nmnist, some_events
from tests.inputs.networks import drawn_events


def draw(shape: tuple[int, int, int], dt: float = 1.0, seed: int = 1) -> Draw:
    rng = np.random.default_rng(seed)
    return Draw(shape, dt, rng, rng)


def spikes(given: Input, trial: int = 0, dt: float = 1.0) -> list[tuple[int, int]]:
    shape = tuple(length or 34 for length in given.shape)
    step, unit = given.spikes(trial, draw(shape, dt))
    return list(zip(step.tolist(), unit.tolist(), strict=True))


def test_events_are_as_from_spikes() -> None:
    """An independent input: times in ms, moved to the end of their steps."""
    events = some_events(400)
    for dt in (0.001, 0.05):
        unit = events.units("both")
        step = np.maximum(np.ceil(np.asarray(events.t) / 1e3 / dt - 1e-6), 1)
        once = np.unique(np.stack([step, unit]), axis=1)
        expected = FromSpikes(
            once[0] * dt, once[1].astype(int), np.zeros(once.shape[1], int), (2, 34, 34),
            duration=20.0,
        )  # fmt: skip
        given = FromEvents(events, duration=20.0, repeated="merge")
        assert spikes(given, dt=dt) == spikes(expected, dt=dt)


def test_polarities_are_channels() -> None:
    events = Events([500, 1500], [1, 0], [0, 1], [1, 0], (2, 2))
    assert spikes(FromEvents(events, duration=5.0)) == [(1, 1), (2, 4 + 2)]
    assert spikes(FromEvents(events, duration=5.0, polarity="merged")) == [(1, 1), (2, 2)]
    assert spikes(FromEvents(events, duration=5.0, polarity="on")) == [(1, 1)]
    assert spikes(FromEvents(events, duration=5.0, polarity="off")) == [(2, 2)]


def test_two_events_in_a_step_are_refused_or_merged() -> None:
    events = Events([100, 200, 1500], [0, 0, 0], [0, 0, 0], [1, 1, 1], (1, 1))
    with pytest.raises(SpecError, match=r"1 of 3 events share their step of 1 ms.*lower dt, or"):
        FromEvents(events, duration=5.0).check_grid(1.0)
    FromEvents(events, duration=5.0).check_grid(0.1)
    assert spikes(FromEvents(events, duration=5.0, repeated="merge")) == [(1, 0), (2, 0)]


def test_a_stream_becomes_trials() -> None:
    events = some_events(1000).shifted(40.0)
    t = np.asarray(events.t) / 1e3
    timed = FromEvents(events, duration=10.0, slices="time", origin="first", repeated="merge")
    assert timed.n_trials == int((t[-1] - t[0]) / 10.0)
    assert timed.table()["begin"].tolist() == [10.0 * k for k in range(timed.n_trials)]
    assert len(timed.trials[1]) == ((t - t[0] >= 10.0) & (t - t[0] < 20.0)).sum()
    counted = FromEvents(events, duration=20.0, slices="count", count=300)
    assert [len(trial) for trial in counted.trials] == [300, 300, 300]
    np.testing.assert_allclose(counted.table()["begin"], t[[0, 300, 600]])
    with pytest.raises(SpecError, match=r"outside the trial of 20 ms; cut the stream into slices"):
        FromEvents(events, duration=20.0)
    with pytest.raises(
        SpecError, match=r"no recording is as long as a slice; the longest has 1000"
    ):
        FromEvents(events, duration=20.0, slices="count", count=2000)


def test_changes_come_in_their_order() -> None:
    events = some_events(1000)
    given = FromEvents(
        events, duration=40.0, denoise=2.0, crop=(2, 4, 20, 20), subsample=2, repeated="merge"
    )
    assert given.trials[0] == events.denoise(2.0).crop(2, 4, 20, 20).subsample(2)
    assert given.shape == (2, 10, 10)
    noisy = dataclasses.replace(given, drop=0.5, jitter=1.0)
    first, again = spikes(noisy), spikes(noisy)
    assert first == again
    assert 0.35 < len(first) / len(spikes(given)) < 0.65
    mixed = dataclasses.replace(given, shuffled=True)
    assert spikes(mixed) != spikes(given)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"duration": 0.0}, r"duration: 0.0 is not positive"),
        ({"slices": "times"}, r"did you mean 'time'"),
        ({"slices": "count"}, r'goes with slices = "count"'),
        ({"crop": (1, 2, 3)}, r"is not \(row, column, rows, columns\)"),
        ({"polarity": "ON"}, r"did you mean 'on'"),
        ({"labels": {"a": [1]}}, r"not a column of 3"),
        ({"part": "train"}, r"'train' is not one of"),
        ({"n": 4}, r"recordings 0 to 3 are not all there: there are 3"),
        ({"drop": 1.5}, r"from 0 to 1"),
        ({"events": 5}, r"5 is not Events, several, or a path"),
    ],
)
def test_what_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        drawn_events(**change)


def test_folders_of_nmnist(tmp_path: Path) -> None:
    for k, (part, label) in enumerate(
        [("Train", 3), ("Train", 10), ("Test", 3), ("Test", 10), ("Train", 3)]
    ):
        folder = tmp_path / part / str(label)
        folder.mkdir(parents=True, exist_ok=True)
        as_nmnist(some_events(200, seed=k), folder / f"{k:05d}.bin")
    (tmp_path / "Train" / "3" / "notes.txt").write_text("mine")
    given = FromEvents(str(tmp_path), duration=20.0, repeated="merge")
    table = given.table()
    assert table["label"].tolist() == [3, 3, 10, 3, 10]
    assert table["part"].tolist() == ["train"] * 3 + ["test"] * 2
    assert table["file"].tolist() == [f"{k:05d}.bin" for k in (0, 4, 1, 2, 3)]
    assert given.trials[1] == some_events(200, seed=4)
    assert [Path(file.path).name for file in given.files.skipped] == ["notes.txt"]
    test = FromEvents(str(tmp_path), duration=20.0, part="test", n=1, shuffle=2, repeated="merge")
    assert test.n_trials == 1
    assert test.table()["part"].tolist() == ["test"]
    # The same events from arrays are the same input.
    arrays = FromEvents(given.trials, duration=20.0, labels=given.table(), repeated="merge")
    assert arrays == given
    with pytest.raises(SpecError, match=r"'tests' is not one of test, train; did you mean 'test'"):
        FromEvents(str(tmp_path), duration=20.0, part="tests")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"holds no event files"):
        FromEvents(str(tmp_path / "empty"), duration=20.0)


def test_folders_of_dvs_gesture(tmp_path: Path) -> None:
    """Each recording has several gestures, cut by its table."""
    events = some_events(1000)
    end = int(np.asarray(events.t)[-1])
    for name, part in (("user01_led", "train"), ("user02_led", "test")):
        as_aedat3(events, tmp_path / f"{name}.aedat")
        (tmp_path / f"trials_to_{part}.txt").write_text(f"{name}.aedat\n")
        (tmp_path / f"{name}_labels.csv").write_text(
            f"class,startTime_usec,endTime_usec\n2,1000,9000\n5,9000,{end - 1000}\n"
        )
    given = FromEvents(str(tmp_path), duration=30.0, repeated="merge")
    assert given.table()["label"].tolist() == [2, 5, 2, 5]
    assert given.table()["part"].tolist() == ["train", "train", "test", "test"]
    t = np.asarray(events.t)
    np.testing.assert_array_equal(given.trials[0].t, t[(t >= 1000) & (t < 9000)] - 1000)
    assert given.shape == (2, 128, 128)
    (tmp_path / "user02_led_labels.csv").write_text("class,start\n")
    with pytest.raises(DataError, match=r"user02_led_labels.csv: is not a table of gestures"):
        FromEvents(str(tmp_path), duration=30.0)


def test_a_real_digit() -> None:
    path = REAL / "nmnist_sample.bin"
    if not path.is_file():
        pytest.skip(f"{path} is absent")
    given = FromEvents(str(path), duration=320.0, repeated="merge")
    assert given.shape == (2, 34, 34)
    assert 4200 < len(spikes(given)) <= 4325


DOCUMENT = """
name = "seen"
[network]
[[network.populations]]
name = "in"
shape = [2, 34, 34]
neuron = "SpikeSource"
[[network.populations]]
name = "v1"
shape = [2, 32, 32]
neuron = "LIF"
[[network.projections]]
pre = "in"
post = "v1"
weight = 1.0
[network.projections.connector]
kind = "convolution"
kernel = { uniform = [0.2, 1.0], shape = [2, 2, 3, 3], seed = 1 }
[stages.file.inputs.in]
kind = "events"
events = "digit.bin"
duration = "25 ms"
repeated = "merge"
denoise = "10 ms"
[stages.sensor.inputs.in]
kind = "sensor"
stimulus = { kind = "moving-bars", orientations = [0], duration = "30 ms", pixels_per_degree = 10 }
sensor = { on = 0.15, noise = "2 Hz", refractory = "2 ms" }
"""


def test_documents(tmp_path: Path) -> None:
    as_nmnist(some_events(300), tmp_path / "digit.bin")
    (tmp_path / "seen.toml").write_text(DOCUMENT)
    study = load(tmp_path / "seen.toml")
    file, sensor = (stage.experiment.inputs["in"] for stage in study.stages)
    assert file == FromEvents(some_events(300).denoise(10.0), duration=25.0, repeated="merge")
    bars = MovingBars(orientations=(0.0,), duration=30.0, pixels_per_degree=10)
    assert sensor == FromSensor(bars, EventSensor(on=0.15, noise=2.0, refractory=2.0))
    # Written and read again, from a file and from arrays.
    for part in (file, dataclasses.replace(file, events=file.trials, denoise=0.0)):
        stages = (
            dataclasses.replace(
                study.stages[0],
                experiment=dataclasses.replace(study.stages[0].experiment, inputs={"in": part}),
            ),
            study.stages[1],
        )
        Study("again", stages).save(tmp_path / "again.toml")
        again = load(tmp_path / "again.toml")
        assert [stage.experiment.inputs["in"] for stage in again.stages] == [file, sensor]


def test_sensors_that_see_equal_stimuli_see_one_scene() -> None:
    """Frames of noise are random: they are drawn once for both sources."""
    noise = WhiteNoise(n_trials=2, duration=40.0, frame=10.0)
    network = Network(tuple(Population(name, (2, 6, 6), SpikeSource()) for name in "ab"), ())
    inputs = {"a": FromSensor(noise), "b": FromSensor(noise, EventSensor(seed=5))}
    experiment = Experiment(network, inputs=inputs, record=Record(spikes=("a", "b")), dt=1.0)
    step, unit = experiment.input_spikes(1)
    first = unit < 72
    assert first.sum() > 50
    np.testing.assert_array_equal(step[first], step[~first])
    np.testing.assert_array_equal(unit[first], unit[~first] - 72)


def test_shuffled_times_keep_counts_and_lose_the_motion() -> None:
    bars = MovingBars(orientations=(270.0,), duration=400.0, pixels_per_degree=10)
    given, mixed = (
        FromSensor(bars, shuffled=shuffled).events(0, draw((2, 9, 15)))
        for shuffled in (False, True)
    )
    np.testing.assert_array_equal(mixed.counts(), given.counts())
    np.testing.assert_array_equal(mixed.t, given.t)
    # The bar moves to the right: column and time go together.
    assert np.corrcoef(given.t, given.x)[0, 1] > 0.9
    assert abs(np.corrcoef(mixed.t, mixed.x)[0, 1]) < 0.1
