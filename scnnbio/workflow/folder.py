"""A run's folder: written whole or not at all, and read back without running any code."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from scnnbio.analysis.receptive_fields import KernelMeasures
from scnnbio.errors import DataError, SpecError, unwritable
from scnnbio.experiment import Report, Run, Study, load
from scnnbio.experiment.weights import read_weights, write_weights
from scnnbio.files import put
from scnnbio.recording import Recording
from scnnbio.validation.scores import Score
from scnnbio.validation.table import measure_rows, write_rows
from scnnbio.workflow.origin import KEYS
from scnnbio.workflow.results import Results


@contextlib.contextmanager
def new_folder(
    path: Path,
    *,
    replace: bool = False,
    mark: str = "run.json",
    draft: Path | None = None,
    spare: Callable[[Path], bool] = lambda draft: False,
) -> Iterator[Path]:
    """A folder that appears under its name only when all of it has been written.

    Parameters
    ----------
    path : Path
        Must not exist, or be an empty folder, unless ``replace``.
    replace : bool
        Put the new folder in the place of an old one, once it is whole. Nothing but a folder with
        ``mark`` in it is ever replaced.
    mark : str
        File by which a folder of this kind is known.
    draft : Path, optional
        What an earlier attempt left, to go on with.
    spare : callable, optional
        Says of a draft whether it stays after an error.

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
    try:
        _check_free(path, mark if replace else None)
        path.parent.mkdir(parents=True, exist_ok=True)
        if draft is None:
            draft = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    except (OSError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(
            f"cannot be written ({_reason(error)}); choose another --out", where=str(path)
        ) from None
    try:
        yield draft
        draft.chmod(0o755)
        _put_in_place(draft, path)
    except OSError as error:
        if isinstance(error, DataError):
            raise
        left = "what was done is kept" if spare(draft) else "no part of it was left"
        raise DataError(
            f"could not be written whole ({_reason(error)}); {left}", where=str(path)
        ) from None
    finally:
        if not spare(draft):
            shutil.rmtree(draft, ignore_errors=True)


def _check_free(path: Path, mark: str | None) -> None:
    """Refuse a place that holds anything, but for an old folder that may be replaced."""
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        return
    if mark is None:
        raise DataError("exists already; choose another --out, or add --force", where=str(path))
    if not (path / mark).is_file():
        what = "run" if mark == "run.json" else "comparison"
        raise DataError(
            f"is not the folder of a {what}, so it is not replaced; choose another --out",
            where=str(path),
        )


def _reason(error: Exception) -> str:
    if isinstance(error, FileExistsError):  # what mkdir says of a file that stands in the way
        return os.strerror(errno.ENOTDIR)
    return getattr(error, "strerror", None) or str(error)


def _put_in_place(draft: Path, path: Path) -> None:
    """Rename a finished folder; an old one goes only when the new one is there."""
    if not path.exists():
        draft.replace(path)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{path.name}.old.", dir=path.parent))
    path.replace(old / path.name)
    try:
        draft.replace(path)
    except OSError:
        (old / path.name).replace(path)
        raise
    finally:
        shutil.rmtree(old, ignore_errors=True)


def write_runs(results: Results, folder: Path, provenance: dict[str, Any]) -> None:
    """Provenance, study, recording and weights."""
    write_json(folder / "run.json", provenance)
    results.study.save(folder / "experiment.toml")
    results.recording.save(folder / "recording.h5")
    write_weights(
        folder / "weights.npz", {stage: run.weights for stage, run in results.runs.items()}
    )


def write_scores(results: Results, folder: Path) -> None:
    """Scores, and the measures that they rest on."""
    write_json(folder / "scores.json", [score.to_dict() for score in results.scores])
    measures = folder / "measures"
    measures.mkdir(exist_ok=True)
    for key, table in results.measures.items():
        table.to_csv(measures / f"kernels_{key.replace('/', '.')}.csv")
    write_rows(folder / "measures.csv", measure_rows(results.study.claims, results.evidence))


def write_json(path: Path, value: Any) -> None:
    """Write JSON, whole or not at all."""
    text = json.dumps(value, indent=2, allow_nan=False)
    try:
        put((text + "\n").encode(), path)
    except OSError as error:
        raise unwritable(error, path) from None


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
    provenance, origin = _read_provenance(folder / "run.json")
    study = _read_study(folder / "experiment.toml")
    recording = Recording.load(folder / "recording.h5")
    weights = read_weights(folder / "weights.npz")
    runs: dict[str, Run] = {}
    for stage in study.stages:
        learned = {
            name.split("/", 1)[1]: values
            for name, values in weights.items()
            if name.startswith(f"{stage.name}/")
        }
        if stage.name not in provenance:
            raise DataError(
                f"says nothing of stage {stage.name!r}; run the experiment again",
                where=str(folder / "run.json"),
            )
        try:
            experiment = stage.ready(runs)
            experiment.network.with_weights(learned)
        except SpecError as error:
            raise DataError(
                f"does not fit the experiment: {error}", where=str(folder / "weights.npz")
            ) from None
        runs[stage.name] = Run(
            experiment, recording.select(stage=stage.name), learned, provenance[stage.name]
        )
    return Results(
        study,
        runs,
        measures={
            file.stem.removeprefix("kernels_").replace(".", "/"): KernelMeasures.from_csv(file)
            for file in sorted((folder / "measures").glob("kernels_*.*.csv"))
        },
        scores=_read_scores(folder / "scores.json"),
        report=report,
        origin=origin,
    )


def read_json(path: Path) -> Any:
    """Read JSON, or raise a DataError."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(
            f"cannot be read ({error.strerror}); is this the folder of a run?", where=str(path)
        ) from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"is damaged ({error}); make it anew", where=str(path)) from None


def _read_study(path: Path) -> Study:
    try:
        return load(path)
    except SpecError as error:
        raise DataError(
            f"does not describe the run any more ({error}); run the experiment again",
            where=str(path),
        ) from None


def _read_provenance(path: Path) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """Provenance by stage, and where the whole comes from."""
    whole = read_json(path)
    stages = whole.get("stages") if isinstance(whole, dict) else None
    needed = ("backend", "versions", "wall_seconds", "output_spikes", "pathways", "input_spikes")
    if not isinstance(stages, dict) or not all(
        isinstance(row, dict) and all(key in row for key in needed) for row in stages.values()
    ):
        raise DataError(
            "is damaged: the stages of a run are missing; run the experiment again",
            where=str(path),
        )
    return stages, {key: whole[key] for key in KEYS if key in whole}


def _read_scores(path: Path) -> tuple[Score, ...]:
    if not path.exists():
        return ()
    rows = read_json(path)
    try:
        return tuple(Score.from_dict(row) for row in rows)
    except (TypeError, ValueError):
        raise DataError(
            "is damaged: not a list of scores; remove it, and score the run again", where=str(path)
        ) from None
