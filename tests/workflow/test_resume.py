"""A killed run can be resumed, with the results of an uninterrupted run."""

from __future__ import annotations

import os
import shutil
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from scnnbio import backends, workflow
from scnnbio.backends._lock import locked
from scnnbio.errors import DataError
from scnnbio.experiment import Study, load
from scnnbio.workflow import folder as folders
from scnnbio.workflow import main
from scnnbio.workflow.drafts import Draft, find_draft, resumable, unfinished_runs
from scnnbio.workflow.folder import lock_draft
from tests.workflow.conftest import FILE as V1
from tests.workflow.conftest import SETTINGS

MANY = Path(__file__).parents[2] / "experiments" / "many_presentations.toml"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def study() -> Study:
    return load(V1, profile="tiny", settings=SETTINGS)


@pytest.fixture(autouse=True)
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw no figures, which would take most of the time."""
    monkeypatch.setattr(main, "draw", lambda *_, meanwhile, **__: meanwhile())


class Killed(BaseException):
    """Stands for a signal that kills the process without any cleaning up."""


@pytest.fixture
def cut_off(tmp_path: Path, study: Study, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a run on the reference that was killed in its second stage."""
    reference = type(backends.get("reference"))
    real = reference._simulate

    def simulate(self, experiment, *others):
        if experiment.stage == "control":
            raise Killed
        return real(self, experiment, *others)

    with monkeypatch.context() as patch:
        patch.setattr(reference, "_simulate", simulate)
        patch.setattr(folders.shutil, "rmtree", lambda *_, **__: None)
        with pytest.raises(Killed):
            workflow.run(study, "reference", tmp_path / "out")
    return tmp_path / "out"


@pytest.mark.slow
def test_finished_stages_are_not_run_again(
    cut_off: Path, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference, ran = type(backends.get("reference")), []
    real = reference._simulate

    def simulate(self, experiment, *others):
        ran.append(experiment.stage)
        return real(self, experiment, *others)

    monkeypatch.setattr(reference, "_simulate", simulate)
    assert not cut_off.exists()
    workflow.resume(cut_off)
    assert ran == ["control", "gratings"]
    assert names(cut_off.parent) == ["out"]
    assert not (cut_off / ".kept").exists()
    ours, theirs = workflow.load_results(cut_off), workflow.load_results(finished)
    assert set(ours.runs) == set(theirs.runs)
    for stage, run in theirs.runs.items():
        for name, spikes in run.recording.spikes.items():
            for column in ("time", "unit", "trial"):
                np.testing.assert_array_equal(
                    getattr(ours.runs[stage].recording.spikes[name], column),
                    getattr(spikes, column),
                )
        for name, weights in run.weights.items():
            np.testing.assert_array_equal(ours.runs[stage].weights[name], weights)


def test_a_run_that_is_at_work_is_left_alone(cut_off: Path) -> None:
    kept = find_draft(cut_off)
    with lock_draft(kept.path):
        assert unfinished_runs(cut_off.parent) == {}
        with pytest.raises(DataError, match="another process is using this folder"):
            workflow.resume(cut_off)
    assert unfinished_runs(cut_off.parent) == {kept.path: cut_off}
    assert resumable(kept.path)


def test_there_may_be_nothing_to_resume(tmp_path: Path, finished: Path) -> None:
    with pytest.raises(DataError, match="no unfinished run was to write"):
        workflow.resume(tmp_path / "out")
    with pytest.raises(DataError, match="the run is finished"):
        workflow.resume(finished)


def test_two_that_were_cut_off_are_not_chosen_between(cut_off: Path) -> None:
    draft = find_draft(cut_off).path
    shutil.copytree(draft, draft.with_name(".out.other"))
    with pytest.raises(DataError, match=r"several unfinished runs.*\.out\.other"):
        workflow.resume(cut_off)


def test_drafts_without_anything_done_go(tmp_path: Path, study: Study) -> None:
    draft = tmp_path / ".out.x"
    draft.mkdir()
    kept = Draft(draft, study, "reference")
    with lock_draft(kept.path):
        kept.begin()
        assert unfinished_runs(tmp_path) == {}
        assert draft.exists()
    assert unfinished_runs(tmp_path) == {}
    assert not draft.exists()


def test_a_draft_of_which_nothing_is_written_down_goes(tmp_path: Path) -> None:
    """A comparison's, or that of a run that was killed as it began."""
    draft = tmp_path / ".out.x"
    draft.mkdir()
    with lock_draft(draft):
        assert unfinished_runs(tmp_path) == {}
        assert draft.exists()
    assert unfinished_runs(tmp_path) == {}
    assert not draft.exists()


@pytest.mark.parametrize("name", ["out[1]", "o*t", "out.2"])
def test_a_run_of_any_name_is_found_again(cut_off: Path, name: str) -> None:
    """Brackets and stars are letters of a name; the draft of another run is not taken for it."""
    draft = find_draft(cut_off).path
    moved = draft.with_name(f".{name}.abcdefgh").absolute()
    draft.rename(moved)
    assert find_draft(cut_off.with_name(name)).path == moved
    with pytest.raises(DataError, match="no unfinished run was to write"):
        find_draft(cut_off)


def test_another_experiment_is_not_gone_on_with(cut_off: Path) -> None:
    kept = find_draft(cut_off)
    file = kept.folder / "experiment.toml"
    file.write_text(file.read_text().replace("a_plus = 0.07", "a_plus = 0.08"))
    with pytest.raises(DataError, match="have changed since the run began"):
        workflow.resume(cut_off)
    assert resumable(kept.path)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"backend": "reference"}'])
