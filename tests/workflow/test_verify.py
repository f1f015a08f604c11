"""Damaged, missing, edited and added files of a run are named, and trials run again are the same.

What is expected is known, since each test does the damage itself, to a copy of a run.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from scnnbio import figures, sweep, workflow
from scnnbio.digests import read_digests, write_digests
from scnnbio.errors import DataError, SpecError
from scnnbio.experiment import load
from scnnbio.experiment.weights import read_weights
from scnnbio.recording import Recording
from scnnbio.recording.samples import Spikes
from scnnbio.verification import State, verify
from scnnbio.verification.rerunning import chosen
from scnnbio.workflow import main
from scnnbio.workflow.folder import write_json
from tests.workflow.conftest import FILE, SETTINGS


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A copy of the run, with its digests."""
    folder = Path(shutil.copytree(finished, tmp_path / "runs" / "copy"))
    write_digests(folder)
    return folder


def found(folder: Path, **how: int) -> dict[str, State]:
    return {fault.file: fault.state for fault in verify(folder, **{"trials": 0} | how).faults}


def test_a_sound_run_is_sound_and_its_trials_are_the_same_again(run: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in run.rglob("*")}
    seen = verify(run, trials=2)
    assert seen.sound
    assert seen.whole
    assert seen.digests == len(read_digests(run)) >= 7
    # Of stages that learn the first trials; the gratings do not learn.
    again = {one.stage: one for one in seen.reruns}
    assert again["learn"].trials == again["control"].trials == (0, 1)
    assert again["gratings"].trials != (0, 1)
    assert len(again["gratings"].trials) == 2
    assert {p: p.stat().st_mtime_ns for p in run.rglob("*")} == before


def test_the_seed_chooses_independent_trials(run: Path) -> None:
    stages = workflow.load_results(run).runs
    gratings, learn = (stages[name].experiment for name in ("gratings", "learn"))
    drawn = [chosen(gratings, 2, np.random.default_rng(seed)) for seed in range(20)]
    assert drawn[0] == chosen(gratings, 2, np.random.default_rng(0))
    assert {trial for pair in drawn for trial in pair} == set(range(gratings.n_trials))
    assert {chosen(learn, 2, np.random.default_rng(seed)) for seed in range(9)} == {(0, 1)}


def test_sha256sum_reads_the_digests(run: Path) -> None:
    """The standard program is the oracle, of a sound folder and of a changed one."""
    words = ["sha256sum", "--check", "--quiet", "SHA256SUMS"]
    assert subprocess.run(words, cwd=run, check=False).returncode == 0
    (run / "scores.json").write_text("[]\n")
    done = subprocess.run(words, cwd=run, check=False, capture_output=True, text=True)
    assert done.stdout == "scores.json: FAILED\n"
    assert found(run) == {"scores.json": State.EDITED}


def test_each_kind_of_fault_is_named(run: Path) -> None:
    (run / "measures.csv").unlink()
    (run / "notes" / "more").mkdir(parents=True)
    (run / "notes" / "more" / "mine.txt").write_text("mine")
    table = next((run / "measures").iterdir())
    table.write_text(table.read_text().replace("1", "2", 1))
    weights = run / "weights.npz"
    weights.write_bytes(weights.read_bytes()[:-40])
    (run / "scores.json").rename(run / "moved.json")
    (run / "scores.json").symlink_to("moved.json")
    assert found(run) == {
        "measures.csv": State.MISSING,
        "notes/more/mine.txt": State.ADDED,
        f"measures/{table.name}": State.EDITED,
        "weights.npz": State.DAMAGED,
        "moved.json": State.ADDED,
        "scores.json": State.EDITED,
    }


@pytest.mark.parametrize("place", [0.01, 0.3, 0.6, 0.99])
@pytest.mark.parametrize(
    "name", ["run.json", "recording.h5", "weights.npz", "scores.json", "experiment.toml"]
)
def test_one_bit_of_any_file_is_found(run: Path, name: str, place: float) -> None:
    file = run / name
    content = bytearray(file.read_bytes())
    content[int(place * len(content))] ^= 1
    file.write_bytes(content)
    assert name in found(run)


