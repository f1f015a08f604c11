"""Neo blocks as users build them, read as recordings: kept, or refused by name."""

from __future__ import annotations

import datetime
from typing import Any

import h5py
import neo
import numpy as np
import pytest
import quantities as pq
from hypothesis import HealthCheck, given, settings

from scnnbio.analysis.paired import mean_rates
from scnnbio.errors import SpecError
from scnnbio.recording import Recording, Signal
from tests.test_recording_files import recordings


def train(times: Any = (), start: float = 0.0, stop: float = 1.0, **about: Any) -> neo.SpikeTrain:
    """A spike train in s."""
    return neo.SpikeTrain(list(times), t_start=start, t_stop=stop, units=pq.s, **about)


def block(*segments: list[neo.SpikeTrain], **about: Any) -> neo.Block:
    """A block with one segment for each list of trains."""
    made = neo.Block()
    for trains in segments:
        segment = neo.Segment(**about)
        segment.spiketrains.extend(trains)
        made.segments.append(segment)
    return made


def test_silent_trains_at_the_end_count():
    # 4 units fire 2 spikes in 1 s and 6 none: 8 spikes / 10 units / 1 s = 0.8 Hz.
    trains = [train([0.1, 0.5]) for _ in range(4)] + [train() for _ in range(6)]
    recording = Recording.from_neo(block(trains))
    assert recording.shapes["units"] == (10, 1, 1)
    assert mean_rates(recording, "units").mean() == pytest.approx(0.8, rel=1e-12)


def test_a_train_counts_silent_when_all_are():
    assert Recording.from_neo(block([train(), train()])).counts("units").tolist() == [[0, 0]]


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (np.int64(3), 3),
        (np.uint8(3), 3),
        (np.bool_(True), True),
        (np.float32(0.5), 0.5),
        (np.array(2.5), 2.5),
        (np.str_("left"), "left"),
        (3 * pq.s, 3000.0),
        (50 * pq.percent, 0.5),
        (np.pi / 2 * pq.rad, pytest.approx(90.0)),
        (pq.Quantity(4, "Hz"), 4.0),
    ],
)
def test_annotations_of_every_kind_of_number_become_columns(value: Any, kept: Any):
    made = block([train()], [train()])
    for segment in made.segments:
        segment.annotate(condition=value)
    assert Recording.from_neo(made).trials["condition"].tolist() == [kept, kept]


@pytest.mark.parametrize("value", [[1, 2], np.arange(3), {"a": 1}, 2 / pq.deg, 1 + 2j, object()])
def test_annotations_that_are_no_column_are_refused_by_name(value: Any):
    made = block([train()])
    made.segments[0].annotations["odd"] = value
    with pytest.raises(SpecError, match=r"segment 0\.odd: .*"):
        Recording.from_neo(made)
    assert "odd" not in Recording.from_neo(made, leave_out=["odd"]).trials


def test_times_in_annotations_are_times():
    made = block([train()], [train()])
    made.segments[0].annotate(duration=2 * pq.s)
    made.segments[1].annotate(duration=1500)
    assert Recording.from_neo(made).trials["duration"].tolist() == [2000.0, 1500.0]
    made.segments[1].annotate(duration=3 * pq.mV)
    with pytest.raises(SpecError, match=r"segment 1\.duration: 3\.0 mV does not fit ms"):
        Recording.from_neo(made)


def test_all_of_a_segment_counts_from_its_beginning():
    made = block(
        [train([2.005], 2.0, 3.0), train([2.5], 2.25, 3.0)],
        [train([3.5], 3.0, 4.0), train((), 3.0, 4.0)],
    )
    signal = neo.AnalogSignal(
        np.arange(10.0)[:, None], units="mV", t_start=2.0 * pq.s, sampling_period=0.1 * pq.s
    )
    made.segments[0].analogsignals.append(signal)
    recording = Recording.from_neo(made)
    # From the segment's 2000 ms: 2005 - 2000, 2500 - 2000 although its train starts later.
    assert recording.spikes["units"].time.tolist() == [5.0, 500.0, 500.0]
    assert recording.signals["channels"]["signal"].time.tolist() == [100.0 * k for k in range(10)]
    assert recording.trials["start"].tolist() == [2000.0, 3000.0]
    assert recording.trials["duration"].tolist() == [1000.0, 1000.0]


