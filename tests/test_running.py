"""The front door: what a script calls, what it gets back, and what is refused."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

import scnnbio
from scnnbio import backends, workflow
from scnnbio.errors import BackendMissing, DataError, SpecError, UnsupportedError
from scnnbio.experiment import EXPERIMENTS
from tests.experiment.small import study

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def _faulty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(backends.BACKENDS.own, "picky", "tests.workflow.faulty:Picky")


def test_an_experiment_gives_a_run() -> None:
    """The same, however the backend is given; the expected value is the backend's own method."""
    experiment = study().experiments[0]
    expected = backends.get("reference").run(experiment)
    for backend in ("reference", "run=reference", backends.get("reference")):
        if backend == "run=reference":
            backend = f"{experiment.stage}=reference"
        found = scnnbio.run(experiment, backend, progress=False)
        assert isinstance(found, scnnbio.Run)
        assert found.recording.equals(expected.recording)


def test_a_study_gives_its_runs_by_stage_and_its_scores() -> None:
    expected = workflow.judge(workflow.execute(study(), "reference"))
    for results in (
        scnnbio.run(study(), "reference", progress=False),
        study().run(backends.get("reference"), progress=False),
    ):
        assert isinstance(results, scnnbio.Results)
        for stage, run in expected.runs.items():
            assert results[stage].recording.equals(run.recording)
            for name, weights in run.weights.items():
                np.testing.assert_array_equal(results[stage].weights[name], weights)
        assert [s.claim for s in results.scores] == [s.claim for s in expected.scores]
    with pytest.raises(SpecError, match="there is no stage 'lern'; did you mean 'learn'"):
        results["lern"]


@pytest.mark.slow
def test_each_stage_may_have_a_backend_of_its_own() -> None:
    results = scnnbio.run(study(), "reference,test=brian2", progress=False)
    assert results["learn"].provenance["backend"] == "reference"
    assert results["test"].provenance["backend"] == "brian2"


def test_without_a_backend_the_fastest_runs_as_on_the_command_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    experiment = study().experiments[0]
    # Without a compiler it is the runtime.
    monkeypatch.setattr(
        type(backends.get("brian2-standalone")), "missing", lambda self: "g++ not found"
    )
    assert scnnbio.run(experiment, progress=False).provenance["backend"] == "brian2"


def test_options_go_to_a_backend_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = study().experiments[0]
    monkeypatch.setitem(backends.BACKENDS.own, "forgetful", "tests.workflow.faulty:Forgetful")
    given = {"promise": "rounding"}
    for words in (("forgetful:promise=rounding", None), ("forgetful", given)):
        run = scnnbio.run(experiment, words[0], progress=False, options=words[1])
        assert run.provenance["options"] == given
    with pytest.raises(SpecError, match="reference is an instance, which already has its options"):
        scnnbio.run(experiment, backends.get("reference"), progress=False, options=given)


def test_what_cannot_run_is_refused_with_every_reason() -> None:
    with pytest.raises(UnsupportedError, match="not available on picky"):
        scnnbio.run(study(), backends.get("picky"), progress=False)
    with pytest.raises(SpecError, match="there is no backend 'brain2'; did you mean 'brian2'"):
        scnnbio.run(study(), "brain2", progress=False)
    with pytest.raises(SpecError, match="3 is neither a backend nor the name of one"):
        scnnbio.run(study(), 3, progress=False)  # type: ignore[call-overload]
    with pytest.raises(SpecError, match="give an Experiment or a Study, not str"):
        scnnbio.run("v1_features")  # type: ignore[call-overload]


@pytest.mark.parametrize("which", ["study", "experiment"])
def test_a_backend_that_is_not_installed_says_so(
    which: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = backends.get("reference")
    monkeypatch.setattr(type(target), "missing", lambda self: "a compiler is not installed")
    work = study() if which == "study" else study().experiments[0]
    with pytest.raises(BackendMissing, match="a compiler is not installed"):
        scnnbio.run(work, target, progress=False)


def test_progress_is_shown_handed_on_or_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    experiment = study().experiments[0]
    scnnbio.run(experiment, "reference", progress=False)
    assert capsys.readouterr().err == ""
    scnnbio.run(experiment, "reference")
    shown = capsys.readouterr()
    assert "done in" in shown.err
    assert shown.out == ""
    calls: list[tuple[str, float, float]] = []
    scnnbio.run(experiment, "reference", lambda *told: calls.append(told))
    assert capsys.readouterr().err == ""
    assert calls
    assert calls[-1][1] == calls[-1][2]


def test_an_installed_experiment_is_loaded_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert set(EXPERIMENTS.own) == {path.stem for path in (ROOT / "experiments").glob("*.toml")}
    # A folder of that name, as of a run's results, is not a document.
    monkeypatch.chdir(tmp_path)
    (tmp_path / "v1_features").mkdir()
    by_name = scnnbio.load("v1_features", profile="tiny")
    by_path = scnnbio.load(ROOT / "experiments" / "v1_features.toml", profile="tiny")
    assert by_name.name == "v1_features"
    assert by_name == by_path
    # A file comes before an installed name.
    study().save(tmp_path / "own")
    assert scnnbio.load("own").name == study().name
    with pytest.raises(SpecError, match="no file or experiment 'v1_featurs'; did you mean"):
        scnnbio.load("v1_featurs")
    with pytest.raises(DataError, match="cannot be read"):
        scnnbio.load(Path("v1_features"))


def test_the_version_is_that_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert scnnbio.__version__ == project["version"]


PUBLIC = ("stimuli", "encoding", "analysis", "figures", "recording", "connectors", "neurons",
          "plasticity", "backends")  # fmt: skip


def test_every_public_package_lists_its_names() -> None:
    for module in (scnnbio, *(importlib.import_module(f"scnnbio.{name}") for name in PUBLIC)):
        assert list(module.__all__) == sorted(set(module.__all__), key=module.__all__.index)
        assert set(module.__all__) <= set(dir(module)), module.__name__
        for name in module.__all__:
            assert getattr(module, name) is not None, (module.__name__, name)
    with pytest.raises(AttributeError, match="module 'scnnbio' has no attribute 'Populatoin'"):
        _ = scnnbio.Populatoin  # type: ignore[attr-defined]


def test_no_public_name_hides_a_module() -> None:
    """``scnnbio.analysis.irregularity`` is one thing, whatever was imported before."""
    for module in pkgutil.iter_modules(scnnbio.analysis.__path__):
        assert module.name not in scnnbio.analysis.__all__


@pytest.mark.slow
def test_importing_scnnbio_is_quick_and_loads_what_a_script_needs_alone() -> None:
    """Half a second of processor time is what the design allows."""
    code = (
        "import sys, time\nbegin = time.process_time()\nimport scnnbio\n"
        "took = time.process_time() - begin\n"
        "heavy = {'pandas', 'brian2', 'nest', 'matplotlib', 'numpy', 'pyNN', 'sympy'}\n"
        "print(took, *heavy & set(sys.modules))\n"
        "scnnbio.analysis, scnnbio.backends, scnnbio.stimuli\n"
        "print(*{'pandas', 'brian2', 'elephant'} & set(sys.modules))\n"
    )
    times = []
    for _ in range(3):  # of the quickest: what else the machine does slows the others
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        first, second = done.stdout.splitlines()
        took, *loaded = first.split()
        assert (loaded, second) == ([], "")
        times.append(float(took))
    assert min(times) < 0.5
