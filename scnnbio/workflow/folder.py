"""A run's folder: written whole or not at all, and read back without running any code."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scnnbio.analysis.receptive_fields import KernelMeasures
from scnnbio.errors import DataError
from scnnbio.experiment import Report, Run, load
from scnnbio.recording import Recording
from scnnbio.validation.scores import Score
from scnnbio.workflow.results import Results


@contextmanager
def new_folder(path: Path, *, replace: bool = False) -> Iterator[Path]:
    """A folder that appears under its name only when all of it has been written.

    Parameters
    ----------
    path : Path
        Must not exist, or be an empty folder, unless ``replace``.
    replace : bool
        Put the new folder in the place of an old one, once it is whole.

    Yields
    ------
    Path
        Where to write, beside ``path``; moved there at the end, removed after an error.

    Raises
    ------
    DataError
        If the place is taken or cannot be written.
    """
    path = path.absolute()
    if path.exists() and not replace and (not path.is_dir() or any(path.iterdir())):
        raise DataError("exists already; choose another --out, or add --force", where=str(path))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    except OSError as error:
        raise DataError(
            f"cannot be written ({error.strerror}); choose another --out", where=str(path)
        ) from None
    try:
        yield draft
        draft.chmod(0o755)
        _put_in_place(draft, path)
    except OSError as error:
        if isinstance(error, DataError):
            raise
        raise DataError(
            f"could not be written whole ({error.strerror}); nothing was left behind",
            where=str(path),
        ) from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _put_in_place(draft: Path, path: Path) -> None:
    """Rename a finished folder; an old one goes only when the new one is there."""
    if not path.exists():
        os.replace(draft, path)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{path.name}.old.", dir=path.parent))
    os.replace(path, old / path.name)
    os.replace(draft, path)
    shutil.rmtree(old, ignore_errors=True)


def write_runs(results: Results, folder: Path, provenance: dict[str, Any]) -> None:
    """Provenance, study, recording and weights."""
    write_json(folder / "run.json", provenance)
    results.study.save(folder / "experiment.toml")
    results.recording.save(folder / "recording.h5")
    np.savez_compressed(
        folder / "weights.npz",
        **{
            f"{stage}/{n}": w for stage, run in results.runs.items() for n, w in run.weights.items()
        },
    )


def write_scores(results: Results, folder: Path) -> None:
    """Scores, and the measures of kernels that they rest on."""
    write_json(folder / "scores.json", [score.to_dict() for score in results.scores])
    measures = folder / "measures"
    measures.mkdir(exist_ok=True)
    for stage, table in results.measures.items():
        table.to_csv(measures / f"kernels_{stage}.csv")


def write_json(path: Path, value: Any) -> None:
    """Write JSON: to a file beside it first, so that what was there is never half gone."""
    draft = path.with_name(f".{path.name}")
    text = json.dumps(value, indent=2, allow_nan=False)
    try:
        draft.write_text(text + "\n", encoding="utf-8")
        os.replace(draft, path)
    except OSError as error:
        raise DataError(f"cannot be written: {error.strerror}", where=str(path)) from None


def load_results(folder: str | Path, report: Report | None = None) -> Results:
    """What an earlier run left in its folder.

    Parameters
    ----------
    folder : str or Path
    report : callable, optional
        Told how far the fits of kernels are, where they must be made again.

    Returns
    -------
    Results

    Raises
    ------
    DataError
        If a file is missing or damaged.
    """
    folder = Path(folder)
    provenance = _read_json(folder / "run.json")
    study = load(folder / "experiment.toml")
    recording = Recording.load(folder / "recording.h5")
    weights = _read_weights(folder / "weights.npz")
    runs = {}
    for stage in study.stages:
        learned = {
            name.split("/", 1)[1]: values
            for name, values in weights.items()
            if name.startswith(f"{stage.name}/")
        }
        runs[stage.name] = Run(
            stage.experiment,
            recording.select(stage=stage.name),
            learned,
            provenance["stages"][stage.name],
        )
    scores = folder / "scores.json"
    return Results(
        study,
        runs,
        measures={
            file.stem.removeprefix("kernels_"): KernelMeasures.from_csv(file)
            for file in sorted((folder / "measures").glob("kernels_*.csv"))
        },
        scores=tuple(map(Score.from_dict, _read_json(scores))) if scores.exists() else (),
        report=report,
    )


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(
            f"cannot be read ({error.strerror}); is this the folder of a run?", where=str(path)
        ) from None
    except ValueError as error:
        raise DataError(f"is damaged: {error}", where=str(path)) from None


def _read_weights(path: Path) -> dict[str, NDArray[np.float64]]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
        raise DataError(f"is damaged or missing: {error}", where=str(path)) from None