def test_a_damaged_record_is_named(cut_off: Path, content: str) -> None:
    (find_draft(cut_off).folder / "run.json").write_text(content)
    with pytest.raises(DataError, match=r"run\.json: is damaged"):
        workflow.resume(cut_off)


def test_a_damaged_stage_is_named(cut_off: Path) -> None:
    kept = find_draft(cut_off)
    (kept.folder / "learn" / "done" / "recording.h5").write_bytes(b"no")
    with pytest.raises(DataError, match=r"recording\.h5"):
        workflow.resume(cut_off)
    # Nothing is thrown away for it.
    assert resumable(kept.path)


@pytest.mark.slow
def test_an_error_keeps_what_was_done(
    tmp_path: Path, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(main, "write_scores", full)
        with pytest.raises(DataError, match="finished parts are kept"):
            workflow.run(study, "reference", tmp_path / "out")
    workflow.resume(tmp_path / "out")
    assert names(tmp_path) == ["out"]


# -- checkpoints of a compiled program ------------------------------------------------------------

TRIALS = 1500
WORDS = [f"trials={TRIALS}", "maps=8", "network.parameters.extent=12", "stages.learn.reset=false"]


def command(*words: str, settings: list[str] = WORDS) -> list[str]:
    told = [part for text in settings for part in ("--set", text)]
    return [sys.executable, "-c", "from scnnbio.cli import main; main()", *words, *told]


def state(draft: Path) -> tuple[int, Path]:
    file = draft / ".kept" / "learn" / "checkpoint" / "state"
    return struct.unpack("=q", file.read_bytes()[:8])[0], file


def start_and_kill(out: Path, environment: dict[str, str]) -> int:
    """Run until there is a checkpoint, kill Python, and say how many trials were done."""
    words = command("run", str(MANY), "-b", "brian2-standalone", "--out", str(out))
    words += ["--set", "backend.checkpoint_seconds=0.1"]
    process = subprocess.Popen(words, env=environment, stderr=subprocess.PIPE)
    try:
        until = time.monotonic() + 120
        while not list(out.parent.glob(f".{out.name}.*/.kept/learn/checkpoint/state")):
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < until
            time.sleep(0.02)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stderr.close()
    (draft,) = out.parent.glob(f".{out.name}.*")
    # The program notices that its input has ended.
    with locked(draft / ".kept" / "learn" / "checkpoint" / "lock", wait=30):
        return state(draft)[0]


def assert_same(ours: Path, theirs: Path) -> None:
    one, other = (workflow.load_results(folder).runs["learn"] for folder in (ours, theirs))
    assert len(other.recording.spikes["v1"].time) > 10_000
    for column in ("time", "unit", "trial"):
        np.testing.assert_array_equal(
            getattr(one.recording.spikes["v1"], column),
            getattr(other.recording.spikes["v1"], column),
        )
    for name in ("lgn_v1", "v1"):
        np.testing.assert_array_equal(one.weights[name], other.weights[name])
        np.testing.assert_array_equal(
            one.recording.snapshots[name].values, other.recording.snapshots[name].values
        )
    for key in ("input_spikes", "output_spikes", "trials", "experiment"):
        assert one.provenance[key] == other.provenance[key]


@pytest.mark.slow
def test_a_killed_program_ends_with_the_same_bits(tmp_path: Path) -> None:
    """kill -9 while kernels, thresholds, states and spikes in flight change from trial to trial."""
    environment = {**os.environ, "SCNNBIO_CACHE": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"}
    runs = tmp_path / "runs"
    runs.mkdir()
    whole, killed = runs / "whole", runs / "killed"
    words = command("run", str(MANY), "-b", "brian2-standalone", "--out", str(whole))
    subprocess.run(words, env=environment, check=True, capture_output=True)
    assert 0 < start_and_kill(killed, environment) < TRIALS
    assert names(runs) == [*names(runs)[:1], "whole"]
    resume = command("resume", str(killed), settings=[])
    _, file = state(next(runs.glob(".killed.*")))
    good = file.read_bytes()
    half = len(good) // 2
    file.write_bytes(good[:half] + bytes([good[half] ^ 1]) + good[half + 1 :])
    done = subprocess.run(resume, env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == 2
    assert "state: is damaged: its checksum is not" in done.stderr
    file.write_bytes(good)
    subprocess.run(resume, env=environment, check=True, capture_output=True)
    assert_same(killed, whole)
    assert names(runs) == ["killed", "whole"]
