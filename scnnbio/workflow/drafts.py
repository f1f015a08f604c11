"""Checkpoints of an unfinished run, from which it can be resumed after it was killed.

A run writes a draft folder, which becomes the results folder when it is complete. Until then
``<draft>/.kept`` holds the study, the finished stages, and the checkpoint of the stage that runs.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scnnbio.backends._lock import locked
from scnnbio.errors import DataError, unwritable
from scnnbio.experiment import Experiment, Run, Study, load
from scnnbio.experiment.weights import read_weights, write_weights
from scnnbio.recording import Recording
from scnnbio.workflow.folder import (
    CHECKPOINTS,
    drafts_of,
    is_draft,
    place_of,
    read_json,
    remove_old,
    results_folder,
    write_json,
)
from scnnbio.workflow.origin import Origin, check_unchanged, is_origin


@dataclass(frozen=True, eq=False)
class Draft:
    """The folder that a run writes until its results are complete.

    Parameters
    ----------
    path : Path
        The folder itself; it becomes the results.
    study : Study
    backend : str
        As the user named it.
    options : mapping of str to object
        Options of the backend.
    replace : bool
        Replace an older results folder.
    origin : mapping
        Date, command and files; see :mod:`scnnbio.workflow.origin`.
    """

    path: Path
    study: Study
    backend: str
    options: Mapping[str, Any] = field(default_factory=dict)
    replace: bool = False
    origin: Origin = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Folder of checkpoints and finished stages."""
        return self.path / CHECKPOINTS

    def begin(self) -> None:
        """Write the study, and the arguments of the run."""
        self.study.save(self.folder / "experiment.toml")
        what = {
            "backend": self.backend,
            "options": dict(self.options),
            "replace": self.replace,
            "origin": self.origin,
            "stages": {e.stage: e.digest() for e in self.study.experiments},
        }
        write_json(self.folder / "run.json", what)

    @classmethod
    def read(cls, draft: Path) -> Draft:
        """Read the draft of an unfinished run.

        Raises
        ------
        DataError
            If it cannot be read, or its experiments have changed since the run began.
        """
        place = draft / CHECKPOINTS
        what = read_json(place / "run.json")
        parts = {"backend", "options", "replace", "origin", "stages"}
        if (
            not isinstance(what, dict)
            or set(what) != parts
            or not isinstance(what["backend"], str)
            or not isinstance(what["options"], dict)
            or not isinstance(what["replace"], bool)
            or not is_origin(what["origin"])
        ):
            raise DataError(
                "is damaged; remove its folder, and run the experiment again",
                where=str(place / "run.json"),
            )
        study = load(place / "experiment.toml")
        if {e.stage: e.digest() for e in study.experiments} != what["stages"]:
            raise DataError(
                "its experiments have changed since the run began (another version of scnnbio, or"
                " changed files); remove this folder, and run the experiment again",
                where=str(draft),
            )
        check_unchanged(study, what["origin"], str(draft))
        return cls(draft, study, what["backend"], what["options"], what["replace"], what["origin"])

    def remove_leftovers(self) -> None:
        """Remove what a killed process wrote of the results, which are written anew."""
        for place in self.path.iterdir():
            if place.name == CHECKPOINTS:
                continue
            if os.path.isdir(place) and not place.is_symlink():
                shutil.rmtree(place)
            else:
                place.unlink()

    def checkpoint(self, stage: str) -> Path:
        """Folder for the checkpoints of a stage; created if absent."""
        place = self.folder / stage / "checkpoint"
        place.mkdir(parents=True, exist_ok=True)
        return place

    def save(self, run: Run) -> None:
        """Store a finished stage, and remove its checkpoint."""
        place = self.folder / run.experiment.stage
        part = place / "part"
        shutil.rmtree(part, ignore_errors=True)
        try:
            part.mkdir(parents=True)
            run.recording.save(part / "recording.h5")
            write_weights(part / "weights.npz", {"learned": run.weights})
            write_json(part / "run.json", dict(run.provenance))
            part.rename(place / "done")
        except OSError as error:
            if isinstance(error, DataError):
                raise
            raise unwritable(error, part) from None
        shutil.rmtree(place / "checkpoint", ignore_errors=True)

    def load(self, experiment: Experiment) -> Run | None:
        """Run of a stage that was finished before the interruption, or None."""
        place = self.folder / experiment.stage / "done"
        if not os.path.isdir(place):
            return None
        provenance = read_json(place / "run.json")
        if not isinstance(provenance, dict) or provenance.get("experiment") != experiment.digest():
            raise DataError(
                "belongs to another experiment; remove the draft, and run the experiment again",
                where=str(place),
            )
        recording = Recording.load(place / "recording.h5")
        learned = read_weights(place / "weights.npz")
        weights = {name.split("/", 1)[1]: values for name, values in learned.items()}
        return Run(experiment, recording, weights, provenance)


def resumable(draft: Path) -> bool:
    """Whether a draft can be resumed: it holds a finished stage or a checkpoint."""
    place = draft / CHECKPOINTS
    kept = ("*/done/run.json", "*/checkpoint/state", "*/checkpoint/*/state")
    return any(file for pattern in kept for file in place.glob(pattern))


def unfinished_runs(parent: Path) -> dict[Path, Path]:
    """Drafts in a folder whose runs were killed, with the results folder of each.

    What else killed processes left there is removed: drafts that cannot be resumed, such as those
    of comparisons, checkpoints of finished runs, and old results that were replaced.

    Parameters
    ----------
    parent : pathlib.Path

    Returns
    -------
    dict
        Results folder that a run was to write, by its draft.
    """
    found = {}
    for file in sorted(parent.glob(f"*/{CHECKPOINTS}/lock")):
        folder = file.parents[1]
        # A locked draft belongs to a running process; a draft may also vanish meanwhile.
        with contextlib.suppress(DataError), locked(file):
            if not is_draft(folder):
                shutil.rmtree(file.parent, ignore_errors=True)
            elif resumable(folder):
                found[folder] = results_folder(folder)
            else:
                shutil.rmtree(folder, ignore_errors=True)
    remove_old(parent)
    return found


def find_draft(path: Path) -> Draft:
    """Find the draft of the unfinished run that was to write a results folder.

    Parameters
    ----------
    path : Path
        The results folder.

    Raises
    ------
    DataError
        If there is no such draft that can be resumed, or more than one.
    """
    path = place_of(path)
    drafts = [draft for draft in drafts_of(path) if resumable(draft)]
    if not drafts:
        finished = os.path.exists(path / "run.json")
        what = "the run is finished" if finished else "no unfinished run was to write this folder"
        raise DataError(f"{what}: nothing to resume", where=str(path))
    if len(drafts) > 1:
        raise DataError(
            f"several unfinished runs were to write this folder; remove all but one of"
            f" {', '.join(str(d) for d in sorted(drafts))}",
            where=str(path),
        )
    return Draft.read(drafts[0])
