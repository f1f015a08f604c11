"""Inputs of every kind fire the same spikes on every backend that steps on a grid."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from scnnbio import backends
from scnnbio.backends.base import Backend
from scnnbio.errors import BackendMissing
from scnnbio.experiment import Run
from scnnbio.recording import Spikes
from tests.inputs.networks import EXPERIMENTS, drawn_events, drawn_images, drawn_spikes, experiment

GRIDS = ("brian2", "brian2-standalone", "nest")
#: Each network is a program to compile: one of them always is.
CASES = [
    pytest.param(
        backend,
        name,
        marks=[pytest.mark.slow] if backend == GRIDS[1] and name != "two sources" else [],
    )
    for backend in GRIDS
    for name in EXPERIMENTS
]
SHORT = [
    pytest.param(backend, marks=[pytest.mark.slow] if backend == GRIDS[1] else [])
    for backend in ("reference", *GRIDS)
]


@cache
def finished(backend: str, name: str) -> Run:
    try:
        target: Backend = backends.get(backend)
    except BackendMissing as error:
        pytest.skip(str(error))
    if target.missing():
        pytest.skip(target.missing())
    return target.run(experiment(name))


def same(found: Spikes, expected: Spikes) -> None:
    np.testing.assert_array_equal(found.trial, expected.trial)
    np.testing.assert_array_equal(found.unit, expected.unit)
    np.testing.assert_allclose(found.time, expected.time, rtol=0, atol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize(("backend", "name"), CASES)
def test_the_same_spikes(backend: str, name: str) -> None:
    found, expected = (finished(b, name).recording.spikes for b in (backend, "reference"))
    assert len(expected["v1"].time) > 100
    assert found.keys() == expected.keys()
    for population in expected:
        same(found[population], expected[population])


@pytest.mark.parametrize("backend", SHORT[1:])
def test_kernels_learn_the_same_from_both_sources(backend: str) -> None:
    found, expected = (finished(b, "learning").weights for b in (backend, "reference"))
    before = {p.name: p.kernel for p in experiment("learning").network.projections}
    assert before.keys() == expected.keys()
    for name, kernel in expected.items():
        assert np.abs(kernel - before[name]).max() > 0.01
        np.testing.assert_allclose(found[name], kernel, rtol=0, atol=1e-10)


@pytest.mark.slow
def test_threads_share_the_work_of_both_sources() -> None:
    target = backends.get("brian2-standalone", {"threads": 2})
    if target.missing():
        pytest.skip(target.missing())
    found = target.run(experiment("two sources")).recording.spikes
    expected = finished("reference", "two sources").recording.spikes
    for population in expected:
        same(found[population], expected[population])


@pytest.mark.slow
@pytest.mark.parametrize("backend", SHORT)
def test_a_source_fires_the_spikes_that_were_given(backend: str) -> None:
    """The oracle is the array itself."""
    given = drawn_spikes()
    for name, source in (("spikes", "in"), ("two sources", "skin")):
        found = finished(backend, name).recording.spikes[source]
        assert isinstance(given.time, np.ndarray)
        same(found, Spikes(given.time, given.unit, given.trial))


@pytest.mark.parametrize(
    "backend", [*SHORT, "event-driven", pytest.param("spinnaker", marks=pytest.mark.spinnaker)]
)
def test_events_are_spikes_of_their_pixels_at_their_times(backend: str) -> None:
    """An event fires its pixel at the end of its step: each event by hand."""
    target = backends.get(backend, {"target": "emulated"} if backend == "spinnaker" else {})
    if target.missing():
        pytest.skip(target.missing())
    dt = 1.0 if backend == "spinnaker" else 0.5
    shown = experiment("events", dt=dt)
    found = target.run(shown) if dt == 1.0 else finished(backend, "events")
    expected = set()
    for trial, events in enumerate(drawn_events().trials):
        for t, x, y, p in zip(events.t, events.x, events.y, events.p, strict=True):
            step = max(1, int(-(-int(t) // (1000 * dt))))
            expected.add((trial, step, (0 if p else 36) + 6 * int(y) + int(x)))
    spikes = found.recording.spikes["in"]
    steps = np.rint(spikes.time / dt).astype(int)
    told = list(zip(spikes.trial.tolist(), steps.tolist(), spikes.unit.tolist(), strict=True))
    assert sorted(told) == sorted(expected)
    assert len(found.recording.spikes["v1"].time) > 100
    assert found.recording.trials["digit"].tolist() == [2, 7, 1]


@pytest.mark.parametrize("backend", SHORT)
def test_the_brightest_value_fires_first(backend: str) -> None:
    """Latency is onset + window * (1 - c / c_max), rounded up to the grid: by hand."""
    images = drawn_images()
    spikes = finished(backend, "images").recording.spikes["in"]
    for trial, image in enumerate(np.asarray(images.values, float)):
        flat = image.ravel()
        units = np.sort(np.argsort(-flat, kind="stable")[:40])
        latency = 30.0 * (1 - flat[units] / flat.max())
        expected = np.maximum(np.ceil(latency / 0.5 - 1e-9), 1) * 0.5
        ours = spikes.trial == trial
        order = np.argsort(spikes.unit[ours])
        np.testing.assert_array_equal(spikes.unit[ours][order], units)
        np.testing.assert_allclose(spikes.time[ours][order], expected, atol=1e-9)


@pytest.mark.parametrize("backend", SHORT[1:])
def test_the_trial_table_tells_the_labels(backend: str) -> None:
    assert finished(backend, "images").recording.trials["label"].tolist() == [3, 1, 4]
    assert finished(backend, "spikes").recording.trials["touch"].tolist() == [
        "soft",
        "hard",
        "soft",
    ]


def test_spinnakers_whole_numbers_know_both_sources() -> None:
    """Sources fire what they are given; without the second one, fewer neurons fire."""
    run = backends.get("spinnaker", {"target": "emulated"}).run(experiment("two sources", dt=1.0))
    given = drawn_spikes()
    same(run.recording.spikes["skin"], Spikes(given.time, given.unit, given.trial))
    expected = backends.get("reference").run(experiment("two sources", dt=1.0)).recording
    counts = [len(r.spikes["v1"].time) for r in (run.recording, expected)]
    assert counts[0] == pytest.approx(counts[1], rel=0.2)
