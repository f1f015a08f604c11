"""What ``scnnbio score`` judges: runs and recordings, and the claims that they are held against."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from scnnbio import workflow
from scnnbio.cli.terminal import progress
from scnnbio.errors import SpecError, hint
from scnnbio.experiment import ClaimBinding
from scnnbio.recording import Recording, Spikes
from scnnbio.recording.column_maps import ColumnMap
from scnnbio.recording.nwb import read_nwb
from scnnbio.validation import CLAIMS, Evidence, Score
from scnnbio.validation.groups import claims_named
from scnnbio.validation.side_by_side import SideBySide, side_by_side

_BY = ("area", "session")


class Wanted(NamedTuple):
    """What was asked of files."""

    claims: str | None
    population: str | None
    columns: Path | None
    by: str


class Subject(NamedTuple):
    """A run or a recording, and what claims are about in it."""

    place: Path
    is_run: bool
    evidence: dict[str, Evidence]
    bound: tuple[ClaimBinding, ...]
    notes: tuple[str, ...] = ()

    def seen(self, bound: ClaimBinding) -> Evidence:
        """What a claim is about: the run of a stage, or the recording of a population."""
        return self.evidence[bound.stage if self.is_run else bound.population[0]]


def judged_at(places: Sequence[Path], wanted: Wanted) -> tuple[Subject, ...]:
    """What is at each place; a file beside a run without named claims is judged by the run's.

    Raises
    ------
    SpecError
        If no claims are named, or there are several populations and none is chosen.
    """
    if wanted.by not in _BY:
        raise SpecError(f"{wanted.by!r} is not one of {', '.join(_BY)}", where="--by")
    runs = {place: _run(place, wanted) for place in places if place.is_dir()}
    names = [name.strip() for name in (wanted.claims or "").split(",") if name.strip()]
    if not names:
        # Of a run beside the file: what it claims of one population of neurons.
        bound = [b for run in runs.values() for b in run.bound]
        known = [b.claim for b in bound if CLAIMS[b.claim].measure.about == "population"]
        names = list(dict.fromkeys(known))
    return tuple(runs.get(place) or _file(place, names, wanted) for place in places)


def scores_of(judged: Subject) -> tuple[Score, ...]:
    """Scores of what a place is judged by."""
    return tuple(CLAIMS[b.claim].judge(judged.seen(b), bound=b) for b in judged.bound)


def pairs(one: Subject, other: Subject) -> list[SideBySide]:
    """Each claim that both sides have, on what it is about in each.

    Two runs are matched by stage, population and projection too, and two files that share a
    population by that; a run and a file by the claim alone.

    Raises
    ------
    SpecError
        If no claim is on both sides.
    """
    shared = {b.population for b in one.bound} & {b.population for b in other.bound}

    def key(bound: ClaimBinding) -> tuple[object, ...]:
        if one.is_run and other.is_run:
            return bound.claim, bound.stage, bound.population, bound.projection
        if not (one.is_run or other.is_run) and shared:
            return bound.claim, bound.population
        return (bound.claim,)

    found = [
        side_by_side(
            CLAIMS[ours.claim],
            (one.seen(ours), ours),
            (other.seen(theirs), theirs),
        )
        for ours in one.bound
        for theirs in other.bound
        if key(ours) == key(theirs)
    ]
    if not found:
        raise SpecError(
            "no claim is about both; name claims with --claims", where=f"{one.place} {other.place}"
        )
    return found


def _run(folder: Path, wanted: Wanted) -> Subject:
    """A run with its document's claims, or with those that are named."""
    with progress() as report:
        results = workflow.load_results(folder, report)
    bound = tuple(b for b in results.study.claims if b.stage in results.evidence)
    if wanted.claims:
        named = {c.name for c in claims_named(_words(wanted.claims), "--claims")}
        own = tuple(b for b in bound if b.claim in named)
        bound = own + _bound_elsewhere(bound, named - {b.claim for b in own})
    return Subject(folder, True, dict(results.evidence), bound)


def _bound_elsewhere(bound: Sequence[ClaimBinding], names: set[str]) -> tuple[ClaimBinding, ...]:
    """Claims that a document does not name, on the populations that its claims are about."""
    about = dict.fromkeys(
        (b.stage, b.population, b.shares, b.window)
        for b in bound
        if CLAIMS[b.claim].measure.about == "population"
    )
    return tuple(
        ClaimBinding(name, stage, population, shares=shares)
        for name in sorted(names)
        for stage, population, shares, _ in about
        if CLAIMS[name].measure.about == "population"
    )


def _file(file: Path, names: Sequence[str], wanted: Wanted) -> Subject:
    """A recording with the claims that are named, on each population that is judged."""
    claims = claims_named(names, "--claims")
    if not claims:
        raise SpecError(
            "name the claims to judge it by, as in --claims fano_factor,isi_cv or --claims v1",
            where=str(file),
        )
    recordings, notes = _read(file, wanted)
    chosen = _words(wanted.population) if wanted.population else list(recordings)
    if len(chosen) != 1 and file.suffix != ".nwb" and not wanted.population:
        held = ", ".join(recordings) or "none"
        raise SpecError(f"name one with --population: there are {held}", where=str(file))
    for name in chosen:
        if name not in recordings:
            raise SpecError(f"no population {name!r}; {hint(name, recordings)}", where=str(file))
    bound = tuple(ClaimBinding(c.name, "", (name,)) for name in chosen for c in claims)
    evidence = {name: Evidence(recordings[name]) for name in chosen}
    return Subject(file, False, evidence, bound, notes)


def _read(file: Path, wanted: Wanted) -> tuple[dict[str, Recording], tuple[str, ...]]:
    """The recording of each population, and what was left out."""
    if file.suffix != ".nwb":
        if file.suffix in (".h5", ".hdf5") or wanted.columns is None:
            recording = Recording.load(file)
            return dict.fromkeys(recording.spikes, recording), ()
        raise SpecError("--map is for NWB files", where=str(file))
    if wanted.columns is None:
        raise SpecError(
            'say what its columns mean with --map columns.toml; layout = "allen" is a map',
            where=str(file),
        )
    found = read_nwb(file, ColumnMap.load(wanted.columns))
    recording, areas = found.recording, found.areas
    if wanted.by == "session":
        recording = together(recording, found.session)
        said = " and ".join(dict.fromkeys(areas.values()))
        areas = dict.fromkeys(recording.spikes, said) if said else {}
    return {
        name: _in_area(recording, areas.get(name, "")) for name in recording.spikes
    }, found.notes


def _in_area(recording: Recording, area: str) -> Recording:
    """The same, whose trial table says the area: claims on another are not applied."""
    if not area:
        return recording
    trials = {**recording.trials, "area": np.full(recording.n_trials, area)}
    return Recording(recording.spikes, recording.shapes, trials)


def together(recording: Recording, name: str) -> Recording:
    """All populations of a recording as one, in their order."""
    parts, first = [], 0
    for population, spikes in recording.spikes.items():
        parts.append((spikes.time, spikes.unit.astype(np.int64) + first, spikes.trial))
        first += recording.size(population)
    time, unit, trial = (np.concatenate(column) for column in zip(*parts, strict=True))
    name = name.replace("/", "-")
    return Recording({name: Spikes(time, unit, trial)}, {name: (first, 1, 1)}, recording.trials)


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]
