"""Sweeps: what a plan holds, and that no executor loses, repeats or changes a point."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
import tomllib
from pathlib import Path

import pandas as pd
import pytest

from scnnbio import workflow
from scnnbio.backends._lock import InUse, held, locked
from scnnbio.cli import ending
from scnnbio.errors import BackendMissing, DataError, SpecError
from scnnbio.experiment import Study, load
from scnnbio.experiment.study import study_from
from scnnbio.sweep import Plan, Status, collect, on_dask, on_slurm, on_this_machine, work_on
from scnnbio.sweep.collecting import write_table
from scnnbio.sweep.executors import FAILED, run_command
from scnnbio.sweep.grid import grid_of
from scnnbio.sweep.working import work_through

FILE = Path(__file__).parents[2] / "experiments" / "event_driven.toml"


@pytest.fixture(autouse=True)
def _no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw no figures, which would take most of the time."""
    monkeypatch.setattr(workflow.main, "draw", lambda *_, meanwhile, **__: meanwhile())


def small() -> Study:
    return load(FILE, settings=["trials=2"])


def plan(folder: Path, *grid: str, seeds: int = 1) -> Plan:
    return Plan.write(small(), folder, grid=grid, seeds=seeds, backend="reference")


def test_a_grid_is_every_combination_with_every_seed(tmp_path: Path) -> None:
    written = plan(tmp_path / "plan", "dt=0.8,0.4", "trials=2,3,4", seeds=2)
    points = list(written.points())
    assert len(points) == len(written) == 2 * 3 * 2
    assert [p.seed for p in points[:4]] == [1, 2, 1, 2]
    assert points[0].settings == ("dt=0.8", "trials=2")
    assert points[-1].values == {"dt": 0.4, "trials": 4}
    assert points[-1].folder.name == "12"
    assert (points[0].folder / "point.toml").is_file()
    again = Plan.read(tmp_path / "plan")
    assert list(again.points()) == points
    # Oracle: the experiment with the same settings, read without a plan.
    direct = load(FILE, settings=["trials=4", "dt=0.4"], seed=2)
    assert again.study(points[-1]).digest() == direct.digest()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("maps", "write key=value,value"),
        ("=1,2", "write key=value,value"),
        ("maps=", "write key=value,value"),
        ("maps=1,", "has an empty value"),
        ("maps=1,1", "a value of 'maps' comes twice"),
        ("maps={a = 1}", "is not a number, a text"),
        ("maps=inf,1", "is not a number, a text"),
    ],
)
def test_a_grid_that_is_wrong(text: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        grid_of([text])


def test_values_with_commas_are_in_brackets() -> None:
    found = grid_of(["a=[1, 2],[3]", 'b="x,y",z', "c=10 mV,0.5"])
    assert found == {"a": [[1, 2], [3]], "b": ["x,y", "z"], "c": ["10 mV", 0.5]}
    with pytest.raises(SpecError, match="'a' comes twice; list all its values once"):
        grid_of(["a=1", "a=2"])


def test_a_point_is_the_experiment_that_its_settings_make(tmp_path: Path) -> None:
    """A setting of a stage reaches the stage that is like it; oracle: the document, without a plan.

    The stage ``quiet`` is like ``firing``.
    """
    written = plan(tmp_path / "plan", 'stages.firing.stimulus.duration="80 ms","160 ms"')
    for point in written.points():
        direct = load(FILE, settings=["trials=2", *point.settings])
        found = written.study(point)
        assert [e.digest() for e in found.experiments] == [e.digest() for e in direct.experiments]
    assert [stage.experiment.trial_duration for stage in found.stages] == [160.0, 160.0]


def test_texts_of_a_grid_are_kept_as_they_are(tmp_path: Path) -> None:
    texts = ["ü 😀", 'a "quoted" \\ text', "a/b", "0,5", "true"]
    written = Plan(tmp_path, "reference", {"title": texts})
    assert [point.values["title"] for point in written.points()] == texts


@pytest.mark.parametrize("grid", ['dt="0.1 ms","100 us"', "title=a,b"], ids=["units", "title"])
def test_two_points_that_are_one_experiment_are_refused(tmp_path: Path, grid: str) -> None:
    """They would be counted as two results of the same thing."""
    with pytest.raises(SpecError, match=r"point 1 \(.*are the same experiment; remove the value"):
        plan(tmp_path / "plan", grid, seeds=2)


def test_a_seed_is_no_key_of_the_grid(tmp_path: Path) -> None:
    """Each point has a seed of its own already, which took its place in silence."""
    document = tomllib.loads(FILE.read_text())
    document["options"]["again"] = "seed"
    for key in ("seed", "again"):
        with pytest.raises(SpecError, match=f"'{key}' is the seed; .* --seeds"):
            Plan.write(study_from(document), tmp_path / "plan", grid=[f"{key}=7"])


def test_seeds_that_no_stage_uses_are_refused(tmp_path: Path) -> None:
    own = [f"stages.{name}.seed=3" for name in ("firing", "quiet")]
    study = load(FILE, settings=["trials=2", *own])
    with pytest.raises(SpecError, match=r"point 1 \(seed 1\) and point 2 \(seed 2\) are the same"):
        Plan.write(study, tmp_path / "plan", seeds=2, backend="reference")


def test_relative_paths_start_where_the_plan_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers of Dask and tasks of Slurm have working folders of their own."""
    document = tomllib.loads(FILE.read_text())
    study = study_from(document, settings=["stages.firing.stimulus.images=photos"], here=tmp_path)
    saved = study.document["stages"]["firing"]["stimulus"]["images"]
    assert saved == str(tmp_path / "photos")
    monkeypatch.chdir(tmp_path)
    written = plan(tmp_path / "plan", "trials=2")
    monkeypatch.chdir("/")
    assert Plan.read(tmp_path / "plan").here == written.here == tmp_path


@pytest.mark.parametrize("name", ["sweep.toml", "experiment.toml"])
def test_a_plan_that_was_edited_is_refused(tmp_path: Path, name: str) -> None:
    """With a value more, point 2 would have the results of another point."""
    folder = tmp_path / "plan"
    plan(folder, "trials=2,4")
    text = (folder / name).read_text()
    edited = text.replace("4,", "3,\n    4,") if name == "sweep.toml" else f"{text}# more\n"
    assert edited != text
    (folder / name).write_text(edited)
    with pytest.raises(DataError, match=f"{name}: has changed since the plan was written"):
        Plan.read(folder)
    (folder / "SHA256SUMS").unlink()  # as older versions wrote it
    assert len(Plan.read(folder)) == (3 if name == "sweep.toml" else 2)


def test_a_point_whose_experiment_has_changed_does_not_run(tmp_path: Path) -> None:
    """Such as by another version of scnnbio, or other files of a stimulus."""
    written = plan(tmp_path / "plan", "trials=2")
    row = written.point(1).folder / "point.toml"
    digest = written.study(written.point(1)).experiments[0].digest()
    row.write_text(row.read_text().replace(digest, "0" * 64))
    assert work_on(written, written.point(1), "round")
    assert "has changed since the plan was written" in written.point(1).failed()["message"]


def test_a_plan_that_cannot_work_is_refused_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"at dt=0.8, trials=-1"):
        plan(tmp_path / "bad", "dt=0.8", "trials=2,-1")
    with pytest.raises(DataError, match="is not the folder of a sweep"):
        Plan.read(tmp_path / "bad")
    with pytest.raises(SpecError, match="unknown key 'what'"):
        plan(tmp_path / "worse", "what=1,2")
    with pytest.raises(SpecError, match="100,000"):
        plan(tmp_path / "huge", "trials=2,3", seeds=60_000)
    plan(tmp_path / "good")
    with pytest.raises(DataError, match=r"exists already; .*'scnnbio work"):
        plan(tmp_path / "good")


@pytest.mark.parametrize("value", ["1979-05-27", "nan", "{a = 1}"])
def test_a_plan_with_a_value_that_no_setting_can_hold_is_damaged(
    tmp_path: Path, value: str
) -> None:
    """Such as a date, which TOML has and the form of a setting has not; the driver found it."""
    text = f'backend = "reference"\nseeds = [1]\n[options]\n[grid]\nmaps = [1, {value}]\n'
    (tmp_path / "sweep.toml").write_text(text)
    with pytest.raises(DataError, match="is damaged; write the plan again"):
        Plan.read(tmp_path)


@pytest.mark.slow
def test_points_are_done_once_and_failures_are_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Oracle of the results: the same experiment, run without a plan."""
    written = plan(tmp_path / "plan", "trials=2,3", seeds=2)
    real, ran = workflow.run, []

    def run(study, backend, folder, **others):
        ran.append(folder.parent.name)
        if folder.parent.name == "3" and ran.count("3") == 1:
            raise DataError("is damaged; mend it", where="a file")
        return real(study, backend, folder, **others)

    monkeypatch.setattr(workflow, "run", run)
    failed = on_this_machine(written)
    assert [point.number for point in failed] == [3]
    assert failed[0].failed()["message"] == "a file: is damaged; mend it"
    assert [point.status() for point in written.points()] == [
        Status.DONE, Status.DONE, Status.FAILED, Status.DONE,
    ]  # fmt: skip
    table = collect(written)
    assert table["status"].tolist().count("failed") == 1
    assert on_this_machine(written) == []
    assert ran == ["1", "2", "3", "4", "3"]
    for point in written.points():
        found = workflow.load_results(point.run)
        expected = workflow.execute(
            load(FILE, settings=point.settings, seed=point.seed), "reference"
        )
        assert found.recording.digest() == expected.recording.digest()


def test_a_point_is_left_to_the_process_at_work_on_it(tmp_path: Path) -> None:
    written = plan(tmp_path / "plan")
    point = written.point(1)
    with locked(point.lock):
        assert point.status() is Status.AT_WORK
        assert not work_on(written, point, "round")
    assert point.status() is Status.WAITING
    with pytest.raises(SpecError, match="there is no point 2; there are 1 to 1"):
        written.point(2)


def test_who_asks_for_the_status_keeps_no_worker_from_its_point(tmp_path: Path) -> None:
    """Otherwise ``collect`` could make a task of an array pass over its point, in silence."""
    lock = tmp_path / "lock"
    assert not held(lock)
    lock.touch()
    with lock.open() as file:
        fcntl.flock(file, fcntl.LOCK_SH)  # as ``held`` does, for a moment
        threading.Timer(0.1, lambda: fcntl.flock(file, fcntl.LOCK_UN)).start()
        with locked(lock):
            assert held(lock)
            with pytest.raises(InUse), locked(lock):
                pass


def test_keys_of_a_grid_with_names_of_columns(tmp_path: Path) -> None:
    """A key ``n`` would else be overwritten by the ``n`` of a score."""
    document = tomllib.loads(FILE.read_text())
    document["options"]["n"] = document["options"]["trials"]
    document["options"]["status"] = "dt"
    written = Plan.write(
        study_from(document), tmp_path / "plan", grid=["n=2,3", "status=0.4"], backend="reference"
    )
    table = collect(written)
    assert table["grid.n"].tolist() == [2, 3]
    assert table["grid.status"].tolist() == [0.4, 0.4]
    assert table["status"].tolist() == ["waiting", "waiting"]


def test_tables_with_numbers_and_texts_in_one_column(tmp_path: Path) -> None:
    table = pd.DataFrame({"a": [1, "auto", None], "b": [True, 2, 3], "c": [1, 2, 3]})
    assert pd.read_csv(write_table(table, tmp_path / "t.csv"))["a"].tolist()[:2] == ["1", "auto"]
    with pytest.raises(SpecError, match=r"neither \.csv nor \.parquet"):
        write_table(table, tmp_path / "t.xlsx")
    pytest.importorskip("pyarrow")
    found = pd.read_parquet(write_table(table, tmp_path / "t.parquet"))
    assert found["a"].tolist()[:2] == ["1", "auto"]
    assert found["a"].isna().tolist() == [False, False, True]
    assert found["b"].tolist() == ["True", "2", "3"]
    assert found["c"].tolist() == [1, 2, 3]


def test_a_point_that_fails_is_no_failure_of_its_worker() -> None:
    """So that Dask goes on with the other points; a killed worker is one."""
    assert FAILED == ending.FAILED
    run_command(["python", "-c", f"raise SystemExit({FAILED})"])
    with pytest.raises(subprocess.CalledProcessError):
        run_command(["python", "-c", "raise SystemExit(2)"])


@pytest.mark.slow
def test_a_table_of_all_points(tmp_path: Path) -> None:
    written = plan(tmp_path / "plan", "trials=2,3")
    work_through(written, "round")
    table = collect(written)
    assert table["point"].drop_duplicates().tolist() == [1, 2]
    scores = workflow.load_results(written.point(1).run).scores
    first = table[table["point"] == 1]
    assert first["verdict"].tolist() == [score.verdict for score in scores]
    assert first["trials"].tolist() == [2] * len(scores)
    path = write_table(table, tmp_path / "table.csv")
    assert pd.read_csv(path)["claim"].tolist() == table["claim"].tolist()
    pytest.importorskip("pyarrow")
    path = write_table(table, tmp_path / "table.parquet")
    assert pd.read_parquet(path)["claim"].tolist() == table["claim"].tolist()


@pytest.mark.slow
def test_an_array_of_slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in sbatch runs the tasks of the array, as Slurm would, one after another."""
    written = plan(tmp_path / "plan", "trials=2,3,4")
    work_on(written, written.point(2), "round")
    tools = tmp_path / "tools"
    tools.mkdir()
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    with pytest.raises(BackendMissing, match="there is no sbatch"):
        on_slurm(written)
    fake = tools / "sbatch"
    fake.write_text('#!/bin/sh\necho "$@" > "$0.log"\nsh "$2"\n')
    fake.chmod(0o755)
    script, _ = on_slurm(written, "--time=5", submit=False)
    text = script.read_text()
    assert "#SBATCH --array=1,3" in text
    assert "srun" not in text
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "3")
    on_slurm(written, "--time=5")
    assert (tools / "sbatch.log").read_text().split() == ["--time=5", str(script)]
    assert [p.status() for p in written.points()] == [Status.WAITING, Status.DONE, Status.DONE]
    script, _ = on_slurm(written, processes=4, submit=False)
    assert "exec srun --ntasks=4 " in script.read_text()
    fake.write_text("#!/bin/sh\necho no such partition >&2\nexit 1\n")
    with pytest.raises(DataError, match="sbatch refuses: no such partition"):
        on_slurm(written, "--partition=none")


@pytest.mark.parametrize(
    ("grid", "seeds", "kills"),
    [
        pytest.param(["trials=2,3,4"], 2, 1, marks=pytest.mark.slow),
        pytest.param(
            ["trials=2,3,4,5,6,7,8,9", "dt=0.8,0.4,0.2,0.1"], 2, 2, marks=pytest.mark.validate
        ),
    ],
    ids=["6 points", "64 points"],
)
def test_processes_that_are_killed_lose_nothing(
    tmp_path: Path, grid: list[str], seeds: int, kills: int
) -> None:
    """Of two processes some are killed. All points are done, each with its own results.

    Oracle: every experiment, run here without a plan.
    """
    written = plan(tmp_path / "plan", *grid, seeds=seeds)
    command = [sys.executable, "-m", "scnnbio", "work", str(tmp_path / "plan"), "--jobs", "2"]
    main = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    killed: set[str] = set()
    until = time.monotonic() + 60 * len(written)
    while main.poll() is None and time.monotonic() < until:
        # The next kill when so many points are done that it meets a process at work on another.
        done = sum(p.done for p in written.points())
        at_work = any(p.status() is Status.AT_WORK for p in written.points())
        if len(killed) < kills and at_work and done >= len(killed) * len(written) // (kills + 1):
            children = Path(f"/proc/{main.pid}/task/{main.pid}/children").read_text().split()
            if children and children[0] not in killed:
                os.kill(int(children[0]), signal.SIGKILL)
                killed.add(children[0])
        time.sleep(0.1)
    if main.poll() is None:
        main.terminate()
        pytest.fail(f"not done after {60 * len(written)} s")
    assert main.returncode == 0
    assert len(killed) == kills
    assert f"{len(written)} of {len(written)} points are done" in main.communicate()[0]
    for point in written.points() if kills > 1 else [written.point(len(written))]:
        direct = load(FILE, settings=list(point.settings), seed=point.seed)
        expected = workflow.execute(direct, "reference").recording.digest()
        assert workflow.load_results(point.run).recording.digest() == expected


@pytest.mark.slow
def test_workers_of_dask_execute_a_plan(tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    written = plan(tmp_path / "plan", "trials=2,3")
    with pytest.raises(DataError, match="no Dask scheduler answers"):
        on_dask(written, "nonsense://")
    cluster = distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
    )
    with cluster:
        written.point(1).run.write_text("in the way")
        assert on_dask(written, cluster.scheduler_address) == [written.point(1)]
        written.point(1).run.unlink()
        assert on_dask(written, cluster.scheduler_address) == []
    assert all(point.done for point in written.points())
