"""Processes side by side: to the last bit the results of one process, and errors that arrive."""

from __future__ import annotations

import dataclasses
import gc
import multiprocessing
import os
import pickle
import weakref
from multiprocessing import forkserver
from pathlib import Path

import numpy as np
import pytest

import scnnbio
from scnnbio import Study, backends, workflow
from scnnbio.errors import DataError, SpecError, UnsupportedError
from scnnbio.experiment import Experiment, Record, Run, Sampling
from scnnbio.experiment.portions import Portion, independent, joined, portions
from scnnbio.jobs import crew, prepare, prepare_early, stages
from tests.experiment.small import experiment, study
from tests.inputs.networks import (
    drawn_spikes,
    drawn_values,
    one_source,
    values_beside_spikes,
)
from tests.jobs.faulty import Chorus, Failing, Fussy, Telling


def driven(**changes: object) -> Experiment:
    """Three trials with values, currents, spikes and two noises, of which a port is sampled."""
    settings: dict[str, object] = {
        "inputs": {"pixels": drawn_values(), "skin": drawn_spikes()},
        "record": Record(
            ("v1", "skin"), (Sampling("v1", ("v", "i_offset"), units=(0, 5), period=4.0),)
        ),
        "dt": 1.0,
        "seed": 5,
        "stage": "drive",
    }
    return Experiment(values_beside_spikes(), **{**settings, **changes})  # type: ignore[arg-type]


def quiet_study() -> Study:
    """The small study; its last two stages start from nothing and from the first."""
    learn, test, fresh = study().stages
    still = dataclasses.replace(test.experiment, reset=True)
    return Study("small", (learn, dataclasses.replace(test, experiment=still), fresh))


def same(one: Run, other: Run) -> None:
    assert one.recording.digest() == other.recording.digest()
    assert one.recording.trials.keys() == other.recording.trials.keys()
    assert one.weights.keys() == other.weights.keys()
    for name, values in one.weights.items():
        np.testing.assert_array_equal(values, other.weights[name])
    for key in ("experiment", "trials", "input_spikes", "output_spikes", "pathways", "seed"):
        assert one.provenance[key] == other.provenance[key], key


def arrays(part: object) -> dict[str, np.ndarray]:
    return {name: value for name, value in vars(part).items() if isinstance(value, np.ndarray)}


# ------------------------------------------------------------------------------------- portions


@pytest.mark.parametrize("number", [1, 2, 3, 5])
def test_portions_together_are_the_whole(number: int) -> None:
    """Oracle: the whole experiment in one run, with every kind of input and two noises."""
    whole, backend = driven(), backends.get("reference")
    parts = portions(whole, number)
    assert sum(part.n_trials for part in parts) == whole.n_trials
    assert len(parts) == min(number, 3)
    expected = backend.run(whole)
    assert expected.provenance["output_spikes"]["v1"] > 50
    runs = [backend.run(part) for part in parts]
    together = joined(whole, runs)
    same(together, expected)
    # A portion is freed when it is joined: nothing of it is kept.
    assert not together.weights
    if number > 1:
        ours, theirs = (run.recording.signals["v1"]["v"] for run in (together, runs[0]))
        assert not any(np.shares_memory(v, getattr(theirs, n)) for n, v in arrays(ours).items())


def test_portions_of_frames_are_drawn_as_in_the_whole() -> None:
    whole = quiet_study().stages[1].experiment
    part = Portion.of(whole, 1, 2)
    for trial in range(2):
        for ours, theirs in zip(
            part.input_spikes(trial), whole.input_spikes(trial + 1), strict=True
        ):
            np.testing.assert_array_equal(ours, theirs)
    assert part.trial_table()["orientation"].tolist() == (
        whole.trial_table()["orientation"][1:3].tolist()
    )
    assert part.digest() != whole.digest()
    with pytest.raises(SpecError, match="trials 3 to 4 are not among the 4 of stage 'test'"):
        Portion.of(whole, 3, 2)


@pytest.mark.parametrize(
    "whole",
    [
        pytest.param(experiment(), id="learns"),
        pytest.param(driven(reset=False), id="states go on"),
        pytest.param(
            driven(record=Record(("v1",), (Sampling("v1", ("v",), period=12.0),))), id="sampling"
        ),
    ],
)
def test_trials_that_depend_on_one_another_stay_together(whole: Experiment) -> None:
    assert not independent(whole)
    assert portions(whole, 4) == (whole,)


