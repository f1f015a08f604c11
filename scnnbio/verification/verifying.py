"""Whether the folder of a run holds what the run wrote, and what the experiment gives again."""

from __future__ import annotations

import enum
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from scnnbio.digests import DIGESTS, digest_of, files_of, read_digests
from scnnbio.errors import DataError, ScnnbioError, SpecError
from scnnbio.experiment import Report, load
from scnnbio.experiment.weights import read_weights
from scnnbio.recording import Recording
from scnnbio.verification.rerunning import Rerun, rerun
from scnnbio.workflow.drafts import Draft, unfinished_runs
from scnnbio.workflow.folder import (
    CHECKPOINTS,
    drafts_of,
    load_results,
    place_of,
    read_json,
    results_folder,
)
from scnnbio.workflow.origin import USERS
from scnnbio.workflow.results import Results

#: Reader of each file that the results are read from.
_READERS: Mapping[str, Callable[[Path], Any]] = {
    "run.json": read_json,
    "scores.json": read_json,
    "experiment.toml": load,
    "recording.h5": Recording.load,
    "weights.npz": read_weights,
}


class State(enum.Enum):
    """What is wrong with a file."""

    MISSING = "missing"
    ADDED = "added"
    DAMAGED = "damaged"
    EDITED = "edited"
    INPUT = "input"


@dataclass(frozen=True)
class Fault:
    """A file that is not as the run wrote or read it.

    Parameters
    ----------
    file : str
        Path below the folder; of a changed input its own path.
    state : State
        ``DAMAGED`` if it cannot be read, ``EDITED`` if it can, or no reader is needed for it.
    said : str
        What is wrong, in one line.
    """

    file: str
    state: State
    said: str


