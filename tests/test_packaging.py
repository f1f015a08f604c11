"""The version in one place; and what is built installs from a file, and runs."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

import scnnbio

ROOT = Path(__file__).parent.parent


def test_the_version_is_that_of_pyproject() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        version = tomllib.load(file)["project"]["version"]
    assert scnnbio.__version__ == importlib.metadata.version("scnnbio") == version
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.findall(r"^version: (.*)$", citation, re.MULTILINE) == [version]
    # Nowhere in the code: what stands there once is out of date twice.
    for path in (ROOT / "scnnbio").rglob("*.py"):
        assert f'"{version}"' not in path.read_text(encoding="utf-8"), path


def test_authors_are_named_without_numbers() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert "orcid" not in citation.lower()
    assert "authors:" in citation


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A wheel and an sdist, by their endings, built from a copy of the tracked files."""
    folder = tmp_path_factory.mktemp("dist")
    source = folder / "source"
    source.mkdir()
    tracked = subprocess.run(
        ["git", "archive", "HEAD"], cwd=ROOT, capture_output=True, check=True
    ).stdout
    subprocess.run(["tar", "x", "-C", str(source)], input=tracked, check=True)
    for code in ("build_wheel", "build_sdist"):
        program = f"from setuptools.build_meta import {code} as b; b({str(folder)!r})"
        subprocess.run([sys.executable, "-c", program], cwd=source, check=True, capture_output=True)
    return {"wheel": next(folder.glob("*.whl")), "sdist": next(folder.glob("*.tar.gz"))}


@pytest.mark.slow
def test_wheel_and_sdist_hold_the_experiments_and_the_data(built: dict[str, Path]) -> None:
    with zipfile.ZipFile(built["wheel"]) as archive:
        wheel = set(archive.namelist())
    with tarfile.open(built["sdist"]) as archive:
        sdist = {name.partition("/")[2] for name in archive.getnames()}
    for path in (ROOT / "experiments").iterdir():
        if path.suffix in (".toml", ".npz"):
            assert f"scnnbio_experiments/{path.name}" in wheel
            assert f"experiments/{path.name}" in sdist
    # Everything that is tracked in the package, code and data, but nothing else of the tree.
    tracked = subprocess.run(
        ["git", "ls-files", "scnnbio"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    missing = [name for name in tracked if name not in wheel or name not in sdist]
    assert not missing
    assert not [name for name in wheel if name.startswith(("tests", "docs"))]


@pytest.mark.validate
@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_it_installs_from_a_file_and_runs(
    kind: str, built: dict[str, Path], tmp_path: Path
) -> None:
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "env")], check=True)
    python = tmp_path / "env" / "bin" / "python"
    subprocess.run(
        [str(python), "-m", "pip", "install", "--quiet", str(built[kind])], check=True, cwd=tmp_path
    )
    done = subprocess.run(
        [
            *(str(python.parent / "scnnbio"), "run", "v1_features", "--profile", "tiny"),
            *("--backend", "brian2", "--out", "run"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert {"run.json", "recording.h5", "report.html"} <= {
        path.name for path in (tmp_path / "run").iterdir()
    }