def test_two_trains_of_one_unit_are_not_merged():
    made = block([train([0.1], unit=1, electrode="a"), train([0.2], unit=1, electrode="b")])
    with pytest.raises(SpecError, match="unit 1 of population 'units', and differ in electrode"):
        Recording.from_neo(made)
    for one in made.segments[0].spiketrains:
        one.annotate(population=one.annotations["electrode"], unit=0)
    recording = Recording.from_neo(made)
    assert {name: s.time.tolist() for name, s in recording.spikes.items()} == {
        "a": [100.0],
        "b": [200.0],
    }


def test_trains_are_numbered_within_their_population():
    made = block([train([0.1], population="a"), train([0.2], population="b")])
    assert Recording.from_neo(made).shapes == {"a": (1, 1, 1), "b": (1, 1, 1)}


@pytest.mark.parametrize("unit", ["a", 1.5, -1, [1, 2], True])
def test_what_is_not_the_number_of_a_unit_is_refused(unit: Any):
    with pytest.raises(SpecError, match="unit"):
        Recording.from_neo(block([train(unit=unit)]))


def test_numbers_with_gaps_are_refused_and_shapes_say_that_they_are_meant():
    made = block([train([0.1], unit=0), train([0.1], unit=7)])
    with pytest.raises(SpecError, match="units 0 to 7 but no unit 1, which would count as silent"):
        Recording.from_neo(made)
    made.annotate(shapes={"units": 10})
    assert Recording.from_neo(made).counts("units").tolist() == [[1, 0, 0, 0, 0, 0, 0, 1, 0, 0]]


def test_a_unit_without_a_train_in_one_segment_is_refused():
    with pytest.raises(SpecError, match="unit 1 of population 'units' has a spike train in some"):
        Recording.from_neo(block([train(), train()], [train()]))
    with pytest.raises(SpecError, match="unit 0 of population 'units' has a spike train in some"):
        Recording.from_neo(block([train()], [], duration=5.0))
    with pytest.raises(SpecError, match="segment 1: unit 0 of population 'units' has a spike"):
        Recording.from_neo(block([], [train()], duration=5.0))


def analog(columns: int = 2, name: str | None = None, **about: Any) -> neo.AnalogSignal:
    values = np.arange(4.0 * columns).reshape(4, columns)
    options = {"units": "uV", "sampling_rate": 4 * pq.Hz} | about
    return neo.AnalogSignal(values, name=name, **options)


def test_one_train_beside_two_channels():
    made = block([train([0.1])])
    made.segments[0].analogsignals.append(analog(name="lfp"))
    recording = Recording.from_neo(made)
    assert recording.shapes == {"units": (1, 1, 1), "channels": (2, 1, 1)}
    lfp = recording.signals["channels"]["lfp"]
    assert (lfp.quantity, lfp.period, lfp.values.shape) == ("uV", 250.0, (4, 2))


def test_signals_of_one_name_are_alike_or_refused():
    made = block([train()], [train()])
    made.segments[0].analogsignals.append(analog(units="mV"))
    made.segments[1].analogsignals.append(analog(units="V"))
    # 1 V is 1000 mV.
    found = Recording.from_neo(made).signals["channels"]["signal"].values
    np.testing.assert_allclose(found[4:], found[:4] * 1000.0, rtol=1e-12)
    for other, message in [
        (analog(units="nA"), "is in nA here but in mV in another segment"),
        (analog(3, units="mV"), "has another unit here"),
        (analog(units="mV", sampling_rate=2 * pq.Hz), "has another period here"),
    ]:
        made.segments[1].analogsignals[0] = other
        with pytest.raises(SpecError, match=message):
            Recording.from_neo(made)
    made.segments[1].analogsignals[:] = [analog(units="mV"), analog(units="mV")]
    with pytest.raises(SpecError, match="two signals of population 'channels' are called 'signal'"):
        Recording.from_neo(made)


def test_uneven_samples_need_a_period():
    made = block([train()])
    uneven = neo.IrregularlySampledSignal([0.0, 0.1, 0.5] * pq.s, [1, 2, 3] * pq.mV)
    made.segments[0].irregularlysampledsignals.append(uneven)
    with pytest.raises(SpecError, match="has irregular sampling times"):
        Recording.from_neo(made)
    uneven.annotate(period=100 * pq.ms)
    assert Recording.from_neo(made).signals["channels"]["signal"].time.tolist() == [0, 100, 500]


