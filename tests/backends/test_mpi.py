"""NEST in several processes gives what it gives in one, to the last bit; ``make test-mpi``.

The oracle is one process, which test_nest.py holds against the reference.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from scnnbio import backends
from tests.backends.mpi_program import flat, layers
from tests.backends.nest_cases import need_mpi, need_nest
from tests.experiment.small import study

need_nest()
need_mpi()

pytestmark = [pytest.mark.nest, pytest.mark.mpi, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
Done = subprocess.CompletedProcess[str]
Start = Callable[..., Done]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def isolated_environment(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCNNBIO_CACHE", str(cache))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("COLUMNS", "200")


def words(n: int, *rest: object) -> list[str]:
    """``mpiexec -n N python ...``, with the mpiexec of this environment."""
    beside = Path(sys.executable).with_name("mpiexec")
    mpiexec = str(beside) if beside.exists() else shutil.which("mpiexec")
    assert mpiexec, "there is no mpiexec"
    return [mpiexec, "-n", str(n), sys.executable, *map(str, rest)]


def finished(command: list[str], **environment: str) -> Done:
    """Run to its end; processes that wait for one another would never reach it."""
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environment},
        capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip


def program(n: int, deed: str, out: Path, **environment: str) -> Done:
    out.mkdir(exist_ok=True)
    command = words(n, "-m", "tests.backends.mpi_program", deed, out)
    return finished(command, **environment)


def scnnbio(*rest: object) -> list[str]:
    return ["-c", "from scnnbio.cli import main; main()", *map(str, rest)]


def assert_identical(ours: Path, oracle: dict[str, np.ndarray]) -> None:
    with np.load(ours) as found:
        assert set(found.files) == set(oracle)
        for name, values in oracle.items():
            np.testing.assert_array_equal(found[name], values, err_msg=name)


@pytest.fixture(scope="module")
def alone(cache: Path) -> dict[str, np.ndarray]:
    """The network of three layers in one process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCNNBIO_CACHE", str(cache))
        found = flat(backends.get("nest", {"threads": 1}).run(layers()))
    # Each part has something to show.
    assert min(found[f"{name}.count"] for name in ("v1", "pool", "top")) > 20
    start = layers().network.projection("lgn_v1").kernel
    assert np.abs(found["lgn_v1.learned"] - start).max() > 0.01
    assert np.ptp(found["v1.learned"]) > 0
    return found


@pytest.mark.parametrize(("processes", "threads"), [(2, 1), (3, 1), (2, 2)])
def test_a_script_gets_the_same_in_every_process(
    processes: int, threads: int, alone: dict[str, np.ndarray], tmp_path: Path
) -> None:
    done = program(processes, "many_layers", tmp_path, OMP_NUM_THREADS=str(threads))
    assert done.returncode == 0, done.stderr
    for rank in range(processes):
        assert_identical(tmp_path / f"{rank}.npz", alone)


def test_one_process_of_three_layers_fires_as_the_reference(alone: dict[str, np.ndarray]) -> None:
    oracle = flat(backends.get("reference").run(layers()))
    assert set(oracle) == set(alone)
    for name, values in oracle.items():
        np.testing.assert_allclose(alone[name], values, rtol=0, atol=1e-9, err_msg=name)


def test_static_synapses_are_dealt_out_too(tmp_path: Path) -> None:
    for n in (1, 2):
        done = program(n, "one_synapse_a_place", tmp_path / str(n))
        assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "1" / "0.npz") as oracle, np.load(tmp_path / "2" / "1.npz") as ours:
        assert oracle["v1.count"] > 20
        for name in oracle.files:
            np.testing.assert_allclose(ours[name], oracle[name], rtol=0, atol=1e-9, err_msg=name)


def test_processes_that_built_different_networks_are_told(
    alone: dict[str, np.ndarray], tmp_path: Path
) -> None:
    done = program(2, "other_networks", tmp_path)
    assert done.returncode == 0, done.stderr
    for rank in (0, 1):
        text = (tmp_path / f"{rank}.txt").read_text()
        assert "2 processes do not run the same experiment" in text
        assert_identical(tmp_path / f"{rank}.npz", alone)


def test_one_that_fails_ends_all_and_says_why(tmp_path: Path) -> None:
    done = program(2, "one_fails", tmp_path)
    assert done.returncode != 0
    assert "error: process 1 of 2:" in done.stderr
    assert "MemoryError: no room for spikes" in done.stderr


def test_without_mpi4py_nothing_is_run(tmp_path: Path) -> None:
    done = program(2, "without_mpi4py", tmp_path)
    assert done.returncode != 0
    assert "BackendMissing" in done.stderr
    for rank in (0, 1):
        text = (tmp_path / f"{rank}.txt").read_text()
        assert "there are 2 processes; mpi4py" in text
        assert "pip install '.[mpi]'" in text


