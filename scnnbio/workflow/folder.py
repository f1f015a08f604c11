"""The results folder of a run: written completely or not at all; reading it runs no code."""

from __future__ import annotations

import contextlib
import errno
import glob
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from scnnbio.analysis.receptive_fields import KernelMeasures
from scnnbio.backends._lock import held, locked
from scnnbio.digests import update_digests
from scnnbio.errors import DataError, SpecError, unwritable
from scnnbio.experiment import Report, Run, Study, load
from scnnbio.experiment.weights import read_weights, write_weights
from scnnbio.files import write_atomically
from scnnbio.recording import Recording
from scnnbio.validation.scores import Score
from scnnbio.validation.table import measure_rows, write_rows
from scnnbio.workflow.origin import KEYS, is_origin
from scnnbio.workflow.results import Results

#: Between the name of a folder that is replaced and the random end of where it is moved to.
_OLD = ".replaced."
#: Folder of a draft with its lock, and with the checkpoints and finished stages of a run.
CHECKPOINTS = ".kept"
_DRAFT = re.compile(r"\..+\.\w+")


@contextlib.contextmanager
def new_folder(
    path: Path,
    *,
    replace: bool = False,
    marker: str = "run.json",
    draft: Path | None = None,
    keep_draft: Callable[[Path], bool] = lambda draft: False,
) -> Iterator[Path]:
    """Create a folder that appears under its name only when it is complete.

    Parameters
    ----------
    path : Path
        Must not exist, or be an empty folder, unless ``replace``.
    replace : bool
        Replace an old folder, once the new one is complete. Only a folder that contains the file
        ``marker`` is ever replaced.
    marker : str
        File that identifies a folder of this kind.
    draft : Path, optional
        Draft of an earlier attempt, to continue.
    keep_draft : callable, optional
        Given the draft, returns whether to keep it after an error.

    Yields
    ------
    Path
        The draft folder to write, beside ``path``; renamed at the end, removed after an error. It
        is locked until then, so that no other process resumes or removes it.

    Raises
    ------
    DataError
        If ``path`` exists or cannot be written, another process holds the draft or another one of
        the same folder, or something else has written the folder meanwhile.
    """
    try:
        path = place_of(path)
        if os.path.islink(path):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        _check_free(path, marker if replace else None)
        path.parent.mkdir(parents=True, exist_ok=True)
        if draft is None:
            draft = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    except (OSError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(
            f"cannot be written ({_reason(error)}); choose another --out", where=str(path)
        ) from None
    with lock_draft(draft):
        try:
            _check_alone(draft, path)
            yield draft
            draft.chmod(0o755)
            if not replace and os.path.exists(path) and any(path.iterdir()):
                left = "move it, and resume this run" if keep_draft(draft) else "run this again"
                raise DataError(
                    f"was written by something else meanwhile, and is not replaced; {left}",
                    where=str(path),
                )
            # Checkpoints are removed last: until then, a killed run can be resumed.
            _rename_finished(draft, path)
            shutil.rmtree(path / CHECKPOINTS, ignore_errors=True)
        except OSError as error:
            if isinstance(error, DataError):
                raise
            left = "finished parts are kept" if keep_draft(draft) else "the draft was removed"
            raise DataError(
                f"could not be written completely ({_reason(error)}); {left}", where=str(path)
            ) from None
        finally:
            if not keep_draft(draft):
                shutil.rmtree(draft, ignore_errors=True)


@contextlib.contextmanager
def lock_draft(draft: Path) -> Iterator[None]:
    """Lock a draft, so that no other process resumes or removes it.

    Raises
    ------
    DataError
        If another process holds the lock.
    """
    try:
        (draft / CHECKPOINTS).mkdir(exist_ok=True)
    except OSError as error:
        raise unwritable(error, draft) from None
    with locked(draft / CHECKPOINTS / "lock"):
        yield


def place_of(path: Path) -> Path:
    """The absolute path of a folder; of a link, that of the folder to which it points."""
    path = path.absolute()
    return Path(os.path.realpath(path)) if os.path.islink(path) else path


def is_draft(folder: Path) -> bool:
    """Whether a folder has the name of a draft, ``.name.random``."""
    return _DRAFT.fullmatch(folder.name) is not None


def results_folder(draft: Path) -> Path:
    """The results folder that a draft becomes: ``name`` for a draft ``.name.random``."""
    return draft.with_name(draft.name[1:].rpartition(".")[0])


def drafts_of(path: Path) -> list[Path]:
    """Folders that become the results folder ``path``, an absolute one."""
    inside = sorted(os.listdir(path.parent)) if os.path.isdir(path.parent) else []
    found = [path.with_name(name) for name in inside if name.startswith(f".{path.name}.")]
    return [draft for draft in found if os.path.isdir(draft) and results_folder(draft) == path]


def _check_alone(draft: Path, path: Path) -> None:
    """Raise if another process has a draft of the same folder: one would replace the other's."""
    for other in drafts_of(path):
        if other != draft and held(other / CHECKPOINTS / "lock"):
            raise DataError(
                "another process is at work on this folder; choose another --out", where=str(path)
            )


def _check_free(path: Path, marker: str | None) -> None:
    """Raise unless ``path`` is free, or holds an old folder that may be replaced."""
    if not os.path.exists(path) or (os.path.isdir(path) and not any(path.iterdir())):
        return
    if marker is None:
        raise DataError("exists already; choose another --out, or add --force", where=str(path))
    if not os.path.isfile(path / marker):
        what = "run" if marker == "run.json" else "comparison"
        raise DataError(
            f"is not the folder of a {what}, so it is not replaced; choose another --out",
            where=str(path),
        )


def _reason(error: Exception) -> str:
    if isinstance(error, FileExistsError):  # mkdir's error if a parent is a file
        return os.strerror(errno.ENOTDIR)
    return getattr(error, "strerror", None) or str(error)


def _rename_finished(draft: Path, path: Path) -> None:
    """Rename a finished folder; an old one is removed only when the new one is in place."""
    if not os.path.exists(path):
        draft.replace(path)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{path.name}{_OLD}", dir=path.parent))
    path.replace(old / path.name)
    try:
        draft.replace(path)
    except OSError:
        (old / path.name).replace(path)
        raise
    finally:
        shutil.rmtree(old, ignore_errors=True)


def remove_old(parent: Path) -> None:
    """Finish what processes did not that were killed as they replaced a folder.

    Replaced folders are removed. One that nothing took the place of goes back, unless a draft may
    still do so.
    """
    for old in parent.glob(f".*{_OLD}{'?' * 8}"):
        name = old.name[1:].rpartition(_OLD)[0]
        if [place.name for place in old.glob("*")] != [name]:
            continue
        if os.path.exists(parent / name):
            shutil.rmtree(old, ignore_errors=True)
        elif all(_OLD in place.name for place in parent.glob(f".{glob.escape(name)}.*")):
            with contextlib.suppress(OSError):
                (old / name).replace(parent / name)
                old.rmdir()


def write_runs(results: Results, folder: Path, provenance: dict[str, Any]) -> None:
    """Write provenance, study, recording and weights."""
    write_json(folder / "run.json", provenance)
    results.study.save(folder / "experiment.toml")
    results.recording.save(folder / "recording.h5")
    write_weights(
        folder / "weights.npz", {stage: run.weights for stage, run in results.runs.items()}
    )


def write_scores(results: Results, folder: Path) -> None:
    """Write scores, and the measures that they use."""
    scores, rows = folder / "scores.json", folder / "measures.csv"
    write_json(scores, [score.to_dict() for score in results.scores])
    measures = folder / "measures"
    try:
        measures.mkdir(exist_ok=True)
    except OSError as error:
        raise unwritable(error, measures) from None
    written = [scores, rows]
    for key, table in results.measures.items():
        written.append(measures / f"kernels_{key.replace('/', '.')}.csv")
        table.to_csv(written[-1])
    write_rows(rows, measure_rows(results.study.claims, results.evidence))
    update_digests(folder, written)


def write_json(path: Path, value: Any) -> None:
    """Write JSON, completely or not at all."""
    text = json.dumps(value, indent=2, allow_nan=False)
    try:
        write_atomically((text + "\n").encode(), path)
    except OSError as error:
        raise unwritable(error, path) from None


def load_results(folder: str | Path, report: Report | None = None) -> Results:
    """Read the results folder of an earlier run.

    Parameters
    ----------
    folder : str or Path
    report : callable, optional
        Called with the progress of fits of kernels, where they must be repeated.

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
                f"has no stage {stage.name!r}; run the experiment again",
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
        raise DataError(f"is damaged ({error}); create it again", where=str(path)) from None


def _read_study(path: Path) -> Study:
    try:
        return load(path)
    except SpecError as error:
        raise DataError(
            f"cannot be loaded by this version ({error}); run the experiment again",
            where=str(path),
        ) from None


def _read_provenance(path: Path) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """Provenance by stage, and the origin of the run."""
    whole = read_json(path)
    stages = whole.get("stages") if isinstance(whole, dict) else None
    if not isinstance(stages, dict) or not all(map(_is_provenance, stages.values())):
        raise DataError(
            "is damaged: the stages of a run are missing; run the experiment again",
            where=str(path),
        )
    origin = {key: whole[key] for key in KEYS if key in whole}
    if not is_origin(origin):
        raise DataError("is damaged: its list of files is none", where=str(path))
    return stages, origin


def _is_provenance(row: Any) -> bool:
    """Whether a table is the provenance of a stage, with values of the right kinds."""
    tables: dict[str, Any] = {
        "versions": str,
        "wall_seconds": (int, float),
        "output_spikes": int,
        "pathways": str,
    }
    return (
        isinstance(row, dict)
        and isinstance(row.get("backend"), str)
        and isinstance(row.get("input_spikes"), int)
        and isinstance(row.get("options", {}), dict)
        and all(
            isinstance(row.get(name), dict)
            and all(isinstance(value, kind) for value in row[name].values())
            for name, kind in tables.items()
        )
    )


def _read_scores(path: Path) -> tuple[Score, ...]:
    if not os.path.exists(path):
        return ()
    rows = read_json(path)
    try:
        return tuple(Score.from_dict(row) for row in rows)
    except (TypeError, ValueError):
        raise DataError(
            "is damaged: not a list of scores; remove it, and run 'scnnbio score' on the folder",
            where=str(path),
        ) from None