def edited(recording: Recording) -> tuple[Recording, int]:
    """The first spike of the first stage comes 1 ms later; and its trial."""
    spikes = recording.spikes["v1"]
    time = spikes.time.copy()
    time[0] += 1.0
    moved = {**recording.spikes, "v1": Spikes(time, spikes.unit, spikes.trial)}
    shapes, trials = recording.shapes, recording.trials
    changed = Recording(moved, shapes, trials, recording.signals, recording.snapshots)
    return changed, int(spikes.trial[0])


def test_an_edited_spike_is_found_without_digests(run: Path) -> None:
    """Whoever edits results can write the digests anew; trials that run again tell it still."""
    changed, trial = edited(Recording.load(run / "recording.h5"))
    changed.save(run / "recording.h5")
    assert found(run) == {"recording.h5": State.EDITED}
    write_digests(run)
    assert found(run) == {}
    assert verify(run, trials=trial).reruns[0].differences == ()
    seen = verify(run, trials=trial + 1)
    assert {o.stage: o.differences for o in seen.reruns} == {
        "learn": ("spikes of 'v1'",), "control": (), "gratings": (),
    }  # fmt: skip
    assert not seen.sound


def test_edited_weights_are_found_by_the_stage_that_they_begin(run: Path) -> None:
    """Weights that the reader takes: one kernel is exchanged with another."""
    known = read_weights(run / "weights.npz")
    known["learn/lgn_v1"] = known["learn/lgn_v1"][::-1]
    np.savez(run / "weights.npz", **known)
    (run / "SHA256SUMS").unlink()
    seen = verify(run, trials=1)
    assert seen.digests is None
    assert [(f.file, f.state) for f in seen.faults] == [("experiment.toml", State.EDITED)]
    differ = {o.stage for o in seen.reruns if o.differences}
    assert differ == {"gratings"}
    learn = next(o for o in verify(run, everything=True).reruns if o.stage == "learn")
    assert learn.differences == ("weights of 'lgn_v1'",)


@pytest.mark.slow
def test_everything_can_run_again(run: Path) -> None:
    seen = verify(run, everything=True)
    assert seen.sound
    assert [len(o.trials) for o in seen.reruns] == [o.n_trials for o in seen.reruns[:-1]] + [0]
    scores = json.loads((run / "scores.json").read_text())
    scores[0]["verdict"] = "agrees" if scores[0]["verdict"] != "agrees" else "disagrees"
    write_json(run / "scores.json", scores)
    write_digests(run)
    last = verify(run, everything=True).reruns[-1]
    assert last.differences == (f"score of {scores[0]['claim']!r}",)


def test_a_count_that_is_wrong_is_found_without_running_anything(run: Path) -> None:
    known = json.loads((run / "run.json").read_text())
    known["stages"]["learn"]["output_spikes"]["v1"] += 1
    write_json(run / "run.json", known)
    (run / "SHA256SUMS").unlink()
    (fault,) = verify(run, trials=0).faults
    assert fault.file == "recording.h5"
    assert "and run.json says" in fault.said