# ---------------------------------------------------------------------------------------- processes


def test_processes_give_the_results_of_one() -> None:
    """Oracle: the same study in one process."""
    expected = workflow.execute(quiet_study(), "reference")
    said: list[tuple[str, float, float]] = []
    found = workflow.execute(quiet_study(), "reference", lambda *row: said.append(row), jobs=3)
    assert list(found.runs) == list(expected.runs)
    for stage, run in expected.runs.items():
        same(found.runs[stage], run)
    assert found.runs["test"].provenance["portions"] == 3
    assert "portions" not in found.runs["learn"].provenance
    assert ("simulating (test)", 4, 4) in said
    assert not multiprocessing.active_children()


def test_portions_are_freed_while_later_stages_run(monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[weakref.ref[Run]] = []
    alive: list[int] = []

    def noted(experiment: Experiment, runs: list[Run]) -> Run:
        if len(runs) > 1:
            held.extend(map(weakref.ref, runs))
        return joined(experiment, runs)

    class Counting:
        def after(self, run: Run) -> list[crew.Task]:
            return [Telling()] if run.experiment.stage == "test" else []

        def take(self, task: crew.Task, found: object) -> None:
            gc.collect()
            alive.append(sum(one() is not None for one in held))

    monkeypatch.setattr(stages, "joined", noted)
    targets = dict.fromkeys(("learn", "test", "fresh"), backends.get("reference"))
    stages.run_stages(quiet_study(), targets, jobs=2, followers=Counting())
    assert len(held) >= 2
    assert alive == [0]


@pytest.mark.slow
@pytest.mark.parametrize(
    "backend",
    [
        "brian2",
        "brian2-standalone",
        pytest.param("nest", marks=pytest.mark.nest),
        pytest.param("spinnaker:target=emulated", marks=pytest.mark.spinnaker),
    ],
)
def test_every_backend_gives_the_results_of_one_process(backend: str) -> None:
    """Oracle: the same experiment in one process; divided into two, three and five portions."""
    once = drawn_spikes()
    later = once.trial < 2
    whole = Experiment(
        one_source((3, 5, 5)),
        inputs={
            "in": drawn_spikes(
                time=np.concatenate([once.time, once.time[later]]),
                unit=np.concatenate([once.unit, once.unit[later]]),
                trial=np.concatenate([once.trial, once.trial[later] + 3]),
                n_trials=5,
                trials={},
            )
        },
        record=Record(("v1",)),
        dt=1.0,
        stage="divided",
    )
    expected = scnnbio.run(whole, backend, progress=False)
    assert expected.provenance["output_spikes"]["v1"] > 0
    same(scnnbio.run(whole, backend, progress=False, jobs=2), expected)
    target = backends.choices.targets(["divided"], backend)["divided"]
    for number in (3, 5):
        same(joined(whole, [target.run(part) for part in portions(whole, number)]), expected)


def test_an_error_of_a_process_arrives() -> None:
    with pytest.raises(DataError, match="trial 1: is damaged; mend it"):
        scnnbio.run(driven(), Failing(), progress=False, jobs=3)
    assert not multiprocessing.active_children()


def test_an_experiment_is_checked_once_before_any_process_starts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The check solves equations, which takes each process as long as it simulates."""
    found = scnnbio.run(driven(), Fussy(first=False), progress=False, jobs=2)
    same(found, scnnbio.run(driven(), "reference", progress=False))
    monkeypatch.setattr(crew.Crew, "start", None)
    with pytest.raises(UnsupportedError, match="all of it"):
        scnnbio.run(driven(), Fussy(first=True), progress=False, jobs=2)


def test_progress_is_told_as_often_as_it_is_read() -> None:
    told: list[float] = []
    with crew.Crew(1, lambda phase, done, total: told.append(done)) as ours:
        ours.start(Telling())
        assert ours.wait()[1] == 10_000
    assert (told[0], told[-1]) == (1, 10_000)
    assert told == sorted(told)
    assert len(told) < 1000


def test_threads_of_a_process_report_side_by_side() -> None:
    """As a program's progress is, while its input is drawn: their messages do not mix."""
    told: list[str] = []
    with crew.Crew(1, lambda phase, done, total: told.append(phase)) as ours:
        ours.start(Chorus())
        assert ours.wait()[1] == 200
    assert len(set(told)) == len(told) == 200


@pytest.mark.slow
def test_mistakes_deaths_and_warnings_of_a_process_arrive() -> None:
    whole = driven()
    with pytest.raises(KeyError, match="a mistake") as error:
        scnnbio.run(whole, Failing("mistake"), progress=False, jobs=3)
    assert "in _simulate" in error.value.__notes__[0]
    with pytest.raises(DataError, match=r"of stage 'drive' ended by signal 9; .* fewer --jobs"):
        scnnbio.run(whole, Failing("killed"), progress=False, jobs=3)
    with pytest.warns(RuntimeWarning, match="one trial is odd"):
        found = scnnbio.run(whole, Failing("warning"), progress=False, jobs=3)
    same(found, scnnbio.run(whole, "reference", progress=False))
    assert not multiprocessing.active_children()


def test_a_number_of_processes_is_checked() -> None:
    with pytest.raises(SpecError, match="jobs: 0 is too small"):
        scnnbio.run(driven(), "reference", progress=False, jobs=0)
    assert 1 <= crew.usable_cores() <= (os.cpu_count() or 1)


def test_a_server_that_ended_is_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(self: object) -> None:
        raise EOFError

    with crew.Crew(1) as ours:
        monkeypatch.setattr(ours._context.Process, "start", start)
        task = crew.Simulation(backend=backends.get("reference"), experiment=driven())
        with pytest.raises(DataError, match=r"jobs: .* ended \(EOFError\); .* use --jobs 1"):
            ours.start(task)
        assert not ours.busy


def test_one_process_where_none_can_be_forked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows has no server that forks; the backend says what can be imported before a fork."""
    monkeypatch.setattr(multiprocessing, "get_all_start_methods", lambda: ["spawn"])
    assert crew.usable_cores() == 1
    for name in backends.names():
        modules = backends.before_forks(name)
        assert bool(modules) == backends.kind(name).forks
        assert modules in ([], [backends.kind(name).__module__])
    assert backends.before_forks("learn=brian2,test=nest") == backends.before_forks(None)


def test_small_studies_stay_in_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """By default processes start only where they save time."""
    monkeypatch.setattr(crew.Crew, "start", None)
    workflow.execute(quiet_study(), "reference", jobs=None)
    assert crew.size(driven()) == 3 * 40 * (72 + 32 + 75)
    assert not crew.worth_a_process(driven(), forks=True)


def test_a_server_that_is_not_needed_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is started before the study is known; one that another part of the process uses stays."""
    server = forkserver.ForkServer()  # type: ignore[attr-defined]
    monkeypatch.setattr(forkserver, "_forkserver", server)
    monkeypatch.setattr(forkserver, "ensure_running", server.ensure_running)
    for jobs, stays in ((None, False), (2, True)):
        prepare_early("brian2", 2)
        pid = server._forkserver_pid
        assert prepare(quiet_study(), "brian2", jobs) == (2 if stays else 1)
        assert server._forkserver_pid == (pid if stays else None)
        if not stays:
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)
    prepare(quiet_study(), "brian2", None)
    assert server._forkserver_pid == pid
    server._stop()


@pytest.mark.slow
def test_a_run_with_processes_can_be_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stage that was finished is loaded; the number of processes may differ."""
    monkeypatch.setattr("scnnbio.workflow.main.draw", lambda *_, meanwhile, **__: meanwhile())
    monkeypatch.setitem(backends.BACKENDS.own, "failing", "tests.jobs.faulty:Failing")
    with pytest.raises(DataError, match="trial 1: is damaged"):
        workflow.run(quiet_study(), "failing", tmp_path / "out", jobs=3)
    monkeypatch.setattr(Failing, "__init__", lambda self, how="none": setattr(self, "how", how))
    found = workflow.resume(tmp_path / "out")
    for stage, run in workflow.execute(quiet_study(), "reference").runs.items():
        assert found.runs[stage].recording.digest() == run.recording.digest()


def test_an_unsupported_experiment_can_be_sent_between_processes() -> None:
    error = UnsupportedError("here", [scnnbio.errors.Unsupported("a", "b", "c")])
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.reasons, again.backend) == (str(error), error.reasons, "here")