def epoch(name: str | None = "trials") -> neo.Epoch:
    return neo.Epoch(
        times=[0.0, 2.0, 4.0] * pq.s,
        durations=[1.0, 1.0, 1.5] * pq.s,
        labels=np.array(["a", "b", "c"]),
        array_annotations={"orientation": [0.0, 45.0, 90.0], "rewarded": [True, False, True]},
        name=name,
    )


def three_trials(name: str | None = "trials") -> neo.Block:
    made = block([train([0.5, 1.5, 2.25, 5.0], 0.0, 6.0), train([], 0.0, 6.0)], animal="m1")
    made.segments[0].annotate(animal="m1")
    made.segments[0].epochs.append(epoch(name))
    return made


def test_an_epoch_is_refused_or_gives_the_trials():
    made = three_trials()
    with pytest.raises(SpecError, match="segment 0: a recording cannot hold 'trials'; cut"):
        Recording.from_neo(made)
    recording = Recording.from_neo(made, trials="trials")
    assert {name: values.tolist() for name, values in recording.trials.items()} == {
        "stage": ["run"] * 3,
        "start": [0.0, 2000.0, 4000.0],
        "duration": [1000.0, 1000.0, 1500.0],
        "animal": ["m1"] * 3,
        "label": ["a", "b", "c"],
        "orientation": [0.0, 45.0, 90.0],
        "rewarded": [True, False, True],
    }
    # 0.5 s, 2.25 s and 5 s lie in the trials from 0, 2 and 4 s on, and 1.5 s in none.
    assert recording.spikes["units"].time.tolist() == [500.0, 250.0, 1000.0]
    assert recording.counts("units").tolist() == [[1, 0], [1, 0], [1, 0]]
    assert Recording.from_neo(made, leave_out=["trials"]).n_trials == 1
    assert Recording.from_neo(three_trials(None), trials="Epoch").n_trials == 3


def test_a_trial_owns_its_end_and_not_its_beginning():
    made = block([train([2.0, 3.0], 0.0, 6.0)])
    made.segments[0].epochs.append(epoch())
    recording = Recording.from_neo(made, trials="trials")
    assert recording.counts("units").ravel().tolist() == [0, 1, 0]


def test_signals_are_cut_with_the_trials():
    made = three_trials()
    values = np.arange(24.0)[:, None]
    made.segments[0].analogsignals.append(
        neo.AnalogSignal(values, units="mV", sampling_period=0.25 * pq.s)
    )
    found = Recording.from_neo(made, trials="trials").signals["channels"]["signal"]
    # Sample k is at k/4 s; trials own (0, 1], (2, 3] and (4, 5.5] s.
    assert found.values.ravel().tolist() == [*range(1, 5), *range(9, 13), *range(17, 23)]
    assert found.time.tolist() == [250.0 * k for n in (4, 4, 6) for k in range(1, n + 1)]


def test_an_epoch_that_does_not_fit_is_refused():
    made = three_trials()
    with pytest.raises(SpecError, match="0 epochs are called 'shown', not one; epochs: 'trials'"):
        Recording.from_neo(made, trials="shown", leave_out=["trials"])
    made.segments[0].epochs.append(neo.Epoch([5.5] * pq.s, [1.0] * pq.s, name="late"))
    with pytest.raises(SpecError, match="trial 0 lasts from 5500 to 6500 ms, but the segment"):
        Recording.from_neo(made, trials="late", leave_out=["trials"])


def test_events_are_refused_or_left_out():
    made = block([train()])
    made.segments[0].events.append(neo.Event([0.1, 0.2] * pq.s, labels=["on", "off"]))
    with pytest.raises(SpecError, match="cannot hold 'Event'"):
        Recording.from_neo(made)
    assert Recording.from_neo(made, leave_out=["Event"]).n_trials == 1
    made.segments[0].events[0] = neo.Event([] * pq.s)  # empty: nothing is lost
    assert Recording.from_neo(made).n_trials == 1


