"""A run that is killed or fails as it writes its results loses nothing and leaves nothing."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from scnnbio import files, workflow
from scnnbio.errors import DataError
from scnnbio.verification import verify
from scnnbio.workflow import folder as folders
from scnnbio.workflow import main
from scnnbio.workflow.drafts import Draft, find_draft, unfinished_runs
from scnnbio.workflow.origin import origin


class Killed(BaseException):
    """Stands for a signal that kills the process without any cleaning up."""


@pytest.fixture
def draft(finished: Path, tmp_path: Path) -> Callable[[], Path]:
    """Makes a draft whose stages are all done, as a killed process leaves it."""
    results = workflow.load_results(finished)

    def make() -> Path:
        path = tmp_path / "runs" / ".out.x"
        (path / ".kept").mkdir(parents=True)
        (path / ".kept" / "lock").touch()
        one = Draft(path, results.study, "reference", origin=origin(results.study))
        one.begin()
        for run in results.runs.values():
            one.save(run)
        return path

    return make


@pytest.fixture(autouse=True)
def quick(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw and judge nothing, which would take most of the time."""
    scores = workflow.load_results(finished).scores
    monkeypatch.setattr(main, "draw", lambda *_, meanwhile, **__: meanwhile())
    monkeypatch.setattr(main, "judge", lambda results: results.with_scores(scores))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def killed_at(monkeypatch: pytest.MonkeyPatch, number: int) -> list[str]:
    """Let the process be killed at the ``number``-th renaming of a file or folder."""
    done: list[str] = []

    def dying(real: Callable[..., object]) -> Callable[..., object]:
        def call(source: object, target: object) -> object:
            if len(done) == number:
                raise Killed
            done.append(str(target))
            return real(source, target)

        return call

    monkeypatch.setattr(files.os, "replace", dying(os.replace))
    monkeypatch.setattr(Path, "replace", dying(Path.replace))
    monkeypatch.setattr(folders.shutil, "rmtree", lambda *_, **__: None)
    return done


@pytest.mark.slow
def test_killed_at_every_renaming_a_run_is_resumed_with_the_same_results(
    draft: Callable[[], Path], finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last renaming gives the folder its name; after it the run is finished."""
    expected = {name: (finished / name).read_bytes() for name in ("weights.npz", "scores.json")}
    number, ended = 0, False
    while not ended:
        out = draft().with_name("out")
        with monkeypatch.context() as patch:
            done = killed_at(patch, number)
            try:
                workflow.resume(out)
            except Killed:
                assert len(done) == number
            else:
                ended = True
                # A process that is killed here leaves its checkpoints in the finished folder.
                assert (out / ".kept").is_dir()
        if not out.exists():
            # What is half-written does not get into the results.
            (find_draft(out).path / ".half.json.123.part").touch()
            workflow.resume(out)
        assert unfinished_runs(out.parent) == {}
        assert names(out.parent) == ["out"]
        assert not any(name.startswith(".") for name in names(out))
        assert {name: (out / name).read_bytes() for name in expected} == expected
        assert verify(out, trials=0).sound
        shutil.rmtree(out.parent)
        number += 1
    assert number >= 5


def full_at(number: int) -> tuple[list[object], Callable[[object, object], None]]:
    """A disk that has no room at the ``number``-th write of a whole file, and then has again."""
    done: list[object] = []

    def replace(source: object, target: object, real: Callable[..., None] = os.replace) -> None:
        done.append(target)
        if len(done) == number + 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(source, target)

    return done, replace


@pytest.mark.slow
def test_a_disk_that_is_full_at_any_write_keeps_the_stages(
    draft: Callable[[], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = draft().with_name("out")
    done, replace = full_at(10**6)
    with monkeypatch.context() as patch:
        patch.setattr(files.os, "replace", replace)
        workflow.resume(out)
    assert len(done) >= 4
    for number in (0, len(done) // 2, len(done) - 1):
        shutil.rmtree(tmp_path / "runs")
        out = draft().with_name("out")
        with monkeypatch.context() as patch:
            patch.setattr(files.os, "replace", full_at(number)[1])
            with pytest.raises(DataError, match="No space left on device"):
                workflow.resume(out)
        assert names(out.parent) == [".out.x"]
        workflow.resume(out)
        assert names(out.parent) == ["out"]


def test_a_folder_that_was_being_replaced_comes_back_or_goes(tmp_path: Path) -> None:
    """Killed between taking the old results away and putting the new ones in their place."""
    old = tmp_path / ".out.replaced.abcdefgh"
    (old / "out").mkdir(parents=True)
    (old / "out" / "run.json").touch()
    (tmp_path / ".out.x").mkdir()  # a draft may still take the place
    unfinished_runs(tmp_path)
    assert names(tmp_path) == [".out.replaced.abcdefgh", ".out.x"]
    (tmp_path / ".out.x").rmdir()
    unfinished_runs(tmp_path)
    assert names(tmp_path) == ["out"]
    old.mkdir()
    shutil.copytree(tmp_path / "out", old / "out")
    unfinished_runs(tmp_path)
    assert names(tmp_path) == ["out"]


def test_a_part_of_a_killed_process_goes_at_the_next_write(tmp_path: Path) -> None:
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"],
                          capture_output=True, text=True, check=True)  # fmt: skip
    parts = [tmp_path / f".a.json.{pid}.part" for pid in (int(dead.stdout), os.getppid())]
    for part in parts:
        part.write_text("half")
        os.utime(part, (0, 0))
    files.write_atomically(b"whole", tmp_path / "a.json")
    assert names(tmp_path) == [parts[1].name, "a.json"]