def test_a_missing_compiler_is_told_once(tmp_path: Path) -> None:
    study().save(tmp_path / "own.toml")
    command = words(
        2, *scnnbio("run", tmp_path / "own.toml", "--backend", "nest", "--out", tmp_path / "run")
    )
    found = finished(command, MPICXX="no-such-mpicxx", SCNNBIO_CACHE=str(tmp_path / "cache"))
    assert found.returncode == 3
    assert found.stderr.count("error:") == 1
    assert "'no-such-mpicxx', was not found" in found.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["own.toml"]


def _values(item: h5py.Dataset | h5py.Group) -> object:
    return item[()].tolist() if isinstance(item, h5py.Dataset) else None


def content(folder: Path) -> dict[str, object]:
    """All that a run's folder holds, but for how long it took and on what."""
    found: dict[str, object] = {
        str(path.relative_to(folder)): None for path in folder.rglob("*") if path.is_file()
    }
    with h5py.File(folder / "recording.h5") as file:
        # As text, in which what is no number is equal to itself.
        file.visititems(lambda name, item: found.__setitem__(name, repr(_values(item))))
    with np.load(folder / "weights.npz") as weights:
        found |= {name: weights[name].tolist() for name in weights.files}
    told = json.loads((folder / "run.json").read_text())
    for name in ("seed", "input_spikes", "output_spikes"):
        found[name] = told[name]
    found["stages"] = {name: row["experiment"] for name, row in told["stages"].items()}
    found["scores"] = (folder / "scores.json").read_text()
    return found


@pytest.fixture(scope="module")
def run_alone(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study's folder, written by one process; and the study beside it."""
    folder = tmp_path_factory.mktemp("studies")
    study().save(folder / "own.toml")
    done = finished(
        [sys.executable, *scnnbio("run", folder / "own.toml", "-b", "nest", "--out", folder / "1")],
        SCNNBIO_CACHE=str(cache),
    )
    assert done.returncode == 0, done.stderr
    return folder / "1"


@pytest.mark.parametrize("backend", ["nest", "reference,test=nest"])
def test_a_command_writes_one_folder_with_the_same_in_it(
    backend: str, run_alone: Path, tmp_path: Path
) -> None:
    study = run_alone.parent / "own.toml"
    command = words(2, *scnnbio("run", study, "-b", backend, "--out", tmp_path / "2"))
    done = finished(command)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["2"], "no draft is left"
    assert done.stdout.count("report:") == 1
    told = json.loads((tmp_path / "2" / "run.json").read_text())["stages"]
    assert told["test"]["processes"] == 2
    ours, oracle = content(tmp_path / "2"), content(run_alone)
    if backend == "nest":
        assert ours == oracle
    else:
        assert "processes" not in told["learn"]
        for name in ("input_spikes", "output_spikes"):
            assert ours[name] == oracle[name]


def test_processes_that_are_told_different_words_run_each_their_own(tmp_path: Path) -> None:
    study().save(tmp_path / "own.toml")
    code = (
        "import os, sys; sys.argv[-1] += os.environ['PMI_RANK'];"
        "from scnnbio.cli import main; main()"
    )
    rest = ("run", tmp_path / "own.toml", "--backend", "reference", "--out", tmp_path / "run")
    done = finished(words(2, "-c", code, *rest))
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("report:") == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["own.toml", "run0", "run1"]


def test_backends_are_compared_by_one_process(run_alone: Path, tmp_path: Path) -> None:
    rest = ("--backends", "reference,nest", "--strict", "--out", tmp_path / "compared")
    done = finished(words(2, *scnnbio("compare", run_alone.parent / "own.toml", *rest)))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("report:") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["compared"]


def test_ctrl_c_ends_all_and_leaves_nothing(run_alone: Path, tmp_path: Path) -> None:
    long = ("--set", "stages.learn.stimulus.n_trials=1000000")
    study = run_alone.parent / "own.toml"
    command = words(2, *scnnbio("run", study, "-b", "nest", "--out", tmp_path / "run", *long))
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as job:
        until = time.monotonic() + 60
        while not any(tmp_path.glob(".run.*/.kept/run.json")) and time.monotonic() < until:
            time.sleep(0.1)
        assert job.poll() is None
        job.send_signal(signal.SIGINT)
        assert job.wait(timeout=60) != 0
    assert list(tmp_path.iterdir()) == []


def test_the_script_of_the_documentation_says_the_same_in_one_process_and_two() -> None:
    told = [finished(words(n, "docs/how_to/mpi_run.py")) for n in (1, 2)]
    assert [done.returncode for done in told] == [0, 0], told[1].stderr
    one, two = (done.stdout.strip() for done in told)
    assert two == one.replace("1 processes", "2 processes")
    assert two.startswith("2 processes: ")