def test_an_animation_is_of_the_run(
    invoke: Callable[..., tuple[int, str, str]], run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise ``verify`` says that the run did not write it."""
    monkeypatch.setattr(figures, "animate", lambda *_, **__: None)
    monkeypatch.setattr(
        figures, "save_animation", lambda _, place, name, **__: written(place / f"{name}.gif")
    )
    assert invoke("figures", run, "raster", "--animate")[0] == 0
    assert found(run) == {}


def written(path: Path) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"GIF89a")
    return path


def test_commands_that_write_anew_write_digests_anew(run: Path) -> None:
    results = workflow.load_results(run)
    stale = run / "experiment.toml"
    stale.write_text(stale.read_text() + "\n# edited\n")
    drawn = workflow.draw(results, run, only="kernels")
    main.write_scores(results, run)
    names = {path.relative_to(run).as_posix() for path in drawn}
    assert names <= set(read_digests(run))
    # And of nothing else.
    assert found(run) == {"experiment.toml": State.EDITED}


@pytest.mark.parametrize(
    "text", ["no digest", "a" * 64 + "  ../../etc/passwd", "a" * 64 + "  /etc/passwd", "\0"]
)
def test_damaged_digests_are_named(run: Path, text: str) -> None:
    (run / "SHA256SUMS").write_text(text)
    assert found(run) == {"SHA256SUMS": State.DAMAGED}


def test_what_is_no_run_is_said(run: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no such folder"):
        verify(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="is not the folder of a run or of a sweep"):
        verify(tmp_path / "empty")
    with pytest.raises(SpecError, match="not a whole number from 0"):
        verify(run, trials=-1)


def test_an_unfinished_run_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = load(FILE, profile="tiny", settings=SETTINGS)

    def stop(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(main, "judge", stop)
        with pytest.raises(DataError, match="finished parts are kept"):
            workflow.run(study, "reference", tmp_path / "out")
    seen = verify(tmp_path / "out")
    assert not seen.sound
    assert "unfinished: 3 of its 3 stages are done" in seen.unfinished
    (draft,) = tmp_path.iterdir()
    assert verify(draft).unfinished == seen.unfinished
    damaged = draft / ".kept" / "learn" / "done" / "recording.h5"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"recording\.h5: is truncated or damaged"):
        verify(tmp_path / "out")


def test_the_command_names_faults_and_ends_with_2(
    invoke: Callable[..., tuple[int, str, str]], run: Path
) -> None:
    code, out, err = invoke("verify", run, "--trials", "1")
    assert code == 0, err
    assert "stage 'learn' on reference: trials 0 of 20 are the same again, to the last bit" in out
    (run / "scores.json").write_text("[]\n")
    (run / "scores.csv").touch()
    code, _, err = invoke("verify", run, "--trials", "0")
    assert code == 2
    assert err.splitlines()[-2:] == [
        f"{run / 'scores.csv'}: added: the run did not write it",
        f"{run / 'scores.json'}: edited: it has changed since the run wrote it",
    ]


def test_a_stage_whose_backend_is_absent_is_said(
    invoke: Callable[..., tuple[int, str, str]], run: Path
) -> None:
    known = json.loads((run / "run.json").read_text())
    known["stages"]["gratings"]["backend"] = "of-another-laboratory"
    write_json(run / "run.json", known)
    write_digests(run)
    code, out, err = invoke("verify", run, "--trials", "1")
    assert code == 3
    assert "'gratings' on of-another-laboratory did not run again: there is no backend" in err
    assert "stage 'learn' on reference: trials 0 of 20 are the same" in out


def test_every_point_of_a_sweep_is_verified(run: Path, tmp_path: Path) -> None:
    study = load(FILE, profile="tiny", settings=SETTINGS)
    plan = sweep.Plan.write(study, tmp_path / "plan", seeds=3, backend="reference")
    first, second, third = plan.points()
    assert first.seed == study.seed
    shutil.copytree(run, first.run)
    shutil.copytree(run, second.run)  # of another seed
    seen = dict(sweep.verify_points(plan, trials=0))
    assert seen[first].sound
    (fault,) = seen[second].faults
    assert fault.said == "it is not the experiment that the plan has at this point"
    assert seen[third].unfinished == "is waiting"
    # Planned by another version, whose digests were others.
    row = first.folder / "point.toml"
    digest = plan.study(first).experiments[0].digest()
    row.write_text(row.read_text().replace(digest, "0" * 64))
    (fault,) = dict(sweep.verify_points(plan, trials=0))[first].faults
    assert "cannot be compared with the plan" in fault.said
