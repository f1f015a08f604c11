"""A package that adds one of each kind to scnnbio, and touches no file of it.

It lies in tests/stranger, is installed into a temporary folder, and is what the page
docs/how_to/extending.md shows.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas
import pytest

from scnnbio import backends
from scnnbio.cli.listing import registries
from scnnbio.experiment import load
from scnnbio.experiment.study import study_from, study_table
from scnnbio.registry import Registry
from scnnbio.testing import contract
from scnnbio.workflow import load_results
from tests.packages import metadata

ROOT = Path(__file__).parent.parent
STRANGER = ROOT / "tests" / "stranger"
NAME = "scnnbio_stranger"


def entry_points() -> dict[str, dict[str, str]]:
    """Group → name → place, as the package declares them."""
    text = (STRANGER / "pyproject.toml").read_text(encoding="utf-8")
    found: dict[str, dict[str, str]] = tomllib.loads(text)["project"]["entry-points"]
    return found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder on the path with the package as pip would install it."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(STRANGER / NAME, folder / NAME, ignore=shutil.ignore_patterns("__pycache__"))
    metadata(folder, "scnnbio-stranger", entry_points())
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == NAME]:
        del sys.modules[name]


def added(kind: Registry) -> list[str]:
    return [entry.name for entry in kind.entries() if entry.package == "scnnbio-stranger 1.0"]


@pytest.mark.parametrize("kind", registries(), ids=lambda kind: kind.group)
def test_it_adds_one_of_each_kind(site: Path, kind: Registry) -> None:
    (name,) = added(kind)
    assert name in kind
    assert kind.fault(name) == ""
    assert kind.choose(name) is kind[name]


def test_no_file_of_scnnbio_knows_of_it() -> None:
    """The cost of each kind, in files of scnnbio that name the package or its entry: 0."""
    names = [name for group in entry_points().values() for name in group]
    code = [path for folder in ("scnnbio", "models") for path in (ROOT / folder).rglob("*.py")]
    assert len(code) > 250
    for path in code:
        text = path.read_text(encoding="utf-8")
        touched = [name for name in (NAME, *names) if f'"{name}"' in text]
        assert not touched, f"{path} names {touched}"


def test_the_page_shows_the_whole_package() -> None:
    page = ROOT / "docs" / "how_to" / "extending.md"
    text = page.read_text(encoding="utf-8")
    shown = [page.parent / path for path in re.findall(r"```{literalinclude} (\S+)\n", text)]
    package = {p for p in (STRANGER / NAME).iterdir() if p.is_file() and p.stem != "__init__"}
    assert {path.resolve() for path in shown} == {*package, STRANGER / "pyproject.toml"}
    assert len(set(shown)) == len(shown)
    rows = dict(re.findall(r"^\| ([a-z ]+) \| `(scnnbio\.[a-z]+)` \|", text, re.MULTILINE))
    assert rows == {kind.what: kind.group for kind in registries()}


@pytest.mark.slow
def test_pip_installs_what_the_other_tests_use(site: Path, tmp_path: Path) -> None:
    """From the folder, without a network: the same entry points and files."""
    pytest.importorskip("setuptools", minversion="77")
    source, target = tmp_path / "source", tmp_path / "target"
    # A build leaves files behind.
    shutil.copytree(STRANGER, source, ignore=shutil.ignore_patterns("__pycache__"))
    words = ["pip", "install", "--no-index", "--no-deps", "--no-build-isolation", "--target"]
    done = subprocess.run(
        [sys.executable, "-m", *words, str(target), str(source)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    one, other = (
        next(iter(importlib.metadata.distributions(name="scnnbio-stranger", path=[str(place)])))
        for place in (site, target)
    )
    assert (one.name, one.version) == (other.name, other.version)
    points = [{(p.group, p.name, p.value) for p in d.entry_points} for d in (one, other)]
    assert points[0] == points[1]
    files = [{p.name for p in (place / NAME).iterdir() if p.is_file()} for place in (site, target)]
    assert files[0] == files[1]


@pytest.mark.slow
def test_its_backend_keeps_the_contract(site: Path) -> None:
    """What it declares is as the reference does it; the rest it refuses with a remedy."""
    found = contract.judge(backends.get("matrix"))
    wrong = {str(feature): told for feature, told in found.items() if told}
    assert not wrong
    assert len(backends.kind("matrix").supports) >= 15


def test_its_document_comes_back_as_it_was_written(site: Path) -> None:
    study = load("rings")
    again = study_from(study_table(study))
    assert [e.digest() for e in again.experiments] == [e.digest() for e in study.experiments]
    text = str(study_table(study))
    kinds = ("LIF_slow", "rings", "steady", "metronome", "ring", "anti-hebbian")
    assert all(f"'{kind}'" in text for kind in kinds)


def test_its_model_is_a_network_by_name(site: Path) -> None:
    table = {"network": {"model": "two-senses", "parameters": {"maps": 2, "seed": 3}}}
    rings = study_table(load("rings"))
    study = study_from({**rings, **table})
    assert study.experiments[0].network.population("layer").shape == (2, 6, 6)


def command(site: Path, *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own, as a user calls it."""
    path = os.pathsep.join([str(site), str(ROOT)])
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "scnnbio", *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": path},
    )


@pytest.mark.slow
def test_its_experiment_runs_on_the_command_line(site: Path, tmp_path: Path, invoke) -> None:
    ran = command(site, "run", "rings", "-b", "reference,test=matrix", "--out", "out", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "out" / "report.html").is_file()
    results = load_results(tmp_path / "out")
    tested = results["test"]
    assert tested.provenance["backend"] == "matrix"
    # Which package the parts of a run are of, and its version.
    for stage in ("learn", "test"):
        assert results[stage].provenance["versions"]["scnnbio-stranger"] == "1.0"
    spikes = tested.recording.spikes["layer"]
    assert len(spikes) > 500
    # The same network on the oracle. Weights are drawn, so that no potential meets its threshold.
    expected = backends.get("reference").run(tested.experiment).recording.spikes["layer"]
    for column in ("time", "unit", "trial"):
        np.testing.assert_array_equal(getattr(spikes, column), getattr(expected, column))
    (score,) = results.scores
    assert (score.claim, score.verdict, score.source) == ("keeps_refractory", "agrees", "design")
    # Two milliseconds are held, and the next step is the first that may fire.
    assert score.prediction["lowest"] >= 2.5
    table = pandas.read_csv(tmp_path / "out" / "measures.csv")
    assert {"shortest_interval", "interval_cv"} <= set(table["measure"])
    assert (tmp_path / "out" / "figures" / "shortest_intervals.pdf").is_file()
    code, drawn, _ = invoke("figures", tmp_path / "out", "shortest_intervals")
    assert code == 0
    assert "shortest_intervals.png" in "".join(drawn.split())
    learned = results["learn"].weights["lgn_layer"]
    before = results["learn"].experiment.network.projection("lgn_layer").kernel
    assert np.abs(learned - before).max() > 0.01


def test_the_command_line_knows_its_names(site: Path, invoke) -> None:
    code, out, _ = invoke("list")
    told = " ".join(out.split())
    assert code == 0
    for group, entries in entry_points().items():
        for name in entries:
            assert f"{name} scnnbio-stranger 1.0 yes" in told, group
    assert invoke("check", "rings", "--backend", "reference")[0] == 0
    code, out, _ = invoke("check", "rings", "--backend", "matrix")
    assert code == 3
    assert "a learning rule of another kind is not available on matrix" in out
    assert invoke("explain", "LIF_slow")[0] == 0