@dataclass(frozen=True)
class Verification:
    """What was found in the folder of a run.

    Parameters
    ----------
    folder : Path
    digests : int or None
        Number of files that have a digest; None if the folder has no digests, as older versions of
        scnnbio wrote it.
    faults : tuple of Fault
    reruns : tuple of Rerun
        By stage. Empty if the results could not be read.
    unfinished : str
        Why this is not the folder of a finished run; empty if it is.
    """

    folder: Path
    digests: int | None = None
    faults: tuple[Fault, ...] = ()
    reruns: tuple[Rerun, ...] = ()
    unfinished: str = ""

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong; a stage that could not run again is not wrong."""
        return not (self.unfinished or self.faults or any(r.differences for r in self.reruns))

    @property
    def whole(self) -> bool:
        """Whether all that was to run again did."""
        return not any(r.left_out for r in self.reruns)


def verify(
    folder: str | Path,
    *,
    trials: int = 2,
    seed: int = 1,
    everything: bool = False,
    report: Report | None = None,
) -> Verification:
    """Check the folder of a run: its digests, its files, and a sample of its trials, run again.

    Nothing is written to the folder.

    Parameters
    ----------
    folder : str or Path
    trials : int
        Trials of each stage that run again, chosen by ``seed``; of a stage whose trials depend on
        one another, such as one that learns, the first ones. 0 runs nothing.
    seed : int
    everything : bool
        Run all trials again, and compare the weights that were learned and the scores too.
    report : callable, optional

    Returns
    -------
    Verification

    Raises
    ------
    SpecError
        If ``trials`` or ``seed`` is below 0.
    DataError
        If there is no such folder, or it is not of a run.
    """
    for name, number in (("trials", trials), ("seed", seed)):
        if isinstance(number, bool) or not isinstance(number, int) or number < 0:
            raise SpecError(f"{number!r} is not a whole number from 0", where=name)
    folder = Path(folder)
    if said := _unfinished(folder):
        return Verification(folder, unfinished=said)
    if not os.path.isfile(folder / "run.json") and not os.path.isfile(folder / DIGESTS):
        raise DataError(
            "is not the folder of a run or of a sweep; name one that scnnbio wrote",
            where=str(folder),
        )
    digests, faults = _compared(folder)
    known = None if digests is None else len(digests)
    results = _loaded(folder, faults)
    if results is None:
        return Verification(folder, known, tuple(faults))
    if changed := tuple(_changed_inputs(results)):
        return Verification(folder, known, (*faults, *changed))
    reruns = tuple(rerun(results, trials, seed, everything, report)) if trials else ()
    return Verification(folder, known, tuple(faults), reruns)


def _unfinished(folder: Path) -> str:
    """Why this is not yet the folder of a finished run."""
    place = place_of(folder)
    if os.path.isdir(place / CHECKPOINTS) and place.name.startswith("."):
        target = results_folder(place)
    elif not os.path.exists(place) and os.path.isdir(place.parent):
        target = place
    else:
        return ""
    drafts = drafts_of(target)
    if not drafts:
        raise DataError("there is no such folder", where=str(folder))
    resumed = unfinished_runs(place.parent)
    for draft in drafts:
        if draft in resumed:
            return f"the run is unfinished{_done(draft)}; 'scnnbio resume {target}' goes on with it"
    return "a run is at work that will write this folder"


def _done(draft: Path) -> str:
    """Its stages that are finished, each of which is read."""
    found = Draft.read(draft)
    names = [stage.name for stage in found.study.stages]
    done = [name for name in names if os.path.isdir(found.folder / name / "done")]
    for name in done:
        Recording.load(found.folder / name / "done" / "recording.h5")
        read_weights(found.folder / name / "done" / "weights.npz")
    return f": {len(done)} of its {len(names)} stages are done, and can be read"


def _compared(folder: Path) -> tuple[dict[str, str] | None, list[Fault]]:
    """The digests, and the files that do not have theirs."""
    try:
        digests = read_digests(folder)
    except DataError as error:
        return None, [Fault(DIGESTS, State.DAMAGED, error.message)]
    if digests is None:
        return None, []
    there = set(files_of(folder))
    return digests, [
        fault
        for name in sorted(there | set(digests))
        if (fault := _fault(folder, name, digests.get(name), name in there))
    ]


def _fault(folder: Path, name: str, digest: str | None, there: bool) -> Fault | None:
    if not there:
        return Fault(name, State.MISSING, "the run wrote it, and it is gone")
    if digest is None:
        return Fault(name, State.ADDED, "the run did not write it")
    path = folder / name
    if path.is_symlink() or not os.path.isfile(path):
        return Fault(name, State.EDITED, "it is not the file that the run wrote, but a link")
    try:
        if digest_of(path) == digest:
            return None
    except OSError as error:
        return Fault(name, State.DAMAGED, f"it cannot be read ({error.strerror})")
    if reader := _READERS.get(name):
        try:
            reader(path)
        except ScnnbioError as error:
            return Fault(name, State.DAMAGED, getattr(error, "message", str(error)))
    return Fault(name, State.EDITED, "it has changed since the run wrote it")


def _loaded(folder: Path, faults: list[Fault]) -> Results | None:
    """The results, or None if they cannot be read, which adds a fault unless one is known."""
    try:
        results = load_results(folder)
    except ScnnbioError as error:
        if not any(fault.file in _READERS for fault in faults):
            name = Path(error.where).name if error.where else ""
            faults.append(Fault(name or "run.json", State.DAMAGED, error.message))
        return None
    faults.extend(_contradictions(results))
    return results


def _changed_inputs(results: Results) -> Iterator[Fault]:
    """Files of stimuli and claims that are not as the run read them, wherever they are."""
    now = {source.sha256 for source in results.study.sources if source.role in USERS}
    for file in results.origin.get("files", []):
        if file["role"] in USERS and file["sha256"] not in now:
            who = USERS[file["role"]]
            said = f"{who} it, and it has changed since the run read it; restore it"
            yield Fault(file["path"], State.INPUT, said)


def _contradictions(results: Results) -> Iterator[Fault]:
    """Where files of a run contradict one another, which needs no digests to be seen."""
    for name, run in results.runs.items():
        known = run.provenance
        spikes = {who: len(s.time) for who, s in run.recording.spikes.items()}
        counted = known["output_spikes"]
        for who in sorted(spikes.keys() & counted.keys()):
            if spikes[who] != counted[who]:
                yield Fault(
                    "recording.h5",
                    State.EDITED,
                    f"stage {name!r} has {spikes[who]:,} spikes of {who!r}, and run.json says"
                    f" {counted[who]:,}",
                )
        same_version = known["versions"].get("scnnbio") == version("scnnbio")
        if same_version and known.get("experiment", "") != run.experiment.digest():
            yield Fault(
                "experiment.toml",
                State.EDITED,
                f"stage {name!r}, with the weights it began with, is another experiment than"
                " run.json names",
            )
