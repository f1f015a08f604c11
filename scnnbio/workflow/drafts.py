"""What a run keeps in its draft on the way, so that it can go on after it was killed.

``<draft>/.kept`` holds the study, the stages that are finished, and the checkpoint of the one that
is not. It goes when the results are whole.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scnnbio.backends._lock import locked
from scnnbio.errors import DataError, unwritable
from scnnbio.experiment import Experiment, Run, Study, load
from scnnbio.experiment.weights import read_weights, write_weights
from scnnbio.recording import Recording
from scnnbio.workflow.folder import read_json, write_json
from scnnbio.workflow.origin import Origin, check_unchanged

_PLACE = ".kept"


@dataclass(frozen=True, eq=False)
class Draft:
    """The folder that a run writes until its results are whole.

    Parameters
    ----------
    path : Path
        The folder itself; it becomes the results.
    study : Study
    backend : str
        As the user named it, and its options.
    options : mapping of str to object
    replace : bool
        Whether an old folder of results gives way.
    origin : mapping
        When and by which command the run began, and the files it was made of.
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
        return self.path / _PLACE

    def begin(self) -> None:
        """Write down what is run."""
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
        """What a run that ended early has kept.

        Raises
        ------
        DataError
            If it cannot be read, or its experiments are not what they were when it began.
        """
        place = draft / _PLACE
        what = read_json(place / "run.json")
        parts = {"backend", "options", "replace", "origin", "stages"}
        if not isinstance(what, dict) or set(what) != parts:
            raise DataError("is damaged; remove the folder it is in", where=str(place / "run.json"))
        study = load(place / "experiment.toml")
        if {e.stage: e.digest() for e in study.experiments} != what["stages"]:
            raise DataError(
                "its experiments are not what they were when the run began (another version of"
                " scnnbio, or other files that it names); begin anew",
                where=str(draft),
            )
        check_unchanged(study, what["origin"], str(draft))
        return cls(draft, study, what["backend"], what["options"], what["replace"], what["origin"])

    def checkpoint(self, stage: str) -> Path:
        """A folder for the checkpoints of a stage."""
        place = self.folder / stage / "checkpoint"
        place.mkdir(parents=True, exist_ok=True)
        return place

    def save(self, run: Run) -> None:
        """Keep a finished stage; its checkpoint is no longer needed."""
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
        """A stage that was finished before, or None."""
        place = self.folder / experiment.stage / "done"
        if not place.is_dir():
            return None
        provenance = read_json(place / "run.json")
        if not isinstance(provenance, dict) or provenance.get("experiment") != experiment.digest():
            raise DataError("is of another experiment; begin anew", where=str(place))
        recording = Recording.load(place / "recording.h5")
        learned = read_weights(place / "weights.npz")
        weights = {name.split("/", 1)[1]: values for name, values in learned.items()}
        return Run(experiment, recording, weights, provenance)


@contextlib.contextmanager
def held(draft: Path) -> Iterator[None]:
    """Nobody else goes on with a draft meanwhile, or removes it.

    Raises
    ------
    DataError
        If another process works on it.
    """
    (draft / _PLACE).mkdir(exist_ok=True)
    with locked(draft / _PLACE / "lock"):
        yield


def forget(draft: Path) -> None:
    """Remove what was kept on the way: nothing of it belongs to the results."""
    shutil.rmtree(draft / _PLACE)


def resumable(draft: Path) -> bool:
    """Whether a draft holds anything worth going on from: a finished stage or a checkpoint."""
    place = draft / _PLACE
    return any(place.glob("*/done/run.json")) or any(place.glob("*/checkpoint/state"))


def left_behind(parent: Path) -> dict[Path, Path]:
    """Drafts beside one another whose runs were killed, and the folder of results of each.

    Those without anything to go on from are removed on the way, such as those of comparisons.
    """
    found = {}
    for file in sorted(parent.glob(f".*/{_PLACE}/lock")):
        draft = file.parents[1]
        # A draft that somebody works on is none that was left; one may also vanish meanwhile.
        with contextlib.suppress(DataError), locked(file):
            if resumable(draft):
                found[draft] = target_of(draft)
            else:
                shutil.rmtree(draft, ignore_errors=True)
    return found


def target_of(draft: Path) -> Path:
    """The folder of results that a draft was to become: ``.name.random`` beside ``name``."""
    return draft.with_name(draft.name[1:].rpartition(".")[0])


def find(path: Path) -> Draft:
    """What a run into a folder kept before it was killed.

    Parameters
    ----------
    path : Path
        The folder of results.

    Raises
    ------
    DataError
        If there is nothing to go on from, or more than one run.
    """
    path = path.absolute()
    drafts = [d for d in path.parent.glob(f".{path.name}.*") if target_of(d) == path]
    drafts = [d for d in drafts if resumable(d)]
    if not drafts:
        what = "the run is finished" if (path / "run.json").exists() else "no run was cut off there"
        raise DataError(f"{what}: nothing to resume", where=str(path))
    if len(drafts) > 1:
        raise DataError(
            f"several runs into it were cut off; remove all but one of"
            f" {', '.join(str(d) for d in sorted(drafts))}",
            where=str(path),
        )
    return Draft.read(drafts[0])
