"""A run's folder is written completely or not at all; errors about damage name the file."""

from __future__ import annotations

import datetime
import errno
import json
import math
import os
import shutil
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from scnnbio import workflow
from scnnbio.cli import common
from scnnbio.errors import DataError, SpecError
from scnnbio.experiment import load
from scnnbio.workflow import folder as folders
from scnnbio.workflow import load_results, new_folder
from tests.workflow.conftest import FILE, SETTINGS


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "copy"))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_appears_when_it_is_whole(tmp_path: Path) -> None:
    with new_folder(tmp_path / "a" / "out") as draft:
        (draft / "x").write_text("1")
        assert not (tmp_path / "a" / "out").exists()
    assert names(tmp_path / "a") == ["out"]
    assert names(tmp_path / "a" / "out") == ["x"]
    assert (tmp_path / "a" / "out").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("error", [RuntimeError("x"), KeyboardInterrupt(), DataError("x")])
def test_an_error_leaves_nothing(tmp_path: Path, error: BaseException) -> None:
    def fill() -> None:
        with new_folder(tmp_path / "out") as draft:
            (draft / "x").write_text("1")
            raise error

    with pytest.raises(type(error)):
        fill()
    assert names(tmp_path) == []


def test_an_empty_folder_may_be_used_and_no_other(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with new_folder(tmp_path / "out") as draft:
        (draft / "run.json").write_text("1")
    with pytest.raises(DataError, match="exists already"), new_folder(tmp_path / "out"):
        pytest.fail("must not be entered")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(DataError, match="exists already"), new_folder(tmp_path / "file"):
        pytest.fail("must not be entered")


def test_two_runs_with_one_folder_do_not_replace_each_other(tmp_path: Path) -> None:
    """The second to end removed the results of the first, which began when there were none."""
    place = tmp_path / "run"
    second = new_folder(place)
    (second.__enter__() / "run.json").write_text("second")
    place.mkdir()
    (place / "run.json").write_text("first")
    with pytest.raises(DataError, match="was written by something else meanwhile"):
        second.__exit__(None, None, None)
    assert (place / "run.json").read_text() == "first"
    assert [file.name for file in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize("replace", [False, True])
def test_a_folder_that_another_process_is_writing_is_refused(tmp_path: Path, replace: bool) -> None:
    place = tmp_path / "run"
    with new_folder(place) as draft:
        (draft / "run.json").write_text("first")
        said = "run: another process is at work on this folder"
        with pytest.raises(DataError, match=said), new_folder(place, replace=replace):
            pytest.fail("began")
    assert (place / "run.json").read_text() == "first"
    assert [file.name for file in tmp_path.iterdir()] == ["run"]


def test_default_folders_differ_within_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(common, "datetime", SimpleNamespace(datetime=Stopped))
    first = common.default_folder("v1", "quick")
    assert first == Path("runs/v1-quick-20260102-030405")
    with new_folder(first):
        assert common.default_folder("v1", "quick") == Path(f"{first}-2")
    assert common.default_folder("v1", "quick") == Path(f"{first}-2")


class Stopped(datetime.datetime):
    """A clock that stands still."""

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> Stopped:
        return cls(2026, 1, 2, 3, 4, 5)

    def astimezone(self, tz: datetime.tzinfo | None = None) -> Stopped:
        return self


@pytest.mark.parametrize("there", [True, False], ids=["empty folder", "nothing"])
def test_results_go_where_a_link_points(tmp_path: Path, there: bool) -> None:
    """Renaming a folder to the name of a link fails, and did so when the run was over."""
    far = tmp_path / "large" / "run"
    if there:
        far.mkdir(parents=True)
    (tmp_path / "run").symlink_to(far)
    with new_folder(tmp_path / "run") as draft:
        assert draft.parent == far.parent
        (draft / "run.json").write_text("whole")
    assert (tmp_path / "run").is_symlink()
    assert (far / "run.json").read_text() == "whole"
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    with pytest.raises(DataError, match="circle: "), new_folder(tmp_path / "circle"):
        pytest.fail("began")


def test_a_finished_run_with_a_hidden_name_is_no_draft(tmp_path: Path) -> None:
    """As a kill leaves it between the last rename and the removal of the checkpoints."""
    kept = tmp_path / ".mine" / ".kept"
    kept.mkdir(parents=True)
    (kept / "lock").touch()
    (kept.parent / "run.json").write_text("whole")
    assert workflow.unfinished_runs(tmp_path) == {}
    assert [file.name for file in kept.parent.iterdir()] == ["run.json"]


def test_force_replaces_an_old_run_once_the_new_one_is_whole(tmp_path: Path) -> None:
    old = tmp_path / "out"
    old.mkdir()
    (old / "run.json").write_text("old")
    (old / "left over").write_text("old")

    def fail() -> None:
        with new_folder(old, replace=True):
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert names(old) == ["left over", "run.json"]
    with new_folder(old, replace=True) as draft:
        (draft / "run.json").write_text("new")
    assert names(old) == ["run.json"]
    assert (old / "run.json").read_text() == "new"
    assert names(tmp_path) == ["out"]


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_force_replaces_nothing_but_runs(tmp_path: Path, kind: str) -> None:
    # `--out ~ --force` must not cost a home.
    place = tmp_path / "precious"
    if kind == "folder":
        place.mkdir()
        (place / "letter").write_text("mine")
    else:
        place.write_text("mine")
    with (
        pytest.raises(DataError, match="not the folder of a run"),
        new_folder(place, replace=True),
    ):
        pytest.fail("must not be entered")
    assert names(tmp_path) == ["precious"]


def test_an_old_run_comes_back_if_the_new_one_cannot_take_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "out"
    old.mkdir()
    (old / "run.json").write_text("old")
    real = Path.replace

    def replace(self: Path, target: Path) -> Path:
        if target == old and (self / "new").exists():
            raise OSError(errno.EIO, "no")
        return real(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    with (
        pytest.raises(DataError, match="could not be written completely"),
        new_folder(old, replace=True) as draft,
    ):
        (draft / "new").touch()
    assert (old / "run.json").read_text() == "old"
    assert names(tmp_path) == ["out"]


@pytest.mark.parametrize("name", ["below/x", "below/x/y", "n" * 300, "zero\0byte"])
def test_a_place_that_cannot_be_written_is_refused_before_any_work(
    tmp_path: Path, name: str
) -> None:
    # A path below a file stops even root, whom permissions do not.
    (tmp_path / "below").write_text("a file")
    with pytest.raises(DataError, match="cannot be written"), new_folder(tmp_path / name):
        pytest.fail("must not be entered")


def test_a_folder_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **more: object) -> str:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(folders.tempfile, "mkdtemp", refuse)
    with pytest.raises(DataError, match="Permission denied"), new_folder(tmp_path / "out"):
        pytest.fail("must not be entered")


@pytest.mark.parametrize("where", ["savez_compressed", "write_bytes"])
def test_a_full_disk_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, finished: Path, where: str
) -> None:
    def full(*args: object, **more: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    results = load_results(finished)
    monkeypatch.setattr(*((np, where) if where == "savez_compressed" else (Path, where)), full)
    with (
        pytest.raises(DataError, match="No space left on device"),
        new_folder(tmp_path / "out") as draft,
    ):
        folders.write_runs(results, draft, results.provenance)
    assert names(tmp_path) == []


@pytest.mark.parametrize("value", [math.nan, math.inf, datetime.date(2000, 1, 1), [1.0], {}])
def test_an_option_that_is_none_leaves_nothing(tmp_path: Path, value: object) -> None:
    """Options are written down before the run, and not everything can be."""
    study = load(FILE, profile="tiny", settings=SETTINGS)
    options = {"checkpoint_seconds": value}
    with pytest.raises(
        SpecError,
        match=r"backend\.checkpoint_seconds: .* is not (finite|a single value|a quantity in s)",
    ):
        workflow.run(study, "brian2-standalone", tmp_path / "out", options=options)
    assert names(tmp_path) == []


def test_what_was_written_is_read_back(finished: Path) -> None:
    results = load_results(finished)
    study = load(FILE, profile="tiny", settings=SETTINGS)
    assert [e.digest() for e in results.study.experiments] == [
        e.digest() for e in study.experiments
    ]
    assert {stage: sorted(run.weights) for stage, run in results.runs.items()} == {
        "learn": ["lgn_v1", "v1"],
        "control": ["lgn_v1", "v1"],
        "gratings": [],
    }
    provenance = json.loads((finished / "run.json").read_text())
    spikes = sum(len(run.recording.spikes["v1"].time) for run in results.runs.values())
    assert spikes == provenance["output_spikes"]["v1"] > 0
    assert results.provenance == provenance
    # The test stage ran with what the first one learned, and is read back with it.
    np.testing.assert_array_equal(
        results.runs["gratings"].experiment.network.projection("lgn_v1").kernel,
        results.runs["learn"].weights["lgn_v1"],
    )


def test_judging_again_gives_the_same(finished: Path) -> None:
    stored = json.loads((finished / "scores.json").read_text())
    again = workflow.judge(load_results(finished))
    assert [score.to_dict() for score in again.scores] == stored
    assert [score["claim"] for score in stored] == [bound.claim for bound in again.study.claims]


def test_the_same_study_gives_the_same_results(finished: Path) -> None:
    study = load(FILE, profile="tiny", settings=(*SETTINGS, "stages.learn.stimulus.n_trials=20"))
    one = study.stages[0]
    again = workflow.execute(type(study)("again", (one,)), "reference").runs["learn"]
    stored = load_results(finished).runs["learn"]
    np.testing.assert_array_equal(again.weights["lgn_v1"], stored.weights["lgn_v1"])
    np.testing.assert_array_equal(
        again.recording.spikes["v1"].time, stored.recording.spikes["v1"].time
    )


@pytest.mark.parametrize("share", [0.0, 0.4, 0.97])
@pytest.mark.parametrize("name", ["run.json", "recording.h5", "weights.npz", "scores.json"])
def test_a_file_that_is_cut_off_is_named(copy: Path, name: str, share: float) -> None:
    file = copy / name
    content = file.read_bytes()
    file.write_bytes(content[: int(share * len(content))])
    with pytest.raises(DataError, match=name.replace(".", r"\.")) as caught:
        load_results(copy)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["run.json", "experiment.toml", "recording.h5", "weights.npz"])
def test_a_file_that_is_missing_is_named(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(DataError, match=name.replace(".", r"\.")):
        load_results(copy)


def test_without_scores_there_are_none(copy: Path) -> None:
    (copy / "scores.json").unlink()
    assert load_results(copy).scores == ()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("run.json", "[]"),
        ("run.json", "{}"),
        ("run.json", '{"stages": {}}'),
        ("run.json", '{"stages": {"learn": {}}}'),
        ("run.json", "[" * 100_000),
        ("run.json", "\udc80"),
        ("scores.json", "3"),
        ("scores.json", "[3]"),
        ("scores.json", '[{"claim": "x"}]'),
        ("weights.npz", "not a zip file"),
    ],
)
def test_a_file_of_another_make_is_named(copy: Path, name: str, content: str) -> None:
    (copy / name).write_text(content, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(DataError, match=name.replace(".", r"\.")):
        load_results(copy)


class Payload:
    """What a pickle would run when it is read."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (self.marker,)  # type: ignore[return-value]


def test_pickled_weights_are_refused_and_not_run(copy: Path, tmp_path: Path) -> None:
    marker = tmp_path / "ran.marker"
    hostile = np.array([Payload(marker)], dtype=object)
    np.savez(copy / "weights.npz", **{"learn/lgn_v1": hostile})
    with pytest.raises(DataError, match=r"weights\.npz: is damaged"):
        load_results(copy)
    assert not marker.exists()


@pytest.mark.parametrize(
    "weights",
    [
        {"learn/lgn_v1": np.zeros((1, 2, 3, 3))},
        {"learn/other": np.zeros(3)},
        {"learn/lgn_v1": np.full((4, 2, 7, 7), np.nan)},
        {"learn/lgn_v1": np.array(["a"])},
    ],
)
def test_weights_that_do_not_fit_are_refused(copy: Path, weights: dict[str, np.ndarray]) -> None:
    np.savez(copy / "weights.npz", **weights)
    with pytest.raises(DataError, match=r"weights\.npz"):
        load_results(copy)


def test_bare_arrays_are_not_an_archive(copy: Path) -> None:
    with (copy / "weights.npz").open("wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(DataError, match=r"weights\.npz"):
        load_results(copy)
    with zipfile.ZipFile(copy / "weights.npz", "w") as archive:
        archive.writestr("learn/lgn_v1.npy", b"\x93NUMPY\x01\x00\xff\xff{")
    with pytest.raises(DataError, match=r"weights\.npz"):
        load_results(copy)