def test_an_nwb_file_is_asked_for_trials_in_another_process(tmp_path, monkeypatch):
    """A damaged one can keep the HDF5 library in a loop, and can be none any more."""
    path = tmp_path / "lab.nwb"
    with h5py.File(path, "w") as file:
        file["intervals/trials/id"] = [0]
    made = block([train()])
    made.file_origin = str(path)

    def opened(*_, **__):
        raise AssertionError("opened in the user's process")

    monkeypatch.setattr(h5py, "File", opened)
    with pytest.raises(SpecError, match=r"has a table of trials, which neo\.NWBIO does not read"):
        Recording.from_neo(made)
    assert Recording.from_neo(made, leave_out=["trials"]).n_trials == 1
    path.write_bytes(path.read_bytes()[:100])
    assert Recording.from_neo(made).n_trials == 1


def test_trials_of_an_nwb_file_do_not_vanish(tmp_path):
    pynwb = pytest.importorskip("pynwb")
    when = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    file = pynwb.NWBFile("recorded", "one", when)
    for k in range(3):
        file.add_trial(start_time=2.0 * k, stop_time=2.0 * k + 1.0)
    for times in ([0.5, 2.25], []):
        file.add_unit(spike_times=np.array(times), obs_intervals=[[0.0, 6.0]])
    path = tmp_path / "lab.nwb"
    with pynwb.NWBHDF5IO(path, "w") as io:
        io.write(file)
    reader = neo.NWBIO(str(path), "r")
    made = reader.read_all_blocks()[0]
    reader._io_nwb.close()
    with pytest.raises(SpecError, match=r"has a table of trials, which neo\.NWBIO does not read"):
        Recording.from_neo(made)
    with pynwb.NWBHDF5IO(path, "r") as io:
        table = io.read().trials.to_dataframe()
    made.segments[0].epochs.append(
        neo.Epoch(
            table.start_time.to_numpy() * pq.s,
            (table.stop_time - table.start_time).to_numpy() * pq.s,
            name="trials",
        )
    )
    recording = Recording.from_neo(made, trials="trials")
    assert recording.counts("units").tolist() == [[1, 0], [1, 0], [0, 0]]


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(recording=recordings())
def test_a_round_trip_keeps_all_but_the_snapshots(recording: Recording):
    back = Recording.from_neo(recording.to_neo())
    if not recording.n_trials:
        assert back.n_trials == 0
        return
    assert back.shapes == recording.shapes
    for name in recording.trials:
        np.testing.assert_array_equal(back.trials[name], recording.trials[name])
    # A population of no units has no trains.
    assert set(back.spikes) == {name for name in recording.spikes if recording.size(name)}
    for name in back.spikes:
        for field in ("time", "unit", "trial"):
            ours, theirs = (getattr(r.spikes[name], field) for r in (back, recording))
            np.testing.assert_array_equal(ours, theirs)
    kept = {v: s for v, s in recording.signals["v1"].items() if len(s.time)}
    assert back.signals.get("v1", {}).keys() == kept.keys()
    for variable, signal in kept.items():
        found = back.signals["v1"][variable]
        assert (found.period, found.quantity) == (signal.period, signal.quantity)
        np.testing.assert_allclose(found.time, signal.time, atol=1e-9, rtol=0)
        np.testing.assert_array_equal(found.trial, signal.trial)
        np.testing.assert_array_equal(found.values, signal.values)


@pytest.mark.parametrize("quantity", ["mV", "nA", "uS", "1", "Hz"])
@pytest.mark.parametrize("time", [[5.0, 5.1, 5.2], [1.0, 4.0, 4.5]])
def test_signals_of_every_kind_return(quantity: str, time: list[float]):
    signal = Signal([[1.0], [2.0], [3.0]], [1], 0.1, quantity, [0, 0, 0], time)
    recording = Recording({}, {"a": 2}, {"duration": [10.0]}, {"a": {"v": signal}})
    found = Recording.from_neo(recording.to_neo()).signals["a"]["v"]
    assert (found.quantity, found.period, found.unit.tolist()) == (quantity, 0.1, [1])
    np.testing.assert_allclose(found.time, time, atol=1e-12)
    assert found.values.ravel().tolist() == [1.0, 2.0, 3.0]


def test_to_neo_names_trials_and_units_that_do_not_exist():
    recording = Recording({}, {"a": 2}, {"duration": [1.0, 1.0]})
    for options, message in [
        ({"trials": [-1]}, "to_neo.trials: trial -1"),
        ({"trials": [0.5]}, "0.5 is not a whole number"),
        ({"units": [1, 1]}, "listed twice"),
        ({"units": [True, False, True]}, "mask of shape"),
    ]:
        with pytest.raises(SpecError, match=message):
            recording.to_neo(**options)
